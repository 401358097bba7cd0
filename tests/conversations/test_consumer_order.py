"""Who gets the next message: consumer priorities and single active consumers (features 2.4)."""

from pamqp.commands import Basic, Queue

SINGLE = {"x-single-active-consumer": True}


def consume(peer, q, tag, priority=None, **properties):
    arguments = {} if priority is None else {"x-priority": priority}
    peer.call(Basic.Consume(queue=q, consumer_tag=tag, arguments=arguments, **properties))


def publish(peer, q, *bodies):
    for body in bodies:
        peer.publish(1, "", q, body)


def receivers(peer, count):
    return [peer.expect(Basic.Deliver).consumer_tag for _ in range(count)]


def test_the_highest_priority_goes_first(peer, q):
    """Wire behaviour 60."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    consume(peer, q, "low", no_ack=True)
    consume(peer, q, "high", 10, no_ack=True)
    consume(peer, q, "lowest", -1, no_ack=True)
    publish(peer, q, b"1", b"2")
    assert receivers(peer, 2) == ["high", "high"]


def test_those_of_the_same_priority_take_turns(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    consume(peer, q, "low", no_ack=True)
    consume(peer, q, "a", 1, no_ack=True)
    consume(peer, q, "b", 1, no_ack=True)
    publish(peer, q, b"1", b"2", b"3", b"4")
    assert receivers(peer, 4) == ["a", "b", "a", "b"]


def test_the_lower_ones_get_what_the_higher_ones_cannot_take(peer, q):
    """Wire behaviour 60."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Qos(prefetch_count=1))
    consume(peer, q, "low")
    consume(peer, q, "high", 5)
    publish(peer, q, b"1", b"2", b"3")
    first = peer.expect(Basic.Deliver)
    assert [first.consumer_tag, *receivers(peer, 1)] == ["high", "low"]
    peer.send_method(1, Basic.Ack(first.delivery_tag))
    assert receivers(peer, 1) == ["high"]


def test_one_consumer_at_a_time(peer, q):
    """Wire behaviour 61."""
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments=SINGLE))
    consume(peer, q, "first", no_ack=True)
    consume(peer, q, "second", no_ack=True)
    publish(peer, q, b"1", b"2", b"3")
    assert receivers(peer, 3) == ["first"] * 3


def test_one_without_credit_holds_the_queue(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments=SINGLE))
    peer.call(Basic.Qos(prefetch_count=1))
    consume(peer, q, "first")
    consume(peer, q, "second")
    publish(peer, q, b"1", b"2")
    assert receivers(peer, 1) == ["first"]
    peer.expect_nothing()


def test_the_next_takes_over_when_it_is_cancelled(peer, other, q):
    """Wire behaviour 61."""
    peer.call(Queue.Declare(queue=q, arguments=SINGLE))
    peer.call(Basic.Qos(prefetch_count=1))
    other.call(Basic.Qos(prefetch_count=1))
    consume(peer, q, "first")
    for tag in ("second", "third"):
        consume(other, q, tag)
    publish(peer, q, b"1")
    assert receivers(peer, 1) == ["first"]
    peer.call(Basic.Cancel("first"))
    publish(peer, q, b"2")
    assert receivers(other, 1) == ["second"]


def test_the_next_takes_over_when_its_connection_ends(peer, other, q):
    peer.call(Queue.Declare(queue=q, auto_delete=True, arguments=SINGLE))
    consume(other, q, "first")
    consume(peer, q, "second")
    publish(peer, q, b"1")
    assert other.expect(Basic.Deliver).body == b"1"
    other.close()
    got = peer.expect(Basic.Deliver)
    assert (got.body, got.redelivered) == (b"1", True)


def test_the_highest_priority_takes_over(peer, q):
    """Wire behaviour 61: it does not push out the one there is."""
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments=SINGLE))
    consume(peer, q, "first", no_ack=True)
    consume(peer, q, "low", no_ack=True)
    consume(peer, q, "high", 10, no_ack=True)
    publish(peer, q, b"1")
    assert receivers(peer, 1) == ["first"]
    peer.call(Basic.Cancel("first"))
    publish(peer, q, b"2")
    assert receivers(peer, 1) == ["high"]


def test_an_exclusive_consumer_is_refused_there(peer, q):
    """Wire behaviour 61."""
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments=SINGLE))
    peer.send_method(1, Basic.Consume(queue=q, exclusive=True))
    text = f"ACCESS_REFUSED - queue '{q}' in vhost '/' in exclusive use"
    peer.expect_channel_closed(403, text, Basic.Consume)


def test_such_a_queue_can_be_asked(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments=SINGLE))
    publish(peer, q, b"1")
    assert peer.call(Basic.Get(queue=q)).body == b"1"
