"""Queues with rules where messages are not in memory, rules change, and time stands still."""

from librt.vecs import vec
from mypy_extensions import i64

from leveret.broker.message import StoredMessage
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.paging import Paging
from leveret.broker.queues.ready import FRONT
from leveret.broker.rules import QueueRules
from leveret.testing import ManualClock, MemoryServer
from leveret.wire.properties import Properties
from unit.doubles import Graveyard, KeepingStore, LimitedConsumer, a_message

NO_MEMORY = 0


def ruled(store=None, memory=NO_MEMORY, vhost=None, **rules):
    clock = ManualClock()
    store = store or KeepingStore()
    queue = ClassicQueue("q", True, None, False, {}, store, clock, Paging(memory), vhost)
    queue.obey(with_rules(**rules))
    return queue, store, clock


def with_rules(**rules):
    given = QueueRules()
    for name, value in rules.items():
        setattr(given, name, value)
    return given


def persistent(body=b"", **properties):
    return a_message(body, properties=Properties(delivery_mode=2, **properties))


def bodies(queue):
    found = []
    while queue.when_at_hand().done and (entry := queue.get(True)) is not None:
        found.append(entry.message.body())
    return found


def test_what_has_left_memory_expires_at_its_time():
    queue, store, clock = ruled(message_ttl_ms=1000)
    total = FRONT * 3
    for number in range(total):
        store.append(persistent(b"%d" % number), [queue])
        clock.advance(1 / 1024)
    clock.advance(1 - total / 1024)
    assert queue.ready_count == total - 1
    clock.advance(400 / 1024)
    assert queue.ready_count == total - 401
    assert bodies(queue)[0] == b"401"


def test_an_idle_queue_with_times_waits_for_one_timer():
    queue, store, clock = ruled(message_ttl_ms=1000)
    for _ in range(1000):
        store.append(persistent(), [queue])
    assert clock.pending() == 1
    clock.advance(1.0)
    assert (queue.ready_count, clock.pending()) == (0, 0)
    assert sorted(store.settled) == list(range(1, 1001))


def test_a_plain_queue_is_plain_again_once_it_is_empty():
    queue, store, clock = ruled()
    queue.heed_expiration()
    store.append(persistent(expiration="1000"), [queue])
    assert queue.ruled is not None
    clock.advance(1.0)
    assert (queue.ready_count, queue.ruled, clock.pending()) == (0, None, 0)


def stored(message, stored_ms):
    return StoredMessage(
        message.frames,
        message.tail,
        message.channel,
        message.header_size,
        message.body_size,
        message.largest_frame,
        message.persistent,
        stored_ms,
    )


NOON_MS = 1_700_000_000_000


def recovered(waited_ms, vhost=None, **rules):
    """A queue just after the start, at noon, with a message that came so long before, and one with
    an `expiration` of 500."""
    store = KeepingStore()
    store.kept = {
        1: stored(persistent(b"own", expiration="500"), NOON_MS - waited_ms),
        2: stored(persistent(b"queue's"), NOON_MS - waited_ms),
    }
    vhost = vhost or Graveyard()
    queue, store, clock = ruled(store, vhost=vhost, **rules)
    vhost.wall_offset = NOON_MS / 1000 - clock.now()
    queue.recover(vec[i64]([1, 2]), None, 100)
    return queue, store, clock


def test_the_time_of_a_message_goes_on_over_a_restart():
    queue, store, clock = recovered(400, message_ttl_ms=1000)
    clock.advance(0.09)
    assert queue.ready_count == 2
    clock.advance(0.02)
    assert queue.ready_count == 1
    clock.advance(0.47)
    assert queue.ready_count == 1
    clock.advance(0.03)
    assert (queue.ready_count, store.settled) == (0, [1, 2])


def test_what_expired_while_nobody_was_there_is_a_dead_letter_at_the_start():
    graveyard = Graveyard()
    queue, _, _ = recovered(60_000, graveyard, message_ttl_ms=1000, dead_letter_exchange="x")
    assert graveyard.letters == [(b"own", "expired"), (b"queue's", "expired")]
    assert queue.ready_count == 0


def test_a_wall_clock_that_went_backwards_makes_no_message_younger_than_new():
    queue, _, clock = recovered(-3_600_000, message_ttl_ms=1000)
    clock.advance(0.49)
    assert queue.ready_count == 2
    clock.advance(0.02)
    assert queue.ready_count == 1
    clock.advance(0.5)
    assert queue.ready_count == 0


def test_times_begin_anew_where_the_store_does_not_tell_them():
    """As in a log of format 1."""
    store = KeepingStore()
    store.kept = {1: persistent(b"own", expiration="500"), 2: persistent(b"queue's")}
    queue, _, clock = ruled(store, message_ttl_ms=1000)
    queue.recover(vec[i64]([1, 2]), None, 100)
    clock.advance(0.4)
    assert queue.ready_count == 2
    clock.advance(0.1)
    assert queue.ready_count == 1
    clock.advance(0.5)
    assert (queue.ready_count, store.settled) == (0, [1, 2])


def test_a_recovered_message_with_a_time_in_a_plain_queue_is_not_delivered_late():
    store = KeepingStore()
    store.kept = {1: persistent(b"own", expiration="500"), 2: persistent(b"none")}
    queue, _, clock = ruled(store)
    queue.recover(vec[i64]([1, 2]), None, 100)
    clock.advance(1.0)
    consumer = LimitedConsumer()
    queue.add_consumer(consumer)
    queue.deliver()
    assert consumer.got == [b"none"]


def test_recovered_messages_have_their_priorities():
    store = KeepingStore(at_once=False)
    store.kept = {
        ticket: persistent(b"%d" % ticket, priority=priority)
        for ticket, priority in ((1, 0), (2, 5), (3, None), (4, 9))
    }
    queue, _, _ = ruled(store, max_priority=5)
    queue.recover(vec[i64]([1, 2, 3, 4]), None, 100)
    assert queue.ready_count == 4
    asked = queue.when_at_hand()
    assert not asked.done
    while store.asked:
        store.give()
    assert asked.done
    assert bodies(queue) == [b"2", b"4", b"1", b"3"]


def test_the_octets_of_recovered_messages_are_known_once_they_are_read():
    store = KeepingStore()
    store.kept = {1: persistent(b"12345"), 2: persistent(b"1")}
    queue, _, _ = ruled(store, max_length_bytes=1000)
    queue.recover(vec[i64]([1, 2]), None, 60)
    assert queue.ready.body_bytes in (120, 6)
    queue.when_at_hand()
    assert queue.ready.body_bytes == 6


def test_a_new_limit_holds_at_once():
    graveyard = Graveyard()
    queue, store, _ = ruled(vhost=graveyard, memory=1 << 40)
    for body in (b"1", b"2", b"3"):
        store.append(persistent(body), [queue])
    queue.obey(with_rules(max_length=1, dead_letter_exchange="x"))
    assert graveyard.letters == [(b"1", "maxlen"), (b"2", "maxlen")]
    assert bodies(queue) == [b"3"]


def test_a_time_to_live_that_comes_later_is_for_what_comes_later():
    """As in RabbitMQ: a message gets its time when it arrives."""
    queue, store, clock = ruled(memory=1 << 40)
    store.append(persistent(b"before"), [queue])
    queue.obey(with_rules(message_ttl_ms=10))
    store.append(persistent(b"after"), [queue])
    clock.advance(1.0)
    assert bodies(queue) == [b"before"]


def test_an_expiry_of_its_own_ends_when_the_rule_does():
    server = MemoryServer()
    vhost = server.broker.vhosts["/"]
    queue = vhost.new_queue("q", False, None, False, {})
    vhost.add_queue(queue)
    queue.obey(with_rules(expires_ms=1000))
    server.advance(0.9)
    queue.obey(with_rules())
    server.advance(10)
    assert not queue.deleted
    queue.obey(with_rules(expires_ms=1000))
    server.advance(1)
    assert queue.deleted


def test_a_queue_is_plain_again_once_what_came_back_is_gone():
    queue, store, _ = ruled(delivery_limit=5)
    assert queue.ruled is None
    consumer = LimitedConsumer(limit=1)
    queue.add_consumer(consumer)
    for body in (b"1", b"2"):
        store.append(persistent(body), [queue])
    queue.requeue(consumer.unacked.pop())
    assert queue.ruled is not None
    assert queue.purge() == 2
    store.append(persistent(b"3"), [queue])
    assert queue.ruled is None


def test_a_delivery_limit_holds_on_a_classic_queue():
    graveyard = Graveyard()
    queue, store, _ = ruled(vhost=graveyard, delivery_limit=1, dead_letter_exchange="x")
    consumer = LimitedConsumer()
    queue.add_consumer(consumer)
    store.append(persistent(b"poison"), [queue])
    for _ in range(2):
        queue.requeue(consumer.unacked.pop())
        queue.deliver()
    assert (consumer.redelivered, graveyard.letters) == (
        [False, True],
        [(b"poison", "delivery_limit")],
    )
