"""Which queues a message reaches, exchange type by exchange type."""

from itertools import pairwise

import pytest
from pamqp.commands import Basic, Exchange, Queue

from peer import Typed


def reaches(peer, q, x, routing_key="", headers=None):
    """True if one copy arrives, False if none does."""
    properties = Basic.Properties()
    properties.headers = headers
    peer.publish(1, x, routing_key, b"", properties, mandatory=True)
    peer.send_method(1, Basic.Get(queue=q, no_ack=True))
    first = peer.next(1)
    if isinstance(first.method, Basic.Return):
        peer.expect(Basic.GetEmpty)
        return False
    assert isinstance(first.method, Basic.GetOk)
    assert first.message_count == 0
    return True


@pytest.fixture
def route(peer, q, x):
    """Bind the queue to an exchange of this type; ask whether a message reaches it."""
    peer.call(Queue.Declare(queue=q, exclusive=True))

    def bind(kind, *keys, arguments=None):
        peer.call(Exchange.Declare(exchange=x, exchange_type=kind))
        for key in keys or [""]:
            peer.call(Queue.Bind(queue=q, exchange=x, routing_key=key, arguments=arguments))
        return lambda key="", headers=None: reaches(peer, q, x, key, headers)

    return bind


@pytest.mark.parametrize(
    ("binding_key", "routing_key", "matches"),
    [
        ("a.b.c", "a.b.c", True),
        ("a.b.c", "a.b", False),
        ("a.b", "a.b.c", False),
        ("a.b", "A.b", False),
        ("*", "a", True),
        ("*", "a.b", False),
        ("*", "", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.", True),
        ("*.b", ".b", True),
        ("a.*.c", "a..c", True),
        ("a.*.c", "a.b.b.c", False),
        ("#", "", True),
        ("#", "a", True),
        ("#", "a.b.c", True),
        ("a.#", "a", True),
        ("a.#", "a.b.c", True),
        ("a.#", "ab", False),
        ("#.c", "c", True),
        ("#.c", "a.b.c", True),
        ("#.c", "c.a", False),
        ("a.#.c", "a.c", True),
        ("a.#.c", "a.b.b.c", True),
        ("a.#.c", "a.b", False),
        ("#.b.#", "b", True),
        ("#.b.#", "a.b.c", True),
        ("#.b.#", "a.c", False),
        ("#.#", "", True),
        ("#.*", "", False),
        ("#.*", "a", True),
        ("*.#", "a.b", True),
        ("#.a.#.a", "a", False),
        ("#.a.#.a", "b.a.c.a", True),
        ("", "", True),
        ("", "a", False),
        ("a..b", "a..b", True),
        ("a..b", "a.b", False),
        ("a*", "ab", False),
        ("a*", "a*", True),
        ("a#.b", "a#.b", True),
        ("ü.*", "ü.ü", True),
    ],
)
def test_a_topic_binding_matches_words(route, binding_key, routing_key, matches):
    """Wire behaviour 50."""
    assert route("topic", binding_key)(routing_key) is matches


def test_topic_bindings_that_overlap_deliver_one_copy(route):
    assert route("topic", "a.*", "*.b", "#", "a.b", "a.#")("a.b")


def test_a_topic_queue_unbound_is_reached_by_its_other_bindings_only(peer, route, q, x):
    reached = route("topic", "a.#", "a.b")
    peer.call(Queue.Unbind(queue=q, exchange=x, routing_key="a.#"))
    assert reached("a.b")
    assert not reached("a.c")


def test_a_direct_binding_is_one_key(route):
    reached = route("direct", "a", "", "b.*")
    assert [key for key in ("a", "", "b.*", "b.c", "A") if reached(key)] == ["a", "", "b.*"]


def test_a_fanout_ignores_the_key(route):
    reached = route("fanout", "any")
    assert reached("other")
    assert reached("")


def test_the_default_exchange_is_a_direct_one_to_every_queue(peer, q):
    """Wire behaviour 52."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    assert reaches(peer, q, "", q)
    assert not reaches(peer, q, "", q.upper())


@pytest.mark.parametrize(
    ("arguments", "headers", "matches"),
    [
        ({"x-match": "all", "a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, True),
        ({"x-match": "all", "a": 1, "b": 2}, {"a": 1}, False),
        ({"x-match": "all", "a": 1}, {"a": 2}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({"x-match": "any", "a": 1, "b": 2}, {"b": 2}, True),
        ({"x-match": "any", "a": 1, "b": 2}, {"a": 2, "b": 1}, False),
        ({"x-match": "any", "a": 1}, {}, False),
        ({"x-match": "all"}, {"a": 1}, True),
        ({"x-match": "all"}, None, True),
        ({}, None, True),
        ({"x-match": "any"}, {"a": 1}, False),
        ({"a": None}, {"a": "anything"}, True),
        ({"a": None}, {"b": "anything"}, False),
        ({"x-match": "all", "x-a": 1}, {"b": 1}, True),
        ({"x-match": "any", "x-a": 1}, {"x-a": 1}, False),
        ({"x-match": "all-with-x", "x-a": 1}, {"x-a": 1}, True),
        ({"x-match": "all-with-x", "x-a": 1}, {"b": 1}, False),
        ({"x-match": "any-with-x", "x-a": 1, "b": 1}, {"x-a": 1}, True),
        ({"x-match": "any-with-x", "x-a": 1}, {"x-a": 2}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": 1}, {"a": Typed("l", b"\0\0\0\0\0\0\0\1")}, True),
        ({"a": 1}, {"a": Typed("b", b"\1")}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": True}, {"a": True}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, True),
        ({"a": "ü"}, {"a": "ü"}, True),
        ({"a": "a"}, {"a": "A"}, False),
    ],
)
def test_a_headers_binding_matches_values(route, arguments, headers, matches):
    """Wire behaviour 51."""
    assert route("headers", arguments=arguments)(headers=headers) is matches


def test_a_headers_exchange_ignores_the_key(route):
    assert route("headers", "some", arguments={"a": 1})("other", {"a": 1})


def test_headers_bindings_that_overlap_deliver_one_copy(peer, route, q, x):
    reached = route("headers", arguments={"a": 1})
    peer.call(Queue.Bind(queue=q, exchange=x, arguments={"x-match": "any", "a": 1, "b": 1}))
    assert reached(headers={"a": 1, "b": 1})


@pytest.fixture
def chain(peer, unique_name):
    """Three fanout exchanges, each behind the one before."""
    names = [unique_name("exchange") for _ in range(3)]
    for each in names:
        peer.call(Exchange.Declare(exchange=each, exchange_type="fanout"))
    for source, destination in pairwise(names):
        peer.call(Exchange.Bind(source=source, destination=destination))
    return names


def test_messages_pass_from_exchange_to_exchange(peer, q, chain):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange=chain[2]))
    peer.publish(1, chain[0], "key")
    got = peer.call(Basic.Get(queue=q))
    assert (got.exchange, got.routing_key) == (chain[0], "key")


def test_a_queue_reached_by_several_paths_gets_one_copy(peer, q, chain):
    """Wire behaviour 53."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Exchange.Bind(source=chain[0], destination=chain[2]))
    for each in chain:
        peer.call(Queue.Bind(queue=q, exchange=each))
    assert reaches(peer, q, chain[0])


def test_exchanges_may_form_a_circle(peer, q, chain):
    """Wire behaviour 53."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Exchange.Bind(source=chain[2], destination=chain[0]))
    peer.call(Exchange.Bind(source=chain[0], destination=chain[0]))
    peer.call(Queue.Bind(queue=q, exchange=chain[1]))
    assert reaches(peer, q, chain[2])


def test_an_exchange_unbound_passes_nothing_on(peer, q, chain):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange=chain[2]))
    peer.call(Exchange.Unbind(source=chain[1], destination=chain[2]))
    assert not reaches(peer, q, chain[0])


def test_a_binding_to_an_exchange_goes_with_either_end(peer, q, chain):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange=chain[2]))
    peer.call(Exchange.Delete(exchange=chain[1]))
    peer.call(Exchange.Declare(exchange=chain[1], exchange_type="fanout"))
    assert not reaches(peer, q, chain[0])
    assert not reaches(peer, q, chain[1])
