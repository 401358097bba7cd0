"""When heartbeats leave, and when silence ends a connection (wire behaviour 8)."""

import pytest
from pamqp.commands import Basic

from conversations.memory import Server
from peer import HEARTBEAT, Peer, Silence, frame, method_frame

BEAT = frame(HEARTBEAT, 0, b"")
INTERVAL = 10


@pytest.fixture
def peer(connect) -> Peer:
    return connect(heartbeat=INTERVAL)


def heard(peer: Peer) -> bytes:
    try:
        return peer.wire.receive(0)
    except Silence:
        return b""


def gone(server: Server) -> bool:
    return not server.broker.sessions


def test_one_leaves_once_half_an_interval_was_quiet(peer: Peer, server: Server) -> None:
    server.advance(INTERVAL / 2)
    assert heard(peer) == b"", "opening the channel was output too"
    server.advance(INTERVAL / 2)
    assert heard(peer) == BEAT


def test_two_leave_in_each_quiet_interval(peer: Peer, server: Server) -> None:
    """Our own heartbeat is no traffic that would make the next one needless."""
    server.advance(INTERVAL / 2)
    heard(peer)
    for _ in range(20):
        server.advance(INTERVAL / 2)
        assert heard(peer) == BEAT
        peer.send_raw(BEAT)


def test_none_leaves_while_other_output_does(peer: Peer, server: Server) -> None:
    for _ in range(20):
        peer.call(Basic.Qos())
        server.advance(INTERVAL / 2)
        assert heard(peer) == b""


def test_two_silent_intervals_end_the_connection(peer: Peer, server: Server) -> None:
    server.advance(1.99 * INTERVAL)
    assert not gone(server)
    server.advance(1.02 * INTERVAL)
    assert gone(server)
    assert set(heard(peer)) <= set(BEAT), "without a word"


def test_one_silent_interval_is_forgiven(peer: Peer, server: Server) -> None:
    for _ in range(10):
        server.advance(1.9 * INTERVAL)
        peer.send_raw(BEAT)
    assert not gone(server)


def test_a_frame_that_trickles_in_is_a_sign_of_life(peer: Peer, server: Server) -> None:
    """Any octet is, not whole frames only."""
    for octet in method_frame(1, Basic.Qos()):
        peer.send_raw(bytes([octet]))
        server.advance(0.9 * INTERVAL)
    assert BEAT in heard(peer)
    assert not gone(server)


@pytest.mark.parametrize("interval", [1, 3600, 65535])
def test_the_interval_is_the_client_s(connect, server: Server, interval: int) -> None:
    """Wire behaviours 6 and 7: also one larger than was offered."""
    peer = connect(heartbeat=interval)
    server.advance(interval / 2)
    assert heard(peer) == b""
    server.advance(interval / 2)
    assert heard(peer) == BEAT
    server.advance(0.9 * interval)
    assert not gone(server)
    server.advance(1.2 * interval)
    assert gone(server)


def test_without_an_interval_there_is_no_timer(connect, server: Server) -> None:
    connect(heartbeat=0)
    assert server.clock.pending() == 0


def test_the_end_of_the_connection_ends_the_timer(peer: Peer, server: Server) -> None:
    peer.close()
    assert server.clock.pending() == 0


def test_who_says_nothing_from_the_start_is_cut_after_three_intervals(server: Server) -> None:
    """The first heartbeat to it leaves after half of one. As in RabbitMQ."""
    stranger = Peer(server.connect()).handshake(heartbeat=INTERVAL)
    server.advance(INTERVAL / 2)
    assert heard(stranger) == BEAT
    server.advance(2.4 * INTERVAL)
    assert not gone(server)
    server.advance(0.2 * INTERVAL)
    assert gone(server)
