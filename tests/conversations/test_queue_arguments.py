"""The values of queue arguments that are refused, in RabbitMQ's words, Erlang terms included."""

import struct

import pytest
from pamqp.commands import Basic, Queue

from peer import Typed

INTEGERS = ["x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority"]
TEN_YEARS_MS = 315_360_000_000


def refuse(peer, q, name, value, reason, **declare):
    peer.send_method(1, Queue.Declare(queue=q, arguments={name: value}, **declare))
    text = f"PRECONDITION_FAILED - invalid arg '{name}' for queue '{q}' in vhost '/'{reason}"
    peer.expect_channel_closed(406, text, Queue.Declare)


@pytest.mark.parametrize("name", [*INTEGERS, "x-queue-version"])
def test_a_count_cannot_be_negative(peer, q, name):
    """Error table: bad argument value."""
    refuse(peer, q, name, -1, ": {value_negative,-1}")


@pytest.mark.parametrize("name", [*INTEGERS, "x-queue-version"])
def test_a_count_cannot_be_a_string(peer, q, name):
    """Error table: bad argument value."""
    refuse(peer, q, name, "1000", ': "expected integer, got longstr"')


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Typed("d", struct.pack(">d", 1.0)), "double"),
        (Typed("f", struct.pack(">f", 1.0)), "float"),
        (Typed("D", b"\0\0\0\0\1"), "decimal"),
        (Typed("T", struct.pack(">Q", 1)), "timestamp"),
        (Typed("x", b"\0\0\0\1\1"), "binary"),
        (True, "bool"),
        (None, "void"),
        ({}, "table"),
        ([], "array"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_count_must_be_of_an_integer_type(peer, q, value, kind):
    """Error table: bad argument value; wire behaviour 48 for the names of the types."""
    refuse(peer, q, "x-message-ttl", value, f': "expected integer, got {kind}"')


@pytest.mark.parametrize(
    "value",
    [
        Typed("b", b"\5"),
        Typed("B", b"\5"),
        Typed("s", b"\0\5"),
        Typed("u", b"\0\5"),
        Typed("I", b"\0\0\0\5"),
        Typed("i", b"\0\0\0\5"),
        Typed("l", b"\0\0\0\0\0\0\0\5"),
        Typed("L", b"\0\0\0\0\0\0\0\5"),
    ],
    ids=lambda value: value.code,
)
def test_a_count_can_be_of_any_integer_type(peer, q, value):
    """Wire behaviour 48: and they mean the same."""
    peer.call(Queue.Declare(queue=q, arguments={"x-max-length": value}))
    peer.call(Queue.Declare(queue=q, arguments={"x-max-length": 5}))


def test_int8_is_signed(peer, q):
    """Wire behaviour 48."""
    refuse(peer, q, "x-max-length", Typed("b", b"\xff"), ": {value_negative,-1}")


@pytest.mark.parametrize("name", ["x-message-ttl", "x-expires"])
def test_times_end_at_ten_years(peer, q, name):
    """Error table: bad argument value."""
    refuse(peer, q, name, TEN_YEARS_MS + 1, f": {{value_too_large,{TEN_YEARS_MS + 1}}}")
    peer.open_channels()
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments={name: TEN_YEARS_MS}))


def test_a_queue_cannot_expire_at_once(peer, q):
    refuse(peer, q, "x-expires", 0, ": {value_zero,0}")


@pytest.mark.parametrize("name", ["x-message-ttl", "x-max-length", "x-max-length-bytes"])
def test_zero_is_a_value_for_the_others(peer, q, name):
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments={name: 0}))


def test_priorities_end_at_255(peer, q):
    refuse(peer, q, "x-max-priority", 256, ": {max_value_exceeded,256}")


@pytest.mark.parametrize("value", ["drop-head", "reject-publish", "reject-publish-dlx"])
def test_a_known_overflow_is_accepted(peer, q, value):
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments={"x-overflow": value}))


@pytest.mark.parametrize("value", ["drop-tail", "", b"\xff\xfe"])
def test_an_unknown_overflow_is_refused(peer, q, value):
    refuse(peer, q, "x-overflow", value, ": invalid_overflow")


@pytest.mark.parametrize(
    "name", ["x-overflow", "x-queue-type", "x-queue-mode", "x-dead-letter-routing-key"]
)
@pytest.mark.parametrize(("value", "kind"), [(1, "signedint"), (None, "void"), (True, "bool")])
def test_a_word_must_be_a_string(peer, q, name, value, kind):
    """Error table: bad argument value."""
    refuse(peer, q, name, value, f": {{unacceptable_type,{kind}}}")


@pytest.mark.parametrize(("value", "kind"), [(1, "signedint"), (None, "void")])
def test_a_dead_letter_exchange_must_be_a_string(peer, q, value, kind):
    """Error table: bad argument value, in a wording of its own."""
    peer.send_method(1, Queue.Declare(queue=q, arguments={"x-dead-letter-exchange": value}))
    text = (
        f"PRECONDITION_FAILED - invalid type '{kind}' for arg 'x-dead-letter-exchange' "
        f"in queue '{q}' in vhost '/'"
    )
    peer.expect_channel_closed(406, text, Queue.Declare)


def test_a_dead_letter_exchange_need_not_exist(peer, q):
    arguments = {"x-dead-letter-exchange": "nowhere", "x-dead-letter-routing-key": "key"}
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments=arguments))


def test_a_dead_letter_routing_key_needs_an_exchange(peer, q):
    reason = ": routing_key_but_no_dlx_defined"
    refuse(peer, q, "x-dead-letter-routing-key", "key", reason)


@pytest.mark.parametrize("value", ["fifo", "", "Classic"])
def test_an_unknown_queue_type_is_refused(peer, q, value):
    """Error table: bad argument value."""
    refuse(peer, q, "x-queue-type", value, f": \"unsupported queue type '{value}'\"")


@pytest.mark.parametrize(("value", "kind"), [("true", "longstr"), (1, "signedint")])
def test_single_active_consumer_is_a_boolean(peer, q, value, kind):
    reason = f": {{unacceptable_type,{kind}}}"
    refuse(peer, q, "x-single-active-consumer", value, reason)


@pytest.mark.parametrize("value", ["lazy", "default"])
def test_a_known_queue_mode_is_accepted(peer, q, value):
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments={"x-queue-mode": value}))


def test_an_unknown_queue_mode_is_refused(peer, q):
    refuse(peer, q, "x-queue-mode", "idle", ": \"unsupported queue mode 'idle'\"")


@pytest.mark.parametrize("value", [0, 3])
def test_an_unknown_queue_version_is_refused(peer, q, value):
    refuse(peer, q, "x-queue-version", value, f": \"unsupported queue version '{value}'\"")


@pytest.mark.parametrize(
    "name",
    [
        "x-dead-letter-strategy",
        "x-quorum-initial-group-size",
        "x-queue-leader-locator",
        "x-max-in-memory-length",
        "x-max-age",
        "x-stream-max-segment-size-bytes",
        "x-initial-cluster-size",
    ],
)
def test_a_classic_queue_refuses_what_other_types_know(peer, q, name):
    """Error table: argument of another queue type."""
    refuse(peer, q, name, "anything", " of queue type rabbit_classic_queue")


@pytest.mark.parametrize("name", ["x-anything", "x-cancel-on-ha-failover"])
@pytest.mark.parametrize("value", ["anything", -1, {"a": [None]}])
def test_an_argument_that_no_type_knows_may_be_anything(peer, q, name, value):
    """Wire behaviour 29."""
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments={name: value}))


BY_ORDER_OF_JUDGEMENT = {
    "x-queue-type": ("fifo", ": \"unsupported queue type 'fifo'\""),
    "x-expires": (-1, ": {value_negative,-1}"),
    "x-message-ttl": (-1, ": {value_negative,-1}"),
    "x-dead-letter-routing-key": ("key", ": routing_key_but_no_dlx_defined"),
    "x-max-length": (-1, ": {value_negative,-1}"),
    "x-max-length-bytes": (-1, ": {value_negative,-1}"),
    "x-max-priority": (-1, ": {value_negative,-1}"),
    "x-overflow": ("drop-tail", ": invalid_overflow"),
    "x-queue-mode": ("idle", ": \"unsupported queue mode 'idle'\""),
    "x-queue-version": (9, ": \"unsupported queue version '9'\""),
    "x-single-active-consumer": (1, ": {unacceptable_type,signedint}"),
    "x-quorum-initial-group-size": (5, " of queue type rabbit_classic_queue"),
}


@pytest.mark.parametrize("first", range(len(BY_ORDER_OF_JUDGEMENT)))
def test_the_first_wrong_argument_in_the_broker_s_order_is_reported(peer, q, first):
    wrong = list(BY_ORDER_OF_JUDGEMENT)[first:]
    arguments = {name: BY_ORDER_OF_JUDGEMENT[name][0] for name in reversed(wrong)}
    peer.send_method(1, Queue.Declare(queue=q, arguments=arguments))
    text = f"PRECONDITION_FAILED - invalid arg '{wrong[0]}' for queue '{q}' in vhost '/'"
    text += BY_ORDER_OF_JUDGEMENT[wrong[0]][1]
    peer.expect_channel_closed(406, text, Queue.Declare)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("x-priority", "high", ': "expected integer, got longstr"'),
        ("x-priority", None, ': "expected integer, got void"'),
        ("x-cancel-on-ha-failover", 1, ": {unacceptable_type,signedint}"),
        ("x-stream-offset", 1, " of queue type rabbit_classic_queue"),
    ],
)
def test_the_arguments_of_a_consumer_are_judged_likewise(peer, q, name, value, reason):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.send_method(1, Basic.Consume(queue=q, arguments={name: value}))
    text = f"PRECONDITION_FAILED - invalid arg '{name}' for queue '{q}' in vhost '/'{reason}"
    peer.expect_channel_closed(406, text, Basic.Consume)


@pytest.mark.parametrize("arguments", [{"x-priority": -5}, {"x-priority": 2**40}, {"x-any": 1}])
def test_a_consumer_s_priority_is_any_integer(peer, q, arguments):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q, arguments=arguments))
