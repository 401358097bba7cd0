"""Everything is counted as RabbitMQ 3.10.8 counts it, and shown where it shows it."""

import json

import pytest

from leveret.testing import EmbeddedBroker

from .traffic import RECORDED, counted, traffic

# RabbitMQ counts what the default exchange was given for queues that are not there as published to
# them; and this broker does not count how often its disk is read and written for each message.
DEVIATIONS = {"overview": {"disk_reads", "disk_writes"}}

FLOWER = {"name", "messages", "messages_ready", "messages_unacknowledged", "consumers"}
DATADOG = {"consumer_utilisation", "memory", "head_message_timestamp", "messages_details"}


@pytest.fixture(scope="module")
def broker():
    """One for all: the traffic is the same, and nobody here changes anything."""
    with EmbeddedBroker(http_enabled=True) as embedded, traffic(embedded.url):
        yield embedded


def test_the_counts_are_those_of_rabbitmq(api):
    recorded = json.loads(RECORDED.read_text())
    found = counted(lambda path: api.get(path).json)
    for name, left_out in DEVIATIONS.items():
        for key in left_out:
            del recorded[name][key]
    assert found == recorded


def test_keda_finds_the_rates_that_it_scales_by(api):
    queue = api.get("/api/queues/%2F/work").json
    assert queue["message_stats"]["publish_details"]["rate"] >= 0
    assert queue["message_stats"]["deliver_get_details"]["rate"] >= 0


def test_flower_and_datadog_find_their_fields(api):
    queue = api.get("/api/queues/%2F").json[0]
    assert set(queue) >= FLOWER
    assert set(queue) >= DATADOG
    overview = api.get("/api/overview").json
    for name in ("ack", "confirm", "deliver_get", "publish", "redeliver", "return_unroutable"):
        assert overview["message_stats"][f"{name}_details"]["rate"] >= 0
    assert overview["queue_totals"]["messages_details"]["rate"] >= 0


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/api/queues/%2F/work?msg_rates_age=60&msg_rates_incr=5", ("message_stats", "publish")),
        ("/api/queues/%2F/work?lengths_age=60&lengths_incr=5", (None, "messages_ready")),
        (
            "/api/exchanges/%2F/topics?msg_rates_age=60&msg_rates_incr=5",
            ("message_stats", "publish_in"),
        ),
        ("/api/vhosts/%2F?lengths_age=60&lengths_incr=5", (None, "messages")),
        ("/api/overview?lengths_age=60&lengths_incr=5", ("queue_totals", "messages")),
        ("/api/overview?msg_rates_age=60&msg_rates_incr=5", ("churn_rates", "queue_created")),
    ],
)
def test_samples_come_where_they_are_asked_for(api, path, keys):
    answer = api.get(path).json
    part, name = keys
    details = (answer if part is None else answer[part])[f"{name}_details"]
    assert set(details) == {"rate", "samples", "avg_rate", "avg"}
    assert len(details["samples"]) == 13
    times = [sample["timestamp"] for sample in details["samples"]]
    assert times == list(range(times[0], times[0] - 65_000, -5000))


def test_octets_of_a_connection_have_samples_too(api):
    name = api.get("/api/connections").json[0]["name"]
    path = f"/api/connections/{name.replace(' ', '%20').replace('>', '%3E')}"
    details = api.get(f"{path}?data_rates_age=60&data_rates_incr=5").json["recv_oct_details"]
    assert len(details["samples"]) == 13


@pytest.mark.parametrize("query", ["age=x&msg_rates_incr=5", "age=60&msg_rates_incr=0"])
def test_samples_that_cannot_be_are_refused(api, query):
    assert api.get(f"/api/overview?msg_rates_{query}").status == 400
    assert api.get("/api/overview?msg_rates_age=100000000&msg_rates_incr=1").status == 400
