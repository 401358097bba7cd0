"""A queue with x-message-deduplication holds no message twice as with the plugin."""

import pytest
from librt.vecs import vec
from mypy_extensions import i64
from pamqp.commands import Basic, Confirm, Queue

from conversations.memory import Server
from leveret.broker.message import Message
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.paging import Paging
from leveret.broker.rules import REJECT_PUBLISH, QueueRules
from leveret.testing import ManualClock
from leveret.wire.properties import Properties
from leveret.wire.table import to_table
from peer import Peer
from unit.doubles import KeepingStore, LimitedConsumer, a_message

HEADER = "x-deduplication-header"


def declare(peer: Peer, **arguments: object) -> None:
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    given["x-message-deduplication"] = True
    peer.call(Queue.Declare(queue="q", arguments=given))


def publish(peer: Peer, value: object, body: bytes = b"m") -> None:
    headers = {} if value is None else {HEADER: value}
    peer.publish(1, "", "q", body, Basic.Properties(headers=headers, delivery_mode=2))


def count(peer: Peer) -> int:
    return int(peer.call(Queue.Declare(queue="q", passive=True)).message_count)


def test_a_message_that_is_there_already_is_dropped_and_its_publisher_does_not_know(
    peer: Peer,
) -> None:
    declare(peer)
    peer.call(Confirm.Select())
    for value in ("a", "a", "b", 7, 7):
        publish(peer, value)
        peer.expect(Basic.Ack, 1)
    assert count(peer) == 3


def test_messages_without_the_header_are_never_the_same(peer: Peer) -> None:
    declare(peer)
    publish(peer, None)
    publish(peer, None)
    assert count(peer) == 2


def test_a_message_is_in_the_queue_until_it_is_acknowledged(peer: Peer) -> None:
    declare(peer)
    publish(peer, "a")
    tag = peer.call(Basic.Get(queue="q")).delivery_tag
    publish(peer, "a")
    assert count(peer) == 0
    peer.send_method(1, Basic.Nack(tag, requeue=True))
    publish(peer, "a")
    assert count(peer) == 1
    peer.send_method(1, Basic.Ack(peer.call(Basic.Get(queue="q")).delivery_tag))
    publish(peer, "a")
    assert count(peer) == 1


@pytest.mark.parametrize("no_ack", [True, False])
def test_a_message_that_went_to_a_consumer_at_once_counts_too(peer: Peer, no_ack: bool) -> None:
    declare(peer)
    peer.call(Basic.Consume(queue="q", no_ack=no_ack))
    publish(peer, "a")
    peer.expect(Basic.Deliver)
    publish(peer, "a")
    if no_ack:
        peer.expect(Basic.Deliver)
    else:
        peer.expect_nothing()


def test_a_rejected_message_is_gone(peer: Peer) -> None:
    declare(peer)
    publish(peer, "a")
    peer.send_method(1, Basic.Reject(peer.call(Basic.Get(queue="q")).delivery_tag, requeue=False))
    publish(peer, "a")
    assert count(peer) == 1


def test_an_expired_message_is_gone(peer: Peer, server: Server) -> None:
    declare(peer, x_message_ttl=1000)
    publish(peer, "a")
    server.advance(1)
    publish(peer, "a")
    assert count(peer) == 1


def test_a_message_that_is_dropped_for_want_of_room_is_gone(peer: Peer) -> None:
    declare(peer, x_max_length=1)
    for value in ("a", "b", "a"):
        publish(peer, value)
    assert peer.call(Basic.Get(queue="q")).properties.headers[HEADER] == "a"


def test_one_that_waits_for_another_try_is_still_there(peer: Peer, server: Server) -> None:
    declare(peer, x_delayed_retry_type="all", x_delayed_retry_min=1000)
    publish(peer, "a")
    peer.send_method(1, Basic.Reject(peer.call(Basic.Get(queue="q")).delivery_tag, requeue=True))
    publish(peer, "a")
    server.advance(1)
    assert count(peer) == 1


def test_after_a_purge_everything_is_new(peer: Peer) -> None:
    declare(peer)
    publish(peer, "a")
    peer.call(Queue.Purge(queue="q"))
    publish(peer, "a")
    assert count(peer) == 1


def test_the_argument_is_a_boolean(peer: Peer) -> None:
    name = "x-message-deduplication"
    peer.send_method(1, Queue.Declare(queue="q", arguments={name: "yes"}))
    peer.expect_channel_closed(
        406,
        f"PRECONDITION_FAILED - invalid arg '{name}' for queue 'q' in vhost '/': "
        "{unacceptable_type,longstr}",
        (50, 10),
    )


# --- over a restart ---


def with_value(value: str) -> Message:
    return a_message(
        value.encode(), properties=Properties(delivery_mode=2, headers=to_table({HEADER: value}))
    )


def recovered(*values: str) -> tuple[ClassicQueue, KeepingStore, ManualClock]:
    """A queue just after the start, with messages of these values; the store answers when told."""
    store, clock = KeepingStore(at_once=False), ManualClock()
    store.kept = {ticket: with_value(value) for ticket, value in enumerate(values, 1)}
    store.last_ticket = len(values)
    queue = ClassicQueue("q", True, None, False, {}, store, clock, Paging())
    rules = QueueRules()
    rules.deduplicates = True
    queue.obey(rules)
    queue.recover(vec[i64](list(store.kept)), None, 100)
    clock.advance(0)
    return queue, store, clock


def read(store: KeepingStore, clock: ManualClock) -> None:
    while store.asked:
        store.give()
        clock.advance(0)


def test_messages_from_before_the_start_count() -> None:
    queue, store, clock = recovered(*(str(number) for number in range(600)))
    read(store, clock)
    store.append(with_value("599"), [queue])
    store.append(with_value("600"), [queue])
    assert (queue.ready_count, store.settled) == (601, [601])


def test_what_comes_while_they_are_read_waits_and_keeps_its_order() -> None:
    queue, store, clock = recovered("a")
    for value in ("b", "a", "c"):
        store.append(with_value(value), [queue])
    assert queue.ready_count == 1
    read(store, clock)
    consumer = LimitedConsumer()
    queue.add_consumer(consumer)
    queue.deliver()
    read(store, clock)
    assert consumer.got == [b"a", b"b", b"c"]
    assert store.settled == [3]


@pytest.mark.parametrize("lowered", [False, True])
def test_what_was_taken_while_they_are_read_is_refused_no_more(lowered: bool) -> None:
    queue, store, clock = recovered("a")
    rules = QueueRules()
    rules.deduplicates, rules.max_length, rules.overflow = True, 3, REJECT_PUBLISH
    queue.obey(rules)
    messages = [with_value(value) for value in "bcde"]
    for message in messages:
        store.append(message, [queue])
    assert [message.refused for message in messages] == [False, False, True, True]
    if lowered:
        rules.max_length = 1
        queue.obey(rules)
    read(store, clock)
    assert (queue.ready_count, store.settled) == (3, [4, 5])


def test_a_message_that_went_before_it_was_read_is_gone() -> None:
    queue, store, clock = recovered("a")
    # The front has been asked for before.
    reading = [store.asked.pop()]
    consumer = LimitedConsumer()
    queue.add_consumer(consumer)
    queue.deliver()
    read(store, clock)
    queue.settle(consumer.unacked.pop())
    store.asked = reading
    read(store, clock)
    store.append(with_value("a"), [queue])
    assert consumer.got == [b"a", b"a"]
