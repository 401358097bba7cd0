"""What a channel asks permission for by itself; the rest is asked for by the vhost."""

import pytest
from pamqp import base
from pamqp.commands import Basic, Queue

from conversations.memory import Server
from peer import Peer
from unit.doubles import RecordingBackend


@pytest.fixture
def backend(server: Server) -> RecordingBackend:
    backend = RecordingBackend()
    server.users = backend  # type: ignore[assignment]
    return backend


@pytest.fixture
def peer(backend: RecordingBackend, connect) -> Peer:
    peer: Peer = connect()
    peer.call(Queue.Declare(queue="q"))
    backend.asked.clear()
    return peer


@pytest.mark.parametrize("command", [Basic.Get(queue="q"), Basic.Consume(queue="q")])
def test_taking_from_a_queue_asks_to_read_it(
    peer: Peer, backend: RecordingBackend, command: base.Frame
) -> None:
    peer.call(command)
    assert backend.asked == [("read", "q")]


@pytest.mark.parametrize(
    "command",
    [Basic.Qos(), Basic.Cancel("none"), Basic.Recover(requeue=True)],
)
def test_what_concerns_no_resource_asks_for_nothing(
    peer: Peer, backend: RecordingBackend, command: base.Frame
) -> None:
    peer.call(command)
    assert backend.asked == []


def test_acknowledging_asks_for_nothing(peer: Peer, backend: RecordingBackend) -> None:
    peer.publish(1, "", "q", b"x")
    peer.call(Basic.Get(queue="q"))
    backend.asked.clear()
    peer.send_method(1, Basic.Ack(1))
    assert backend.asked == []


def test_publishing_asks_to_write_once_for_a_route(peer: Peer, backend: RecordingBackend) -> None:
    for exchange in ("", "amq.topic"):
        for _ in range(3):
            peer.publish(1, exchange, "q", b"x")
    assert backend.asked == [("write", "amq.default"), ("write", "amq.topic")]


def test_publishing_asks_again_when_routes_may_have_changed(
    peer: Peer, backend: RecordingBackend
) -> None:
    peer.publish(1, "", "q", b"x")
    peer.call(Queue.Declare(queue="other"))
    peer.publish(1, "", "q", b"x")
    assert backend.asked.count(("write", "amq.default")) == 2


def test_deliveries_ask_for_nothing(peer: Peer, backend: RecordingBackend) -> None:
    peer.call(Basic.Consume(queue="q"))
    backend.asked.clear()
    peer.publish(1, "", "q", b"x")
    peer.expect(Basic.Deliver)
    assert backend.asked == [("write", "amq.default")]
