"""Queues that may hold only so much: x-max-length(-bytes), x-overflow (features 2.3)."""

import pytest
from pamqp.commands import Basic, Confirm, Queue, Tx


def declare(peer, q, **arguments):
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    return peer.call(Queue.Declare(queue=q, exclusive=True, arguments=given))


def bodies(peer, q):
    found = []
    while True:
        got = peer.call(Basic.Get(queue=q, no_ack=True))
        if isinstance(got.method, Basic.GetEmpty):
            return found
        found.append(got.body)


def publish(peer, q, *all_bodies):
    for body in all_bodies:
        peer.publish(1, "", q, body)


def answers(peer, count):
    """Confirms by number: whether it was an ack; a multiple one answers all before it."""
    found = {}
    while len(found) < count:
        answer = peer.next(1).method
        first = len(found) + 1 if answer.multiple else answer.delivery_tag
        for number in range(first, answer.delivery_tag + 1):
            found.setdefault(number, isinstance(answer, Basic.Ack))
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize("overflow", [{}, {"x_overflow": "drop-head"}])
def test_the_oldest_goes(peer, q, overflow):
    """Wire behaviour 63."""
    declare(peer, q, x_max_length=2, **overflow)
    publish(peer, q, b"1", b"2", b"3")
    assert bodies(peer, q) == [b"2", b"3"]


def test_octets_count_and_only_those_of_bodies(peer, q):
    declare(peer, q, x_max_length_bytes=10)
    publish(peer, q, b"1234", b"5678", b"90")
    assert bodies(peer, q) == [b"1234", b"5678", b"90"]
    publish(peer, q, b"1234", b"5678", b"90x")
    assert bodies(peer, q) == [b"5678", b"90x"]


def test_a_message_that_is_larger_than_the_limit_goes_itself(peer, q):
    declare(peer, q, x_max_length_bytes=3)
    publish(peer, q, b"1", b"1234")
    assert bodies(peer, q) == []


def test_unacknowledged_messages_do_not_count(peer, q):
    declare(peer, q, x_max_length=1)
    publish(peer, q, b"1")
    peer.call(Basic.Get(queue=q))
    publish(peer, q, b"2")
    assert bodies(peer, q) == [b"2"]


def test_what_comes_back_may_be_too_much(peer, q):
    declare(peer, q, x_max_length=1)
    publish(peer, q, b"1")
    tag = peer.call(Basic.Get(queue=q)).delivery_tag
    publish(peer, q, b"2")
    peer.send_method(1, Basic.Nack(tag, requeue=True))
    assert bodies(peer, q) == [b"2"]


def test_a_limit_of_none_serves_consumers_only(peer, q):
    declare(peer, q, x_max_length=0)
    publish(peer, q, b"1")
    peer.call(Basic.Consume(queue=q, no_ack=True))
    publish(peer, q, b"2")
    assert peer.expect(Basic.Deliver).body == b"2"


@pytest.mark.parametrize("overflow", ["reject-publish", "reject-publish-dlx"])
def test_a_full_queue_refuses_and_the_publisher_hears_of_it(peer, q, overflow):
    """Wire behaviour 63."""
    declare(peer, q, x_max_length=1, x_overflow=overflow)
    peer.call(Confirm.Select())
    publish(peer, q, b"1", b"2", b"3")
    assert answers(peer, 3) == [True, False, False]
    assert bodies(peer, q) == [b"1"]
    publish(peer, q, b"4")
    assert isinstance(peer.next(1).method, Basic.Ack)


def test_one_refusal_of_several_queues_is_a_nack(peer, q, unique_name):
    """Wire behaviour 39."""
    other, x = unique_name("queue"), "amq.fanout"
    declare(peer, q, x_max_length=0, x_overflow="reject-publish")
    declare(peer, other)
    for each in (q, other):
        peer.call(Queue.Bind(queue=each, exchange=x))
    peer.call(Confirm.Select())
    peer.publish(1, x, "", b"1")
    assert isinstance(peer.next(1).method, Basic.Nack)
    assert bodies(peer, other) == [b"1"]


def test_a_full_queue_refuses_persistent_messages(peer, q):
    peer.call(
        Queue.Declare(
            queue=q, durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
        )
    )
    peer.call(Confirm.Select())
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body, Basic.Properties(delivery_mode=2))
    assert answers(peer, 2) == [True, False]


def test_without_confirms_a_refusal_is_silent(peer, q):
    declare(peer, q, x_max_length=1, x_overflow="reject-publish")
    publish(peer, q, b"1", b"2")
    assert bodies(peer, q) == [b"1"]


def test_a_commit_with_a_refusal_fails(peer, q):
    declare(peer, q, x_max_length=1, x_overflow="reject-publish")
    peer.call(Tx.Select())
    publish(peer, q, b"1", b"2")
    peer.send_method(1, Tx.Commit())
    text = "PRECONDITION_FAILED - partial tx completion"
    peer.expect_channel_closed(406, text, Tx.Commit)
    peer.open_channels()
    assert bodies(peer, q) == [b"1"]
