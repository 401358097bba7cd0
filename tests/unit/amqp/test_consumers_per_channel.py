"""A limit of consumers per channel (`consumer_max_per_channel`)."""

from pamqp.commands import Basic, Queue

from conversations.memory import MemoryWire
from leveret.testing import MemoryServer
from peer import Peer


def test_a_channel_has_so_many_consumers_and_no_more() -> None:
    """Error table: too many consumers per channel."""
    server = MemoryServer(consumer_max_per_channel=2)
    peer = Peer(MemoryWire(server.connect())).handshake().open_channels([1, 2])
    peer.call(Queue.Declare(queue="q"))
    for channel, tag in ((1, "a"), (1, "b"), (2, "c")):
        peer.call(Basic.Consume(queue="q", consumer_tag=tag), channel)
    peer.call(Basic.Cancel(consumer_tag="a"))
    peer.call(Basic.Consume(queue="q", consumer_tag="d"))
    peer.send_method(1, Basic.Consume(queue="q", consumer_tag="e"))
    text = "NOT_ALLOWED - reached maximum (2) of consumers per channel"
    peer.expect_connection_closed(530, text, Basic.Consume)
