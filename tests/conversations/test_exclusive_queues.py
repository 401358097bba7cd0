"""Exclusive queues belong to one connection and die with it."""

import pytest
from pamqp.commands import Basic, Connection, Queue


def locked(q):
    return (
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{q}' in vhost '/'. "
        "It could be originally declared on another connection or the exclusive property value "
        "does not match that of the original declaration."
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda q: Queue.Declare(queue=q, exclusive=True),
        lambda q: Queue.Declare(queue=q),
        lambda q: Queue.Declare(queue=q, passive=True),
        lambda q: Queue.Bind(queue=q, exchange="amq.direct"),
        lambda q: Queue.Purge(queue=q),
        lambda q: Queue.Delete(queue=q),
        lambda q: Queue.Delete(queue=q, if_unused=True, if_empty=True),
        lambda q: Basic.Get(queue=q),
        lambda q: Basic.Consume(queue=q),
    ],
)
def test_another_connection_is_refused(peer, other, q, use):
    """Error table: exclusive queue from another connection; wire behaviour 28."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    other.send_method(1, use(q))
    other.expect_channel_closed(405, locked(q), type(use(q)))


def test_another_channel_of_the_connection_may_use_it(peer, q):
    """Wire behaviour 35."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.open_channels([2])
    peer.call(Queue.Declare(queue=q, exclusive=True), 2)
    peer.call(Basic.Consume(queue=q, no_ack=True))
    peer.publish(2, "", q, b"mine")
    assert peer.expect(Basic.Deliver, 1).body == b"mine"
    peer.call(Queue.Purge(queue=q), 2)
    peer.call(Queue.Delete(queue=q), 2)
    peer.expect(Basic.Cancel, 1)


def test_another_connection_may_publish_to_it(peer, other, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q, no_ack=True))
    other.publish(1, "", q, b"letter")
    assert peer.expect(Basic.Deliver).body == b"letter"


def test_another_connection_may_unbind_what_is_not_bound(peer, other, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    other.call(Queue.Unbind(queue=q, exchange="amq.direct"))


def test_it_is_gone_when_the_connection_has_closed(peer, other, q):
    """Wire behaviour 15: before close-ok."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Connection.Close(200, "bye", 0, 0), 0)
    other.call(Queue.Declare(queue=q, exclusive=True, auto_delete=True))


def test_it_stays_when_its_channel_closes(peer, q):
    peer.open_channels([2])
    peer.call(Queue.Declare(queue=q, exclusive=True), 2)
    peer.send_method(2, Queue.Declare(queue="nobody", passive=True))
    peer.expect_channel_closed(
        404, "NOT_FOUND - no queue 'nobody' in vhost '/'", Queue.Declare, channel=2
    )
    peer.call(Queue.Declare(queue=q, passive=True))
