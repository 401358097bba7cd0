"""What waits while an answer is pending, and what does not."""

from collections.abc import Callable

import pytest
from pamqp import base
from pamqp.commands import Basic, Channel, Confirm, Connection, Exchange, Queue

from leveret.amqp.connection import HELD_MAX
from leveret.amqp.connection import Connection as Session
from leveret.broker.seams import Credentials, Pending
from leveret.errors import ConnectionForced, NotAllowed, PreconditionFailed
from peer import HEARTBEAT, Peer, Silence, frame, method_frame
from unit.amqp.slow_server import SlowServer
from unit.doubles import RecordingBackend


@pytest.fixture
def server() -> SlowServer:
    return SlowServer()


@pytest.fixture
def peer(connect) -> Peer:
    peer: Peer = connect()
    peer.call(Queue.Declare(queue="q"))
    return peer


PURGE = Queue.Purge(queue="q")


def send(peer: Peer, *commands: base.Frame, channel: int = 1) -> None:
    peer.send_raw(b"".join(method_frame(channel, command) for command in commands))


def names(peer: Peer, count: int, channel: int | None = 1) -> list[str]:
    return [peer.next(channel).method.name for _ in range(count)]


def is_silent(peer: Peer) -> bool:
    try:
        return not peer.wire.receive(0)
    except Silence:
        return True


# --- order ---


def test_what_follows_waits_and_is_answered_in_order(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE, Basic.Qos(), Queue.Declare(queue="q"), Basic.Get(queue="q"))
    assert is_silent(peer)
    server.answer(7)
    assert peer.expect(Queue.PurgeOk).message_count == 7
    assert names(peer, 3) == ["Basic.QosOk", "Queue.DeclareOk", "Basic.GetEmpty"]


def test_other_channels_go_on(peer: Peer, server: SlowServer) -> None:
    peer.open_channels([2])
    send(peer, PURGE, Basic.Qos())
    peer.call(Queue.Declare(queue="q"), 2)
    server.answer()
    assert names(peer, 2) == ["Queue.PurgeOk", "Basic.QosOk"]


def test_other_connections_go_on(connect, peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE)
    connect().call(Queue.Declare(queue="q"))


def test_messages_wait_too(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE)
    for body in (b"1", b"22", b""):
        peer.publish(1, "", "q", body)
    assert server.broker.vhosts["/"].queues["q"].ready_count == 0
    server.answer()
    peer.expect(Queue.PurgeOk)
    assert [peer.call(Basic.Get(queue="q")).body for _ in range(3)] == [b"1", b"22", b""]


def test_content_cut_by_the_answer_is_one_message(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE)
    content = b"".join(
        [
            method_frame(1, Basic.Publish(routing_key="q")),
            frame(2, 1, b"\x00\x3c\x00\x00" + (6).to_bytes(8, "big") + b"\x00\x00"),
            frame(3, 1, b"abc"),
        ]
    )
    peer.send_raw(content)
    server.answer()
    peer.send_raw(frame(3, 1, b"def"))
    peer.expect(Queue.PurgeOk)
    assert peer.call(Basic.Get(queue="q")).body == b"abcdef"


def test_one_waiting_answer_may_follow_another(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE, Basic.Qos(), PURGE, Basic.Qos(), PURGE)
    for count in (1, 2, 3):
        assert len(server.waiting) == 1
        server.answer(count)
        assert peer.expect(Queue.PurgeOk).message_count == count
        if count < 3:
            peer.expect(Basic.QosOk)
    assert is_silent(peer)


def test_confirms_come_for_what_waited(peer: Peer, server: SlowServer) -> None:
    peer.call(Confirm.Select())
    send(peer, PURGE)
    peer.publish(1, "", "q", b"1")
    peer.publish(1, "", "q", b"2")
    server.answer()
    peer.expect(Queue.PurgeOk)
    ack = peer.expect(Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (2, True)


def test_deliveries_go_on_while_an_answer_is_pending(connect, peer: Peer) -> None:
    peer.call(Basic.Consume(queue="q"))
    send(peer, PURGE)
    connect().publish(1, "", "q", b"x")
    assert peer.expect(Basic.Deliver).body == b"x"


# --- refusals ---


def test_a_late_refusal_closes_the_channel(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE, Basic.Qos(), Exchange.Delete(exchange="amq.direct"))
    server.refuse(PreconditionFailed("too late"))
    peer.expect_channel_closed(406, "PRECONDITION_FAILED - too late", Queue.Purge)
    peer.open_channels()
    assert is_silent(peer)


def test_a_late_refusal_names_the_method_that_waited(peer: Peer, server: SlowServer) -> None:
    peer.open_channels([2])
    send(peer, PURGE)
    peer.call(Basic.Qos(), 2)
    server.refuse(PreconditionFailed("too late"))
    peer.expect_channel_closed(406, "PRECONDITION_FAILED - too late", Queue.Purge)


def test_a_late_refusal_may_close_the_connection(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE)
    server.refuse(NotAllowed("never"))
    peer.expect_connection_closed(530, "NOT_ALLOWED - never", Queue.Purge)


def test_an_answer_that_never_comes_for_a_reason_of_its_own_is_an_internal_error(
    peer: Peer, server: SlowServer
) -> None:
    send(peer, PURGE)
    server.refuse(OSError("no space left on device"))
    close = peer.expect(Connection.Close, 0)
    assert (close.reply_code, close.reply_text) == (541, "INTERNAL_ERROR")


def test_what_waited_is_refused_in_its_turn(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE, Basic.Qos(), Queue.Delete(queue="q", if_empty=True), Basic.Ack(9))
    server.answer()
    assert names(peer, 3) == ["Queue.PurgeOk", "Basic.QosOk", "Queue.DeleteOk"]
    text = "PRECONDITION_FAILED - unknown delivery tag 9"
    peer.expect_channel_closed(406, text, Basic.Ack)


def test_a_close_that_waited_behind_a_refusal_is_answered(peer: Peer, server: SlowServer) -> None:
    """As one is that crosses the server's own close."""
    send(peer, PURGE, Basic.Qos(), Channel.Close(200, "", 0, 0))
    server.refuse(PreconditionFailed("too late"))
    assert names(peer, 2) == ["Channel.Close", "Channel.CloseOk"]


def test_malformed_frames_that_waited_close_the_connection(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE)
    peer.send_raw(frame(1, 1, b"\x00\x3c\x00\x0a"))
    server.answer()
    peer.expect(Queue.PurgeOk)
    assert peer.expect(Connection.Close, 0).reply_code == 501


# --- the end comes first ---


def test_closing_a_channel_waits_for_the_answer(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE, Channel.Close(200, "", 0, 0))
    assert is_silent(peer)
    server.answer()
    assert names(peer, 2) == ["Queue.PurgeOk", "Channel.CloseOk"]
    peer.open_channels()


def test_closing_the_connection_does_not_wait(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE)
    peer.call(Connection.Close(200, "", 0, 0), 0)
    server.answer()
    assert is_silent(peer)


@pytest.mark.parametrize("failed", [True, False])
def test_an_answer_for_who_is_gone_is_dropped(peer: Peer, server: SlowServer, failed: bool) -> None:
    send(peer, PURGE, Basic.Qos())
    peer.close()
    if failed:
        server.refuse(PreconditionFailed("too late"))
    else:
        server.answer()
    assert not server.broker.sessions


def test_an_answer_is_given_once(peer: Peer, server: SlowServer) -> None:
    send(peer, PURGE)
    pending = server.waiting[0]
    pending.complete(1)
    pending.complete(2)
    pending.fail(PreconditionFailed("too late"))
    assert peer.expect(Queue.PurgeOk).message_count == 1
    assert is_silent(peer)


# --- what waits is bounded ---

SessionOf = Callable[[Peer], Session]


def fill(peer: Peer, session: Session, channel: int = 1) -> int:
    """Publish until the server wants to read no more; how many messages that took."""
    for number in range(1, 200):
        peer.publish(channel, "", "q", b"x" * 50_000)
        if not session.should_read():
            return number
    raise AssertionError("there is no bound")


def test_a_peer_with_too_much_waiting_is_not_read(
    peer: Peer, server: SlowServer, session_of: SessionOf
) -> None:
    send(peer, PURGE)
    assert fill(peer, session_of(peer)) * 50_000 < HELD_MAX + 100_000
    server.answer()
    assert session_of(peer).should_read()


def test_what_was_sent_before_reading_stopped_is_worked_off(
    peer: Peer, server: SlowServer, session_of: SessionOf
) -> None:
    """The transport has it already; nothing new will come to remind anybody of it."""
    send(peer, PURGE)
    sent = fill(peer, session_of(peer))
    for _ in range(20):
        peer.publish(1, "", "q", b"x" * 50_000)
    send(peer, Basic.Qos())
    server.answer()
    assert names(peer, 2) == ["Queue.PurgeOk", "Basic.QosOk"]
    assert server.broker.vhosts["/"].queues["q"].ready_count == sent + 20


def test_reading_does_not_go_on_while_another_channel_has_too_much_waiting(
    peer: Peer, server: SlowServer, session_of: SessionOf
) -> None:
    peer.open_channels([2])
    send(peer, PURGE)
    send(peer, PURGE, channel=2)
    fill(peer, session_of(peer), channel=2)
    server.answer()
    peer.expect(Queue.PurgeOk, 1)
    assert not session_of(peer).should_read()
    server.answer()
    peer.expect(Queue.PurgeOk, 2)
    assert session_of(peer).should_read()


def test_a_channel_that_ended_meanwhile_keeps_nobody_from_reading(
    peer: Peer, server: SlowServer, session_of: SessionOf
) -> None:
    peer.publish(1, "", "q", b"never acknowledged")
    peer.call(Basic.Get(queue="q"))
    send(peer, PURGE)
    fill(peer, session_of(peer))
    server.advance(1800)
    assert peer.expect(Channel.Close).reply_code == 406
    assert session_of(peer).should_read()


def test_a_peer_that_is_not_read_is_not_called_silent(
    connect, server: SlowServer, session_of: SessionOf
) -> None:
    peer = connect(heartbeat=10)
    peer.call(Queue.Declare(queue="q"))
    send(peer, PURGE)
    fill(peer, session_of(peer))
    server.advance(100)
    assert len(server.broker.sessions) == 1
    server.answer()
    server.advance(100)
    assert not server.broker.sessions


# --- login ---


class SlowBackend(RecordingBackend):
    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Pending] = []

    def authenticate(self, credentials: Credentials, host: str) -> Pending:
        self.waiting.append(Pending())
        return self.waiting[-1]


@pytest.fixture
def backend(server: SlowServer) -> SlowBackend:
    backend = SlowBackend()
    server.users = backend  # type: ignore[assignment]
    return backend


@pytest.fixture
def stranger(server: SlowServer, backend: SlowBackend) -> Peer:
    """Has sent its credentials."""
    peer = Peer(server.connect())
    peer.greet()
    peer.log_in()
    return peer


def test_a_login_is_answered_when_it_is_decided(stranger: Peer, backend: SlowBackend) -> None:
    assert is_silent(stranger)
    backend.waiting[0].complete("")
    stranger.expect(Connection.Tune)


def test_heartbeats_while_a_login_is_decided_are_no_offence(
    stranger: Peer, backend: SlowBackend
) -> None:
    stranger.send_raw(frame(HEARTBEAT, 0, b""))
    backend.waiting[0].complete("")
    stranger.expect(Connection.Tune)


def test_what_is_sent_ahead_of_a_decided_login_waits_for_it(
    stranger: Peer, backend: SlowBackend
) -> None:
    """It would have been handled, had the decision come at once."""
    stranger.send_method(0, Connection.TuneOk(2047, 131072, 0))
    stranger.send_method(0, Connection.Open("/"))
    assert is_silent(stranger)
    backend.waiting[0].complete("")
    assert names(stranger, 2, None) == ["Connection.Tune", "Connection.OpenOk"]


@pytest.mark.parametrize("error", [True, False])
def test_a_login_may_be_refused_late(
    stranger: Peer, backend: SlowBackend, server: SlowServer, error: bool
) -> None:
    if error:
        backend.waiting[0].fail(OSError("the directory is down"))
    else:
        backend.waiting[0].complete("the password is wrong")
    assert stranger.expect(Connection.Close, 0).reply_code == 403


def test_a_login_decided_after_the_server_gave_up_is_not_told(
    stranger: Peer, backend: SlowBackend, session_of: SessionOf
) -> None:
    session_of(stranger).close(ConnectionForced("shutdown"))
    backend.waiting[0].complete("")
    assert is_silent(stranger)


def test_a_login_decided_after_the_time_is_up_is_not_told(
    stranger: Peer, backend: SlowBackend, server: SlowServer
) -> None:
    server.advance(11)
    backend.waiting[0].complete("")
    stranger.expect_eof()
    assert server.clock.pending() == 0
