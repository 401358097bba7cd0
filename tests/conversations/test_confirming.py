"""Publisher confirms: who hears what, and in which order."""

import pytest
from pamqp.commands import Basic, Confirm, Exchange, Queue


@pytest.fixture
def confirming(peer):
    peer.call(Confirm.Select())
    return peer


def confirmed(peer, count, channel=1):
    """Read acks until `count` publishes are confirmed; none may be confirmed twice."""
    pending = set(range(1, count + 1))
    while pending:
        ack = peer.expect(Basic.Ack, channel)
        tags = {n for n in pending if n <= ack.delivery_tag} if ack.multiple else {ack.delivery_tag}
        assert tags <= pending
        assert tags
        pending -= tags


def test_selecting_twice_is_no_error(confirming):
    """No error: confirm.select twice."""
    confirming.call(Confirm.Select())
    confirming.publish(1, "", "nobody")
    assert confirming.expect(Basic.Ack).delivery_tag == 1


def test_selecting_without_waiting_says_nothing(peer):
    """Wire behaviour 23."""
    peer.send_method(1, Confirm.Select(nowait=True))
    peer.expect_nothing()
    peer.publish(1, "", "nobody")
    assert peer.expect(Basic.Ack).delivery_tag == 1


@pytest.mark.parametrize("delivery_mode", [1, 2])
def test_a_message_in_a_queue_is_confirmed(confirming, q, delivery_mode):
    """Wire behaviour 40."""
    confirming.call(Queue.Declare(queue=q, durable=True))
    confirming.publish(1, "", q, b"safe", Basic.Properties(delivery_mode=delivery_mode))
    ack = confirming.expect(Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (1, False)


def test_a_message_to_nowhere_is_confirmed(confirming):
    """Wire behaviours 36 and 39: matching no queue is an immediate ack."""
    confirming.publish(1, "", "nobody")
    assert confirming.expect(Basic.Ack).delivery_tag == 1


def test_a_mandatory_message_to_nowhere_is_returned_then_confirmed(confirming):
    """Wire behaviour 36."""
    confirming.publish(1, "", "nobody", b"back", mandatory=True)
    assert confirming.expect(Basic.Return).body == b"back"
    assert confirming.expect(Basic.Ack).delivery_tag == 1


def test_every_message_is_confirmed_once(confirming, q):
    """Wire behaviour 38."""
    confirming.call(Queue.Declare(queue=q, durable=True))
    persistent = Basic.Properties(delivery_mode=2)
    for n in range(100):
        confirming.publish(1, "", q if n % 3 else "nobody", b"", persistent)
    confirmed(confirming, 100)
    confirming.expect_nothing()


def test_a_message_for_two_queues_is_confirmed_once(confirming, x, unique_name):
    """Wire behaviour 39."""
    confirming.call(Exchange.Declare(exchange=x, exchange_type="fanout"))
    for queue in (unique_name("queue"), unique_name("queue")):
        confirming.call(Queue.Declare(queue=queue))
        confirming.call(Queue.Bind(queue=queue, exchange=x))
    confirming.publish(1, x, "")
    confirmed(confirming, 1)
    confirming.expect_nothing()


def test_confirms_count_from_the_select(peer):
    """Wire behaviour 21: publishes before it have no number."""
    for _ in range(3):
        peer.publish(1, "", "nobody")
    peer.call(Confirm.Select())
    peer.publish(1, "", "nobody")
    assert peer.expect(Basic.Ack).delivery_tag == 1


def test_confirms_and_deliveries_are_counted_apart(confirming, q):
    """Wire behaviour 21."""
    confirming.call(Queue.Declare(queue=q, exclusive=True))
    for n in (1, 2):
        confirming.publish(1, "", q)
        assert confirming.expect(Basic.Ack).delivery_tag == n
    assert confirming.call(Basic.Get(queue=q)).delivery_tag == 1


def test_each_channel_counts_its_own(confirming):
    """Wire behaviour 21."""
    confirming.open_channels([2, 3])
    confirming.call(Confirm.Select(), 2)
    for channel in (1, 2, 2):
        confirming.publish(channel, "", "nobody")
    confirmed(confirming, 1, channel=1)
    confirmed(confirming, 2, channel=2)
    confirming.publish(3, "", "nobody")
    confirming.expect_nothing(channel=3)


def test_a_consumer_s_rejection_is_not_the_publisher_s(confirming, q):
    confirming.call(Queue.Declare(queue=q, exclusive=True))
    confirming.publish(1, "", q)
    confirming.expect(Basic.Ack)
    confirming.send_method(1, Basic.Reject(confirming.call(Basic.Get(queue=q)).delivery_tag))
    confirming.expect_nothing()


def test_what_was_confirmed_before_an_error_stays(confirming, q):
    confirming.call(Queue.Declare(queue=q))
    confirming.publish(1, "", q, b"kept")
    confirming.expect(Basic.Ack)
    confirming.publish(1, "nowhere", q)
    text = "NOT_FOUND - no exchange 'nowhere' in vhost '/'"
    confirming.expect_channel_closed(404, text, Basic.Publish)
    confirming.open_channels()
    assert confirming.call(Basic.Get(queue=q)).body == b"kept"


def test_confirming_ends_with_the_channel(confirming):
    confirming.publish(1, "nowhere", "key")
    text = "NOT_FOUND - no exchange 'nowhere' in vhost '/'"
    confirming.expect_channel_closed(404, text, Basic.Publish)
    confirming.open_channels()
    confirming.publish(1, "", "nobody")
    confirming.expect_nothing()
