"""Metrics have RabbitMQ's names, types and labels, save what this lists with its reason."""

import json
import re
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from leveret.management.metrics.exposition import escaped
from leveret.management.metrics.families import CLUSTER_FAMILIES, CONSUMER_COUNT, FAMILIES
from leveret.management.metrics.node import SECTIONS
from leveret.testing import EmbeddedBroker

from .promql import Scrape, evaluate
from .traffic import traffic

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "metrics_3.10.8.json").read_text())
DASHBOARD = json.loads((HERE / "dashboard_10991.json").read_text())

ERLANG = "there is no Erlang runtime to measure"
STORE = "this broker's log has no such operations"
LEFT_OUT = {
    "rabbitmq_erlang_(gc|net|processes|scheduler).*": ERLANG,
    "rabbitmq_.*_process_reductions_total": ERLANG,
    "rabbitmq_(io|msg_store|queue_index|schema_db)_.*": STORE,
    "rabbitmq_queue_disk_(reads|writes)_total": STORE,
    "rabbitmq_raft_.*": "a quorum queue has one member here, and no Raft",
    "rabbitmq_auth_attempts_detailed_.*": "attempts are not counted by where they came from",
    "rabbitmq_global_messages_dead_lettered_confirmed_total": "letters taken are not counted",
}
OTHER_LABELS = {
    "rabbitmq_build_info": "names this product too",
    "rabbitmq_identity_info": "names the page too, as from RabbitMQ 4 on",
    # Counted once for a channel or a queue, not for each pair of them.
    "rabbitmq_channel_messages_.*": "no exchange, no queue",
    "rabbitmq_channel_get_.*": "no queue",
    "rabbitmq_queue_messages_published_total": "neither channel nor exchange",
    "rabbitmq_queue_messages_persistent_bytes": "there is a sum over all queues too",
}
FAMILY_NAMES = {each.name for each in (*FAMILIES, *CLUSTER_FAMILIES, CONSUMER_COUNT)} | set(
    SECTIONS
)
OWN = {
    "leveret_loop_lag_seconds",
    "leveret_loop_lag_max_seconds",
    "leveret_loop_held_max_seconds",
    "rabbitmq_message_size_bytes",
}


def matches(name: str, table: dict[str, str]) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in table)


@contextmanager
def measured_broker(folder):
    """With a folder, so that there is a disk to measure."""
    settings = {"ephemeral": False, "data_dir": str(folder), "http_enabled": True}
    with EmbeddedBroker(**settings, prometheus_enabled=True) as embedded:
        yield embedded


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """One for all."""
    with measured_broker(tmp_path_factory.mktemp("data")) as embedded, traffic(embedded.url):
        yield embedded


def scraped(broker, path="/metrics"):
    url = f"http://127.0.0.1:{broker.server.prometheus_port}{path}"
    with urllib.request.urlopen(url) as response:
        assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return response.read().decode()


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Two scrapes with traffic between them, as Prometheus has them; and the node's name."""
    target = {"instance": "leveret:15692", "job": "rabbitmq"}
    with measured_broker(tmp_path_factory.mktemp("watched")) as embedded:
        with traffic(embedded.url):
            before = Scrape.of(scraped(embedded), 0.0, **target)
        with traffic(embedded.url):
            now = Scrape.of(scraped(embedded), 15.0, **target)
        yield before, now, embedded.server.management.node.name


@pytest.fixture
def scrape(broker):
    return lambda path="/metrics": scraped(broker, path)


def types_in(text: str) -> dict[str, str]:
    found = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)
    assert len(found) == len(dict(found)), "a metric comes twice"
    return dict(found)


def labels_in(text: str) -> dict[str, list[str]]:
    found = re.findall(r"^([a-z_]+)(\{.*\})? \S+$", text, re.M)
    return {name: re.findall(r'(\w+)="', labels) for name, labels in found}


@pytest.mark.parametrize("path", ["/metrics", "/metrics/per-object"])
def test_the_metrics_are_rabbitmqs(scrape, path):
    text = scrape(path)
    types = types_in(text)
    expected = {
        name: row["type"]
        for name, row in RECORDED.items()
        if not (matches(name, LEFT_OUT) or name.startswith("rabbitmq_cluster_"))
    }
    assert {name: kind for name, kind in types.items() if name not in OWN} == expected
    labels = labels_in(text)
    kind = "labels" if path == "/metrics" else "per-object"
    for name in expected:
        row = RECORDED[name]
        if name in labels and not matches(name, OTHER_LABELS):
            assert labels[name] == row.get(kind, row.get("labels")), name


def test_every_reason_for_leaving_a_metric_out_is_needed(scrape):
    there = types_in(scrape()) | types_in(scrape("/metrics/per-object"))
    missing = {name for name in RECORDED if name not in there}
    for pattern in LEFT_OUT:
        assert any(re.fullmatch(pattern, name) for name in missing), pattern


VALUES = {
    "$namespace": "",
    "$endpoint": "aggregated",
    "$__range": "60s",
    "$__rate_interval": "60s",
}


@pytest.mark.parametrize("row", DASHBOARD, ids=lambda row: f"{row['panel']}, {row['release']}")
def test_every_panel_of_the_dashboard_shows_something(watched, row):
    before, now, cluster = watched
    expression = row["expr"].replace("$rabbitmq_cluster", cluster)
    for variable, value in VALUES.items():
        expression = expression.replace(variable, value)
    vector = evaluate(expression, before, now)
    assert len(vector) >= 1
    assert all(number == number for _, number in vector)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/metrics", "aggregated"),
        ("/metrics/per-object", "per-object"),
        ("/metrics/detailed", "detailed"),
    ],
)
def test_the_dashboard_can_tell_the_pages_apart(scrape, path, endpoint):
    ((labels, _),) = Scrape.of(scrape(path), 0.0).samples["rabbitmq_identity_info"]
    assert labels["rabbitmq_endpoint"] == endpoint


def test_the_cluster_has_the_name_that_it_was_given(broker, scrape):
    broker.ask(lambda: broker.server.broker.global_parameters.put("cluster_name", "zoo"))
    ((labels, _),) = Scrape.of(scrape("/metrics"), 0.0).samples["rabbitmq_identity_info"]
    assert labels["rabbitmq_cluster"] == "zoo"


def test_numbers_are_those_of_the_traffic(scrape):
    samples = Scrape.of(scrape(), 0.0).samples
    classic = {"protocol": "amqp091", "queue_type": "rabbit_classic_queue"}

    def number(name: str, **labels: str) -> float:
        return next(found for of, found in samples[name] if of == labels)

    assert number("rabbitmq_global_messages_received_total", protocol="amqp091") == 31
    assert number("rabbitmq_global_messages_received_confirm_total", protocol="amqp091") == 12
    assert number("rabbitmq_global_messages_routed_total", protocol="amqp091") == 26
    assert number("rabbitmq_global_messages_acknowledged_total", **classic) == 5
    assert number("rabbitmq_global_messages_redelivered_total", **classic) == 2
    assert (
        number(
            "rabbitmq_global_messages_dead_lettered_maxlen_total",
            queue_type="rabbit_classic_queue",
            dead_letter_strategy="at_most_once",
        )
        == 4
    )
    assert number("rabbitmq_message_size_bytes_bucket", protocol="amqp091", le="100") == 31
    assert number("rabbitmq_connections") == 1
    assert number("rabbitmq_queues") == 7


def test_families_are_shown_as_asked_for(scrape):
    assert "queue" not in scrape("/metrics/detailed")
    text = scrape("/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count")
    assert 'rabbitmq_detailed_queue_messages{vhost="/",queue="idle"} 0\n' in text
    assert 'rabbitmq_detailed_queue_consumers{vhost="/",queue="idle"} 0\n' in text
    assert "channel" not in text
    assert "rabbitmq_detailed_queue_messages{" not in scrape(
        "/metrics/detailed?family=queue_coarse_metrics&vhost=another"
    )
    both = scrape("/metrics/detailed?family=queue_metrics&family=queue_consumer_count")
    assert list(types_in(both)).count("rabbitmq_detailed_queue_consumers") == 1


@pytest.mark.parametrize(
    "family", ["exchange_bindings", "exchange_names", "vhost_status", "node_metrics"]
)
def test_what_is_in_detail_only_is_rabbitmqs_too(scrape, family):
    text = scrape(f"/metrics/detailed?family={family}")
    for name, kind in types_in(text).items():
        assert RECORDED[name.replace("_detailed_", "_")]["type"] == kind


def test_names_with_odd_characters_are_escaped(broker, api, scrape):
    name = 'a "b" \\ c'
    api.put("/api/vhosts/odd")
    broker.set_permissions("guest", "odd", ".*", ".*", ".*")
    assert api.put(f"/api/queues/odd/{quote(name, safe='')}").status == 201
    text = scrape("/metrics/detailed?family=queue_coarse_metrics&vhost=odd")
    assert 'queue="a \\"b\\" \\\\ c"} 0\n' in text
    # Names hold no line feeds, but those of users may.
    assert escaped(f"{name}\nd") == 'a \\"b\\" \\\\ c\\nd'
    samples = Scrape.of(text, 0.0).samples
    assert samples["rabbitmq_detailed_queue_messages"][0][0]["queue"] == name
    api.delete("/api/vhosts/odd")


def test_the_api_s_port_shows_metrics_to_those_who_may_monitor(api, as_user, broker):
    assert "rabbitmq_queues 7" in api.get("/metrics").content.decode()
    assert as_user(None).get("/metrics").status == 401
    broker.add_user("manager", "password", "management")
    assert as_user("manager").get("/metrics/per-object").status == 401


def test_more_objects_than_the_limit_are_left_out_and_counted():
    with EmbeddedBroker(prometheus_enabled=True, prometheus_objects_max=3) as broker:
        for number in range(5):
            broker.ask(
                lambda number=number: broker.server.broker.vhosts["/"]._queue_declared(
                    broker.server.broker.vhosts["/"].new_queue(
                        f"q{number}", False, None, False, {}
                    ),
                    "guest",
                )
            )
        url = f"http://127.0.0.1:{broker.server.prometheus_port}/metrics/per-object"
        with urllib.request.urlopen(url) as response:
            text = response.read().decode()
    assert text.count("\nrabbitmq_queue_messages_ready{") == 3
    assert 'leveret_metrics_objects_left_out{family="queue_coarse_metrics"} 2\n' in text


def test_documented_names_exist(scrape):
    page = (HERE.parents[1] / "docs/metrics.md").read_text()
    there = set(types_in(scrape("/metrics/per-object")))
    documented = set(re.findall(r"`((?:rabbitmq|leveret)_\w+[a-z])`", page))
    assert documented - there == {"leveret_metrics_objects_left_out"}
    families = set(re.findall(r"`(\w+)`", page.partition("## Families")[2].partition("In `")[0]))
    assert families == FAMILY_NAMES
