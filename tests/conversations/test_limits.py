"""Limits of vhosts and users: who is refused, with which code and which words."""

import pytest
from pamqp.commands import Channel, Connection, Exchange, Queue

from peer import unchecked

VHOST, USER = "limited", "counted"


def queue_limit(name, limit):
    return (
        f"PRECONDITION_FAILED - cannot declare queue '{name}': "
        f"queue limit in vhost '{VHOST}' ({limit}) is reached"
    )


def vhost_connections(limit):
    return (
        f"NOT_ALLOWED - access to vhost '{VHOST}' refused for user '{USER}': "
        f"connection limit ({limit}) is reached"
    )


def user_connections(limit):
    return (
        f"NOT_ALLOWED - connection refused for user '{USER}': "
        f"user connection limit ({limit}) is reached"
    )


@pytest.fixture
def limits(server):
    """Sets the limits of the vhost and of the user; in the end there are none."""
    server.add_vhost(VHOST)
    server.add_user(USER, "secret")
    server.set_permissions(USER, VHOST, ".*", ".*", ".*")

    def set_limits(vhost=None, user=None):
        server.set_vhost_limits(VHOST, vhost or {})
        server.set_user_limits(USER, user or {})

    set_limits()
    yield set_limits
    set_limits()


@pytest.fixture
def connect(stranger):
    return lambda: stranger().handshake(USER, "secret", VHOST)


@pytest.fixture
def refused(stranger):
    """Opens a connection that is refused with 530 and this text."""

    def expect_refused(text, vhost=VHOST):
        peer = stranger()
        peer.greet()
        peer.log_in(USER, "secret")
        tune = peer.expect(Connection.Tune)
        peer.send_method(
            0,
            Connection.TuneOk(channel_max=tune.channel_max, frame_max=tune.frame_max, heartbeat=0),
        )
        peer.send_method(0, Connection.Open(virtual_host=vhost))
        peer.expect_connection_closed(530, text, Connection.Open)

    return expect_refused


@pytest.mark.parametrize("limit", [0, 1])
def test_a_vhost_has_at_most_its_connections(limits, connect, refused, limit):
    """Error table: limits, of connections to a vhost."""
    limits(vhost={"max-connections": limit})
    for _ in range(limit):
        connect()
    refused(vhost_connections(limit))


@pytest.mark.parametrize("limit", [0, 1])
def test_a_user_has_at_most_its_connections(limits, connect, refused, limit):
    """Error table: limits, of connections of a user."""
    limits(user={"max-connections": limit})
    for _ in range(limit):
        connect()
    refused(user_connections(limit))


def test_the_vhost_is_looked_at_before_the_user_and_both_before_permissions(limits, refused):
    limits({"max-connections": 0}, {"max-connections": 0})
    refused("NOT_ALLOWED - vhost nowhere not found", "nowhere")
    refused(vhost_connections(0))
    refused(user_connections(0), "/")


@pytest.mark.parametrize("limit", [-1, -5])
def test_a_negative_limit_is_none(limits, connect, limit):
    limits({"max-connections": limit, "max-queues": limit}, {"max-channels": limit})
    peer = connect().open_channels()
    peer.call(Queue.Declare(queue="", exclusive=True))


def test_a_user_has_at_most_its_channels_on_all_connections_together(limits, connect):
    """Error table: limits, of channels of a user."""
    limits(user={"max-channels": 2})
    first = connect().open_channels([1])
    second = connect().open_channels([1])
    second.send_method(2, unchecked(Channel.Open, out_of_band=""))
    text = (
        f"NOT_ALLOWED - number of channels opened for user '{USER}' has reached "
        "the maximum allowed user limit of (2)"
    )
    second.expect_connection_closed(530, text)
    first.call(Queue.Declare(queue="", exclusive=True))


def test_a_vhost_has_at_most_its_queues(limits, connect, q):
    """Error table: limits, of queues in a vhost."""
    limits(vhost={"max-queues": 1})
    peer = connect().open_channels([1, 2, 3, 4, 5])
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for channel, declare in enumerate(
        [
            Queue.Declare(queue=f"{q}-2"),
            Queue.Declare(queue=f"{q}-2", exclusive=True),
            Queue.Declare(queue=f"{q}-2", arguments={"x-message-ttl": -1}),
        ],
        1,
    ):
        peer.send_method(channel, declare)
        peer.expect_channel_closed(406, queue_limit(f"{q}-2", 1), Queue.Declare, channel)
    peer.call(Queue.Delete(queue=q), channel=4)
    peer.call(Queue.Declare(queue=f"{q}-2", exclusive=True), channel=4)


def test_exchanges_have_no_limit(limits, connect, x):
    limits(vhost={"max-queues": 0})
    peer = connect().open_channels()
    peer.call(Exchange.Declare(exchange=x, auto_delete=True))
    peer.call(Exchange.Delete(exchange=x))
