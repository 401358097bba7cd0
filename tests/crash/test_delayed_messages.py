"""Delayed messages in a broker that is killed: each comes once, and in time."""

import time

import pytest
from pamqp.commands import Basic, Confirm, Exchange, Queue

from .broker_process import BrokerProcess

LATE_SECONDS = 0.05


@pytest.fixture
def broker(tmp_path):
    process = BrokerProcess(tmp_path)
    process.start()
    yield process
    process.close()


def declare(peer):
    arguments = {"x-delayed-type": "fanout"}
    peer.call(
        Exchange.Declare(
            exchange="later", exchange_type="x-delayed-message", durable=True, arguments=arguments
        )
    )
    peer.call(Queue.Declare(queue="q", durable=True))
    peer.call(Queue.Bind(queue="q", exchange="later"))
    peer.call(Confirm.Select())


def publish(peer, body, delay_ms):
    headers = {"x-delay": delay_ms}
    peer.publish(1, "later", "", body, Basic.Properties(headers=headers, delivery_mode=2))


def confirmed(peer, count):
    tag = 0
    while tag < count:
        tag = peer.expect(Basic.Ack, 1).delivery_tag


def count(peer):
    return peer.call(Queue.Declare(queue="q", passive=True)).message_count


def test_a_delayed_message_survives_kill_9_and_comes_once_in_time(broker):
    peer = broker.connect()
    declare(peer)
    published_at = time.monotonic()
    publish(peer, b"m", 4000)
    confirmed(peer, 1)
    broker.kill()
    broker.start()
    peer = broker.connect()
    peer.call(Basic.Consume(queue="q", consumer_tag="c"))
    delivered = peer.expect(Basic.Deliver, 1)
    waited = time.monotonic() - published_at
    assert delivered.body == b"m"
    assert delivered.properties.headers == {"x-delay": -4000}
    assert 4.0 <= waited < 4.0 + LATE_SECONDS
    peer.send_method(1, Basic.Ack(delivery_tag=1))
    peer.call(Basic.Qos())
    assert broker.stop() == 0
    broker.start()
    assert count(broker.connect()) == 0


def test_what_became_due_while_nobody_was_there_comes_at_once_and_once(broker):
    peer = broker.connect()
    declare(peer)
    for number in range(1000):
        publish(peer, b"%d" % number, 50 + number % 7)
    publish(peer, b"later", 3_600_000)
    confirmed(peer, 1001)
    for _ in range(3):
        broker.kill()
        broker.start()
    peer = broker.connect()
    peer.call(Basic.Consume(queue="q", consumer_tag="c"))
    bodies = [peer.expect(Basic.Deliver, 1).body for _ in range(1000)]
    assert sorted(bodies, key=int) == [b"%d" % number for number in range(1000)]
    peer.send_method(1, Basic.Ack(delivery_tag=0, multiple=True))
    peer.call(Basic.Qos())
    assert broker.stop() == 0
    broker.start()
    assert count(broker.connect()) == 0
