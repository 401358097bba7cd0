"""The ready messages of a queue: in order, whatever of them is in memory."""

import gc

import pytest

from leveret.broker.message import Entry, Message
from leveret.broker.queues.paging import ENTRY_BYTES, NO_LIMIT, Paging
from leveret.broker.queues.ready import FRONT, LOAD_MAX, Ready
from leveret.broker.seams import MessageStore, Pending, Queue
from leveret.testing import ManualClock
from unit.doubles import a_message


class KeepingStore(MessageStore):
    """Keeps messages by ticket, and answers when the test says so."""

    def __init__(self) -> None:
        self.messages: dict[int, Message | None] = {}
        self.settled: list[int] = []
        self.at_once = True
        self._asked: list[tuple[Pending, list[int]]] = []

    def keep(self, ticket: int) -> Message:
        message = self.messages[ticket] = a_message(b"%d" % ticket)
        return message

    def settle(self, queue: Queue, ticket: int) -> None:
        self.settled.append(ticket)

    def spill(self, message: Message) -> int:
        ticket = -1 - len(self.messages)
        self.messages[ticket] = message
        return ticket

    def fetch(self, tickets: list[int]) -> Pending:
        answer = Pending()
        self._asked.append((answer, tickets))
        if self.at_once:
            self.answer()
        return answer

    def answer(self) -> None:
        asked, self._asked = self._asked, []
        for answer, tickets in asked:
            answer.complete([self.messages[ticket] for ticket in tickets])


class Ours(Queue):
    pass


@pytest.fixture
def store() -> KeepingStore:
    return KeepingStore()


@pytest.fixture
def paging() -> Paging:
    return Paging(1)


@pytest.fixture
def ready(store: KeepingStore, paging: Paging) -> Ready:
    return Ready(Ours(), store, ManualClock(), paging, lambda: None)


def fill(ready: Ready, store: KeepingStore, first: int, last: int) -> None:
    for ticket in range(first, last + 1):
        ready.append(store.keep(ticket), ticket)


def recover(ready: Ready, store: KeepingStore, first: int, last: int) -> None:
    for ticket in range(first, last + 1):
        store.keep(ticket)
        ready.recover(ticket, False, 10)


def take_all(ready: Ready) -> list[Entry]:
    taken: list[Entry] = []
    while (entry := ready.take()) is not None:
        taken.append(entry)
    return taken


def numbers(entries: list[Entry]) -> list[int]:
    return [int(entry.message.body()) for entry in entries]


def test_messages_come_back_in_order_while_memory_is_short(
    ready: Ready, store: KeepingStore, paging: Paging
) -> None:
    paging.set_limit(2 * FRONT * ENTRY_BYTES)  # It is reached in the midst of a load.
    recover(ready, store, 1, LOAD_MAX)
    assert numbers(take_all(ready)) == list(range(1, LOAD_MAX + 1))


def test_what_is_paged_out_comes_back_in_order(
    ready: Ready, store: KeepingStore, paging: Paging
) -> None:
    paging.set_limit(NO_LIMIT)
    fill(ready, store, 1, 3000)
    ready.page_out(2000)
    fill(ready, store, 3001, 4000)
    ready.page_out(1)
    assert numbers(take_all(ready)) == list(range(1, 4001))
    assert ready.count == 0
    assert paging.resident_bytes == 0


def test_the_front_stays_in_memory(ready: Ready, store: KeepingStore, paging: Paging) -> None:
    paging.set_limit(NO_LIMIT)
    fill(ready, store, 1, 1000)
    assert ready.page_out(1 << 30) == 1000 - FRONT


def test_a_message_that_was_never_stored_is_spilled(ready: Ready, store: KeepingStore) -> None:
    paging_out = FRONT + 10
    for number in range(paging_out):
        ready.append(a_message(b"%d" % number), 0)
    ready.page_out(10)
    taken = take_all(ready)
    assert numbers(taken) == list(range(paging_out))
    assert [entry.ticket < 0 for entry in taken] == [n >= FRONT for n in range(paging_out)]


def test_what_arrives_during_a_load_comes_after_it(ready: Ready, store: KeepingStore) -> None:
    store.at_once = False
    recover(ready, store, 1, 10)
    assert ready.take() is None
    fill(ready, store, 11, 20)
    store.answer()
    store.at_once = True
    assert numbers(take_all(ready)) == list(range(1, 21))


def test_what_is_put_back_comes_first_in_its_old_order(ready: Ready, store: KeepingStore) -> None:
    fill(ready, store, 1, 5)
    first, second = ready.take(), ready.take()
    assert first is not None
    assert second is not None
    for entry in (second, first):
        ready.put_back(entry)
    assert numbers(take_all(ready)) == [1, 2, 3, 4, 5]


def test_content_that_left_memory_while_unacked_is_fetched_again(
    ready: Ready, store: KeepingStore
) -> None:
    fill(ready, store, 1, 3)
    taken = take_all(ready)
    for entry in taken:
        ready.delivered(entry)
    for entry in reversed(taken):
        ready.put_back(entry)
    assert numbers(take_all(ready)) == [1, 2, 3]


def test_a_damaged_message_is_settled_and_the_next_one_comes(
    ready: Ready, store: KeepingStore
) -> None:
    recover(ready, store, 1, 3)
    store.messages[2] = None
    assert numbers(take_all(ready)) == [1, 3]
    assert store.settled == [2]
    assert ready.count == 0


def test_clearing_settles_everything_also_what_is_on_its_way(
    ready: Ready, store: KeepingStore
) -> None:
    fill(ready, store, 1, FRONT + 500)
    ready.page_out(400)
    returned = ready.take()
    assert returned is not None
    ready.put_back(returned)
    store.at_once = False
    for _ in range(FRONT):
        ready.take()
    assert ready.clear() == 500
    ready.finish_discarding()
    store.answer()
    assert sorted(store.settled) == list(range(FRONT + 1, FRONT + 501))
    assert ready.take() is None


def test_marks_of_redelivery_are_known_wherever_the_message_is(
    ready: Ready, store: KeepingStore
) -> None:
    store.keep(1), store.keep(2), store.keep(3)
    for ticket in (1, 2, 3):
        ready.recover(ticket, ticket != 2, 10)
    assert ready.redelivered() == [1, 3]
    entry = ready.take()
    assert entry is not None
    assert entry.redelivered
    ready.put_back(entry)
    assert sorted(ready.redelivered()) == [1, 3]


@pytest.mark.parametrize("again", [False, True], ids=["recovered", "put back"])
def test_marks_of_redelivery_are_known_of_what_is_on_its_way(
    ready: Ready, store: KeepingStore, again: bool
) -> None:
    store.keep(1)
    ready.recover(1, True, 10)
    if again:
        entry = ready.take()
        assert entry is not None
        ready._paging.took(1000)  # Memory is short.
        ready.delivered(entry)
        ready.put_back(entry)
    store.at_once = False
    assert ready.take() is None
    assert ready.redelivered() == [1]


def test_entries_are_let_go_of_one_by_one_with_their_queue() -> None:
    ready = Ready(Ours(), KeepingStore(), ManualClock(), Paging(NO_LIMIT), lambda: None)
    for _ in range(100):
        ready.append(a_message(b"x"), 0)
    head = ready.head()
    assert head is not None
    assert head.next is not None
    del ready
    gc.collect()
    # A chain that frees itself from its head on would nest a hundred levels deep.
    assert head.next is None


def sizes(ready: Ready) -> tuple[int, ...]:
    stored = ready.stored
    return (
        ready.body_bytes,
        stored.persistent_count,
        stored.persistent_bytes,
        stored.absent_count,
        stored.absent_bytes,
        stored.spilled_count,
        stored.spilled_bytes,
    )


def test_what_is_not_in_memory_is_counted(
    ready: Ready, store: KeepingStore, paging: Paging
) -> None:
    paging.set_limit(NO_LIMIT)
    for _ in range(FRONT + 10):
        ready.append(a_message(b"12"), 0)
    fill(ready, store, 100, 104)
    octets = 2 * (FRONT + 10) + 15
    assert sizes(ready) == (octets, 5, 15, 0, 0, 0, 0)
    ready.page_out(1 << 30)
    assert sizes(ready) == (octets, 5, 15, 15, 35, 10, 20)
    take_all(ready)
    assert sizes(ready) == (0, 0, 0, 0, 0, 0, 0)


def test_the_size_of_what_was_there_before_the_start_is_known_once_it_is_loaded(
    ready: Ready, store: KeepingStore
) -> None:
    recover(ready, store, 1, 3)
    assert sizes(ready) == (30, 3, 30, 3, 30, 0, 0)
    store.messages[2] = None
    assert ready.at_hand()
    assert sizes(ready) == (2, 2, 2, 0, 0, 0, 0)
    take_all(ready)
    assert sizes(ready) == (0, 0, 0, 0, 0, 0, 0)


def test_what_comes_back_without_its_content_keeps_its_size(
    ready: Ready, store: KeepingStore
) -> None:
    fill(ready, store, 1, 3)
    taken = take_all(ready)
    for entry in taken:
        ready._paging.took(1000)  # Memory is short.
        ready.delivered(entry)
        ready.put_back(entry)
    assert sizes(ready) == (3, 3, 3, 3, 3, 0, 0)
    store.messages[3] = None
    assert numbers(take_all(ready)) == [1, 2]
    assert sizes(ready) == (0, 0, 0, 0, 0, 0, 0)


def test_what_is_cleared_has_no_size(ready: Ready, store: KeepingStore) -> None:
    recover(ready, store, 1, 10)
    fill(ready, store, 11, 20)
    ready.clear()
    assert sizes(ready) == (0, 0, 0, 0, 0, 0, 0)
