"""Bindings: there once, however often they are made."""

import pytest
from pamqp.commands import Basic, Exchange, Queue

from peer import Typed, unchecked


@pytest.fixture
def bound(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange="amq.direct", routing_key=q))
    return q


def test_binding_twice_is_binding_once(peer, bound):
    """No error: queue.bind twice; wire behaviour 55."""
    peer.call(Queue.Bind(queue=bound, exchange="amq.direct", routing_key=bound))
    peer.publish(1, "amq.direct", bound, b"one copy")
    assert peer.call(Basic.Get(queue=bound)).message_count == 0
    peer.call(Queue.Unbind(queue=bound, exchange="amq.direct", routing_key=bound))
    peer.publish(1, "amq.direct", bound, mandatory=True)
    peer.expect(Basic.Return)


def test_bindings_that_match_together_deliver_one_copy(peer, bound):
    peer.call(Queue.Bind(queue=bound, exchange="amq.direct", routing_key="b", arguments={"n": 1}))
    peer.call(Queue.Bind(queue=bound, exchange="amq.direct", routing_key="b", arguments={"n": 2}))
    peer.publish(1, "amq.direct", "b")
    assert peer.call(Basic.Get(queue=bound)).message_count == 0


def test_bindings_with_other_arguments_are_other_bindings(peer, bound):
    """Wire behaviour 55."""
    binding = {"queue": bound, "exchange": "amq.direct", "routing_key": f"{bound}.2"}
    for n in (1, 2):
        peer.call(Queue.Bind(**binding, arguments={"n": n}))
    peer.call(Queue.Unbind(**binding, arguments={"n": 1}))
    peer.publish(1, "amq.direct", f"{bound}.2", b"by the other")
    assert peer.call(Basic.Get(queue=bound)).body == b"by the other"
    peer.call(Queue.Unbind(**binding, arguments={"n": 2}))
    peer.publish(1, "amq.direct", f"{bound}.2", mandatory=True)
    peer.expect(Basic.Return)


def test_unbinding_with_other_arguments_leaves_the_binding(peer, bound):
    unbind = Queue.Unbind(queue=bound, exchange="amq.direct", routing_key=bound)
    unbind.arguments = {"n": 1}
    peer.call(unbind)
    peer.publish(1, "amq.direct", bound, b"still here")
    assert peer.call(Basic.Get(queue=bound)).body == b"still here"


def test_bindings_go_with_their_queue(peer, bound):
    peer.call(Queue.Delete(queue=bound))
    peer.call(Queue.Declare(queue=bound, exclusive=True))
    peer.publish(1, "amq.direct", bound, mandatory=True)
    peer.expect(Basic.Return)


def test_another_connection_s_publish_uses_the_binding_at_once(peer, other, bound):
    peer.call(Basic.Consume(queue=bound, no_ack=True))
    other.publish(1, "amq.direct", bound, b"at once")
    assert peer.expect(Basic.Deliver).body == b"at once"


@pytest.mark.parametrize("value", ["some", "ANY", ""])
def test_an_unknown_x_match_is_refused(peer, bound, value):
    """Error table: headers bind bad x-match."""
    peer.send_method(
        1, Queue.Bind(queue=bound, exchange="amq.headers", arguments={"x-match": value})
    )
    text = (
        f'PRECONDITION_FAILED - Invalid x-match field value <<"{value}">>; '
        "expected all, any, all-with-x, or any-with-x"
    )
    if not value:
        text = text.replace('<<"">>', "<<>>")
    peer.expect_channel_closed(406, text, Queue.Bind)


@pytest.mark.parametrize(("value", "kind", "seen"), [(1, "signedint", "1"), (True, "bool", "true")])
def test_an_x_match_is_a_string(peer, bound, value, kind, seen):
    peer.send_method(
        1, Queue.Bind(queue=bound, exchange="amq.headers", arguments={"x-match": value})
    )
    text = (
        f"PRECONDITION_FAILED - Invalid x-match field type {kind} (value {seen}); expected longstr"
    )
    peer.expect_channel_closed(406, text, Queue.Bind)


def test_an_unknown_x_match_between_exchanges_is_refused(peer):
    bind = Exchange.Bind(source="amq.headers", destination="amq.fanout")
    bind.arguments = {"x-match": "some"}
    peer.send_method(1, bind)
    text = (
        'PRECONDITION_FAILED - Invalid x-match field value <<"some">>; '
        "expected all, any, all-with-x, or any-with-x"
    )
    peer.expect_channel_closed(406, text, Exchange.Bind)


@pytest.mark.parametrize("value", ["all", "any", "all-with-x", "any-with-x"])
def test_a_known_x_match_is_accepted(peer, bound, value):
    peer.call(Queue.Bind(queue=bound, exchange="amq.headers", arguments={"x-match": value}))


@pytest.mark.parametrize("exchange", ["amq.direct", "amq.fanout", "amq.topic"])
def test_other_exchanges_do_not_read_x_match(peer, bound, exchange):
    peer.call(Queue.Bind(queue=bound, exchange=exchange, arguments={"x-match": "some"}))


def test_unbinding_does_not_judge_x_match(peer, bound):
    unbind = Queue.Unbind(queue=bound, exchange="amq.headers", arguments={"x-match": "some"})
    peer.call(unbind)


def test_exchange_bind_and_unbind_without_waiting_say_nothing(peer, x):
    """Wire behaviour 23."""
    peer.call(Exchange.Declare(exchange=x))
    binding = {"source": "amq.direct", "destination": x, "routing_key": x, "nowait": True}
    peer.send_method(1, Exchange.Bind(**binding))
    peer.send_method(1, Exchange.Unbind(**binding))
    peer.expect_nothing()


INT64 = Typed("l", b"\0\0\0\0\0\0\0\1")


@pytest.mark.parametrize(
    ("bound_with", "unbound_with", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": INT64}, {"a": Typed("L", INT64.data)}, True),
        ({"a": 1}, {"a": INT64}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, False),
        ({"a": None}, {}, False),
    ],
)
def test_what_makes_arguments_the_same(peer, q, bound_with, unbound_with, same):
    """Wire behaviour 55: types count, the order of the outermost keys does not."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    binding = {"queue": q, "exchange": "amq.direct", "routing_key": q}
    peer.call(Queue.Bind(**binding, arguments=bound_with))
    peer.call(Queue.Unbind(**binding, arguments=unbound_with))
    peer.publish(1, "amq.direct", q, mandatory=True)
    peer.send_method(1, Basic.Get(queue=q))
    assert isinstance(peer.next(1).method, Basic.Return) is same


def test_line_breaks_are_removed_from_the_names_in_a_binding(peer, q, x):
    """Wire behaviour 25."""
    peer.call(Exchange.Declare(exchange=x))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    broken = {"queue": f"{q[:2]}\r\n{q[2:]}", "exchange": f"\n{x}"}
    peer.call(unchecked(Queue.Bind, **broken, routing_key="key"))
    peer.publish(1, x, "key")
    assert isinstance(peer.call(Basic.Get(queue=q)).method, Basic.GetOk)
    peer.call(unchecked(Queue.Unbind, **broken, routing_key="key"))
    peer.publish(1, x, "key", mandatory=True)
    peer.expect(Basic.Return)


def test_line_breaks_are_removed_from_the_names_of_bound_exchanges(peer, q, x):
    """Wire behaviour 25."""
    peer.call(Exchange.Declare(exchange=x))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange=x, routing_key="key"))
    broken = {"source": "amq.\ntopic", "destination": f"{x}\r", "routing_key": f"{x}.#"}
    peer.call(unchecked(Exchange.Bind, **broken))
    peer.publish(1, "amq.topic", f"{x}.key", mandatory=True)
    peer.expect(Basic.Return)
    peer.call(Queue.Bind(queue=q, exchange=x, routing_key=f"{x}.key"))
    peer.publish(1, "amq.topic", f"{x}.key")
    assert isinstance(peer.call(Basic.Get(queue=q)).method, Basic.GetOk)
    peer.call(unchecked(Exchange.Unbind, **broken))
    peer.publish(1, "amq.topic", f"{x}.key", mandatory=True)
    peer.expect(Basic.Return)


def test_what_no_queue_behind_an_exchange_takes_comes_back(peer, x):
    peer.call(Exchange.Declare(exchange=x, exchange_type="fanout"))
    peer.call(Exchange.Bind(source="amq.direct", destination=x, routing_key=x))
    peer.publish(1, "amq.direct", x, mandatory=True)
    assert peer.expect(Basic.Return).exchange == "amq.direct"
