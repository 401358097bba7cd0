"""Many messages that one method gives back: in turns of the loop, and to clients in one step."""

from collections.abc import Callable

import pytest
from pamqp.commands import Basic, Channel, Queue

from conversations.memory import Server
from leveret.amqp import returning
from leveret.broker.queues.classic import ClassicQueue
from peer import Peer, unchecked

PER_TURN = 10
MANY = 4 * PER_TURN + 3
DELIVERED = 5 * PER_TURN


@pytest.fixture(autouse=True)
def few_per_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returning, "RETURNED_PER_TURN", PER_TURN)


def filled(peer: Peer, name: str, messages: int = DELIVERED + 1) -> None:
    peer.call(Queue.Declare(queue=name))
    for number in range(messages):
        peer.publish(1, "", name, b"%d" % number)


def consumed(peer: Peer, name: str, prefetch: int = DELIVERED) -> None:
    peer.call(Basic.Qos(prefetch_count=prefetch))
    peer.call(Basic.Consume(queue=name))
    for number in range(prefetch):
        assert peer.expect(Basic.Deliver).body == b"%d" % number


def queue_of(server: Server, name: str = "q") -> ClassicQueue:
    return server.broker.vhosts["/"].queues[name]


def counts(server: Server, name: str = "q") -> tuple[int, int]:
    queue = queue_of(server, name)
    return int(queue.ready_count), int(queue.unacked_count)


RETURNS = [
    Basic.Nack(delivery_tag=DELIVERED, multiple=True),
    Basic.Nack(delivery_tag=0, multiple=True),
    unchecked(Basic.RecoverAsync, requeue=True),
]


@pytest.mark.parametrize("method", RETURNS, ids=lambda method: method.name)
def test_many_messages_come_back_over_several_turns(
    server: Server, peer: Peer, method: Basic.Nack
) -> None:
    filled(peer, "q")
    consumed(peer, "q")
    peer.send_method(1, method)
    assert counts(server) == (1 + PER_TURN, DELIVERED - PER_TURN)
    server.advance(0)
    assert [peer.expect(Basic.Deliver).body for _ in range(DELIVERED)] == [
        b"%d" % number for number in range(DELIVERED)
    ]
    assert counts(server) == (1, DELIVERED)


def test_a_later_frame_of_the_channel_waits_for_the_last_one(server: Server, peer: Peer) -> None:
    filled(peer, "q")
    consumed(peer, "q")
    peer.call(Basic.Cancel(consumer_tag=queue_of(server).consumers[0].tag))
    peer.send_method(1, Basic.Nack(delivery_tag=0, multiple=True))
    peer.send_method(1, Queue.Declare(queue="q", passive=True))
    server.advance(0)
    assert peer.expect(Queue.DeclareOk).message_count == DELIVERED + 1


def test_nobody_gets_a_message_before_those_that_come_back(
    server: Server, peer: Peer, connect: Callable[[], Peer]
) -> None:
    """Neither who asks nor who consumes, of either of two queues."""
    for name in ("q", "other"):
        filled(peer, name, MANY)
    for number in range(MANY - 1):
        for name in ("q", "other"):
            assert peer.call(Basic.Get(queue=name)).body == b"%d" % number
    asking, consuming = connect(), connect()
    peer.send_method(1, Basic.Nack(delivery_tag=0, multiple=True))
    for number in range(MANY):
        asking.send_method(1, Basic.Get(queue="q", no_ack=True))
        if number == 0:
            consuming.call(Basic.Consume(queue="other", no_ack=True))
    assert counts(server)[1] > 0, "all is back already"
    server.advance(0)
    bodies = [b"%d" % number for number in range(MANY)]
    assert [asking.expect(Basic.GetOk).body for _ in bodies] == bodies
    assert [consuming.expect(Basic.Deliver).body for _ in bodies] == bodies


def test_if_the_channel_ends_before_all_goes_back(
    server: Server, peer: Peer, connect: Callable[[], Peer]
) -> None:
    filled(peer, "q")
    consumed(peer, "q")
    other = connect()
    peer.send_method(1, Basic.Nack(delivery_tag=0, multiple=True))
    peer.close()
    assert counts(server) == (DELIVERED + 1, 0)
    other.call(Basic.Consume(queue="q", no_ack=True))
    assert [other.expect(Basic.Deliver).body for _ in range(DELIVERED + 1)] == [
        b"%d" % number for number in range(DELIVERED + 1)
    ]
    server.advance(0)
    assert counts(server) == (0, 0)


def test_tags_past_the_last_one_stay_unacked(server: Server, peer: Peer) -> None:
    filled(peer, "q")
    consumed(peer, "q")
    peer.send_method(1, Basic.Nack(delivery_tag=MANY, multiple=True))
    server.advance(0)
    for number in range(MANY):
        assert peer.expect(Basic.Deliver).body == b"%d" % number
    peer.send_method(1, Basic.Ack(delivery_tag=MANY + 1))
    assert peer.expect(Basic.Deliver).body == b"%d" % DELIVERED
    peer.expect_nothing()
    peer.send_method(1, Basic.Ack(delivery_tag=MANY))
    assert peer.expect(Channel.Close).reply_code == 406
