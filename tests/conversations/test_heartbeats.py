"""Signs of life, in both directions (wire behaviour 8). A second is a second over TCP."""

from contextlib import suppress

from pamqp.commands import Basic

from peer import HEARTBEAT

BEAT = (HEARTBEAT, 0, b"")


def until_the_end(peer):
    with suppress(EOFError):
        while True:
            yield peer.next_raw()


def test_a_server_with_nothing_to_say_sends_heartbeats(stranger, server):
    peer = stranger().handshake(heartbeat=1)
    for _ in range(2):
        server.advance(1)
        assert peer.next_raw() == BEAT


def test_a_client_that_is_silent_is_dropped_without_a_word(stranger, server):
    """Error table: missed heartbeats."""
    peer = stranger().handshake(heartbeat=1)
    server.advance(3)
    assert set(until_the_end(peer)) <= {BEAT}


def test_whatever_a_client_says_is_a_sign_of_life(stranger, server):
    """Not heartbeats alone: here an ack of nothing, for longer than silence may last."""
    peer = stranger().handshake(heartbeat=1).open_channels()
    for _ in range(8):
        server.advance(1)
        assert peer.next_raw() == BEAT
        peer.send_method(1, Basic.Ack(0, multiple=True))


def test_without_a_heartbeat_silence_is_no_offence(stranger, server):
    """Wire behaviour 6: 0 disables."""
    peer = stranger().handshake(heartbeat=0).open_channels()
    server.advance(100_000)
    peer.send_method(1, Basic.Qos())
    assert peer.next_raw() == (1, 1, b"\0\x3c\0\x0b")
