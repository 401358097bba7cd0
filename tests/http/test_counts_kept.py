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
