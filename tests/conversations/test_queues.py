"""Declaring, counting, purging and deleting queues."""

import re

import pytest
from pamqp.commands import Basic, Channel, Queue

from peer import unchecked


def declared(peer, q):
    answer = peer.call(Queue.Declare(queue=q, passive=True))
    return answer.message_count, answer.consumer_count


def gone(peer, q):
    peer.send_method(1, Queue.Declare(queue=q, passive=True))
    text = f"NOT_FOUND - no queue '{q}' in vhost '/'"
    peer.expect_channel_closed(404, text, Queue.Declare)


def test_the_server_names_a_queue(peer):
    """Wire behaviour 26."""
    answers = [peer.call(Queue.Declare(queue="", exclusive=True)).queue for _ in range(2)]
    assert all(re.fullmatch(r"amq\.gen-[A-Za-z0-9_-]{22}", name) for name in answers)
    assert answers[0] != answers[1]


def test_an_argument_is_refused_under_the_name_the_server_gave(peer):
    peer.send_method(1, Queue.Declare(queue="", exclusive=True, arguments={"x-expires": 0}))
    text = peer.expect(Channel.Close).reply_text
    pattern = (
        r"PRECONDITION_FAILED - invalid arg 'x-expires' for queue 'amq\.gen-[A-Za-z0-9_-]{22}' "
        r"in vhost '/': \{value_zero,0\}"
    )
    assert re.fullmatch(pattern, text)


def test_an_empty_name_is_the_last_queue_declared_on_the_channel(peer, q):
    """Wire behaviour 24."""
    peer.call(Queue.Declare(queue="", exclusive=True))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.publish(1, "", q, b"1")
    peer.publish(1, "", q, b"2")
    assert peer.call(Basic.Get()).body == b"1"
    assert peer.call(Queue.Purge()).message_count == 1
    tag = peer.call(Basic.Consume()).consumer_tag
    assert declared(peer, q) == (0, 1)
    peer.call(Basic.Cancel(tag))
    peer.call(Queue.Delete())
    gone(peer, q)


def test_a_passive_declare_too_makes_a_queue_the_last_declared(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Declare(queue="", exclusive=True))
    peer.call(Queue.Declare(queue=q, passive=True))
    peer.publish(1, "", q, b"here")
    assert peer.call(Basic.Get()).body == b"here"


def test_binding_with_empty_queue_and_key_binds_under_the_queue_s_name(peer, q):
    """Wire behaviour 24."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(exchange="amq.direct"))
    peer.publish(1, "amq.direct", q, b"found")
    assert peer.call(Basic.Get()).body == b"found"


def test_binding_with_empty_queue_and_a_key_binds_under_the_key(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(exchange="amq.direct", routing_key=f"{q}.key"))
    peer.publish(1, "amq.direct", q, mandatory=True)
    peer.expect(Basic.Return)


def test_line_breaks_are_removed_from_queue_names(peer, q):
    """Wire behaviour 25."""
    declare = unchecked(Queue.Declare, queue=f"\r{q[:3]}\n{q[3:]}\r\n", exclusive=True)
    assert peer.call(declare).queue == q


def test_line_breaks_are_removed_from_the_name_of_a_queue_being_deleted(peer, q):
    """Wire behaviour 25."""
    peer.call(Queue.Declare(queue=q))
    peer.call(unchecked(Queue.Delete, queue=f"{q}\n"))
    gone(peer, q)


@pytest.mark.parametrize("command", [Basic.Get, Basic.Consume, Queue.Purge])
def test_line_breaks_stay_in_the_name_of_a_queue_being_used(peer, q, command):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.send_method(1, unchecked(command, queue=f"{q}\n"))
    text = f"NOT_FOUND - no queue '{q}\n' in vhost '/'"
    peer.expect_channel_closed(404, text, command)


def test_names_are_utf_8_of_up_to_255_octets(peer, q):
    """Wire behaviour 25."""
    name = (q + "ü" * 255).encode()[:255].decode(errors="ignore")
    assert peer.call(unchecked(Queue.Declare, queue=name, exclusive=True)).queue == name


def test_the_declared_count_is_of_ready_messages(peer, q):
    """Wire behaviour 28."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for _ in range(3):
        peer.publish(1, "", q)
    peer.call(Basic.Get(queue=q))
    assert declared(peer, q) == (2, 0)


def test_the_declared_count_is_of_all_consumers(peer, other, q):
    """Wire behaviour 28."""
    peer.call(Queue.Declare(queue=q))
    for consumer in (peer, other, other):
        consumer.call(Basic.Consume(queue=q))
    answer = peer.call(Queue.Declare(queue=q))
    assert (answer.message_count, answer.consumer_count) == (0, 3)


def test_purge_takes_and_counts_only_ready_messages(peer, q):
    """Wire behaviour 65."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for body in (b"1", b"2", b"3"):
        peer.publish(1, "", q, body)
    tag = peer.call(Basic.Get(queue=q)).delivery_tag
    assert peer.call(Queue.Purge(queue=q)).message_count == 2
    peer.send_method(1, Basic.Reject(tag, requeue=True))
    assert peer.call(Basic.Get(queue=q)).body == b"1"


def test_delete_counts_only_ready_messages(peer, q):
    """Wire behaviour 65."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    for _ in range(3):
        peer.publish(1, "", q)
    peer.call(Basic.Get(queue=q))
    assert peer.call(Queue.Delete(queue=q)).message_count == 2
    gone(peer, q)


def test_a_queue_with_a_consumer_is_in_use(peer, other, q):
    """Error table: delete if-unused."""
    peer.call(Queue.Declare(queue=q))
    other.call(Basic.Consume(queue=q))
    peer.send_method(1, Queue.Delete(queue=q, if_unused=True, if_empty=True))
    text = f"PRECONDITION_FAILED - queue '{q}' in vhost '/' in use"
    peer.expect_channel_closed(406, text, Queue.Delete)


def test_a_queue_with_a_ready_message_is_not_empty(peer, q):
    """Error table: delete if-empty."""
    peer.call(Queue.Declare(queue=q))
    peer.publish(1, "", q)
    peer.send_method(1, Queue.Delete(queue=q, if_unused=True, if_empty=True))
    text = f"PRECONDITION_FAILED - queue '{q}' in vhost '/' not empty"
    peer.expect_channel_closed(406, text, Queue.Delete)


def test_a_queue_with_only_unacknowledged_messages_is_empty(peer, q):
    peer.call(Queue.Declare(queue=q))
    peer.publish(1, "", q)
    peer.call(Basic.Get(queue=q))
    assert peer.call(Queue.Delete(queue=q, if_empty=True)).message_count == 0


def test_an_auto_delete_queue_goes_with_its_last_consumer(peer, q):
    """Wire behaviour 34."""
    peer.call(Queue.Declare(queue=q, auto_delete=True))
    tags = [peer.call(Basic.Consume(queue=q)).consumer_tag for _ in range(2)]
    peer.call(Basic.Cancel(tags[0]))
    assert declared(peer, q) == (0, 1)
    peer.call(Basic.Cancel(tags[1]))
    gone(peer, q)


def test_an_auto_delete_queue_that_never_had_a_consumer_stays(peer, q):
    """Wire behaviour 34."""
    peer.open_channels([2])
    peer.call(Queue.Declare(queue=q, auto_delete=True), 2)
    peer.publish(2, "", q)
    peer.call(Basic.Get(queue=q, no_ack=True), 2)
    peer.call(Channel.Close(200, "bye", 0, 0), 2)
    assert declared(peer, q) == (0, 0)


def test_an_auto_delete_queue_goes_with_the_channel_of_its_consumer(peer, q):
    """Wire behaviour 34."""
    peer.open_channels([2])
    peer.call(Queue.Declare(queue=q, auto_delete=True))
    peer.call(Basic.Consume(queue=q), 2)
    peer.call(Channel.Close(200, "bye", 0, 0), 2)
    gone(peer, q)


def test_declare_purge_bind_and_delete_without_waiting_say_nothing(peer, q):
    """Wire behaviour 23."""
    peer.send_method(1, Queue.Declare(queue=q, nowait=True))
    peer.send_method(1, Queue.Bind(queue=q, exchange="amq.direct", routing_key=q, nowait=True))
    peer.send_method(1, Queue.Purge(queue=q, nowait=True))
    peer.expect_nothing()
    peer.publish(1, "amq.direct", q, b"bound")
    assert peer.call(Basic.Get(queue=q)).body == b"bound"
    peer.send_method(1, Queue.Delete(queue=q, nowait=True))
    peer.expect_nothing()
    gone(peer, q)


@pytest.mark.parametrize(
    "command",
    [
        Queue.Declare(queue="nobody", passive=True, nowait=True),
        Queue.Bind(queue="nobody", exchange="amq.direct", nowait=True),
        Queue.Purge(queue="nobody", nowait=True),
        Basic.Consume(queue="nobody", nowait=True),
    ],
    ids=lambda command: command.name,
)
def test_without_waiting_an_error_still_closes_the_channel(peer, command):
    """Wire behaviour 23."""
    peer.send_method(1, command)
    text = "NOT_FOUND - no queue 'nobody' in vhost '/'"
    peer.expect_channel_closed(404, text, type(command))


def test_everything_can_be_said_at_once(peer, q):
    """Wire behaviour 14: a client may declare, publish and get without waiting."""
    peer.send_method(1, Queue.Declare(queue=q, exclusive=True))
    peer.send_method(1, Queue.Bind(queue=q, exchange="amq.direct", routing_key=q))
    peer.publish(1, "amq.direct", q, b"at once")
    peer.send_method(1, Basic.Get(queue=q))
    peer.send_method(1, Queue.Delete(queue=q))
    kinds = [Queue.DeclareOk, Queue.BindOk, Basic.GetOk, Queue.DeleteOk]
    assert [peer.expect(kind).channel for kind in kinds] == [1, 1, 1, 1]
