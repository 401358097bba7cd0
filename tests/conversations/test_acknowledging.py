"""Settling deliveries: ack, nack, reject, and what becomes of the message."""

import pytest
from pamqp.commands import Basic, Queue


@pytest.fixture
def got(peer, q):
    """Three messages, delivered and not settled."""
    peer.call(Queue.Declare(queue=q))
    for body in (b"1", b"2", b"3"):
        peer.publish(1, "", q, body)
    return [peer.call(Basic.Get(queue=q)).delivery_tag for _ in range(3)]


def left(peer, q):
    """What the next reader of the queue finds, after this one has gone."""
    found = []
    while isinstance((answer := peer.call(Basic.Get(queue=q))).method, Basic.GetOk):
        found.append((answer.body, answer.redelivered))
    return found


@pytest.mark.parametrize(
    "command",
    [Basic.Ack(99), Basic.Nack(99), Basic.Reject(99), Basic.Ack(99, multiple=True)],
    ids=lambda command: command.name,
)
def test_an_unknown_delivery_tag_closes_the_channel(peer, command):
    """Error table: ack/nack/reject unknown tag; wire behaviour 22."""
    peer.send_method(1, command)
    text = "PRECONDITION_FAILED - unknown delivery tag 99"
    peer.expect_channel_closed(406, text, type(command))


@pytest.mark.parametrize("command", [Basic.Ack(0), Basic.Nack(0), Basic.Reject(0)])
def test_zero_is_no_single_delivery_tag(peer, command):
    peer.send_method(1, command)
    text = "PRECONDITION_FAILED - unknown delivery tag 0"
    peer.expect_channel_closed(406, text, type(command))


@pytest.mark.parametrize("command", [Basic.Ack(0, True), Basic.Nack(0, True)])
def test_zero_and_multiple_is_everything_even_if_that_is_nothing(peer, command):
    """Wire behaviour 22."""
    peer.send_method(1, command)
    peer.expect_nothing()


def test_delivery_tags_are_unsigned(peer):
    peer.send_method(1, Basic.Ack(-1))
    text = f"PRECONDITION_FAILED - unknown delivery tag {2**64 - 1}"
    peer.expect_channel_closed(406, text, Basic.Ack)


@pytest.mark.parametrize(
    "command",
    [Basic.Ack(2), Basic.Reject(2, requeue=False), Basic.Nack(2, requeue=True)],
    ids=lambda command: command.name,
)
def test_a_delivery_is_settled_once(peer, q, got, command):
    """Error table: ack/nack/reject repeated tag."""
    peer.send_method(1, command)
    peer.send_method(1, command)
    text = "PRECONDITION_FAILED - unknown delivery tag 2"
    peer.expect_channel_closed(406, text, type(command))


def test_a_multiple_beyond_the_last_delivery_closes_the_channel(peer, q, got):
    peer.send_method(1, Basic.Ack(4, multiple=True))
    text = "PRECONDITION_FAILED - unknown delivery tag 4"
    peer.expect_channel_closed(406, text, Basic.Ack)
    peer.open_channels()
    assert left(peer, q) == [(b"1", True), (b"2", True), (b"3", True)]


@pytest.mark.parametrize("command", [Basic.Ack(2, multiple=True), Basic.Nack(2, multiple=True)])
def test_a_multiple_up_to_a_settled_delivery_closes_the_channel(peer, q, got, command):
    """The tag itself must be outstanding, though others before it are."""
    peer.send_method(1, Basic.Ack(2))
    peer.send_method(1, command)
    text = "PRECONDITION_FAILED - unknown delivery tag 2"
    peer.expect_channel_closed(406, text, type(command))
    peer.open_channels()
    assert left(peer, q) == [(b"1", True), (b"3", True)]


def test_messages_may_be_acknowledged_in_any_order(peer, other, q, got):
    """Wire behaviour 22."""
    for tag in (3, 1):
        peer.send_method(1, Basic.Ack(tag))
    peer.send_method(1, Basic.Recover(requeue=True))
    peer.expect(Basic.RecoverOk)
    assert left(peer, q) == [(b"2", True)]


def test_ack_zero_multiple_is_everything(peer, q, got):
    """Wire behaviour 22."""
    peer.send_method(1, Basic.Ack(0, multiple=True))
    peer.call(Basic.Recover(requeue=True))
    assert left(peer, q) == []


def test_ack_multiple_is_everything_so_far(peer, q, got):
    peer.send_method(1, Basic.Ack(2, multiple=True))
    peer.call(Basic.Recover(requeue=True))
    assert left(peer, q) == [(b"3", True)]


@pytest.mark.parametrize("tag", [2, 0])
def test_nack_multiple_requeues_in_order(peer, q, got, tag):
    peer.send_method(1, Basic.Nack(tag, multiple=True, requeue=True))
    expected = [(b"1", True), (b"2", True), (b"3", True)]
    assert left(peer, q) == (expected[:tag] if tag else expected)


def test_nack_multiple_can_discard(peer, q, got):
    peer.send_method(1, Basic.Nack(2, multiple=True, requeue=False))
    peer.call(Basic.Recover(requeue=True))
    assert left(peer, q) == [(b"3", True)]


@pytest.mark.parametrize("command", [Basic.Reject(1, requeue=False), Basic.Nack(1, requeue=False)])
def test_without_requeue_the_message_is_gone(peer, q, got, command):
    peer.send_method(1, command)
    peer.send_method(1, Basic.Ack(0, multiple=True))
    assert left(peer, q) == []


@pytest.mark.parametrize("command", [Basic.Reject(2, requeue=True), Basic.Nack(2, requeue=True)])
def test_a_requeued_message_returns_to_its_place(peer, q, got, command):
    """Wire behaviour 57."""
    peer.publish(1, "", q, b"4")
    peer.send_method(1, command)
    assert left(peer, q) == [(b"2", True), (b"4", False)]


def test_messages_requeued_out_of_order_return_to_their_places(peer, q, got):
    """Wire behaviour 57."""
    for tag in (3, 1, 2):
        peer.send_method(1, Basic.Reject(tag, requeue=True))
    assert left(peer, q) == [(b"1", True), (b"2", True), (b"3", True)]


def test_a_rejecting_consumer_gets_the_message_again_at_once(peer, q):
    """Wire behaviours 57 and 58."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q))
    peer.publish(1, "", q, b"again and again")
    for n in range(1, 4):
        delivery = peer.expect(Basic.Deliver)
        assert (delivery.delivery_tag, delivery.redelivered) == (n, n > 1)
        peer.send_method(1, Basic.Nack(n, requeue=True))


def test_a_requeued_message_goes_to_the_next_consumer(peer, other, q):
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q))
    other.call(Basic.Consume(queue=q))
    peer.publish(1, "", q, b"hot")
    peer.send_method(1, Basic.Reject(peer.expect(Basic.Deliver).delivery_tag, requeue=True))
    delivery = other.expect(Basic.Deliver)
    assert (delivery.body, delivery.redelivered) == (b"hot", True)


def test_a_tag_belongs_to_its_channel(peer, q, got):
    """Wire behaviour 21."""
    peer.open_channels([2])
    peer.send_method(2, Basic.Ack(1))
    text = "PRECONDITION_FAILED - unknown delivery tag 1"
    peer.expect_channel_closed(406, text, Basic.Ack, channel=2)


def test_after_an_unknown_tag_the_channel_s_messages_return(peer, q, got):
    """Wire behaviour 60."""
    peer.send_method(1, Basic.Ack(99))
    text = "PRECONDITION_FAILED - unknown delivery tag 99"
    peer.expect_channel_closed(406, text, Basic.Ack)
    peer.open_channels()
    assert left(peer, q) == [(b"1", True), (b"2", True), (b"3", True)]
