"""basic.recover: everything unsettled on the channel goes back."""

from pamqp.commands import Basic, Queue

from peer import unchecked


def test_recover_requeues_and_redelivers(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body)
    for _ in range(2):
        peer.expect(Basic.Deliver)
    peer.call(Basic.Recover(requeue=True))
    again = [peer.expect(Basic.Deliver) for _ in range(2)]
    assert [(each.delivery_tag, each.body) for each in again] == [(3, b"1"), (4, b"2")]
    assert all(each.redelivered for each in again)


def test_recover_forgets_the_delivery_tags(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.publish(1, "", q)
    peer.call(Basic.Get(queue=q))
    peer.call(Basic.Recover(requeue=True))
    peer.send_method(1, Basic.Ack(1))
    text = "PRECONDITION_FAILED - unknown delivery tag 1"
    peer.expect_channel_closed(406, text, Basic.Ack)


def test_recover_async_is_not_answered(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.publish(1, "", q, b"back")
    peer.call(Basic.Get(queue=q))
    peer.send_method(1, unchecked(Basic.RecoverAsync, requeue=True))
    peer.expect_nothing()
    got = peer.call(Basic.Get(queue=q))
    assert (got.body, got.redelivered) == (b"back", True)


def test_recovering_nothing_is_fine(peer):
    peer.call(Basic.Recover(requeue=True))


def test_recover_leaves_other_channels_alone(peer, q):
    peer.open_channels([2])
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.publish(1, "", q)
    peer.call(Basic.Get(queue=q))
    peer.call(Basic.Recover(requeue=True), 2)
    assert isinstance(peer.call(Basic.Get(queue=q), 2).method, Basic.GetEmpty)
