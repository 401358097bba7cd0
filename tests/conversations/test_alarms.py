"""Alarms block those who publish, and nobody else (wire behaviours 9 and 10)."""

import pytest
from pamqp.commands import Basic, Channel, Confirm, Connection, Queue

from peer import (
    BODY,
    CAPABILITIES,
    HEARTBEAT,
    Silence,
    frame,
    header_frame,
    method_frame,
    unchecked,
)

HEARS = {"capabilities": CAPABILITIES | {"connection.blocked": True}}
BEAT = (HEARTBEAT, 0, b"")
MEMORY_AND_DISK = "low on disk & memory"


@pytest.fixture
def publisher(stranger):
    """Hears of alarms."""
    return stranger().handshake(client_properties=HEARS).open_channels()


@pytest.fixture
def alarms(server):
    yield server
    for resource in ("memory", "disk"):
        server.clear_alarm(resource)


def silent(peer):
    """Nothing came, and nothing is read: no round trip can prove it."""
    with pytest.raises(Silence):
        peer.next()
    return True


def messages_in(q, peer):
    return peer.call(Queue.Declare(queue=q, passive=True)).message_count


@pytest.fixture
def queue(other, q):
    other.call(Queue.Declare(queue=q))
    return q


@pytest.mark.parametrize("resource", ["memory", "disk"])
def test_the_first_publish_blocks_and_the_end_of_the_alarm_unblocks(
    publisher, other, queue, alarms, resource
):
    alarms.raise_alarm(resource)
    publisher.expect_nothing()
    publisher.publish(1, "", queue, b"one")
    assert publisher.expect(Connection.Blocked, 0).reason == f"low on {resource}"
    publisher.publish(1, "", queue, b"two")
    assert silent(publisher)
    assert messages_in(queue, other) == 0
    alarms.clear_alarm(resource)
    publisher.expect(Connection.Unblocked, 0)
    publisher.expect_nothing()
    assert messages_in(queue, other) == 2


def test_a_message_that_has_no_body_is_still_taken(publisher, other, queue, alarms):
    alarms.raise_alarm("memory")
    publisher.publish(1, "", queue, b"")
    publisher.expect(Connection.Blocked, 0)
    # Who counts at once may be earlier than the message.
    other.call(Basic.Consume(queue=queue, no_ack=True))
    assert other.expect(Basic.Deliver, 1).body == b""


def test_it_is_the_content_that_blocks_and_not_the_method(publisher, other, queue, alarms):
    alarms.raise_alarm("memory")
    publisher.send_method(1, unchecked(Basic.Publish, routing_key=queue))
    assert silent(publisher)
    publisher.send_raw(header_frame(1, 3))
    publisher.expect(Connection.Blocked, 0)
    alarms.clear_alarm("memory")
    publisher.expect(Connection.Unblocked, 0)
    publisher.send_raw(frame(BODY, 1, b"abc"))
    publisher.expect_nothing()
    assert messages_in(queue, other) == 1


def test_an_alarm_in_the_midst_of_a_message_blocks_there(publisher, other, queue, alarms):
    publisher.send_method(1, unchecked(Basic.Publish, routing_key=queue))
    publisher.send_raw(header_frame(1, 6))
    alarms.raise_alarm("disk")
    publisher.send_raw(frame(BODY, 1, b"abc") + frame(BODY, 1, b"def"))
    publisher.expect(Connection.Blocked, 0)
    assert messages_in(queue, other) == 0
    alarms.clear_alarm("disk")
    publisher.expect(Connection.Unblocked, 0)
    publisher.expect_nothing()
    assert messages_in(queue, other) == 1


def test_what_was_read_with_the_publish_waits_in_order(publisher, other, queue, alarms):
    alarms.raise_alarm("memory")
    publish = method_frame(1, unchecked(Basic.Publish, routing_key=queue))
    publish += header_frame(1, 1) + frame(BODY, 1, b"x")
    close = method_frame(1, Channel.Close(200, "", 0, 0))
    publisher.send_raw(publish + publish + close)
    publisher.expect(Connection.Blocked, 0)
    assert silent(publisher)
    alarms.clear_alarm("memory")
    publisher.expect(Connection.Unblocked, 0)
    publisher.expect(Channel.CloseOk, 1)
    assert messages_in(queue, other) == 2


def test_confirms_still_reach_a_blocked_publisher(publisher, queue, alarms):
    publisher.call(Confirm.Select())
    alarms.raise_alarm("memory")
    publisher.publish(1, "", queue, b"")
    assert publisher.expect(Basic.Ack, 1).delivery_tag == 1


def test_two_alarms_are_told_at_once_or_not_at_all(publisher, stranger, queue, alarms):
    """A second alarm is no news to who is blocked, nor is the end of one of two."""
    alarms.raise_alarm("memory")
    publisher.publish(1, "", queue)
    assert publisher.expect(Connection.Blocked, 0).reason == "low on memory"
    alarms.raise_alarm("disk")
    assert silent(publisher)
    later = stranger().handshake(client_properties=HEARS).open_channels()
    later.publish(1, "", queue)
    assert later.expect(Connection.Blocked, 0).reason == MEMORY_AND_DISK
    alarms.clear_alarm("memory")
    assert silent(publisher)
    assert silent(later)
    alarms.clear_alarm("disk")
    publisher.expect(Connection.Unblocked, 0)
    later.expect(Connection.Unblocked, 0)


def test_the_next_alarm_blocks_from_the_next_publish_on(publisher, queue, alarms):
    for _ in range(2):
        alarms.raise_alarm("disk")
        publisher.expect_nothing()
        publisher.publish(1, "", queue)
        publisher.expect(Connection.Blocked, 0)
        alarms.clear_alarm("disk")
        publisher.expect(Connection.Unblocked, 0)


@pytest.mark.parametrize("properties", [{}, {"capabilities": {"connection.blocked": False}}])
def test_a_client_that_cannot_hear_it_is_blocked_without_a_word(
    stranger, other, queue, alarms, properties
):
    deaf = stranger().handshake(client_properties=properties).open_channels()
    alarms.raise_alarm("memory")
    deaf.publish(1, "", queue)
    deaf.publish(1, "", queue)
    assert silent(deaf)
    assert messages_in(queue, other) == 1
    alarms.clear_alarm("memory")
    deaf.expect_nothing()
    assert messages_in(queue, other) == 2


def test_a_consumer_goes_on(publisher, other, queue, alarms):
    """Wire behaviour 10: with the alarm on a queue is drained to empty."""
    for number in range(3):
        publisher.publish(1, "", queue, b"%d" % number)
    alarms.raise_alarm("disk")
    publisher.publish(1, "", queue, b"late")
    publisher.expect(Connection.Blocked, 0)
    other.call(Basic.Qos(prefetch_count=1))
    other.call(Basic.Consume(queue=queue))
    for number in range(3):
        delivery = other.expect(Basic.Deliver, 1)
        assert delivery.body == b"%d" % number
        other.send_method(1, Basic.Ack(delivery.delivery_tag))
    other.expect_nothing()
    assert messages_in(queue, other) == 0


def test_a_blocked_publisher_is_delivered_to(publisher, other, queue, alarms):
    publisher.call(Basic.Consume(queue=queue))
    other.publish(1, "", queue, b"for you")
    alarms.raise_alarm("memory")
    publisher.publish(1, "", "nowhere")
    publisher.expect(Basic.Deliver, 1)
    publisher.expect(Connection.Blocked, 0)


def test_a_silent_client_that_is_blocked_is_not_cut_and_hears_heartbeats(
    stranger, queue, server, alarms
):
    """Wire behaviour 9."""
    peer = stranger().handshake(heartbeat=1, client_properties=HEARS).open_channels()
    alarms.raise_alarm("memory")
    peer.publish(1, "", queue)
    peer.expect(Connection.Blocked, 0)
    for _ in range(60):
        server.advance(1)
        assert peer.next_raw() == BEAT
    alarms.clear_alarm("memory")
    peer.expect(Connection.Unblocked, 0)
    peer.expect_nothing()


def test_a_client_s_close_is_heard_after_the_alarm(publisher, queue, alarms):
    alarms.raise_alarm("memory")
    publisher.publish(1, "", queue)
    publisher.expect(Connection.Blocked, 0)
    publisher.send_method(0, Connection.Close(200, "", 0, 0))
    assert silent(publisher)
    alarms.clear_alarm("memory")
    publisher.expect(Connection.Unblocked, 0)
    publisher.expect(Connection.CloseOk, 0)


def test_an_operator_can_close_a_blocked_connection(stranger, queue, server, alarms):
    server.add_user("blocked", "secret")
    server.set_permissions("blocked", "/", ".*", ".*", ".*")
    peer = stranger().handshake("blocked", "secret", client_properties=HEARS).open_channels()
    alarms.raise_alarm("memory")
    peer.publish(1, "", queue)
    peer.publish(1, "", queue)
    peer.expect(Connection.Blocked, 0)
    server.delete_user("blocked")
    peer.expect_connection_closed(320, "CONNECTION_FORCED - user 'blocked' is deleted")
