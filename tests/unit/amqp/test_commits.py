"""Transactions while the store takes its time, and what they leave behind in the channel."""

from collections.abc import Callable

import pytest
from pamqp.commands import Basic, Channel, Connection, Queue, Tx

from conversations.memory import Server
from leveret.amqp.connection import Connection as Session
from peer import Peer, Silence
from unit.doubles import TicketStore

PERSISTENT = Basic.Properties(delivery_mode=2)


@pytest.fixture
def store() -> TicketStore:
    return TicketStore()


@pytest.fixture
def server(store: TicketStore) -> Server:
    return Server(store=store, consumer_timeout_seconds=60)


@pytest.fixture
def peer(connect) -> Peer:
    """In a transaction, with a queue that is kept and one that is not."""
    peer: Peer = connect()
    peer.call(Queue.Declare(queue="kept", durable=True))
    peer.call(Queue.Declare(queue="lost"))
    peer.call(Tx.Select())
    return peer


def publish(peer: Peer, body: bytes = b"x", queue: str = "kept") -> None:
    peer.publish(1, "", queue, body, PERSISTENT)


def sync(server: Server, store: TicketStore) -> None:
    """All that was given to the store becomes durable."""
    store.durable_tickets.update(range(1, store.last_ticket + 1))
    server.broker.durable(0, store.last_ticket)


def is_silent(peer: Peer) -> bool:
    try:
        return not peer.wire.receive(0)
    except Silence:
        return True


# --- durable, then answered ---


def test_a_commit_is_answered_once_it_is_durable(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    publish(peer)
    assert store.given == []
    peer.send_method(1, Tx.Commit())
    assert is_silent(peer)
    sync(server, store)
    peer.expect(Tx.CommitOk)


def test_a_commit_gives_the_store_everything_at_once(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    publish(peer, b"1")
    peer.send_method(1, Tx.Commit())
    sync(server, store)
    peer.expect(Tx.CommitOk)
    tag = peer.call(Basic.Get(queue="kept")).delivery_tag
    store.given.clear()
    peer.send_method(1, Basic.Ack(tag))
    publish(peer, b"2")
    publish(peer, b"3")
    assert store.given == []
    peer.send_method(1, Tx.Commit())
    assert store.given == ["append 2", "append 3", "settle 1", "barrier"]


def test_the_acknowledgement_of_a_stored_message_is_waited_for(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    publish(peer)
    peer.send_method(1, Tx.Commit())
    sync(server, store)
    peer.expect(Tx.CommitOk)
    peer.call(Basic.Get(queue="kept"))
    peer.send_method(1, Basic.Ack(1))
    peer.send_method(1, Tx.Commit())
    assert is_silent(peer)
    sync(server, store)
    peer.expect(Tx.CommitOk)


def test_what_is_not_stored_is_not_waited_for(peer: Peer, store: TicketStore) -> None:
    publish(peer, queue="lost")
    peer.publish(1, "", "kept", b"transient")
    peer.call(Tx.Commit())
    peer.call(Basic.Get(queue="lost"))
    peer.send_method(1, Basic.Ack(1))
    peer.call(Tx.Commit())
    assert store.given == []


def test_what_follows_a_commit_waits_for_its_answer(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    publish(peer, b"1")
    peer.send_method(1, Tx.Commit())
    publish(peer, b"2")
    peer.send_method(1, Tx.Rollback())
    publish(peer, b"3")
    peer.send_method(1, Tx.Commit())
    assert is_silent(peer)
    sync(server, store)
    peer.expect(Tx.CommitOk, 1)
    peer.expect(Tx.RollbackOk, 1)
    assert is_silent(peer)
    sync(server, store)
    peer.expect(Tx.CommitOk, 1)
    assert [peer.call(Basic.Get(queue="kept")).body for _ in range(2)] == [b"1", b"3"]


def test_other_channels_go_on_while_a_commit_waits(peer: Peer) -> None:
    peer.open_channels([2])
    publish(peer)
    peer.send_method(1, Tx.Commit())
    assert peer.call(Basic.Get(queue="kept"), 2).body == b"x"


# --- the store fails ---


def test_a_commit_that_waits_when_the_store_fails_is_an_internal_error(
    peer: Peer, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    publish(peer)
    peer.send_method(1, Tx.Commit())
    server.broker.failed(0, "fdatasync: Input/output error")
    peer.expect_connection_closed(541, "INTERNAL_ERROR")
    assert "the message store has failed: fdatasync: Input/output error" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_commit_after_the_store_has_failed_is_one_too(peer: Peer, server: Server) -> None:
    server.broker.failed(0, "")
    publish(peer)
    peer.send_method(1, Tx.Commit())
    peer.expect_connection_closed(541, "INTERNAL_ERROR")


@pytest.mark.parametrize("ending", ["connection", "socket"])
def test_nobody_hears_of_a_commit_after_the_end(
    peer: Peer, server: Server, store: TicketStore, ending: str
) -> None:
    publish(peer)
    peer.send_method(1, Tx.Commit())
    if ending == "connection":
        peer.call(Connection.Close(200, "", 0, 0), 0)
    else:
        peer.close()
    sync(server, store)
    if ending == "connection":
        assert is_silent(peer)
    assert server.broker.vhosts["/"].queues["kept"].ready_count == 1


# --- what is held ---


def test_the_channel_counts_what_waits(peer: Peer, session_of: Callable[[Peer], Session]) -> None:
    channel = session_of(peer).channels.open[1]
    transaction = channel.transaction
    assert transaction is not None
    for _ in range(3):
        peer.publish(1, "", "lost")
    peer.call(Tx.Commit())
    for tag in (1, 2, 3):
        assert peer.call(Basic.Get(queue="lost")).delivery_tag == tag
    peer.publish(1, "", "lost")
    peer.send_method(1, Basic.Ack(2, multiple=True))
    peer.send_method(1, Basic.Reject(3, requeue=False))
    assert (transaction.published_count(), transaction.acknowledged_count()) == (1, 2)
    assert channel.unacked.count == 0
    peer.call(Tx.Rollback())
    assert (transaction.published_count(), transaction.acknowledged_count()) == (0, 0)
    assert channel.unacked.count == 3


@pytest.mark.parametrize("rolled_back", [True, False])
def test_the_acknowledgement_timeout_is_for_what_is_unacked(
    peer: Peer, server: Server, rolled_back: bool
) -> None:
    peer.publish(1, "", "lost")
    peer.call(Tx.Commit())
    peer.call(Basic.Get(queue="lost"))
    peer.send_method(1, Basic.Ack(1))
    server.advance(61)
    assert is_silent(peer)
    if not rolled_back:
        peer.call(Tx.Commit())
        server.advance(61)
        assert is_silent(peer)
        return
    peer.call(Tx.Rollback())
    server.advance(0)
    assert "timed out" in peer.expect(Channel.Close).reply_text
    assert server.broker.vhosts["/"].queues["lost"].ready_count == 1


def test_the_timeout_goes_on_after_a_rollback(peer: Peer, server: Server) -> None:
    peer.publish(1, "", "lost")
    peer.call(Tx.Commit())
    peer.call(Basic.Get(queue="lost"))
    peer.send_method(1, Basic.Ack(1))
    server.advance(30)
    peer.call(Tx.Rollback())
    server.advance(29)
    assert is_silent(peer)
    server.advance(2)
    assert "timed out" in peer.expect(Channel.Close).reply_text
