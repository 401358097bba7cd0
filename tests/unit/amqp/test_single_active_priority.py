"""A single active consumer and one of higher priority, at each level (features 2.3)."""

import pytest
from pamqp.commands import Basic, Queue

from conversations.memory import Server
from leveret.broker.compat import Compat
from peer import Peer


@pytest.fixture
def peer(peer: Peer, server: Server) -> Peer:
    server.broker.vhosts["/"].compat = Compat("4.2")
    peer.open_channels([2])
    return peer


def declare(peer: Peer, queue_type: str = "quorum") -> None:
    arguments = {"x-queue-type": queue_type, "x-single-active-consumer": True}
    peer.call(Queue.Declare(queue="q", durable=True, arguments=arguments))


def consume(peer: Peer, channel: int, priority: int, no_ack: bool = False) -> None:
    peer.call(Basic.Consume(queue="q", no_ack=no_ack, arguments={"x-priority": priority}), channel)


def publish(peer: Peer, body: bytes) -> None:
    peer.publish(1, "", "q", body)


def test_one_of_higher_priority_takes_over_when_the_active_one_has_settled_all(peer: Peer) -> None:
    declare(peer)
    consume(peer, 1, 0)
    publish(peer, b"1")
    publish(peer, b"2")
    tags = [peer.expect(Basic.Deliver, 1).delivery_tag for _ in range(2)]
    consume(peer, 2, 1)
    publish(peer, b"3")
    peer.send_method(1, Basic.Ack(tags[0]))
    peer.expect_nothing(1)
    peer.expect_nothing(2)
    peer.send_method(1, Basic.Ack(tags[1]))
    assert peer.expect(Basic.Deliver, 2).body == b"3"
    publish(peer, b"4")
    assert peer.expect(Basic.Deliver, 2).body == b"4"


@pytest.mark.parametrize("no_ack", [True, False])
def test_an_active_one_that_has_nothing_is_relieved_at_once(peer: Peer, no_ack: bool) -> None:
    declare(peer)
    consume(peer, 1, 0, no_ack)
    consume(peer, 2, 1)
    publish(peer, b"m")
    peer.expect(Basic.Deliver, 2)


def test_what_the_active_one_gives_back_is_for_the_new_one(peer: Peer) -> None:
    declare(peer)
    consume(peer, 1, 0)
    publish(peer, b"m")
    tag = peer.expect(Basic.Deliver, 1).delivery_tag
    consume(peer, 2, 1)
    peer.send_method(1, Basic.Nack(tag, requeue=True))
    assert peer.expect(Basic.Deliver, 2).body == b"m"


def test_one_of_the_same_priority_waits(peer: Peer) -> None:
    declare(peer)
    consume(peer, 1, 1)
    consume(peer, 2, 1)
    publish(peer, b"m")
    peer.expect(Basic.Deliver, 1)


def test_the_one_that_was_relieved_is_next(peer: Peer) -> None:
    declare(peer)
    consume(peer, 1, 0)
    peer.call(Basic.Consume(queue="q", consumer_tag="c", arguments={"x-priority": 1}), 2)
    peer.call(Basic.Cancel(consumer_tag="c"), 2)
    publish(peer, b"m")
    peer.expect(Basic.Deliver, 1)


def test_an_active_one_stays_if_the_new_one_goes_before_it_could_take_over(peer: Peer) -> None:
    declare(peer)
    consume(peer, 1, 0)
    publish(peer, b"1")
    peer.expect(Basic.Deliver, 1)
    peer.call(Basic.Consume(queue="q", consumer_tag="c", arguments={"x-priority": 1}), 2)
    publish(peer, b"2")
    peer.expect_nothing(1)
    peer.call(Basic.Cancel(consumer_tag="c"), 2)
    assert peer.expect(Basic.Deliver, 1).body == b"2"


@pytest.mark.parametrize(
    ("level", "queue_type"), [("3.13", "quorum"), ("4.2", "classic"), ("4.3", "classic")]
)
def test_elsewhere_a_newcomer_never_takes_over(
    peer: Peer, server: Server, level: str, queue_type: str
) -> None:
    server.broker.vhosts["/"].compat = Compat(level)
    declare(peer, queue_type)
    consume(peer, 1, 0)
    consume(peer, 2, 1)
    publish(peer, b"m")
    peer.expect(Basic.Deliver, 1)
