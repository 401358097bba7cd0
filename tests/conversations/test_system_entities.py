"""What belongs to the broker: the default exchange, names beginning with `amq.`, internals."""

import pytest
from pamqp.commands import Basic, Exchange, Queue

DEFAULT_EXCHANGE = "ACCESS_REFUSED - operation not permitted on the default exchange"


@pytest.mark.parametrize(
    "command",
    [
        Exchange.Declare(exchange=""),
        Exchange.Declare(exchange="", passive=True),
        Exchange.Delete(exchange=""),
        Exchange.Bind(source="", destination="amq.direct"),
        Exchange.Bind(source="amq.direct", destination=""),
        Exchange.Unbind(source="", destination="amq.direct"),
        Exchange.Unbind(source="amq.direct", destination=""),
        Queue.Bind(queue="nobody", exchange=""),
        Queue.Unbind(queue="nobody", exchange="", routing_key="nobody"),
    ],
    ids=lambda command: command.name,
)
def test_the_default_exchange_is_untouchable(peer, command):
    """Error table: declare, delete, bind on the default exchange; wire behaviour 52."""
    peer.send_method(1, command)
    peer.expect_channel_closed(403, DEFAULT_EXCHANGE, type(command))


@pytest.mark.parametrize("name", ["amq.topic", "amq.direct", "amq.rabbitmq.trace", "amq.absent"])
@pytest.mark.parametrize("if_unused", [False, True])
def test_system_exchanges_cannot_be_deleted(peer, name, if_unused):
    """Error table: delete `amq.*` exchange, even one that does not exist."""
    peer.send_method(1, Exchange.Delete(exchange=name, if_unused=if_unused))
    text = f"ACCESS_REFUSED - deletion of system exchange '{name}' in vhost '/' not allowed"
    peer.expect_channel_closed(403, text, Exchange.Delete)


@pytest.mark.parametrize("name", ["amq.mine", "amq."])
def test_queue_names_with_the_reserved_prefix_cannot_be_created(peer, name):
    """Error table: reserved prefix on create."""
    peer.send_method(1, Queue.Declare(queue=name))
    text = f"ACCESS_REFUSED - queue name '{name}' contains reserved prefix 'amq.*'"
    peer.expect_channel_closed(403, text, Queue.Declare)


def test_exchange_names_with_the_reserved_prefix_cannot_be_created(peer):
    """Error table: reserved prefix on create."""
    peer.send_method(1, Exchange.Declare(exchange="amq.mine"))
    text = "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'"
    peer.expect_channel_closed(403, text, Exchange.Declare)


def test_the_reserved_prefix_is_judged_before_the_arguments(peer):
    peer.send_method(1, Queue.Declare(queue="amq.mine", arguments={"x-message-ttl": -1}))
    text = "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"
    peer.expect_channel_closed(403, text, Queue.Declare)


def test_a_passive_declare_of_a_reserved_name_only_looks(peer):
    """Wire behaviour 27."""
    peer.send_method(1, Queue.Declare(queue="amq.mine", passive=True))
    peer.expect_channel_closed(404, "NOT_FOUND - no queue 'amq.mine' in vhost '/'", Queue.Declare)


@pytest.mark.parametrize("name", ["amq", "AMQ.mine", "amqp.mine"])
def test_the_reserved_prefix_is_four_lower_case_characters(peer, name):
    assert peer.call(Queue.Declare(queue=name, exclusive=True)).queue == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("amq.direct", "direct"),
        ("amq.fanout", "fanout"),
        ("amq.topic", "topic"),
        ("amq.headers", "headers"),
        ("amq.match", "headers"),
    ],
)
def test_declaring_a_system_exchange_as_it_is_succeeds(peer, name, kind):
    """Wire behaviour 27."""
    peer.call(Exchange.Declare(exchange=name, exchange_type=kind, durable=True))
    peer.call(Exchange.Declare(exchange=name, passive=True))


def test_the_trace_exchange_is_durable_and_internal(peer):
    declare = {"exchange": "amq.rabbitmq.trace", "exchange_type": "topic", "durable": True}
    peer.call(Exchange.Declare(**declare, internal=True))
    peer.send_method(1, Exchange.Declare(**declare))
    text = (
        "PRECONDITION_FAILED - inequivalent arg 'internal' for exchange 'amq.rabbitmq.trace' "
        "in vhost '/': received 'false' but current is 'true'"
    )
    peer.expect_channel_closed(406, text, Exchange.Declare)


def test_clients_cannot_publish_to_an_internal_exchange(peer, x):
    """Error table: publish to internal exchange."""
    peer.call(Exchange.Declare(exchange=x, internal=True))
    peer.publish(1, x, "key")
    text = f"ACCESS_REFUSED - cannot publish to internal exchange '{x}' in vhost '/'"
    peer.expect_channel_closed(403, text, Basic.Publish)


def test_messages_reach_an_internal_exchange_through_another(peer, q, x):
    peer.call(Exchange.Declare(exchange=x, exchange_type="fanout", internal=True))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange=x))
    peer.call(Exchange.Bind(source="amq.direct", destination=x, routing_key=q))
    peer.publish(1, "amq.direct", q, b"by the back door")
    assert peer.call(Basic.Get(queue=q)).body == b"by the back door"
