"""Blocked connections, where only this broker can be asked: holds, time, the end."""

import pytest
from pamqp.commands import Basic, Connection, Queue

from conversations.memory import Server
from leveret.broker.alarms import Alarms
from leveret.broker.message import Message
from leveret.store.memory import MemoryStore
from peer import BODY, CAPABILITIES, Peer, Silence, frame, header_frame, method_frame, unchecked
from unit.amqp.slow_server import SlowServer

HEARS = {"capabilities": CAPABILITIES | {"connection.blocked": True}}
PERSISTENT = Basic.Properties(delivery_mode=2)


class FullStore(MemoryStore):
    """Its buffer is full with the first message."""

    def append(self, message: Message, queues: list) -> int:
        assert self.events is not None
        self.events.alarms.hold("log")
        return super().append(message, queues)


@pytest.fixture
def alarms(server: Server) -> Alarms:
    return server.broker.alarms


@pytest.fixture
def peer(connect) -> Peer:
    peer: Peer = connect(client_properties=HEARS)
    peer.call(Queue.Declare(queue="q", durable=True))
    return peer


def silent(peer: Peer) -> bool:
    with pytest.raises(Silence):
        peer.next()
    return True


def ready(server: Server) -> int:
    return int(server.broker.vhosts["/"].queues["q"].ready_count)


def a_publish(body: bytes = b"x") -> bytes:
    method = method_frame(1, unchecked(Basic.Publish, routing_key="q"))
    return method + header_frame(1, len(body), PERSISTENT) + frame(BODY, 1, body)


def test_a_hold_blocks_without_a_word(peer: Peer, server: Server, alarms: Alarms) -> None:
    alarms.hold("log")
    peer.send_raw(a_publish() * 2)
    assert silent(peer)
    assert ready(server) == 0
    alarms.release("log")
    peer.expect_nothing()
    assert ready(server) == 2


def test_a_hold_for_the_store_concerns_those_who_store(
    peer: Peer, server: Server, alarms: Alarms
) -> None:
    alarms.hold("log", stored_only=True)
    transient = method_frame(1, unchecked(Basic.Publish, routing_key="q"))
    transient += header_frame(1, 1, Basic.Properties()) + frame(BODY, 1, b"x")
    peer.send_raw(transient * 2)
    assert silent(peer)
    assert ready(server) == 2
    # The first one that is stored makes it one who stores.
    peer.send_raw(a_publish() + transient)
    assert silent(peer)
    assert ready(server) == 3
    alarms.release("log")
    peer.expect_nothing()
    assert ready(server) == 4


def test_it_lasts_until_the_last_hold_is_released(
    peer: Peer, server: Server, alarms: Alarms
) -> None:
    for reason in ("log", "spill", "log"):
        alarms.hold(reason)
    peer.send_raw(a_publish())
    alarms.release("log")
    assert silent(peer)
    assert (alarms.holds(), ready(server)) == (["spill"], 0)
    alarms.release("spill")
    peer.expect_nothing()
    assert ready(server) == 1


def test_an_alarm_under_a_hold_is_announced(peer: Peer, server: Server, alarms: Alarms) -> None:
    alarms.hold("log")
    peer.send_raw(a_publish())
    alarms.raise_alarm("disk")
    assert peer.expect(Connection.Blocked, 0).reason == "low on disk"
    alarms.clear_alarm("disk")
    peer.expect(Connection.Unblocked, 0)
    assert silent(peer)
    assert ready(server) == 0
    alarms.release("log")
    peer.expect_nothing()
    assert ready(server) == 1


def test_a_message_that_fills_the_store_is_the_last_of_its_read() -> None:
    server = Server(store=FullStore())
    peer = Peer(server.connect()).handshake().open_channels()
    peer.call(Queue.Declare(queue="q", durable=True))
    peer.send_raw(a_publish() * 5)
    assert ready(server) == 1
    server.broker.alarms.release("log")
    assert silent(peer)
    assert ready(server) == 2


def test_what_waits_for_a_pending_answer_blocks_too() -> None:
    server = SlowServer()
    peer = Peer(server.connect()).handshake(client_properties=HEARS).open_channels()
    peer.call(Queue.Declare(queue="q", durable=True))
    peer.send_method(1, Queue.Purge(queue="q"))
    server.raise_alarm("memory")
    peer.send_raw(a_publish() * 2)
    peer.expect(Connection.Blocked, 0)
    server.answer()
    peer.expect(Queue.PurgeOk, 1)
    assert ready(server) == 0
    server.clear_alarm("memory")
    peer.expect(Connection.Unblocked, 0)
    peer.expect_nothing()
    assert ready(server) == 2


def test_who_is_silent_after_the_alarm_has_two_intervals_again(connect, server: Server) -> None:
    """Nobody was listening meanwhile."""
    peer = connect(heartbeat=10, client_properties=HEARS)
    server.advance(19)
    server.raise_alarm("memory")
    peer.publish(1, "", "q")
    server.advance(1000)
    server.clear_alarm("memory")
    server.advance(20)
    assert server.broker.sessions
    server.advance(10)
    assert not server.broker.sessions


def test_the_server_s_close_is_answered_and_what_waited_is_dropped(
    peer: Peer, server: Server, alarms: Alarms, session_of
) -> None:
    alarms.raise_alarm("memory")
    peer.send_raw(a_publish() * 2)
    peer.expect(Connection.Blocked, 0)
    server.delete_user("guest")
    assert not alarms.blocked
    assert session_of(peer).should_read()
    peer.expect_connection_closed(320, "CONNECTION_FORCED - user 'guest' is deleted")
    assert ready(server) == 0


def test_a_client_that_vanishes_is_forgotten(peer: Peer, alarms: Alarms) -> None:
    alarms.raise_alarm("memory")
    peer.send_raw(a_publish())
    assert len(alarms.blocked) == 1
    peer.close()
    assert not alarms.blocked
    alarms.clear_alarm("memory")


def test_an_alarm_is_raised_and_cleared_once(alarms: Alarms) -> None:
    alarms.clear_alarm("disk")
    alarms.raise_alarm("memory")
    alarms.raise_alarm("memory")
    assert (alarms.on, alarms.resources()) == (True, ["memory"])
    alarms.clear_alarm("memory")
    assert (alarms.on, alarms.reason) == (False, "")
