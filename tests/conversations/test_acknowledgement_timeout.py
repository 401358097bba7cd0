"""A delivery that stays unsettled for half an hour costs its channel.

RabbitMQ's default, judged once a minute. The clock is moved by hand, so this file talks to the
server in memory only.
"""

import pytest
from pamqp.commands import Basic, Queue

TIMEOUT_SECONDS, TICK_SECONDS = 1800, 60
TIMED_OUT = (
    "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: "
    "1800000 ms. This timeout value can be configured, see consumers doc guide to learn more"
)
NO_METHOD = (0, 0)


@pytest.fixture
def filled(peer, q):
    peer.call(Queue.Declare(queue=q))
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body)
    return q


def ready(peer, q):
    return peer.call(Queue.Declare(queue=q, passive=True)).message_count


def consume(peer, q, **more):
    peer.call(Basic.Consume(queue=q, consumer_tag="me", **more))
    return [peer.expect(Basic.Deliver).delivery_tag for _ in range(2)]


def test_an_unacknowledged_delivery_closes_its_channel(peer, server, filled):
    """Error table: ack timeout."""
    consume(peer, filled)
    server.advance(TIMEOUT_SECONDS + TICK_SECONDS)
    peer.expect_channel_closed(406, TIMED_OUT, NO_METHOD)
    peer.open_channels()


def test_it_is_not_closed_early(peer, server, filled):
    consume(peer, filled)
    server.advance(TIMEOUT_SECONDS - 1)
    peer.expect_nothing()


def test_the_messages_are_there_for_others_at_once(peer, other, server, filled):
    consume(peer, filled)
    server.advance(TIMEOUT_SECONDS + TICK_SECONDS)
    got = [other.call(Basic.Get(queue=filled)) for _ in range(2)]
    assert [(each.body, each.redelivered) for each in got] == [(b"1", True), (b"2", True)]


def test_the_close_is_said_once(peer, server, filled):
    peer.open_channels([2])
    consume(peer, filled)
    server.advance(TIMEOUT_SECONDS + 10 * TICK_SECONDS)
    peer.expect_channel_closed(406, TIMED_OUT, NO_METHOD)
    peer.expect_nothing(2)


def test_other_channels_live_on(peer, server, filled):
    peer.open_channels([2])
    consume(peer, filled)
    server.advance(TIMEOUT_SECONDS + TICK_SECONDS)
    assert ready_on(peer, 2, filled) == 2


def ready_on(peer, channel, q):
    return peer.call(Queue.Declare(queue=q, passive=True), channel).message_count


def test_a_message_that_was_asked_for_counts(peer, server, filled):
    peer.call(Basic.Get(queue=filled))
    server.advance(TIMEOUT_SECONDS + TICK_SECONDS)
    peer.expect_channel_closed(406, TIMED_OUT, NO_METHOD)


def test_a_cancelled_consumer_s_deliveries_count(peer, server, filled):
    consume(peer, filled)
    peer.call(Basic.Cancel("me"))
    server.advance(TIMEOUT_SECONDS + TICK_SECONDS)
    peer.expect_channel_closed(406, TIMED_OUT, NO_METHOD)


def test_deliveries_without_acknowledgement_do_not_count(peer, server, filled):
    consume(peer, filled, no_ack=True)
    server.advance(TIMEOUT_SECONDS + TICK_SECONDS)
    peer.expect_nothing()


@pytest.mark.parametrize(
    "settle",
    [
        Basic.Ack(0, multiple=True),
        Basic.Nack(2, multiple=True, requeue=False),
    ],
)
def test_settled_deliveries_do_not_count(peer, server, filled, settle):
    consume(peer, filled)
    peer.send_method(1, settle)
    server.advance(TIMEOUT_SECONDS + TICK_SECONDS)
    peer.expect_nothing()


def test_the_oldest_delivery_left_decides(peer, server, filled):
    peer.call(Basic.Get(queue=filled))
    server.advance(TIMEOUT_SECONDS / 2)
    peer.call(Basic.Get(queue=filled))
    peer.send_method(1, Basic.Ack(1))
    server.advance(TIMEOUT_SECONDS / 2 + TICK_SECONDS)
    peer.expect_nothing()
    server.advance(TIMEOUT_SECONDS / 2)
    peer.expect_channel_closed(406, TIMED_OUT, NO_METHOD)


def test_a_redelivery_begins_anew(peer, server, filled):
    peer.call(Basic.Get(queue=filled))
    server.advance(TIMEOUT_SECONDS / 2)
    peer.send_method(1, Basic.Reject(1, requeue=True))
    peer.call(Basic.Get(queue=filled))
    server.advance(TIMEOUT_SECONDS / 2 + TICK_SECONDS)
    peer.expect_nothing()


def test_waiting_for_messages_is_no_offence(peer, server, q):
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q))
    server.advance(10 * TIMEOUT_SECONDS)
    peer.publish(1, "", q, b"at last")
    assert peer.expect(Basic.Deliver).body == b"at last"
