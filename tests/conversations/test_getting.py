"""basic.get: one message, or none."""

from pamqp.commands import Basic, Queue


def test_an_empty_queue_answers_get_empty(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    answer = peer.call(Basic.Get(queue=q))
    assert isinstance(answer.method, Basic.GetEmpty)
    assert answer.cluster_id == ""


def test_get_ok_counts_what_remains(peer, q):
    """Wire behaviour 66."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for _ in range(3):
        peer.publish(1, "", q)
    assert [peer.call(Basic.Get(queue=q)).message_count for _ in range(3)] == [2, 1, 0]


def test_get_ok_says_where_the_message_comes_from(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.publish(1, "", q, b"body")
    got = peer.call(Basic.Get(queue=q))
    assert (got.exchange, got.routing_key, got.redelivered, got.body) == ("", q, False, b"body")


def test_getting_without_acknowledgement_removes_at_once(peer, q):
    """Wire behaviour 67."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.publish(1, "", q)
    tag = peer.call(Basic.Get(queue=q, no_ack=True)).delivery_tag
    peer.send_method(1, Basic.Ack(tag))
    text = f"PRECONDITION_FAILED - unknown delivery tag {tag}"
    peer.expect_channel_closed(406, text, Basic.Ack)
    peer.open_channels()
    assert isinstance(peer.call(Basic.Get(queue=q)).method, Basic.GetEmpty)


def test_getting_without_acknowledgement_counts_delivery_tags_too(peer, q):
    """Wire behaviour 21."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for _ in range(2):
        peer.publish(1, "", q)
    assert peer.call(Basic.Get(queue=q, no_ack=True)).delivery_tag == 1
    assert peer.call(Basic.Get(queue=q)).delivery_tag == 2


def test_a_queue_with_an_exclusive_consumer_can_be_asked(peer, other, q):
    """Wire behaviour 67."""
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Qos(prefetch_count=1))
    peer.call(Basic.Consume(queue=q, exclusive=True))
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body)
    peer.expect(Basic.Deliver)
    peer.expect_nothing()
    assert other.call(Basic.Get(queue=q)).body == b"2"


def test_prefetch_does_not_bound_getting(peer, q):
    """Wire behaviour 30."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Qos(prefetch_count=1))
    peer.call(Basic.Qos(prefetch_count=1, global_=True))
    for _ in range(3):
        peer.publish(1, "", q)
    assert [peer.call(Basic.Get(queue=q)).delivery_tag for _ in range(3)] == [1, 2, 3]
