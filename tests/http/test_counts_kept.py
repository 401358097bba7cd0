"""Counts of what is no more, and what is seen of a queue besides."""

import re
import urllib.request

import pika
import pytest

from .promql import Scrape


def test_what_a_deleted_queue_has_counted_stays_in_the_sum_of_its_vhost(api, connect):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare("passing", exclusive=True)
    channel.basic_publish("", "passing", b"")
    channel.basic_get("passing", auto_ack=True)
    channel.queue_delete("passing")
    connection.close()
    stats = api.get("/api/vhosts/%2F").json["message_stats"]
    assert (stats["publish"], stats["get_no_ack"]) == (1, 1)
    assert "passing" not in api.names("/api/queues")


@pytest.mark.leveret(prometheus_enabled=True)
def test_what_is_gone_stays_in_the_counters(broker, api, connect):
    url = f"http://127.0.0.1:{broker.server.prometheus_port}/metrics"

    def scraped():
        with urllib.request.urlopen(url) as response:
            return Scrape.of(response.read().decode(), 0.0).samples

    api.put("/api/vhosts/passing")
    broker.set_permissions("guest", "passing", ".*", ".*", ".*")
    connection = connect("passing")
    channel = connection.channel()
    channel.confirm_delivery()
    channel.exchange_declare("mine", "fanout")
    for name in ("kept", "deleted"):
        channel.queue_declare(name)
        channel.queue_bind(name, "mine")
    channel.basic_publish("mine", "", b"x" * 20_000)
    method, _, _ = channel.basic_get("deleted")
    channel.basic_ack(method.delivery_tag)
    channel.basic_get("deleted")
    before = scraped()
    channel.queue_delete("deleted")
    channel.exchange_delete("mine")
    connection.close()
    api.delete("/api/vhosts/passing")
    after = scraped()
    names = [name for name in before if re.search("global_.*_total|message_size", name)]
    assert len(names) > 15
    for name in names:
        assert after[name] == before[name], name
    assert len(before["rabbitmq_message_size_bytes_bucket"]) == 9


def test_the_head_s_timestamp_is_shown(api, connect):
    channel = connect().channel()
    channel.queue_declare("dated", exclusive=True)
    assert api.get("/api/queues/%2F/dated").json["head_message_timestamp"] is None
    channel.basic_publish("", "dated", b"", pika.BasicProperties(timestamp=1234))
    channel.queue_declare("dated", passive=True, exclusive=True)
    assert api.get("/api/queues/%2F/dated").json["head_message_timestamp"] == 1234


def test_what_is_published_over_http_counts_as_what_is_published_over_amqp(api, connect):
    channel = connect().channel()
    channel.confirm_delivery()
    channel.exchange_declare("routes", "topic")
    channel.queue_declare("taken")
    channel.queue_declare("taken too")
    for queue in ("taken", "taken too"):
        channel.queue_bind(queue, "routes", "key")

    def over_amqp(key: str) -> None:
        try:
            channel.basic_publish("routes", key, b"x" * 200, mandatory=True)
        except pika.exceptions.UnroutableError:
            assert key == "nowhere"

    def over_http(key: str) -> None:
        message = {
            "routing_key": key,
            "properties": {},
            "payload": "x" * 200,
            "payload_encoding": "string",
        }
        reply = api.post("/api/exchanges/%2F/routes/publish", message)
        assert reply.json == {"routed": key == "key"}

    over_amqp("key")
    over_amqp("nowhere")
    once = published(api)
    over_http("key")
    over_http("nowhere")
    assert once["exchange"] == {"publish_in": 2, "publish_out": 2}
    assert once["vhost"] == {
        "publish": 2,
        "confirm": 2,
        "return_unroutable": 1,
        "drop_unroutable": 0,
    }
    assert once["queues"] == [1, 1]
    twice = published(api)
    assert twice["exchange"] == doubled(once["exchange"])
    assert twice["vhost"] == doubled(once["vhost"])
    assert twice["overview"] == doubled(once["overview"])
    assert twice["queues"] == [2, 2]
    assert twice["sizes"] == once["sizes"] * 2


def published(api) -> dict:
    def counts(path: str) -> dict[str, int]:
        names = ("publish", "confirm", "return", "drop")
        stats = api.get(path).json["message_stats"]
        return {
            key: stats[key]
            for key in stats
            if key.startswith(names) and not key.endswith("_details")
        }

    metrics = api.get("/metrics").content.decode()
    sizes = re.search(r"rabbitmq_message_size_bytes_sum\S* (\d+)", metrics)
    assert sizes is not None
    return {
        "exchange": counts("/api/exchanges/%2F/routes"),
        "vhost": counts("/api/vhosts/%2F"),
        "overview": counts("/api/overview"),
        "queues": [queue["message_stats"]["publish"] for queue in api.get("/api/queues").json],
        "sizes": int(sizes[1]),
    }


def doubled(counts: dict[str, int]) -> dict[str, int]:
    return {name: 2 * number for name, number in counts.items()}


def test_a_login_counts_the_same_wherever_it_is_asked_for(api, as_user, connect):
    connect()
    assert as_user("nobody").get("/api/whoami").status == 401
    api.post(
        "/api/exchanges/%2F/amq.topic/publish",
        {"routing_key": "", "properties": {}, "payload": "", "payload_encoding": "string"},
    )
    node = api.get("/api/overview").json["node"]
    (amqp, http) = api.get(f"/api/auth/attempts/{node}").json
    samples = Scrape.of(api.get("/metrics").content.decode(), 0.0).samples
    for found in (amqp, http):
        of = {"protocol": found["protocol"]}
        for name in ("auth_attempts", "auth_attempts_succeeded", "auth_attempts_failed"):
            # To ask for the metrics was one more.
            more = int(found is http and not name.endswith("failed"))
            assert (of, found[name] + more) in samples[f"rabbitmq_{name}_total"]
    assert (amqp["auth_attempts"], http["auth_attempts_failed"]) == (1, 1)
