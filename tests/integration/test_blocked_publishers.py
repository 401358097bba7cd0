"""Alarms as clients over TCP see them."""

import threading
from collections.abc import Callable

import pika
import pytest
from pamqp.commands import Basic, Connection, Queue

from leveret.testing import EmbeddedBroker
from peer import BODY, CAPABILITIES, Peer, TcpWire, frame, header_frame, method_frame, unchecked

HEARS = {"capabilities": CAPABILITIES | {"connection.blocked": True}}
# More than the sockets' buffers hold.
FLOOD_MESSAGES = 40_000
SHUTDOWN = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"


@pytest.fixture
def broker() -> EmbeddedBroker:
    """One in this process, whatever the others are held with."""
    with EmbeddedBroker() as embedded:
        yield embedded


@pytest.fixture
def open_peer(broker) -> Callable[..., Peer]:
    peers: list[Peer] = []

    def open_one(**options: object) -> Peer:
        options.setdefault("client_properties", HEARS)
        peers.append(Peer(TcpWire("127.0.0.1", broker.port)).handshake(**options).open_channels())
        return peers[-1]

    yield open_one
    for peer in peers:
        peer.close()


def sessions(broker: EmbeddedBroker) -> int:
    return int(str(broker.look(lambda: len(broker.server.broker.sessions))))


def a_publish(number: int) -> bytes:
    body = b"%08d" % number + bytes(992)
    method = method_frame(1, unchecked(Basic.Publish, routing_key="q"))
    return method + header_frame(1, len(body)) + frame(BODY, 1, body)


def test_pika_is_told_why_and_goes_on_by_itself(broker, connect) -> None:
    heard: list[str] = []
    connection = connect(port=broker.port, host="127.0.0.1")
    connection.add_on_connection_blocked_callback(
        lambda _, blocked: heard.append(blocked.method.reason)
    )
    connection.add_on_connection_unblocked_callback(lambda *_: heard.append("unblocked"))
    channel = connection.channel()
    channel.queue_declare("q")
    broker.raise_alarm("memory")
    channel.basic_publish("", "q", b"late")
    while not heard:
        connection.process_data_events(1)
    broker.clear_alarm("memory")
    while len(heard) < 2:
        connection.process_data_events(1)
    assert heard == ["low on memory", "unblocked"]
    assert channel.basic_get("q", auto_ack=True)[2] == b"late"


def test_pika_gives_up_after_its_timeout(broker, connect) -> None:
    connection = connect(port=broker.port, host="127.0.0.1", blocked_connection_timeout=0.2)
    channel = connection.channel()
    broker.raise_alarm("disk")
    channel.basic_publish("", "q", b"never")
    with pytest.raises(pika.exceptions.ConnectionBlockedTimeout):
        connection.process_data_events(10)


def test_a_confirmed_publish_waits_for_the_end_of_the_alarm(broker, connect) -> None:
    channel = connect(port=broker.port, host="127.0.0.1").channel()
    channel.queue_declare("q")
    channel.confirm_delivery()
    broker.raise_alarm("memory")
    timer = threading.Timer(0.2, broker.clear_alarm, ["memory"])
    timer.start()
    channel.basic_publish("", "q", b"confirmed")
    timer.join()
    assert channel.queue_declare("q", passive=True).method.message_count == 1


def test_a_flood_waits_in_the_sockets_and_then_comes_in_order(broker, open_peer) -> None:
    """While consumers drain what there is."""
    publisher, consumer = open_peer(), open_peer()
    consumer.call(Queue.Declare(queue="q"))
    consumer.call(Basic.Consume(queue="q", no_ack=True))
    broker.raise_alarm("memory")
    publisher.wire.socket.settimeout(60)
    flood = threading.Thread(
        target=lambda: [publisher.send_raw(a_publish(n)) for n in range(FLOOD_MESSAGES)]
    )
    flood.start()
    publisher.expect(Connection.Blocked, 0)
    received = int(
        str(
            broker.look(
                lambda: sum(int(each.octets_received) for each in broker.server.broker.sessions)
            )
        )
    )
    assert received < 1 << 20
    assert flood.is_alive()
    consumer.expect_nothing()
    broker.clear_alarm("memory")
    publisher.expect(Connection.Unblocked, 0)
    for number in range(FLOOD_MESSAGES):
        assert consumer.expect(Basic.Deliver, 1).body[:8] == b"%08d" % number
    flood.join()


def test_many_publishers_are_unblocked_together(broker, open_peer) -> None:
    watcher = open_peer()
    watcher.call(Queue.Declare(queue="q"))
    publishers = [open_peer() for _ in range(50)]
    for _ in range(2):
        broker.raise_alarm("disk")
        for publisher in publishers:
            publisher.send_raw(a_publish(0) * 3)
        for publisher in publishers:
            publisher.expect(Connection.Blocked, 0)
        broker.clear_alarm("disk")
        for publisher in publishers:
            publisher.expect(Connection.Unblocked, 0)
            publisher.expect_nothing()
    answer = watcher.call(Queue.Declare(queue="q", passive=True))
    assert answer.message_count == 2 * 3 * len(publishers)


def test_a_blocked_client_that_is_gone_is_noticed_by_the_heartbeats_to_it(
    broker, open_peer
) -> None:
    peer = open_peer(heartbeat=1)
    broker.raise_alarm("memory")
    peer.send_raw(a_publish(0))
    peer.expect(Connection.Blocked, 0)
    peer.close()
    while sessions(broker):
        pass
    assert broker.look(lambda: len(broker.server.broker.alarms.blocked)) == 0


def test_the_broker_stops_though_publishers_are_blocked(broker, open_peer) -> None:
    peer = open_peer()
    broker.raise_alarm("memory")
    peer.send_raw(a_publish(0) * 1000)
    peer.expect(Connection.Blocked, 0)
    stopping = threading.Thread(target=broker.stop)
    stopping.start()
    peer.expect_connection_closed(320, SHUTDOWN)
    stopping.join()
