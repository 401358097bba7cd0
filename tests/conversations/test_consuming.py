"""Consumers: how they begin, what they get, how they end."""

import re

import pytest
from pamqp.commands import Basic, Channel, Confirm, Connection, Queue


@pytest.fixture
def filled(peer, q):
    peer.call(Queue.Declare(queue=q))
    for body in (b"1", b"2", b"3"):
        peer.publish(1, "", q, body)
    return q


def bodies(peer, count, channel=None):
    return [peer.expect(Basic.Deliver, channel).body for _ in range(count)]


def test_consume_ok_comes_before_the_first_delivery(peer, filled):
    """Wire behaviour 32."""
    peer.send_method(1, Basic.Consume(queue=filled))
    peer.expect(Basic.ConsumeOk)
    assert bodies(peer, 3) == [b"1", b"2", b"3"]


def test_a_delivery_says_where_it_comes_from(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange="amq.topic", routing_key=f"{q}.*"))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    peer.publish(1, "amq.topic", f"{q}.key", b"body")
    got = peer.expect(Basic.Deliver)
    assert (got.exchange, got.routing_key, got.body) == ("amq.topic", f"{q}.key", b"body")
    assert (got.consumer_tag, got.delivery_tag, got.redelivered) == ("me", 1, False)


def test_the_server_names_a_consumer(peer, filled):
    """Wire behaviour 26."""
    tags = [peer.call(Basic.Consume(queue=filled)).consumer_tag]
    assert re.fullmatch(r"amq\.ctag-[A-Za-z0-9_-]{22}", tags[0])


def test_a_consumer_tag_is_used_once_on_a_channel(peer, q):
    """Error table: reuse of consumer tag on channel."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    peer.send_method(1, Basic.Consume(queue="nobody", consumer_tag="me"))
    text = "NOT_ALLOWED - attempt to reuse consumer tag 'me'"
    peer.expect_connection_closed(530, text, Basic.Consume)


def test_a_consumer_tag_may_be_used_again_after_cancel(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for _ in range(2):
        peer.call(Basic.Consume(queue=q, consumer_tag="me"))
        peer.call(Basic.Cancel("me"))


def test_two_channels_may_use_the_same_consumer_tag(peer, q):
    peer.open_channels([2])
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for channel in (1, 2):
        peer.call(Basic.Consume(queue=q, consumer_tag="me"), channel)


def test_consuming_without_waiting_just_begins(peer, filled):
    """Wire behaviour 23."""
    peer.send_method(1, Basic.Consume(queue=filled, consumer_tag="me", nowait=True))
    assert bodies(peer, 3) == [b"1", b"2", b"3"]


def test_consuming_without_waiting_the_server_still_names_the_consumer(peer, filled):
    """Wire behaviour 26."""
    peer.send_method(1, Basic.Consume(queue=filled, nowait=True))
    assert peer.expect(Basic.Deliver).consumer_tag.startswith("amq.ctag-")


def test_cancelling_without_waiting_just_ends(peer, q):
    """Wire behaviour 23."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    peer.send_method(1, Basic.Cancel("me", nowait=True))
    peer.expect_nothing()
    assert peer.call(Queue.Declare(queue=q, passive=True)).consumer_count == 0


def test_after_cancel_ok_nothing_is_delivered(peer, other, q):
    """Wire behaviour 32."""
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    assert peer.call(Basic.Cancel("me")).consumer_tag == "me"
    other.call(Confirm.Select())
    other.publish(1, "", q, b"late")
    other.expect(Basic.Ack)
    peer.expect_nothing()
    assert peer.call(Basic.Get(queue=q)).delivery_tag == 1


def test_after_cancel_deliveries_can_still_be_acknowledged(peer, filled):
    """Wire behaviour 32: cancel does not requeue."""
    peer.call(Basic.Consume(queue=filled, consumer_tag="me"))
    assert bodies(peer, 3) == [b"1", b"2", b"3"]
    peer.call(Basic.Cancel("me"))
    assert peer.call(Queue.Declare(queue=filled, passive=True)).message_count == 0
    peer.send_method(1, Basic.Ack(3, multiple=True))
    peer.send_method(1, Basic.Ack(3))
    text = "PRECONDITION_FAILED - unknown delivery tag 3"
    peer.expect_channel_closed(406, text, Basic.Ack)
    peer.open_channels()
    assert peer.call(Queue.Delete(queue=filled)).message_count == 0


def test_an_exclusive_consumer_is_alone(peer, other, q):
    """Error table: second consumer on exclusively consumed queue."""
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q, exclusive=True))
    other.send_method(1, Basic.Consume(queue=q))
    text = f"ACCESS_REFUSED - queue '{q}' in vhost '/' in exclusive use"
    other.expect_channel_closed(403, text, Basic.Consume)


def test_an_exclusive_consumer_comes_first_or_not_at_all(peer, q):
    """Error table: second consumer on exclusively consumed queue."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q))
    peer.send_method(1, Basic.Consume(queue=q, exclusive=True))
    text = f"ACCESS_REFUSED - queue '{q}' in vhost '/' in exclusive use"
    peer.expect_channel_closed(403, text, Basic.Consume)


def test_when_the_exclusive_consumer_has_gone_another_may_come(peer, other, q):
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q, consumer_tag="me", exclusive=True))
    peer.call(Basic.Cancel("me"))
    other.call(Basic.Consume(queue=q, exclusive=True))


def test_messages_go_round_the_consumers(peer, q):
    """Wire behaviour 60: round-robin."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for tag in "abc":
        peer.call(Basic.Consume(queue=q, consumer_tag=tag, no_ack=True))
    for n in range(6):
        peer.publish(1, "", q, b"%d" % n)
    got = [peer.expect(Basic.Deliver) for _ in range(6)]
    assert [each.body for each in got] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert "".join(each.consumer_tag for each in got) == "abcabc"


def test_two_connections_share_a_queue_evenly(peer, other, q):
    """Wire behaviour 60: round-robin."""
    peer.call(Queue.Declare(queue=q))
    for each in (peer, other):
        each.call(Basic.Consume(queue=q, no_ack=True))
    for n in range(4):
        peer.publish(1, "", q, b"%d" % n)
    assert [bodies(peer, 2), bodies(other, 2)] == [[b"0", b"2"], [b"1", b"3"]]


def test_a_consumer_without_acknowledgement_leaves_nothing_behind(peer, filled):
    """Wire behaviour 31."""
    peer.call(Basic.Consume(queue=filled, consumer_tag="me", no_ack=True))
    assert bodies(peer, 3) == [b"1", b"2", b"3"]
    peer.call(Basic.Cancel("me"))
    peer.send_method(1, Basic.Ack(1))
    text = "PRECONDITION_FAILED - unknown delivery tag 1"
    peer.expect_channel_closed(406, text, Basic.Ack)
    peer.open_channels()
    assert peer.call(Queue.Delete(queue=filled)).message_count == 0


def test_delivery_tags_are_counted_per_channel(peer, filled):
    """Wire behaviour 21: from 1, shared by all consumers and gets of the channel."""
    peer.open_channels([2])
    assert peer.call(Basic.Get(queue=filled)).delivery_tag == 1
    assert peer.call(Basic.Get(queue=filled), 2).delivery_tag == 1
    peer.call(Basic.Consume(queue=filled))
    assert peer.expect(Basic.Deliver).delivery_tag == 2


def test_deleting_a_queue_cancels_its_consumers(peer, other, q):
    """Wire behaviour 33."""
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    other.call(Queue.Delete(queue=q))
    cancel = peer.expect(Basic.Cancel)
    assert (cancel.consumer_tag, cancel.nowait) == ("me", True)


def test_who_deletes_a_queue_hears_of_it_before_his_consumer(peer, q):
    """Wire behaviour 33."""
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    peer.call(Queue.Delete(queue=q))
    assert peer.expect(Basic.Cancel).consumer_tag == "me"


def test_after_a_cancel_by_the_server_the_tag_is_free(peer, other, q):
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    other.call(Queue.Delete(queue=q))
    peer.expect(Basic.Cancel)
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))


def test_a_client_that_does_not_know_of_it_is_not_told_of_a_cancel(stranger, other, q):
    """Wire behaviour 33: only with the capability consumer_cancel_notify."""
    deaf = stranger().handshake(client_properties={}).open_channels()
    deaf.call(Queue.Declare(queue=q))
    deaf.call(Basic.Consume(queue=q, consumer_tag="me"))
    other.call(Queue.Delete(queue=q))
    deaf.call(Queue.Declare(queue=q))
    deaf.expect_nothing()


def test_closing_a_channel_requeues_in_order(peer, other, filled):
    """Wire behaviour 60."""
    peer.call(Basic.Consume(queue=filled))
    assert bodies(peer, 3) == [b"1", b"2", b"3"]
    other.call(Basic.Consume(queue=filled))
    peer.call(Channel.Close(200, "bye", 0, 0))
    got = [other.expect(Basic.Deliver) for _ in range(3)]
    assert [each.body for each in got] == [b"1", b"2", b"3"]
    assert all(each.redelivered for each in got)


def test_closing_a_connection_requeues(peer, other, filled):
    """Wire behaviour 58."""
    peer.call(Basic.Consume(queue=filled))
    assert bodies(peer, 3) == [b"1", b"2", b"3"]
    peer.call(Connection.Close(200, "bye", 0, 0), 0)
    got = [other.call(Basic.Get(queue=filled)) for _ in range(3)]
    assert [(each.body, each.redelivered) for each in got] == [
        (b"1", True),
        (b"2", True),
        (b"3", True),
    ]


def test_losing_a_connection_requeues(peer, other, filled):
    """Wire behaviour 16."""
    peer.call(Basic.Consume(queue=filled))
    assert bodies(peer, 3) == [b"1", b"2", b"3"]
    other.call(Basic.Consume(queue=filled))
    peer.close()
    assert bodies(other, 3) == [b"1", b"2", b"3"]


def test_no_local_is_ignored(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q, no_local=True))
    peer.publish(1, "", q, b"mine")
    assert bodies(peer, 1) == [b"mine"]
