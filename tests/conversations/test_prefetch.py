"""basic.qos: how many deliveries may be unsettled, by consumer or channel (wire behaviour 30)."""

import pytest
from pamqp.commands import Basic, Queue


@pytest.fixture
def filled(peer, q):
    peer.call(Queue.Declare(queue=q))
    for n in range(6):
        peer.publish(1, "", q, b"%d" % n)
    return q


def ready(peer, q):
    return peer.call(Queue.Declare(queue=q, passive=True)).message_count


def deliveries(peer, count, channel=1):
    return [peer.expect(Basic.Deliver, channel) for _ in range(count)]


def test_a_consumer_gets_as_many_as_its_prefetch(peer, filled):
    peer.call(Basic.Qos(prefetch_count=2))
    peer.call(Basic.Consume(queue=filled))
    assert [each.body for each in deliveries(peer, 2)] == [b"0", b"1"]
    peer.expect_nothing()
    assert ready(peer, filled) == 4


@pytest.mark.parametrize(
    "settle",
    [
        lambda tag: Basic.Ack(tag),
        lambda tag: Basic.Reject(tag, requeue=False),
        lambda tag: Basic.Nack(tag, requeue=False),
    ],
)
def test_settling_one_brings_the_next(peer, filled, settle):
    peer.call(Basic.Qos(prefetch_count=1))
    peer.call(Basic.Consume(queue=filled))
    for n in range(6):
        delivery = peer.expect(Basic.Deliver)
        assert (delivery.delivery_tag, delivery.body) == (n + 1, b"%d" % n)
        peer.send_method(1, settle(delivery.delivery_tag))


def test_zero_is_no_bound(peer, filled):
    peer.call(Basic.Qos(prefetch_count=1))
    peer.call(Basic.Qos(prefetch_count=0))
    peer.call(Basic.Consume(queue=filled))
    deliveries(peer, 6)


def test_each_consumer_has_its_own(peer, filled):
    peer.call(Basic.Qos(prefetch_count=2))
    for tag in "ab":
        peer.call(Basic.Consume(queue=filled, consumer_tag=tag))
        assert [each.consumer_tag for each in deliveries(peer, 2)] == [tag, tag]
    peer.expect_nothing()
    assert ready(peer, filled) == 2


def test_a_new_prefetch_is_for_consumers_that_come_after(peer, filled):
    peer.call(Basic.Qos(prefetch_count=1))
    peer.call(Basic.Consume(queue=filled, consumer_tag="early"))
    deliveries(peer, 1)
    peer.call(Basic.Qos(prefetch_count=3))
    peer.call(Basic.Consume(queue=filled, consumer_tag="late"))
    assert {each.consumer_tag for each in deliveries(peer, 3)} == {"late"}
    peer.send_method(1, Basic.Ack(1))
    assert peer.expect(Basic.Deliver).consumer_tag == "early"
    assert ready(peer, filled) == 1


def test_a_global_prefetch_is_the_channel_s(peer, filled):
    peer.call(Basic.Qos(prefetch_count=3, global_=True))
    peer.call(Basic.Consume(queue=filled))
    deliveries(peer, 3)
    peer.call(Basic.Consume(queue=filled))
    assert ready(peer, filled) == 3
    peer.send_method(1, Basic.Ack(2, multiple=True))
    deliveries(peer, 2)
    assert ready(peer, filled) == 1


def test_the_tighter_of_both_counts(peer, filled):
    peer.call(Basic.Qos(prefetch_count=2, global_=False))
    peer.call(Basic.Qos(prefetch_count=3, global_=True))
    for tag, count in (("a", 2), ("b", 1)):
        peer.call(Basic.Consume(queue=filled, consumer_tag=tag))
        assert {each.consumer_tag for each in deliveries(peer, count)} == {tag}
    assert ready(peer, filled) == 3


def test_a_global_prefetch_may_be_raised_while_consuming(peer, filled):
    peer.call(Basic.Qos(prefetch_count=1, global_=True))
    peer.call(Basic.Consume(queue=filled))
    deliveries(peer, 1)
    peer.call(Basic.Qos(prefetch_count=3, global_=True))
    deliveries(peer, 2)
    assert ready(peer, filled) == 3


def test_another_channel_is_not_bound(peer, filled):
    peer.open_channels([2])
    peer.call(Basic.Qos(prefetch_count=1, global_=True))
    peer.call(Basic.Consume(queue=filled))
    peer.expect(Basic.Deliver, 1)
    peer.call(Basic.Consume(queue=filled), 2)
    assert [each.body for each in deliveries(peer, 5, channel=2)] == [b"1", b"2", b"3", b"4", b"5"]


@pytest.mark.parametrize("global_", [False, True])
def test_consumers_without_acknowledgement_are_not_bound(peer, filled, global_):
    """Wire behaviour 31."""
    peer.call(Basic.Qos(prefetch_count=1, global_=global_))
    peer.call(Basic.Consume(queue=filled, no_ack=True))
    deliveries(peer, 6)


def test_a_busy_consumer_is_passed_over(peer, other, q):
    """Wire behaviour 60: among those with spare prefetch."""
    peer.call(Queue.Declare(queue=q))
    for each in (peer, other):
        each.call(Basic.Qos(prefetch_count=1))
        each.call(Basic.Consume(queue=q))
    for n in range(4):
        peer.publish(1, "", q, b"%d" % n)
    assert peer.expect(Basic.Deliver).body == b"0"
    for n in (1, 2, 3):
        delivery = other.expect(Basic.Deliver)
        assert delivery.body == b"%d" % n
        other.send_method(1, Basic.Ack(delivery.delivery_tag))
