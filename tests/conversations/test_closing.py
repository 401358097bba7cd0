"""The end of a connection, from either side."""

import pytest
from pamqp.commands import Basic, Channel, Connection, Queue

from peer import frame, method_frame, unchecked

CLOSE = Connection.Close(200, "bye", 0, 0)
SECOND_OPEN = unchecked(Channel.Open, out_of_band="")
SECOND_OPEN_TEXT = "CHANNEL_ERROR - second 'channel.open' seen"


def test_close_is_answered(peer):
    peer.call(CLOSE, 0)


def test_close_may_give_any_reason(peer):
    peer.call(Connection.Close(0, "", 60, 40), 0)


def test_after_close_nothing_is_heard(peer, other, q):
    peer.send_raw(method_frame(0, CLOSE) + method_frame(1, Queue.Declare(queue=q)))
    peer.expect(Connection.CloseOk, 0)
    other.send_method(1, Queue.Declare(queue=q, passive=True))
    text = f"NOT_FOUND - no queue '{q}' in vhost '/'"
    other.expect_channel_closed(404, text, Queue.Declare)


def test_a_new_secret_is_taken_note_of(peer):
    peer.call(Connection.UpdateSecret("secret", "because"), 0)


def test_after_the_server_s_close_only_close_ok_is_heard(peer, other, q):
    peer.send_method(1, SECOND_OPEN)
    peer.expect_connection_close(504, SECOND_OPEN_TEXT, Channel.Open)
    peer.send_method(1, Queue.Declare(queue=q))
    peer.send_method(0, Connection.Open("/"))
    peer.send_raw(frame(9, 0, b""))
    peer.send_method(0, Connection.CloseOk())
    peer.expect_eof()
    other.send_method(1, Queue.Declare(queue=q, passive=True))
    text = f"NOT_FOUND - no queue '{q}' in vhost '/'"
    other.expect_channel_closed(404, text, Queue.Declare)


def test_closes_may_cross(peer):
    peer.send_method(1, SECOND_OPEN)
    peer.expect_connection_close(504, SECOND_OPEN_TEXT, Channel.Open)
    peer.call(CLOSE, 0)
    peer.send_method(0, Connection.CloseOk())
    peer.expect_eof()


def test_an_error_of_the_connection_requeues_what_its_channels_held(peer, other, q):
    """Wire behaviour 16."""
    peer.call(Queue.Declare(queue=q))
    peer.publish(1, "", q, b"back")
    peer.call(Basic.Get(queue=q))
    other.call(Basic.Consume(queue=q))
    peer.send_method(1, SECOND_OPEN)
    peer.expect_connection_closed(504, SECOND_OPEN_TEXT, Channel.Open)
    got = other.expect(Basic.Deliver)
    assert (got.body, got.redelivered) == (b"back", True)


def test_a_lost_connection_loses_its_exclusive_queue(peer, other, q):
    """Wire behaviour 16. Nobody tells when, so it is asked for until it is gone."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.close()
    for _ in range(1000):
        other.send_method(1, Queue.Declare(queue=q, exclusive=True))
        if isinstance(other.next(1).method, Queue.DeclareOk):
            return
        other.send_method(1, Channel.CloseOk())
        other.open_channels()
    pytest.fail("still there")


def test_a_client_that_only_looks_in_is_no_trouble(stranger):
    """Wire behaviour 2."""
    stranger().close()
    stranger().handshake()


@pytest.mark.parametrize("length", [219, 220, 255])
def test_a_text_too_long_ends_in_dots(peer, length):
    """Error table: reply_text is of at most 255 octets."""
    name = "q" * length
    text = f"NOT_FOUND - no queue '{name}' in vhost '/'"
    peer.send_method(1, Queue.Declare(queue=name, passive=True))
    shown = text if len(text) <= 255 else text[:252] + "..."
    peer.expect_channel_closed(404, shown, Queue.Declare)


def test_a_ticket_is_ignored(peer):
    peer.call(unchecked(Queue.Declare, ticket=77, queue="", exclusive=True))
