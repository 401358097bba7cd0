"""Declaring, redeclaring and deleting exchanges."""

import pytest
from pamqp.commands import Basic, Exchange, Queue

from peer import unchecked


def inequivalent(argument, x, difference):
    return (
        f"PRECONDITION_FAILED - inequivalent arg '{argument}' for exchange '{x}' in vhost '/': "
        f"{difference}"
    )


@pytest.mark.parametrize("kind", ["direct", "fanout", "topic", "headers"])
def test_an_exchange_can_be_declared_twice(peer, x, kind):
    for _ in range(2):
        peer.call(Exchange.Declare(exchange=x, exchange_type=kind, durable=True, internal=True))


@pytest.mark.parametrize("kind", ["x-no-such-thing", "Direct"])
def test_an_unknown_exchange_type_closes_the_connection(peer, x, kind):
    """Error table: unknown exchange type."""
    peer.send_method(1, Exchange.Declare(exchange=x, exchange_type=kind))
    text = f"COMMAND_INVALID - unknown exchange type '{kind}'"
    peer.expect_connection_closed(503, text, Exchange.Declare)


@pytest.mark.parametrize("name", ["amq.direct", ""])
def test_an_unknown_exchange_type_is_found_before_the_exchange(peer, name):
    peer.send_method(1, Exchange.Declare(exchange=name, exchange_type="x-no-such-thing"))
    text = "COMMAND_INVALID - unknown exchange type 'x-no-such-thing'"
    peer.expect_connection_closed(503, text, Exchange.Declare)


ORDERED_DIFFERENCES = [
    ("type", {"exchange_type": "fanout"}, "received 'fanout' but current is 'direct'"),
    ("durable", {"durable": True}, "received 'true' but current is 'false'"),
    ("auto_delete", {"auto_delete": True}, "received 'true' but current is 'false'"),
    ("internal", {"internal": True}, "received 'true' but current is 'false'"),
    (
        "alternate-exchange",
        {"arguments": {"alternate-exchange": "ae"}},
        "received the value 'ae' of type 'longstr' but current is none",
    ),
]


@pytest.mark.parametrize(("argument", "change", "difference"), ORDERED_DIFFERENCES)
def test_redeclaring_an_exchange_with_one_difference(peer, x, argument, change, difference):
    """Error table: redeclare, property differs; redeclare exchange as another type."""
    peer.call(Exchange.Declare(exchange=x))
    peer.send_method(1, Exchange.Declare(exchange=x, **change))
    peer.expect_channel_closed(406, inequivalent(argument, x, difference), Exchange.Declare)


@pytest.mark.parametrize("first", range(len(ORDERED_DIFFERENCES)))
def test_the_first_difference_in_order_is_reported(peer, x, first):
    """Error table: exchanges are compared by type, durable, auto_delete, internal, arguments."""
    changes = {}
    for _, change, _ in ORDERED_DIFFERENCES[first:]:
        changes.update(change)
    peer.call(Exchange.Declare(exchange=x))
    peer.send_method(1, Exchange.Declare(exchange=x, **changes))
    argument, _, difference = ORDERED_DIFFERENCES[first]
    peer.expect_channel_closed(406, inequivalent(argument, x, difference), Exchange.Declare)


@pytest.mark.parametrize(
    ("received", "difference"),
    [
        ({}, "received none but current is the value 'ae' of type 'longstr'"),
        ({"alternate-exchange": "other"}, "received 'other' but current is 'ae'"),
        ({"alternate-exchange": 1}, "received '1' but current is 'ae'"),
    ],
)
def test_redeclaring_with_another_alternate_exchange(peer, x, received, difference):
    peer.call(Exchange.Declare(exchange=x, arguments={"alternate-exchange": "ae"}))
    peer.send_method(1, Exchange.Declare(exchange=x, arguments=received))
    text = inequivalent("alternate-exchange", x, difference)
    peer.expect_channel_closed(406, text, Exchange.Declare)


def test_unknown_arguments_of_an_exchange_are_not_compared(peer, x):
    peer.call(Exchange.Declare(exchange=x))
    peer.call(Exchange.Declare(exchange=x, arguments={"x-anything": 1}))


@pytest.mark.parametrize(("value", "kind"), [(1, "signedint"), (True, "bool"), (None, "void")])
def test_an_alternate_exchange_must_be_a_string(peer, x, value, kind):
    peer.send_method(1, Exchange.Declare(exchange=x, arguments={"alternate-exchange": value}))
    text = (
        f"PRECONDITION_FAILED - invalid type '{kind}' for arg 'alternate-exchange' "
        f"in exchange '{x}' in vhost '/'"
    )
    peer.expect_channel_closed(406, text, Exchange.Declare)


def test_an_alternate_exchange_need_not_exist(peer, x):
    peer.call(Exchange.Declare(exchange=x, arguments={"alternate-exchange": "nowhere"}))


def test_a_passive_declare_ignores_every_other_property(peer, x):
    """Wire behaviour 28."""
    peer.call(Exchange.Declare(exchange=x))
    declare = Exchange.Declare(exchange=x, exchange_type="fanout", durable=True, internal=True)
    declare.passive, declare.arguments = True, {"alternate-exchange": 1}
    peer.call(declare)


def test_line_breaks_are_removed_from_exchange_names(peer, x):
    """Wire behaviour 25."""
    peer.call(unchecked(Exchange.Declare, exchange=f"{x[:3]}\r\n{x[3:]}", exchange_type="direct"))
    peer.call(Exchange.Declare(exchange=x, passive=True))


def test_an_exchange_with_a_queue_is_in_use(peer, q, x):
    """Error table: delete if-unused."""
    peer.call(Exchange.Declare(exchange=x))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange=x))
    peer.send_method(1, Exchange.Delete(exchange=x, if_unused=True))
    text = f"PRECONDITION_FAILED - exchange '{x}' in vhost '/' in use"
    peer.expect_channel_closed(406, text, Exchange.Delete)


def test_an_exchange_with_another_behind_it_is_in_use(peer, x):
    """Error table: delete if-unused."""
    peer.call(Exchange.Declare(exchange=x))
    peer.call(Exchange.Bind(source=x, destination="amq.fanout", routing_key=x))
    peer.send_method(1, Exchange.Delete(exchange=x, if_unused=True))
    text = f"PRECONDITION_FAILED - exchange '{x}' in vhost '/' in use"
    peer.expect_channel_closed(406, text, Exchange.Delete)


def test_an_exchange_that_is_only_a_destination_is_unused(peer, x):
    peer.call(Exchange.Declare(exchange=x))
    peer.call(Exchange.Bind(source="amq.fanout", destination=x))
    peer.call(Exchange.Delete(exchange=x, if_unused=True))


def test_a_used_exchange_is_deleted_with_its_bindings(peer, q, x):
    peer.call(Exchange.Declare(exchange=x))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange=x, routing_key="key"))
    peer.call(Exchange.Delete(exchange=x))
    peer.call(Exchange.Declare(exchange=x))
    peer.publish(1, x, "key", mandatory=True)
    peer.expect(Basic.Return)


def test_an_auto_delete_exchange_goes_with_its_last_binding(peer, q, x):
    """Wire behaviour 34."""
    peer.call(Exchange.Declare(exchange=x, auto_delete=True))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for key in "ab":
        peer.call(Queue.Bind(queue=q, exchange=x, routing_key=key))
    peer.call(Queue.Unbind(queue=q, exchange=x, routing_key="a"))
    peer.call(Exchange.Declare(exchange=x, passive=True))
    peer.call(Queue.Unbind(queue=q, exchange=x, routing_key="b"))
    peer.send_method(1, Exchange.Declare(exchange=x, passive=True))
    text = f"NOT_FOUND - no exchange '{x}' in vhost '/'"
    peer.expect_channel_closed(404, text, Exchange.Declare)


def test_an_auto_delete_exchange_goes_when_its_last_queue_is_deleted(peer, q, x):
    """Wire behaviour 34."""
    peer.call(Exchange.Declare(exchange=x, auto_delete=True))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange=x))
    peer.call(Queue.Delete(queue=q))
    peer.send_method(1, Exchange.Declare(exchange=x, passive=True))
    text = f"NOT_FOUND - no exchange '{x}' in vhost '/'"
    peer.expect_channel_closed(404, text, Exchange.Declare)


def test_an_auto_delete_exchange_that_is_only_a_destination_stays(peer, x):
    """Wire behaviour 34: its bindings as source count."""
    peer.call(Exchange.Declare(exchange=x, auto_delete=True))
    peer.call(Exchange.Bind(source="amq.fanout", destination=x))
    peer.call(Exchange.Unbind(source="amq.fanout", destination=x))
    peer.call(Exchange.Declare(exchange=x, passive=True))


def test_an_auto_delete_exchange_without_bindings_stays(peer, x):
    peer.call(Exchange.Declare(exchange=x, auto_delete=True))
    peer.call(Exchange.Delete(exchange="nowhere"))
    peer.call(Exchange.Declare(exchange=x, passive=True))


def test_declare_and_delete_without_waiting_say_nothing(peer, x):
    """Wire behaviour 23."""
    peer.send_method(1, Exchange.Declare(exchange=x, nowait=True))
    peer.expect_nothing()
    peer.call(Exchange.Declare(exchange=x, passive=True))
    peer.send_method(1, Exchange.Delete(exchange=x, nowait=True))
    peer.expect_nothing()


def test_a_declare_without_waiting_that_fails_closes_the_channel(peer, x):
    """Wire behaviour 23."""
    peer.call(Exchange.Declare(exchange=x))
    peer.send_method(1, Exchange.Declare(exchange=x, durable=True, nowait=True))
    text = inequivalent("durable", x, "received 'true' but current is 'false'")
    peer.expect_channel_closed(406, text, Exchange.Declare)
