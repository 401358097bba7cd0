"""A peer that does not read is not delivered to, and costs a bounded amount of memory."""

from collections.abc import Callable

import pytest
from pamqp.commands import Basic, Queue

from conversations.memory import Server
from leveret.amqp.connection import Connection
from leveret.amqp.output import OUTPUT_MAX
from peer import Peer, method_frame

SessionOf = Callable[[Peer], Connection]
BODY = b"x" * 1000


@pytest.fixture
def slow(connect, session_of: SessionOf) -> Peer:
    """Consumes from `q`, and has stopped reading."""
    peer = connect()
    peer.call(Queue.Declare(queue="q"))
    peer.call(Basic.Consume(queue="q", consumer_tag="slow"))
    session_of(peer).set_writable(False)
    return peer


def ready(server: Server) -> int:
    return int(server.broker.vhosts["/"].queues["q"].ready_count)


def publish(peer: Peer, count: int) -> None:
    for number in range(count):
        peer.publish(1, "", "q", b"%d" % number)


def deliveries(peer: Peer, count: int) -> list[bytes]:
    return [peer.expect(Basic.Deliver).body for _ in range(count)]


def test_nothing_is_delivered_to_who_does_not_read(
    slow: Peer, peer: Peer, server: Server, session_of: SessionOf
) -> None:
    publish(peer, 10)
    assert ready(server) == 10
    assert session_of(slow).data_to_send() == b""


def test_others_get_the_messages_meanwhile(slow: Peer, peer: Peer) -> None:
    peer.call(Basic.Consume(queue="q"))
    publish(peer, 4)
    assert deliveries(peer, 4) == [b"0", b"1", b"2", b"3"]


def test_who_reads_again_gets_what_is_there(slow: Peer, peer: Peer, session_of: SessionOf) -> None:
    publish(peer, 3)
    session_of(slow).set_writable(True)
    assert session_of(slow).more()
    assert deliveries(slow, 3) == [b"0", b"1", b"2"]
    assert not session_of(slow).more()


def test_who_reads_again_takes_turns_again(slow: Peer, peer: Peer, session_of: SessionOf) -> None:
    peer.call(Basic.Consume(queue="q"))
    publish(peer, 1)
    session_of(slow).set_writable(True)
    slow.expect_nothing()
    publish(peer, 4)
    assert len(deliveries(slow, 2)) == len(deliveries(peer, 3)) - 1


def test_an_answer_is_given_to_who_does_not_read(slow: Peer) -> None:
    slow.call(Basic.Qos())


def test_a_slow_consumer_that_is_cancelled_gets_nothing(
    slow: Peer, peer: Peer, server: Server, session_of: SessionOf
) -> None:
    publish(peer, 3)
    slow.call(Basic.Cancel("slow"))
    session_of(slow).set_writable(True)
    slow.expect_nothing()
    assert ready(server) == 3


@pytest.mark.parametrize("no_ack", [True, False])
def test_what_waits_for_a_peer_is_bounded(
    connect, server: Server, session_of: SessionOf, no_ack: bool
) -> None:
    slow, peer = connect(), connect()
    peer.call(Queue.Declare(queue="q"))
    slow.call(Basic.Consume(queue="q", no_ack=no_ack))
    for number in range(3000):
        peer.publish(1, "", "q", b"%04d" % number + BODY)
    assert OUTPUT_MAX <= session_of(slow).output.size() < OUTPUT_MAX + 2000
    assert ready(server) > 1000
    found = [body[:4] for body in deliveries(slow, 3000)]
    assert found == [b"%04d" % number for number in range(3000)]
    assert ready(server) == 0


def test_a_backlog_is_delivered_as_far_as_there_is_room(
    connect, server: Server, session_of: SessionOf
) -> None:
    peer = connect()
    peer.call(Queue.Declare(queue="q"))
    for _ in range(30):
        peer.publish(1, "", "q", b"x" * 100_000)
    slow = connect()
    session_of(slow).receive(b"", 0)
    slow.send_method(1, Basic.Consume(queue="q"))
    assert session_of(slow).output.size() < OUTPUT_MAX + 150_000
    assert ready(server) >= 19


def test_a_peer_that_ends_while_it_does_not_read_leaves_its_messages(
    slow: Peer, peer: Peer, server: Server
) -> None:
    publish(peer, 3)
    slow.close()
    peer.call(Basic.Consume(queue="q"))
    assert deliveries(peer, 3) == [b"0", b"1", b"2"]
    assert list(server.broker.vhosts["/"].queues["q"].consumers[0].tag)


# --- basic.get ---


def ask(peer: Peer, session: Connection, count: int) -> int:
    """Ask for the one message and reject it, so often, in one read; what the server then has to
    say, in octets."""
    methods = [
        method_frame(1, method)
        for tag in range(1, count + 1)
        for method in (Basic.Get(queue="q"), Basic.Reject(delivery_tag=tag, requeue=True))
    ]
    peer.send_raw(b"".join(methods))
    return session.output.size()


def test_many_messages_asked_for_at_once_wait_for_room(
    peer: Peer, server: Server, session_of: SessionOf
) -> None:
    peer.call(Queue.Declare(queue="q"))
    peer.publish(1, "", "q", b"x" * 300_000)
    assert ask(peer, session_of(peer), 50) < OUTPUT_MAX + 300_200
    for tag in range(1, 51):
        assert peer.expect(Basic.GetOk).delivery_tag == tag
    peer.expect_nothing()
    assert ready(server) == 1


def test_who_does_not_read_is_given_no_message_and_his_later_methods_wait(
    peer: Peer, connect, server: Server, session_of: SessionOf
) -> None:
    peer.call(Queue.Declare(queue="q"))
    peer.publish(1, "", "q", b"one")
    session_of(peer).set_writable(False)
    peer.send_method(1, Basic.Get(queue="q"))
    peer.send_method(1, Basic.Qos())
    assert session_of(peer).output.size() == 0
    assert ready(server) == 1
    session_of(peer).set_writable(True)
    assert session_of(peer).more()
    assert peer.expect(Basic.GetOk).body == b"one"
    peer.expect(Basic.QosOk)


def test_other_channels_go_on_while_one_waits_for_room(peer: Peer, session_of: SessionOf) -> None:
    peer.open_channels([2])
    peer.call(Queue.Declare(queue="q"))
    session_of(peer).set_writable(False)
    peer.send_method(1, Basic.Get(queue="q"))
    peer.send_method(2, Basic.Qos())
    peer.expect(Basic.QosOk)
    session_of(peer).set_writable(True)
    peer.expect(Basic.GetEmpty)


def test_who_goes_before_there_is_room_leaves_the_message(
    peer: Peer, server: Server, session_of: SessionOf
) -> None:
    peer.call(Queue.Declare(queue="q"))
    peer.publish(1, "", "q", b"one")
    session_of(peer).set_writable(False)
    peer.send_method(1, Basic.Get(queue="q"))
    peer.close()
    assert ready(server) == 1
