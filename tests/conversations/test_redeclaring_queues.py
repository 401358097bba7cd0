"""Declaring a queue that exists: the same again is fine, the first difference is named."""

import pytest
from pamqp.commands import Queue

from peer import Typed


def inequivalent(argument, q, difference):
    return (
        f"PRECONDITION_FAILED - inequivalent arg '{argument}' for queue '{q}' in vhost '/': "
        f"{difference}"
    )


def locked(q):
    return (
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{q}' in vhost '/'. "
        "It could be originally declared on another connection or the exclusive property value "
        "does not match that of the original declaration."
    )


def test_the_same_declaration_again_reports_the_queue(peer, q):
    declare = Queue.Declare(queue=q, durable=True, arguments={"x-max-length": 9, "x-any": "thing"})
    for _ in range(2):
        answer = peer.call(declare)
        assert (answer.queue, answer.message_count, answer.consumer_count) == (q, 0, 0)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("argument", ["durable", "auto_delete"])
def test_another_property_is_inequivalent(peer, q, argument, declared):
    """Error table: redeclare, property differs."""
    peer.call(Queue.Declare(queue=q, **{argument: declared}))
    peer.send_method(1, Queue.Declare(queue=q, **{argument: not declared}))
    words = {True: "true", False: "false"}
    difference = f"received '{words[not declared]}' but current is '{words[declared]}'"
    peer.expect_channel_closed(406, inequivalent(argument, q, difference), Queue.Declare)


@pytest.mark.parametrize("declared", [True, False])
def test_another_exclusiveness_is_a_locked_queue(peer, q, declared):
    """Error table: exclusive queue; even for its own connection."""
    peer.call(Queue.Declare(queue=q, exclusive=declared))
    peer.send_method(1, Queue.Declare(queue=q, exclusive=not declared))
    peer.expect_channel_closed(405, locked(q), Queue.Declare)


@pytest.mark.parametrize("declared", [True, False])
def test_durability_means_nothing_to_an_exclusive_queue(peer, q, declared):
    peer.call(Queue.Declare(queue=q, exclusive=True, durable=declared))
    peer.call(Queue.Declare(queue=q, exclusive=True, durable=not declared))


def test_exclusive_is_compared_first(peer, q):
    """Error table: exclusive owner, durable, auto_delete, arguments."""
    peer.call(Queue.Declare(queue=q))
    changed = {"durable": True, "auto_delete": True, "arguments": {"x-max-length": 1}}
    peer.send_method(1, Queue.Declare(queue=q, exclusive=True, **changed))
    peer.expect_channel_closed(405, locked(q), Queue.Declare)


def test_durable_is_compared_second(peer, q):
    peer.call(Queue.Declare(queue=q))
    changed = {"auto_delete": True, "arguments": {"x-max-length": 1}}
    peer.send_method(1, Queue.Declare(queue=q, durable=True, **changed))
    text = inequivalent("durable", q, "received 'true' but current is 'false'")
    peer.expect_channel_closed(406, text, Queue.Declare)


def test_auto_delete_is_compared_third(peer, q):
    peer.call(Queue.Declare(queue=q))
    changed = Queue.Declare(queue=q, auto_delete=True, arguments={"x-max-length": 1})
    peer.send_method(1, changed)
    text = inequivalent("auto_delete", q, "received 'true' but current is 'false'")
    peer.expect_channel_closed(406, text, Queue.Declare)


COMPARED = {  # in the order of comparison
    "x-expires": (100_000, 200_000, "signedint"),
    "x-message-ttl": (1000, 2000, "signedint"),
    "x-dead-letter-exchange": ("a", "b", "longstr"),
    "x-max-length": (5, 6, "signedint"),
    "x-max-length-bytes": (5, 6, "signedint"),
    "x-max-priority": (5, 6, "signedint"),
    "x-overflow": ("drop-head", "reject-publish", "longstr"),
    "x-queue-mode": ("lazy", "default", "longstr"),
    "x-queue-version": (1, 2, "signedint"),
    "x-single-active-consumer": (True, False, "bool"),
    "x-queue-master-locator": ("min-masters", "client-local", "longstr"),
}


def shown(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("name", COMPARED)
def test_an_argument_that_was_not_there_before(peer, q, name):
    """Error table: redeclare, argument differs; one side none."""
    value, _, kind = COMPARED[name]
    peer.call(Queue.Declare(queue=q))
    peer.send_method(1, Queue.Declare(queue=q, arguments={name: value}))
    difference = f"received the value '{shown(value)}' of type '{kind}' but current is none"
    peer.expect_channel_closed(406, inequivalent(name, q, difference), Queue.Declare)


@pytest.mark.parametrize("name", COMPARED)
def test_an_argument_that_is_there_no_more(peer, q, name):
    """Error table: redeclare, argument differs; the other side none."""
    value, _, kind = COMPARED[name]
    peer.call(Queue.Declare(queue=q, arguments={name: value}))
    peer.send_method(1, Queue.Declare(queue=q))
    difference = f"received none but current is the value '{shown(value)}' of type '{kind}'"
    peer.expect_channel_closed(406, inequivalent(name, q, difference), Queue.Declare)


@pytest.mark.parametrize("name", COMPARED)
def test_an_argument_with_another_value(peer, q, name):
    """Error table: redeclare, argument differs; both sides present."""
    value, changed, _ = COMPARED[name]
    peer.call(Queue.Declare(queue=q, arguments={name: value}))
    peer.send_method(1, Queue.Declare(queue=q, arguments={name: changed}))
    difference = f"received '{shown(changed)}' but current is '{shown(value)}'"
    peer.expect_channel_closed(406, inequivalent(name, q, difference), Queue.Declare)


@pytest.mark.parametrize("first", range(len(COMPARED)))
def test_the_first_difference_in_order_is_reported(peer, q, first):
    same = {name: values[0] for name, values in COMPARED.items()}
    names = list(COMPARED)
    changed = same | {name: COMPARED[name][1] for name in reversed(names[first:])}
    peer.call(Queue.Declare(queue=q, arguments=same))
    peer.send_method(1, Queue.Declare(queue=q, arguments=changed))
    value, received, _ = COMPARED[names[first]]
    difference = f"received '{shown(received)}' but current is '{shown(value)}'"
    peer.expect_channel_closed(406, inequivalent(names[first], q, difference), Queue.Declare)


def test_a_dead_letter_routing_key_is_compared(peer, q):
    arguments = {"x-dead-letter-exchange": "a", "x-dead-letter-routing-key": "k"}
    peer.call(Queue.Declare(queue=q, arguments=arguments))
    peer.send_method(1, Queue.Declare(queue=q, arguments={"x-dead-letter-exchange": "a"}))
    difference = "received none but current is the value 'k' of type 'longstr'"
    text = inequivalent("x-dead-letter-routing-key", q, difference)
    peer.expect_channel_closed(406, text, Queue.Declare)


@pytest.mark.parametrize(
    "value", [Typed("s", b"\3\xe8"), Typed("i", b"\0\0\3\xe8"), Typed("l", b"\0" * 6 + b"\3\xe8")]
)
def test_integers_are_compared_by_value_not_width(peer, q, value):
    """Wire behaviour 29."""
    peer.call(Queue.Declare(queue=q, arguments={"x-message-ttl": 1000}))
    peer.call(Queue.Declare(queue=q, arguments={"x-message-ttl": value}))


@pytest.mark.parametrize(
    ("received", "seen"), [("1000", "1000"), (True, "true"), (-1, "-1"), (2**40, "1099511627776")]
)
def test_another_type_is_another_value_and_not_judged_by_itself(peer, q, received, seen):
    peer.call(Queue.Declare(queue=q, arguments={"x-message-ttl": 1000}))
    peer.send_method(1, Queue.Declare(queue=q, arguments={"x-message-ttl": received}))
    text = inequivalent("x-message-ttl", q, f"received '{seen}' but current is '1000'")
    peer.expect_channel_closed(406, text, Queue.Declare)


@pytest.mark.parametrize("name", ["x-anything", "x-consumer-timeout"])
def test_arguments_unknown_to_the_type_are_not_compared(peer, q, name):
    """Wire behaviour 29."""
    peer.call(Queue.Declare(queue=q))
    peer.call(Queue.Declare(queue=q, arguments={name: 1}))


@pytest.mark.parametrize("declared", [{}, {"x-queue-type": "classic"}])
@pytest.mark.parametrize("again", [{}, {"x-queue-type": "classic"}])
def test_no_queue_type_is_classic(peer, q, declared, again):
    """Wire behaviour 29."""
    peer.call(Queue.Declare(queue=q, arguments=declared))
    peer.call(Queue.Declare(queue=q, arguments=again))


@pytest.mark.parametrize("kind", ["quorum", "stream", "fifo"])
def test_a_classic_queue_declared_as_another_type(peer, q, kind):
    peer.call(Queue.Declare(queue=q, durable=True))
    peer.send_method(1, Queue.Declare(queue=q, durable=True, arguments={"x-queue-type": kind}))
    difference = f"received the value '{kind}' of type 'longstr' but current is none"
    peer.expect_channel_closed(406, inequivalent("x-queue-type", q, difference), Queue.Declare)


def test_a_queue_declared_classic_declared_as_another_type(peer, q):
    classic, quorum = {"x-queue-type": "classic"}, {"x-queue-type": "quorum"}
    peer.call(Queue.Declare(queue=q, durable=True, arguments=classic))
    peer.send_method(1, Queue.Declare(queue=q, durable=True, arguments=quorum))
    text = inequivalent("x-queue-type", q, "received 'quorum' but current is 'classic'")
    peer.expect_channel_closed(406, text, Queue.Declare)


def test_a_passive_declare_compares_nothing(peer, q):
    """Wire behaviour 28."""
    peer.call(Queue.Declare(queue=q, auto_delete=True))
    arguments = {"x-message-ttl": -1, "x-queue-type": "fifo"}
    peer.call(Queue.Declare(queue=q, passive=True, durable=True, arguments=arguments))
