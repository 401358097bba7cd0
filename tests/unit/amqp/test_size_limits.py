"""How large a message may be: what the server allows, and what AMQP sessions ever take."""

import pytest
from pamqp.commands import Basic, Queue

from conversations.memory import Server
from peer import Peer, header_frame, method_frame, unchecked

LIMIT_BYTES = 10


@pytest.fixture
def peer():
    server = Server(max_message_size_bytes=LIMIT_BYTES)
    return Peer(server.connect()).handshake().open_channels()


def test_a_message_past_the_limit_closes_its_channel(peer):
    """Error table: message too large."""
    peer.publish(1, "", "anywhere", b"x" * (LIMIT_BYTES + 1))
    text = "PRECONDITION_FAILED - message size 11 is larger than configured max size 10"
    peer.expect_channel_closed(406, text, Basic.Publish)


def test_a_message_at_the_limit_is_taken(peer):
    peer.call(Queue.Declare(queue="q"))
    peer.publish(1, "", "q", b"x" * LIMIT_BYTES)
    assert peer.call(Basic.Get(queue="q")).body == b"x" * LIMIT_BYTES


def test_a_body_larger_than_any_limit_may_be_closes_the_connection(peer):
    """Error table: larger than any level takes."""
    size = 512 * 1024 * 1024 + 1
    peer.send_raw(method_frame(1, unchecked(Basic.Publish)) + header_frame(1, size))
    text = f"FRAME_ERROR - content body size {size} exceeds maximum allowed size {size - 1}"
    peer.expect_connection_closed(501, text, Basic.Publish)
