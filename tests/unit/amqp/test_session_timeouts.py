"""How long a peer may take over a handshake, over a close, and over a refused login."""

import pytest
from pamqp.commands import Basic, Connection

from conversations.memory import Server
from peer import PROTOCOL_HEADER, Peer, Silence


def is_open(peer: Peer) -> bool:
    """Whether the socket is: what was still to be read is read."""
    try:
        while peer.wire.receive(0):
            pass
    except Silence:
        return True
    return False


def stalled(server: Server, stage: str) -> Peer:
    peer = Peer(server.connect())
    if stage == "silent":
        return peer
    if stage == "half a header":
        peer.send_raw(PROTOCOL_HEADER[:4])
        return peer
    peer.greet()
    if stage != "greeted":
        peer.log_in()
        peer.expect(Connection.Tune)
    if stage == "tuned":
        peer.send_method(0, Connection.TuneOk(2047, 131072, 1))
    return peer


STAGES = ["silent", "half a header", "greeted", "logged in", "tuned"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_handshake_has_ten_seconds(server: Server, stage: str) -> None:
    peer = stalled(server, stage)
    server.advance(9.9)
    assert is_open(peer)
    server.advance(0.2)
    assert not is_open(peer)
    assert not server.broker.sessions
    assert server.clock.pending() == 0


def test_the_time_for_a_handshake_is_a_setting() -> None:
    server = Server(handshake_timeout_seconds=0.5)
    peer = stalled(server, "greeted")
    server.advance(0.6)
    assert not is_open(peer)


def test_slowness_does_not_buy_time(server: Server) -> None:
    peer = Peer(server.connect())
    for octet in PROTOCOL_HEADER:
        peer.send_raw(bytes([octet]))
        server.advance(1.2)
    server.advance(0.5)
    assert not is_open(peer)


def test_an_open_connection_may_be_idle_for_ever(peer: Peer, server: Server) -> None:
    server.advance(1e9)
    peer.call(Basic.Qos())


def test_a_refused_peer_has_ten_seconds_to_say_close_ok(peer: Peer, server: Server) -> None:
    peer.send_method(1, Basic.Qos(prefetch_size=1))
    peer.expect(Connection.Close, 0)
    server.advance(9.9)
    assert is_open(peer)
    server.advance(0.2)
    assert not is_open(peer)
    assert server.clock.pending() == 0


def test_close_ok_ends_the_wait(peer: Peer, server: Server) -> None:
    peer.send_method(1, Basic.Qos(prefetch_size=1))
    peer.expect(Connection.Close, 0)
    peer.send_method(0, Connection.CloseOk())
    assert not is_open(peer)
    assert server.clock.pending() == 0


def test_a_client_that_closed_is_waited_for(peer: Peer, server: Server) -> None:
    """It hangs up first; if it does not, the server does."""
    peer.call(Connection.Close(200, "bye", 0, 0), 0)
    server.advance(9.9)
    assert is_open(peer)
    server.advance(0.2)
    assert not is_open(peer)


def log_in_wrongly(server: Server, **client_properties: object) -> Peer:
    peer = Peer(server.connect())
    peer.greet()
    peer.log_in(password="wrong", client_properties=client_properties)
    return peer


def test_a_refused_login_waits_three_seconds(server: Server) -> None:
    peer = log_in_wrongly(server)
    server.advance(2.9)
    assert is_open(peer)
    server.advance(0.2)
    assert not is_open(peer)
    assert server.clock.pending() == 0


def test_more_noise_does_not_prolong_the_wait(server: Server) -> None:
    peer = log_in_wrongly(server)
    for _ in range(3):
        server.advance(0.9)
        peer.send_raw(b"\xff" * 100)
    assert is_open(peer)
    server.advance(0.4)
    assert not is_open(peer)


def test_the_wait_after_a_refused_login_is_a_setting() -> None:
    server = Server(refused_login_delay_seconds=0)
    peer = log_in_wrongly(server)
    server.advance(0)
    assert not is_open(peer)


def test_a_login_that_was_refused_aloud_waits_for_close_ok(server: Server) -> None:
    peer = log_in_wrongly(server, capabilities={"authentication_failure_close": True})
    assert peer.expect(Connection.Close, 0).reply_code == 403
    assert is_open(peer)
    server.advance(3.1)
    assert not is_open(peer)


@pytest.mark.parametrize("stage", STAGES)
def test_a_peer_that_hangs_up_early_leaves_nothing(server: Server, stage: str) -> None:
    stalled(server, stage).close()
    assert not server.broker.sessions
    assert server.clock.pending() == 0
