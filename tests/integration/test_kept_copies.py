"""Where BCC leads a dead letter is known after a restart."""

from pathlib import Path

import pika

from leveret.testing import EmbeddedBroker


def connected(broker: EmbeddedBroker) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.ConnectionParameters(broker.host, broker.port))


def published(channel: pika.adapters.blocking_connection.BlockingChannel) -> None:
    """In `q`, whose dead letters go to `dead` by way of the key of BCC only."""
    channel.queue_declare("q", durable=True, arguments={"x-dead-letter-exchange": "amq.direct"})
    channel.queue_declare("dead", durable=True)
    channel.queue_bind("dead", "amq.direct", "blind")
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2, headers={"CC": ["c"], "BCC": ["blind"]})
    channel.basic_publish("", "q", b"m", properties)


def rejected(channel: pika.adapters.blocking_connection.BlockingChannel) -> None:
    method, properties, _ = channel.basic_get("q")
    assert properties.headers == {"CC": ["c"]}
    channel.basic_reject(method.delivery_tag, requeue=False)
    method, properties, body = channel.basic_get("dead", auto_ack=True)
    assert (method.routing_key, body) == ("q", b"m")
    assert properties.headers["x-death"][0]["routing-keys"] == ["q", "c"]


def test_after_a_restart_blind_copies_still_follow_their_keys(tmp_path: Path) -> None:
    with (
        EmbeddedBroker(ephemeral=False, data_dir=str(tmp_path)) as broker,
        connected(broker) as connection,
    ):
        published(connection.channel())
    with (
        EmbeddedBroker(ephemeral=False, data_dir=str(tmp_path)) as broker,
        connected(broker) as connection,
    ):
        rejected(connection.channel())
