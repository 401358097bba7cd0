"""How often a message has come back is not forgotten when the broker is: neither by the header
`x-delivery-count` nor by `x-delivery-limit`."""

import pytest
from pamqp.commands import Basic, Confirm, Connection, Queue

from peer import Peer

from .broker_process import BrokerProcess

PERSISTENT = Basic.Properties(delivery_mode=2)


@pytest.fixture
def broker(tmp_path):
    process = BrokerProcess(tmp_path)
    process.start()
    yield process
    process.close()


def declare(peer: Peer, **arguments: object) -> None:
    """`q`, and `dead` where its dead letters go."""
    arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    peer.call(Queue.Declare(queue="q", durable=True, arguments=arguments))
    peer.call(Queue.Declare(queue="dead", durable=True))


def publish(peer: Peer, queue: str, body: bytes = b"m") -> None:
    """What the store was given before is on disk when this returns."""
    peer.call(Confirm.Select())
    peer.publish(1, "", queue, body, PERSISTENT)
    peer.expect(Basic.Ack)


def come_back(peer: Peer, times: int) -> None:
    for _ in range(times):
        got = peer.call(Basic.Get(queue="q"))
        peer.send_method(1, Basic.Reject(got.delivery_tag, requeue=True))


def delivery_count(peer: Peer) -> int:
    """Of the message that is next in `q`, and stays unacked."""
    headers = peer.call(Basic.Get(queue="q")).properties.headers
    return headers["x-delivery-count"]


def ready(peer: Peer, queue: str) -> int:
    return peer.call(Queue.Declare(queue=queue, passive=True)).message_count


def test_a_quorum_queue_tells_the_count_after_kill_9(broker):
    """As in RabbitMQ."""
    peer = broker.connect()
    declare(peer, **{"x-queue-type": "quorum"})
    publish(peer, "q")
    come_back(peer, 2)
    publish(peer, "dead")
    broker.kill()
    broker.start()
    assert delivery_count(broker.connect()) == 2


def test_what_is_unacked_when_the_broker_stops_has_come_back(broker):
    """As in RabbitMQ. Of what is unacked when it is killed nobody can say."""
    peer = broker.connect()
    declare(peer, **{"x-queue-type": "quorum"})
    publish(peer, "q")
    come_back(peer, 2)
    assert delivery_count(peer) == 2
    broker.ask_to_stop()
    peer.expect(Connection.Close, 0)
    peer.send_method(0, Connection.CloseOk())
    assert broker.stop() == 0
    broker.start()
    assert delivery_count(broker.connect()) == 3


def test_at_4_3_what_failed_is_still_told_from_what_came_back(tmp_path):
    broker = BrokerProcess(tmp_path, compat="4.3")
    broker.start()
    try:
        peer = broker.connect()
        declare(peer, **{"x-queue-type": "quorum"})
        publish(peer, "q")
        come_back(peer, 1)
        got = peer.call(Basic.Get(queue="q"))
        peer.send_method(1, Basic.Nack(got.delivery_tag, requeue=True))
        publish(peer, "dead")
        broker.kill()
        broker.start()
        headers = broker.connect().call(Basic.Get(queue="q")).properties.headers
        assert headers == {"x-acquired-count": 2, "x-delivery-count": 1}
    finally:
        broker.close()


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_the_limit_goes_on_after_kill_9(broker, kind):
    """As in RabbitMQ, for quorum queues."""
    peer = broker.connect()
    declare(peer, **{"x-queue-type": kind, "x-delivery-limit": 3})
    publish(peer, "q")
    come_back(peer, 2)
    publish(peer, "dead", b"another")
    broker.kill()
    broker.start()
    peer = broker.connect()
    come_back(peer, 1)
    assert (ready(peer, "q"), ready(peer, "dead")) == (1, 1)
    come_back(peer, 1)
    assert (ready(peer, "q"), ready(peer, "dead")) == (0, 2)


def test_a_message_that_has_not_come_back_has_a_count_of_its_own(broker):
    peer = broker.connect()
    declare(peer, **{"x-queue-type": "quorum"})
    publish(peer, "q", b"1")
    publish(peer, "q", b"2")
    come_back(peer, 2)
    publish(peer, "dead")
    broker.kill()
    broker.start()
    peer = broker.connect()
    assert [delivery_count(peer) for _ in range(2)] == [2, 0]


def test_what_is_purged_is_counted_no_more(broker):
    peer = broker.connect()
    declare(peer, **{"x-queue-type": "quorum"})
    publish(peer, "q")
    come_back(peer, 2)
    peer.close()
    broker.stop()
    broker.start()
    peer = broker.connect()
    peer.call(Queue.Purge(queue="q"))
    publish(peer, "q")
    assert delivery_count(peer) == 0
