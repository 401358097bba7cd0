"""KEDA's and Datadog's polls find what they look for: each request, each field, each type."""

import json

import pika
import pytest

from leveret.testing import EmbeddedBroker

from .in_memory import in_memory
from .polls import (
    DATADOG,
    DATADOG_CASTS,
    DATADOG_TAGS,
    KEDA_PAGE,
    KEDA_QUEUE,
    datadog_paths,
    keda_path,
    read,
    wrong,
)
from .shapes import RECORDED as SHAPES
from .traffic import RECORDED as COUNTS
from .traffic import traffic

# Metrics of Datadog's tables that RabbitMQ 3.10.8 has nowhere, so that they are not here either:
# an exchange counts what comes in and goes out, all exchanges together nothing of their own, and
# the other one of queues has gone long ago.
NEVER = {
    "overview": {"publish_in", "publish_out"},
    "exchanges": {"ack", "confirm", "deliver_get", "publish", "redeliver", "return_unroutable"},
    "queues": {"active_consumers"},
    "nodes": set(),
}
STATISTICS_SECONDS = 5


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """One for all: everything that can be counted has been, and nobody here changes anything."""
    data = str(tmp_path_factory.mktemp("data"))
    with (
        EmbeddedBroker(http_enabled=True, ephemeral=False, data_dir=data) as embedded,
        traffic(embedded.url),
        pika.BlockingConnection(pika.URLParameters(embedded.url)) as connection,
    ):
        channel = connection.channel()
        channel.queue_declare("stamped")
        stamp = pika.BasicProperties(timestamp=1_700_000_000)
        channel.basic_publish("", "stamped", b"", stamp)
        channel.queue_declare("stamped", passive=True)
        yield embedded


# --- KEDA ---


class Scaler:
    """KEDA's, of a broker in memory: what it makes of the answers."""

    def __init__(self, memory):
        self.memory = memory

    def queue(self, name, vhost=""):
        reply = self.memory.request("GET", keda_path(name, vhost))
        assert reply.status == 200
        assert list(wrong(reply.json, KEDA_QUEUE)) == []
        return reply.json

    def queues(self, pattern, vhost=""):
        reply = self.memory.request("GET", keda_path(pattern, vhost, regex=True))
        assert reply.status == 200
        assert list(wrong(reply.json, KEDA_PAGE)) == []
        assert reply.json["page_count"] <= 1
        for row in reply.json["items"]:
            assert list(wrong(row, KEDA_QUEUE)) == []
        return reply.json["items"]


def length(queue, *, exclude_unacknowledged=False):
    """What QueueLength scales by."""
    return queue["messages_ready" if exclude_unacknowledged else "messages"]


def rate(queue, name="publish"):
    return queue["message_stats"][f"{name}_details"]["rate"]


@pytest.fixture
def memory():
    """In `jobs` are ten messages, published at two a second, of which five were taken and came
    back; in `jobs.more` twenty, of which one was; `other` is empty again."""
    with in_memory() as memory:
        memory.management.sampler.start()
        memory.server.add_vhost("own")
        memory.server.set_permissions("guest", "own", ".*", ".*", ".*")
        for vhost in ("%2F", "own"):
            for queue in ("jobs", "jobs.more", "other", "two%20words"):
                assert memory.request("PUT", f"/api/queues/{vhost}/{queue}", {}).status == 201
        memory.server.advance(STATISTICS_SECONDS)
        for queue, count in (("jobs", 10), ("jobs.more", 20), ("other", 1)):
            message = {
                "routing_key": queue,
                "properties": {},
                "payload": "x",
                "payload_encoding": "string",
            }
            for _ in range(count):
                memory.request("POST", "/api/exchanges/%2F/amq.default/publish", message)
        for queue, count, back in (
            ("jobs", 5, "true"),
            ("jobs.more", 1, "true"),
            ("other", 1, "false"),
        ):
            taking = {"count": count, "ackmode": f"ack_requeue_{back}", "encoding": "auto"}
            memory.request("POST", f"/api/queues/%2F/{queue}/get", taking)
        memory.server.advance(STATISTICS_SECONDS)
        yield memory


@pytest.fixture
def scaler(memory):
    return Scaler(memory)


def test_keda_scales_by_the_length_of_a_queue(scaler):
    assert length(scaler.queue("jobs")) == 10
    assert length(scaler.queue("jobs"), exclude_unacknowledged=True) == 10
    assert length(scaler.queue("other")) == 0


def test_keda_scales_by_the_rates_of_a_queue(scaler):
    assert rate(scaler.queue("jobs")) == pytest.approx(2.0)
    assert rate(scaler.queue("jobs"), "deliver_get") == pytest.approx(1.0)


@pytest.mark.parametrize(("operation", "messages", "per_second"), [(sum, 30, 6.0), (max, 20, 4.0)])
def test_keda_scales_by_all_queues_that_a_pattern_matches(scaler, operation, messages, per_second):
    queues = scaler.queues("^jobs.*$")
    assert [each["name"] for each in queues] == ["jobs", "jobs.more"]
    assert operation(length(each) for each in queues) == messages
    assert operation(rate(each) for each in queues) == pytest.approx(per_second)


def test_keda_finds_that_a_pattern_matches_nothing(scaler):
    assert scaler.queues("^none$") == []


def test_keda_is_told_that_a_queue_is_not_there(memory):
    reply = memory.request("GET", keda_path("none"))
    assert reply.refusal[0] == 404


def test_keda_leaves_unacknowledged_messages_out(broker, api):
    row = api.get(keda_path("polled")).json
    assert list(wrong(row, KEDA_QUEUE)) == []
    assert (length(row), length(row, exclude_unacknowledged=True)) == (2, 1)
    assert row["messages_unacknowledged"] == 1


def test_keda_reads_zeros_where_nothing_has_passed(memory):
    """Its structures begin as zeros: without statistics a queue scales to nothing."""
    row = memory.request("GET", keda_path("jobs", "own")).json
    without = [path for path in KEDA_QUEUE if not path.startswith("message_stats")]
    assert list(wrong(row, {path: KEDA_QUEUE[path] for path in without})) == []
    assert read(row, "message_stats/publish_details/rate") is None


def test_keda_names_a_vhost(memory):
    reply = memory.request("GET", keda_path("jobs", "own"))
    assert (reply.status, reply.json["vhost"]) == (200, "own")
    page = memory.request("GET", keda_path("^jobs", "own", regex=True)).json
    assert [(each["name"], each["vhost"]) for each in page["items"]] == [
        ("jobs", "own"),
        ("jobs.more", "own"),
    ]


def test_keda_does_not_find_a_name_of_two_words_as_in_rabbitmq(memory):
    """It writes a space as +, which in a path is a plus."""
    assert memory.request("GET", "/api/queues/%2F/two%20words").status == 200
    assert memory.request("GET", keda_path("two words")).status == 404
    # In a query it is a space.
    page = memory.request("GET", keda_path("two words", regex=True)).json
    assert [each["name"] for each in page["items"]] == ["two words"]


# --- Datadog ---


def counted(metric):
    """What a metric is the count or the rate of."""
    return metric.removeprefix("message_stats/").removesuffix("_details/rate")


def rows(api, path):
    found = api.get(f"/api/{path}").json
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("path", DATADOG)
def test_datadog_finds_every_metric_of_its_tables(api, path):
    found = {
        each for row in rows(api, path) for each in DATADOG[path] if read(row, each) is not None
    }
    missing = {each for each in DATADOG[path] if counted(each) in NEVER[path]}
    assert set(DATADOG[path]) - found == missing


@pytest.mark.parametrize("path", DATADOG)
def test_what_datadog_finds_nowhere_rabbitmq_has_not_either(path):
    shape = json.dumps(json.loads(SHAPES.read_text())[f"/api/{path}"])
    counts = json.loads(COUNTS.read_text())
    of_path = [row for name, row in counts.items() if name.startswith(path) and row is not None]
    assert of_path or path == "nodes"
    for name in NEVER[path]:
        assert f'"{name}"' not in shape
        assert not any(name in row for row in of_path)


@pytest.mark.parametrize("path", DATADOG)
def test_datadog_can_make_a_number_of_each(api, path):
    for row in rows(api, path):
        for each in DATADOG[path]:
            value = read(row, each)
            if value is not None:
                DATADOG_CASTS.get(each, float)(value)


@pytest.mark.parametrize("path", DATADOG_TAGS)
def test_datadog_tells_one_from_another(api, path):
    for row in rows(api, path):
        for tag in DATADOG_TAGS[path]:
            assert isinstance(row[tag], str)


def test_datadog_gets_an_answer_to_its_other_requests(api):
    found = {}
    for path in datadog_paths("/", "work"):
        reply = api.get(path)
        assert reply.status == 200, path
        found[path] = reply.json
    assert [each["name"] for each in found["/api/vhosts"]] == ["/"]
    for path in ("/api/connections", "/api/vhosts/%2F/connections"):
        assert [(each["vhost"], each["state"]) for each in found[path]] == [("/", "running")] * 2
    assert len(found["/api/queues/%2F/work/bindings"]) == 2
    assert found["/api/aliveness-test/%2F"] == {"status": "ok"}
