"""The classic queue among its consumers, its store and the clock."""

from collections.abc import Sequence

import pytest

from leveret.broker.message import Entry
from leveret.broker.queues.classic import DELIVERIES_PER_TURN, ClassicQueue
from leveret.testing import ManualClock
from unit.doubles import LimitedConsumer, TicketStore, a_message, a_queue


@pytest.fixture
def store() -> TicketStore:
    return TicketStore()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(store: TicketStore, clock: ManualClock) -> ClassicQueue:
    return a_queue(store, clock)


@pytest.fixture
def log() -> list[tuple[str, bytes]]:
    """Who got what, in order."""
    return []


def publish(queue: ClassicQueue, *bodies: bytes, ticket: int = 0) -> None:
    for body in bodies:
        queue.publish(a_message(body), ticket)


def join(queue: ClassicQueue, *consumers: LimitedConsumer) -> None:
    for consumer in consumers:
        queue.add_consumer(consumer)
        queue.deliver()


def acknowledge(queue: ClassicQueue, consumer: LimitedConsumer) -> None:
    queue.settle(consumer.unacked.pop(0))
    queue.activate(consumer)
    queue.deliver()


def taken(queue: ClassicQueue, count: int) -> list[Entry]:
    entries = [queue.get(False) for _ in range(count)]
    return [entry for entry in entries if entry is not None]


def bodies(entries: Sequence[Entry]) -> list[bytes]:
    return [entry.message.body() for entry in entries]


LETTERS = [b"%c" % letter for letter in b"abcdefghijklmnopqrstuvwxyz"]


# --- in turn ---


def test_consumers_take_turns(queue: ClassicQueue, log: list[tuple[str, bytes]]) -> None:
    join(queue, *(LimitedConsumer(name, log=log) for name in "xyz"))
    publish(queue, *LETTERS[:7])
    assert "".join(name for name, _ in log) == "xyzxyzx"


def test_a_backlog_goes_to_its_first_consumer(
    queue: ClassicQueue, log: list[tuple[str, bytes]]
) -> None:
    publish(queue, *LETTERS[:3])
    join(queue, LimitedConsumer("x", log=log), LimitedConsumer("y", log=log))
    publish(queue, *LETTERS[3:5])
    assert log == [("x", b"a"), ("x", b"b"), ("x", b"c"), ("x", b"d"), ("y", b"e")]


def test_a_backlog_met_by_several_is_shared_in_turn(
    queue: ClassicQueue, log: list[tuple[str, bytes]]
) -> None:
    publish(queue, *LETTERS[:5])
    for name in "xyz":
        queue.add_consumer(LimitedConsumer(name, log=log))
    queue.deliver()
    assert "".join(name for name, _ in log) == "xyzxy"


def test_who_joins_is_last_in_turn(queue: ClassicQueue, log: list[tuple[str, bytes]]) -> None:
    x, y, z = (LimitedConsumer(name, log=log) for name in "xyz")
    join(queue, x, y)
    publish(queue, b"a")
    join(queue, z)
    publish(queue, *LETTERS[1:6])
    assert "".join(name for name, _ in log) == "xyxzyx"


@pytest.mark.parametrize(("leaver", "order"), [("x", "xyzyzy"), ("y", "xzxzxz"), ("z", "xyxyxy")])
def test_the_turn_passes_by_who_left(
    queue: ClassicQueue, log: list[tuple[str, bytes]], leaver: str, order: str
) -> None:
    consumers = {name: LimitedConsumer(name, log=log) for name in "xyz"}
    join(queue, *consumers.values())
    publish(queue, b"a")
    queue.remove_consumer(consumers[leaver])
    publish(queue, *LETTERS[1:6])
    assert "".join(name for name, _ in log) == order


def test_who_has_no_credit_is_passed_by(queue: ClassicQueue, log: list[tuple[str, bytes]]) -> None:
    join(queue, LimitedConsumer("x", 1, log=log), LimitedConsumer("y", 3, log=log))
    publish(queue, *LETTERS[:5])
    assert "".join(name for name, _ in log) == "xyyy"
    assert queue.ready_count == 1


def test_who_regains_credit_is_last_in_turn(
    queue: ClassicQueue, log: list[tuple[str, bytes]]
) -> None:
    x, y, z = LimitedConsumer("x", 1, log=log), *(LimitedConsumer(n, log=log) for n in "yz")
    join(queue, x, y, z)
    publish(queue, *LETTERS[:4])
    acknowledge(queue, x)
    publish(queue, *LETTERS[4:8])
    assert "".join(name for name, _ in log) == "xyzy" + "zyxz"


def test_a_consumer_is_in_the_rotation_once(
    queue: ClassicQueue, log: list[tuple[str, bytes]]
) -> None:
    x, y = (LimitedConsumer(name, log=log) for name in "xy")
    join(queue, x, y)
    queue.activate(x)
    queue.activate(x)
    publish(queue, *LETTERS[:6])
    assert "".join(name for name, _ in log) == "xyxyxy"


def test_a_slow_consumer_gets_the_backlog_as_it_acknowledges(queue: ClassicQueue) -> None:
    publish(queue, *LETTERS[:4])
    slow = LimitedConsumer(limit=1)
    join(queue, slow)
    for _ in range(4):
        acknowledge(queue, slow)
    assert slow.got == LETTERS[:4]
    assert (queue.ready_count, queue.unacked_count) == (0, 0)


def test_a_consumer_that_left_keeps_what_it_has(queue: ClassicQueue) -> None:
    gone, other = LimitedConsumer("gone", 1), LimitedConsumer("other")
    join(queue, gone)
    publish(queue, b"a", b"b")
    queue.remove_consumer(gone)
    join(queue, other)
    assert (gone.got, other.got) == ([b"a"], [b"b"])
    assert queue.unacked_count == 2
    queue.settle(gone.unacked.pop())
    assert queue.unacked_count == 1


def test_removing_who_never_joined_changes_nothing(queue: ClassicQueue) -> None:
    join(queue, consumer := LimitedConsumer())
    queue.remove_consumer(LimitedConsumer("stranger"))
    publish(queue, b"a")
    assert consumer.got == [b"a"]


# --- requeued ---


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_requeued_entries_are_back_at_their_places(
    queue: ClassicQueue, order: tuple[int, ...]
) -> None:
    publish(queue, *LETTERS[:6])
    entries = taken(queue, 4)
    for number in order:
        queue.requeue(entries[number])
    again = taken(queue, 6)
    assert bodies(again) == LETTERS[:6]
    assert [entry.redelivered for entry in again] == [True] * 4 + [False] * 2


def test_one_requeued_goes_between_its_old_neighbours(queue: ClassicQueue) -> None:
    publish(queue, *LETTERS[:5])
    first, second, third, _ = taken(queue, 4)
    queue.requeue(third)
    queue.requeue(first)
    assert bodies(taken(queue, 1)) == [b"a"]
    queue.requeue(second)
    assert bodies(taken(queue, 9)) == [b"b", b"c", b"e"]


def test_one_requeued_is_delivered_at_once(queue: ClassicQueue) -> None:
    join(queue, consumer := LimitedConsumer(limit=1))
    publish(queue, b"a")
    queue.requeue(consumer.unacked.pop())
    queue.deliver()
    assert consumer.got == [b"a", b"a"]
    assert consumer.redelivered == [False, True]


# --- what is bounded ---


def test_a_long_backlog_is_delivered_over_several_turns(
    queue: ClassicQueue, clock: ManualClock
) -> None:
    publish(queue, *[b""] * (2 * DELIVERIES_PER_TURN + 1))
    join(queue, consumer := LimitedConsumer())
    assert len(consumer.got) == DELIVERIES_PER_TURN
    assert clock.pending() == 1
    clock.advance(0)
    assert len(consumer.got) == 2 * DELIVERIES_PER_TURN + 1
    assert clock.pending() == 0


def test_a_turn_that_is_due_already_is_enough(queue: ClassicQueue, clock: ManualClock) -> None:
    publish(queue, *[b""] * (10 * DELIVERIES_PER_TURN))
    join(queue, LimitedConsumer(), LimitedConsumer(), LimitedConsumer())
    assert clock.pending() == 1


def test_a_turn_that_comes_after_the_end_of_the_queue_does_nothing(
    queue: ClassicQueue, clock: ManualClock
) -> None:
    publish(queue, *[b""] * (DELIVERIES_PER_TURN + 1))
    join(queue, consumer := LimitedConsumer())
    queue.mark_deleted()
    clock.advance(0)
    assert len(consumer.got) == DELIVERIES_PER_TURN


# --- the end ---


def test_a_deleted_queue_tells_its_consumers_and_its_store(
    queue: ClassicQueue, store: TicketStore
) -> None:
    publish(queue, *LETTERS[:3], ticket=1)
    join(queue, consumer := LimitedConsumer(limit=1))
    assert queue.mark_deleted() == 2
    assert consumer.cancellations == 1
    assert store.settled == [1, 1]
    assert queue.consumers == []
    assert queue.get(False) is None


def test_a_deleted_queue_takes_settles_and_requeues_in_silence(
    queue: ClassicQueue, store: TicketStore
) -> None:
    publish(queue, *LETTERS[:2], ticket=1)
    join(queue, consumer := LimitedConsumer())
    first, second = consumer.unacked
    queue.mark_deleted()
    queue.settle(first)
    queue.requeue(second)
    queue.deliver()
    assert (queue.ready_count, queue.unacked_count) == (0, 0)
    assert store.settled == [1, 1], "its messages leave the store one by one"
    assert first.consumer is None
    assert second.consumer is None


def test_a_consumer_is_no_use_to_a_deleted_queue(queue: ClassicQueue) -> None:
    join(queue, consumer := LimitedConsumer())
    queue.mark_deleted()
    queue.activate(consumer)
    queue.remove_consumer(consumer)
    queue.deliver()
    assert not consumer.active


# --- what the store hears ---


def stored(store: TicketStore, queue: ClassicQueue, body: bytes = b"") -> int:
    return store.append(a_message(body), [queue])


def test_an_acknowledgement_settles_in_the_store(queue: ClassicQueue, store: TicketStore) -> None:
    join(queue, consumer := LimitedConsumer())
    ticket = stored(store, queue)
    assert store.settled == []
    queue.settle(consumer.unacked.pop())
    assert store.settled == [ticket]


@pytest.mark.parametrize("backlog", [True, False])
def test_a_delivery_that_needs_no_acknowledgement_settles_in_the_store(
    queue: ClassicQueue, store: TicketStore, backlog: bool
) -> None:
    consumer = LimitedConsumer(no_ack=True)
    if backlog:
        ticket = stored(store, queue)
    join(queue, consumer)
    if not backlog:
        ticket = stored(store, queue)
    assert store.settled == [ticket]
    assert queue.unacked_count == 0


def test_a_get_settles_when_it_needs_no_acknowledgement(
    queue: ClassicQueue, store: TicketStore
) -> None:
    first, second = stored(store, queue), stored(store, queue)
    assert queue.get(True) is not None
    entry = queue.get(False)
    assert entry is not None
    assert store.settled == [first]
    queue.settle(entry)
    assert store.settled == [first, second]


def test_a_purge_settles_what_was_ready_only(queue: ClassicQueue, store: TicketStore) -> None:
    join(queue, consumer := LimitedConsumer(limit=1))
    tickets = [stored(store, queue) for _ in range(4)]
    assert queue.purge() == 3
    assert store.settled == tickets[1:]
    queue.settle(consumer.unacked.pop())
    assert sorted(store.settled) == tickets


def test_a_purge_takes_what_was_requeued_too(queue: ClassicQueue, store: TicketStore) -> None:
    tickets = [stored(store, queue) for _ in range(2)]
    queue.requeue(taken(queue, 1)[0])
    assert queue.purge() == 2
    assert store.settled == tickets
    assert queue.purge() == 0


def test_what_was_not_stored_is_not_settled(queue: ClassicQueue, store: TicketStore) -> None:
    publish(queue, *LETTERS[:4])
    queue.get(True)
    queue.settle(taken(queue, 1)[0])
    queue.purge()
    assert store.settled == []
