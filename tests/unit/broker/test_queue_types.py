"""Queues that a level, or this broker, does not have."""

import pytest
from pamqp.commands import Queue

from conversations.memory import Server
from peer import Peer


def connected(compat):
    return Peer(Server(compat=compat).connect()).handshake().open_channels()


@pytest.mark.parametrize("compat", ["3.13", "4.2", "4.3"])
def test_a_stream_is_refused(compat):
    peer = connected(compat)
    peer.send_method(
        1, Queue.Declare(queue="s", durable=True, arguments={"x-queue-type": "stream"})
    )
    text = (
        "invalid arg 'x-queue-type' for queue 's' in vhost '/': \"unsupported queue type 'stream'\""
    )
    peer.expect_channel_closed(406, f"PRECONDITION_FAILED - {text}", Queue.Declare)


@pytest.mark.parametrize("properties", [{}, {"auto_delete": True}])
def test_from_4_3_a_transient_queue_that_is_shared_ends_the_connection(properties):
    """Error table: transient non-exclusive."""
    peer = connected("4.3")
    peer.send_method(1, Queue.Declare(queue="hello", **properties))
    text = "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated.\n"
    text += "By default, this feature is not permitted anymore."
    peer.expect_connection_closed(541, text)


@pytest.mark.parametrize("properties", [{"durable": True}, {"exclusive": True}])
def test_in_4_3_other_queues_are_as_before(properties):
    connected("4.3").call(Queue.Declare(queue="hello", **properties))


@pytest.mark.parametrize("compat", ["3.13", "4.2"])
def test_before_4_3_a_transient_queue_may_be_shared(compat):
    """Error table: transient non-exclusive; before, it was fine."""
    connected(compat).call(Queue.Declare(queue="hello"))
