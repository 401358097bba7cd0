"""Limits of the node: how many connections, channels, vhosts and queues there may be in all."""

import pytest
from pamqp.commands import Channel, Connection, Queue

from conversations.memory import Server
from leveret.errors import PreconditionFailed
from peer import Peer


def test_a_connection_beyond_the_limit_is_refused():
    server = Server(connection_max=1)
    first = Peer(server.connect()).handshake()
    second = Peer(server.connect())
    second.greet()
    second.log_in()
    second.expect(Connection.Tune)
    second.send_method(0, Connection.TuneOk(channel_max=5, frame_max=4096, heartbeat=0))
    second.send_method(0, Connection.Open(virtual_host="/"))
    second.expect_connection_closed(
        530,
        "NOT_ALLOWED - connection refused: node connection limit (1) is reached",
        Connection.Open,
    )
    first.close()
    Peer(server.connect()).handshake()


def test_a_channel_beyond_the_limit_closes_its_connection():
    server = Server(channel_max_per_node=2)
    Peer(server.connect()).handshake().open_channels()
    peer = Peer(server.connect()).handshake().open_channels()
    peer.send_method(2, Channel.Open())
    peer.expect_connection_closed(
        530,
        "NOT_ALLOWED - number of channels opened on node 'leveret@memory' has reached the "
        "maximum allowed limit of (2)",
    )


def test_a_queue_beyond_the_limit_of_all_vhosts_is_refused():
    server = Server()
    server.broker.limits.queue_max = 2
    server.add_vhost("other")
    server.set_permissions("guest", "other", ".*", ".*", ".*")
    Peer(server.connect()).handshake(vhost="other").open_channels().call(Queue.Declare(queue="a"))
    peer = Peer(server.connect()).handshake().open_channels()
    peer.call(Queue.Declare(queue="b"))
    peer.call(Queue.Declare(queue="b"))
    peer.send_method(1, Queue.Declare(queue="c"))
    text = "cannot declare queue 'c': queue limit in cluster (2) is reached"
    peer.expect_channel_closed(406, f"PRECONDITION_FAILED - {text}", Queue.Declare)


def test_a_vhost_beyond_the_limit_is_refused():
    server = Server()
    server.broker.limits.vhost_max = 1
    with pytest.raises(PreconditionFailed) as refused:
        server.add_vhost("two")
    assert refused.value.explanation == "cannot create vhost 'two': vhost limit of 1 is reached"
    # The one that is there may be asked for again.
    server.add_vhost("/")
