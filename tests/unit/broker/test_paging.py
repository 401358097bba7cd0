"""The budget of memory that all queues share."""

import pytest

from leveret.broker.queues.paging import ENTRY_BYTES, MENDED_BYTES, RETRY_BYTES, Paging
from leveret.broker.queues.ready import FRONT, Ready
from leveret.broker.seams import MessageStore, Queue
from leveret.testing import ManualClock
from unit.doubles import a_message


class Spilling(MessageStore):
    def __init__(self) -> None:
        self.spilled = 0

    def spill(self, message: object) -> int:
        self.spilled += 1
        return -self.spilled

    def settle(self, queue: Queue, ticket: int) -> None:
        pass


class Refusing(Spilling):
    def spill(self, message: object) -> int:
        return 0


class Ours(Queue):
    pass


@pytest.fixture
def paging() -> Paging:
    return Paging(1000 * ENTRY_BYTES)


@pytest.fixture
def store() -> Spilling:
    return Spilling()


def a_ready(paging: Paging, store: Spilling) -> Ready:
    return Ready(Ours(), store, ManualClock(), paging, lambda: None)


def fill(ready: Ready, count: int) -> None:
    for _ in range(count):
        ready.append(a_message(b""), 0)


def test_within_the_limit_everything_stays(paging: Paging, store: Spilling) -> None:
    fill(a_ready(paging, store), FRONT + 100)
    assert store.spilled == 0
    assert not paging.short()


def test_past_the_limit_messages_leave(paging: Paging, store: Spilling) -> None:
    fill(a_ready(paging, store), 5000)
    assert store.spilled >= 5000 - 1000
    assert paging.resident_bytes <= 1000 * ENTRY_BYTES


def test_the_queue_that_holds_most_gives_first(paging: Paging, store: Spilling) -> None:
    small, large = a_ready(paging, store), a_ready(paging, store)
    fill(small, 300)
    fill(large, 900)
    assert small._paged.count == 0
    assert large._paged.count > 0


def test_what_is_taken_counts_no_longer(paging: Paging, store: Spilling) -> None:
    ready = a_ready(paging, store)
    fill(ready, 10)
    held = paging.resident_bytes
    ready.take()
    assert paging.resident_bytes == held * 9 // 10
    ready.clear()
    assert paging.resident_bytes == 0
    assert not paging._queues


def test_fronts_cannot_leave_and_are_not_asked_for_each_message(store: Spilling) -> None:
    paging = Paging(1)
    queues = [a_ready(paging, store) for _ in range(3)]
    for ready in queues:
        fill(ready, FRONT)
    assert store.spilled == 0
    assert paging._threshold > RETRY_BYTES


def test_the_others_give_where_the_disk_refuses_the_largest(store: Spilling) -> None:
    paging = Paging(1000 * ENTRY_BYTES)
    refused = a_ready(paging, Refusing())
    fill(refused, 5000)
    stored = a_ready(paging, store)
    for ticket in range(1, 5001):
        stored.append(a_message(b""), ticket)
    assert refused._paged.count == 0
    assert stored.resident_bytes <= MENDED_BYTES + FRONT * ENTRY_BYTES


def test_a_lower_limit_holds_from_the_next_message_on(paging: Paging, store: Spilling) -> None:
    ready = a_ready(paging, store)
    fill(ready, 600)
    paging.set_limit(300 * ENTRY_BYTES)
    assert paging.short()
    fill(ready, 1)
    assert store.spilled == 601 - FRONT
