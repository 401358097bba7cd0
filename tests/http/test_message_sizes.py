"""The sizes of a queue's messages and where they are: the numbers that RabbitMQ 3.10.8 gave for the
same."""

import pika
import pytest

PERSISTENT = pika.BasicProperties(delivery_mode=2)


@pytest.fixture
def channel(connect):
    return connect().channel()


def sizes(api, queue: str) -> dict[str, object]:
    found = api.get(f"/api/queues/%2F/{queue}").json
    names = ("message_bytes", "messages", "single_active")
    return {
        key: value
        for key, value in found.items()
        if key.startswith(names) and not key.endswith("_details")
    }


def fill(channel, queue: str) -> None:
    for _ in range(3):
        channel.basic_publish("", queue, b"x" * 10, PERSISTENT)
    for _ in range(2):
        channel.basic_publish("", queue, b"y" * 100)


def test_of_a_classic_queue(api, channel):
    channel.queue_declare("classic", durable=True)
    fill(channel, "classic")
    channel.basic_get("classic")
    assert sizes(api, "classic") == {
        "messages": 5,
        "messages_ready": 4,
        "messages_unacknowledged": 1,
        "messages_ram": 5,
        "messages_ready_ram": 4,
        "messages_unacknowledged_ram": 1,
        "messages_persistent": 3,
        "messages_paged_out": 0,
        "message_bytes": 230,
        "message_bytes_ready": 220,
        "message_bytes_unacknowledged": 10,
        "message_bytes_ram": 230,
        "message_bytes_persistent": 30,
        "message_bytes_paged_out": 0,
        "single_active_consumer_tag": None,
    }


def test_nothing_is_persistent_in_a_transient_queue(api, channel):
    channel.queue_declare("transient")
    fill(channel, "transient")
    found = sizes(api, "transient")
    assert (found["messages_persistent"], found["message_bytes_persistent"]) == (0, 0)
    assert found["message_bytes"] == 230


def test_everything_is_persistent_in_a_quorum_queue(api, channel):
    arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
    channel.queue_declare("quorum", durable=True, arguments=arguments)
    fill(channel, "quorum")
    channel.basic_qos(prefetch_count=2)
    channel.basic_consume("quorum", lambda *_: None, consumer_tag="the one")
    assert sizes(api, "quorum") == {
        "messages": 5,
        "messages_ready": 3,
        "messages_unacknowledged": 2,
        # RabbitMQ keeps none in memory.
        "messages_ram": 5,
        "messages_persistent": 5,
        "messages_dlx": 0,
        "message_bytes": 230,
        "message_bytes_ready": 210,
        "message_bytes_unacknowledged": 20,
        "message_bytes_ram": 230,
        "message_bytes_persistent": 230,
        "message_bytes_dlx": 0,
        "single_active_consumer_ctag": "the one",
    }


def test_the_single_active_consumer_is_told(api, channel):
    channel.queue_declare("one", arguments={"x-single-active-consumer": True})
    for tag in ("the one", "another"):
        channel.basic_consume("one", lambda *_: None, consumer_tag=tag)
    assert sizes(api, "one")["single_active_consumer_tag"] == "the one"
    channel.basic_cancel("the one")
    assert sizes(api, "one")["single_active_consumer_tag"] == "another"
    channel.basic_cancel("another")
    assert sizes(api, "one")["single_active_consumer_tag"] is None


def test_what_is_returned_keeps_its_size(api, channel):
    channel.queue_declare("classic", durable=True)
    fill(channel, "classic")
    method, _, _ = channel.basic_get("classic")
    channel.basic_nack(method.delivery_tag)
    channel.queue_declare("classic", passive=True)
    found = sizes(api, "classic")
    assert (found["message_bytes_ready"], found["message_bytes_unacknowledged"]) == (230, 0)
    channel.queue_purge("classic")
    assert set(sizes(api, "classic").values()) == {0, None}


def test_what_waits_to_be_tried_again_counts_too(api, channel):
    arguments = {"x-delayed-retry-type": "all", "x-delayed-retry-min": 600_000}
    channel.queue_declare("retried", durable=True, arguments=arguments)
    fill(channel, "retried")
    method, _, _ = channel.basic_get("retried")
    channel.basic_nack(method.delivery_tag)
    channel.queue_declare("retried", passive=True)
    found = sizes(api, "retried")
    assert (found["messages"], found["message_bytes"], found["messages_persistent"]) == (5, 230, 3)
    assert found["message_bytes_ready"] == 220
