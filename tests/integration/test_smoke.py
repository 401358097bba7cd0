"""One client, one message: also run on the uncompiled sources."""

import pika


def test_pika_publishes_and_gets_a_message(broker):
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    channel = connection.channel()
    channel.queue_declare("smoke")
    channel.basic_publish("", "smoke", b"first light")
    method, _properties, body = channel.basic_get("smoke", auto_ack=True)
    connection.close()
    assert (body, method.redelivered, method.message_count) == (b"first light", False, 0)
