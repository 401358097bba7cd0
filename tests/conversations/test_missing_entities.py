"""Asking for what is not there: 404 on the channel, or an answer as if it had been."""

import pytest
from pamqp.commands import Basic, Confirm, Exchange, Queue

NO_QUEUE = "NOT_FOUND - no queue 'nobody' in vhost '/'"
NO_EXCHANGE = "NOT_FOUND - no exchange 'nowhere' in vhost '/'"
NONE_DECLARED = "NOT_FOUND - no previously declared queue"


@pytest.mark.parametrize(
    "command",
    [
        Basic.Get(queue="nobody"),
        Basic.Consume(queue="nobody"),
        Queue.Purge(queue="nobody"),
        Queue.Bind(queue="nobody", exchange="amq.direct"),
        Queue.Declare(queue="nobody", passive=True),
        Queue.Declare(queue="nobody", passive=True, durable=True, exclusive=True),
    ],
    ids=lambda command: command.name,
)
def test_a_missing_queue_closes_the_channel(peer, command):
    """Error table: passive, get, consume, purge and bind on a missing queue."""
    peer.send_method(1, command)
    peer.expect_channel_closed(404, NO_QUEUE, type(command))


@pytest.mark.parametrize(
    "command",
    [
        Exchange.Declare(exchange="nowhere", passive=True),
        Exchange.Declare(exchange="nowhere", exchange_type="no such type", passive=True),
        Exchange.Bind(source="nowhere", destination="amq.direct"),
        Exchange.Bind(source="amq.direct", destination="nowhere"),
    ],
    ids=["passive", "passive of an unknown type", "bind source", "bind destination"],
)
def test_a_missing_exchange_closes_the_channel(peer, command):
    """Error table: passive declare and exchange.bind on a missing exchange."""
    peer.send_method(1, command)
    peer.expect_channel_closed(404, NO_EXCHANGE, type(command))


def test_binding_a_queue_to_a_missing_exchange_closes_the_channel(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.send_method(1, Queue.Bind(queue=q, exchange="nowhere"))
    peer.expect_channel_closed(404, NO_EXCHANGE, Queue.Bind)


def test_binding_a_missing_queue_to_a_missing_exchange_reports_the_exchange(peer):
    peer.send_method(1, Queue.Bind(queue="nobody", exchange="nowhere"))
    peer.expect_channel_closed(404, NO_EXCHANGE, Queue.Bind)


def test_binding_two_missing_exchanges_reports_the_source(peer):
    peer.send_method(1, Exchange.Bind(source="nowhere", destination="elsewhere"))
    peer.expect_channel_closed(404, NO_EXCHANGE, Exchange.Bind)


def test_publishing_to_a_missing_exchange_closes_the_channel(peer):
    """Wire behaviour 37."""
    peer.publish(1, "nowhere", "key", b"lost")
    peer.expect_channel_closed(404, NO_EXCHANGE, Basic.Publish)


def test_publishing_to_a_missing_exchange_is_not_nacked_in_confirm_mode(peer):
    """Wire behaviour 37: the channel closes instead."""
    peer.call(Confirm.Select())
    peer.publish(1, "nowhere", "key", b"lost")
    peer.expect_channel_closed(404, NO_EXCHANGE, Basic.Publish)


@pytest.mark.parametrize(
    "command",
    [
        Basic.Get(),
        Basic.Consume(),
        Queue.Purge(),
        Queue.Delete(),
        Queue.Bind(exchange="amq.direct"),
        Queue.Bind(exchange="amq.direct", routing_key="key"),
        Queue.Unbind(exchange="amq.direct"),
    ],
    ids=lambda command: command.name,
)
def test_an_empty_queue_name_needs_a_queue_declared_on_the_channel(peer, command):
    """Error table: empty queue name and none declared on the channel; wire behaviour 24."""
    peer.send_method(1, command)
    peer.expect_channel_closed(404, NONE_DECLARED, type(command))


def test_a_passive_declare_takes_an_empty_name_literally(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.send_method(1, Queue.Declare(queue="", passive=True))
    peer.expect_channel_closed(404, "NOT_FOUND - no queue '' in vhost '/'", Queue.Declare)


def test_the_last_queue_declared_belongs_to_one_channel(peer, q):
    """Wire behaviour 24."""
    peer.open_channels([2])
    peer.call(Queue.Declare(queue=q, exclusive=True), 2)
    peer.send_method(1, Basic.Get())
    peer.expect_channel_closed(404, NONE_DECLARED, Basic.Get)


def test_deleting_a_missing_queue_is_no_error(peer):
    """No error: queue.delete of a missing queue, count 0."""
    assert peer.call(Queue.Delete(queue="nobody")).message_count == 0


def test_deleting_a_missing_queue_with_conditions_is_no_error(peer):
    command = Queue.Delete(queue="nobody", if_unused=True, if_empty=True)
    assert peer.call(command).message_count == 0


def test_deleting_a_missing_exchange_is_no_error(peer):
    """No error: exchange.delete of a missing exchange."""
    peer.call(Exchange.Delete(exchange="nowhere", if_unused=True))


def test_cancelling_an_unknown_consumer_is_no_error(peer):
    """No error: basic.cancel of an unknown tag."""
    assert peer.call(Basic.Cancel("nobody")).consumer_tag == "nobody"


@pytest.mark.parametrize(
    "command",
    [
        Queue.Unbind(queue="nobody", exchange="nowhere"),
        Queue.Unbind(queue="nobody", exchange="amq.direct"),
        Exchange.Unbind(source="nowhere", destination="elsewhere"),
        Exchange.Unbind(source="amq.direct", destination="nowhere"),
        Exchange.Unbind(source="amq.direct", destination="amq.fanout", routing_key="never bound"),
    ],
    ids=["queue and exchange", "queue", "both exchanges", "destination", "binding"],
)
def test_unbinding_what_is_missing_is_no_error(peer, command):
    """No error: unbind of a missing binding, whichever end of it is missing."""
    peer.call(command)


def test_unbinding_a_queue_from_where_it_is_not_bound_is_no_error(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Unbind(queue=q, exchange="amq.direct", routing_key="never bound"))
