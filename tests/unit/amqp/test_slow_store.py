"""Confirms while the store takes its time (wire behaviours 38 to 40)."""

import pytest
from pamqp.commands import Basic, Channel, Confirm, Connection, Queue

from conversations.memory import Server
from peer import Peer
from unit.doubles import TicketStore

PERSISTENT = Basic.Properties(delivery_mode=2)


@pytest.fixture
def store() -> TicketStore:
    return TicketStore()


@pytest.fixture
def server(store: TicketStore) -> Server:
    return Server(store=store)


@pytest.fixture
def peer(connect) -> Peer:
    """Confirms, and a queue that is kept and one that is not."""
    peer: Peer = connect()
    peer.call(Confirm.Select())
    peer.call(Queue.Declare(queue="kept", durable=True))
    peer.call(Queue.Declare(queue="lost"))
    return peer


def publish(peer: Peer, queue: str = "kept", properties: Basic.Properties = PERSISTENT) -> None:
    peer.publish(1, "", queue, b"x", properties)


def commit(server: Server, store: TicketStore, *tickets: int) -> None:
    store.durable_tickets.update(tickets)
    server.broker.durable(0, max(tickets))


def expect_ack(peer: Peer, number: int, multiple: bool) -> None:
    ack = peer.expect(Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (number, multiple)


def test_a_message_is_confirmed_once_it_is_durable(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    publish(peer)
    peer.expect_nothing()
    commit(server, store, 1)
    expect_ack(peer, 1, False)
    peer.expect_nothing()


def test_one_commit_is_one_ack(peer: Peer, server: Server, store: TicketStore) -> None:
    for _ in range(100):
        publish(peer)
    commit(server, store, *range(1, 101))
    expect_ack(peer, 100, True)
    peer.expect_nothing()


def test_commits_in_another_order_confirm_in_order(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    for _ in range(3):
        publish(peer)
    commit(server, store, 3)
    commit(server, store, 2)
    peer.expect_nothing()
    commit(server, store, 1)
    expect_ack(peer, 3, True)


@pytest.mark.parametrize(
    ("queue", "properties"),
    [("lost", PERSISTENT), ("kept", Basic.Properties()), ("nowhere", PERSISTENT)],
)
def test_what_need_not_be_kept_is_confirmed_at_once(
    peer: Peer, queue: str, properties: Basic.Properties
) -> None:
    publish(peer, queue, properties)
    expect_ack(peer, 1, False)


def test_what_need_not_be_kept_waits_for_what_was_published_before(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    publish(peer)
    publish(peer, "lost")
    peer.expect_nothing()
    commit(server, store, 1)
    expect_ack(peer, 2, True)


def test_a_delivery_does_not_wait_for_the_disk(peer: Peer, connect) -> None:
    consumer = connect()
    consumer.call(Basic.Consume(queue="kept"))
    publish(peer)
    assert consumer.expect(Basic.Deliver).body == b"x"


def test_each_channel_is_told_of_its_own(peer: Peer, server: Server, store: TicketStore) -> None:
    peer.open_channels([2])
    peer.call(Confirm.Select(), 2)
    publish(peer)
    peer.publish(2, "", "kept", b"x", PERSISTENT)
    commit(server, store, 2)
    assert peer.expect(Basic.Ack, 2).delivery_tag == 1
    peer.expect_nothing(1)
    commit(server, store, 1)
    expect_ack(peer, 1, False)


@pytest.mark.parametrize("ending", ["channel", "connection", "socket", "refusal"])
def test_a_commit_after_the_end_is_not_told(
    peer: Peer, server: Server, store: TicketStore, ending: str
) -> None:
    publish(peer)
    match ending:
        case "channel":
            peer.call(Channel.Close(200, "", 0, 0))
            peer.open_channels()
        case "connection":
            peer.call(Connection.Close(200, "", 0, 0), 0)
        case "socket":
            peer.close()
        case "refusal":
            peer.send_method(1, Basic.Ack(99))
            peer.expect(Channel.Close)
            peer.send_method(1, Channel.CloseOk())
            peer.open_channels()
    assert not server.broker.unconfirmed or ending in ("channel", "refusal")
    commit(server, store, 1)
    assert not server.broker.unconfirmed
    if ending in ("channel", "refusal"):
        peer.expect_nothing()


def test_nobody_waits_for_a_commit_without_a_publish(peer: Peer, server: Server) -> None:
    publish(peer, "lost")
    assert not server.broker.unconfirmed


def test_what_is_durable_is_settled_by_acknowledgement(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    publish(peer)
    got = peer.call(Basic.Get(queue="kept"))
    assert store.settled == []
    peer.send_method(1, Basic.Ack(got.delivery_tag))
    assert store.settled == [1]


# --- the store fails ---


def test_what_is_not_durable_when_the_store_fails_is_nacked(
    peer: Peer, server: Server, store: TicketStore
) -> None:
    for _ in range(3):
        publish(peer)
    publish(peer, "lost")
    store.durable_tickets.add(1)
    server.broker.failed(0, "no space left on device")
    expect_ack(peer, 1, False)
    for number in (2, 3):
        nack = peer.expect(Basic.Nack)
        assert (nack.delivery_tag, nack.multiple) == (number, False)
    expect_ack(peer, 4, False)
    assert not server.broker.unconfirmed


@pytest.mark.parametrize("selected", ["before", "after"])
def test_nothing_persistent_is_confirmed_once_the_store_has_failed(
    connect, peer: Peer, server: Server, selected: str
) -> None:
    server.broker.failed(0, "")
    if selected == "after":
        peer = connect()
        peer.call(Confirm.Select())
    publish(peer)
    assert peer.expect(Basic.Nack).delivery_tag == 1
    publish(peer, "lost")
    expect_ack(peer, 2, False)
    assert not server.broker.unconfirmed
