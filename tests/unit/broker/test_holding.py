"""Where delayed messages wait: what it costs, and what it does not do."""

import tracemalloc

import pytest
from librt.vecs import vec
from mypy_extensions import i64

from leveret.broker.delay import DELAY_MAX_MS, DUE
from leveret.broker.exchanges import EXCHANGE_TYPES
from leveret.broker.message import Message
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.holding import Holding
from leveret.broker.queues.paging import Paging
from leveret.broker.seams import Pending, Queue
from leveret.testing import ManualClock
from leveret.wire.frames import header_frame
from leveret.wire.properties import Properties
from leveret.wire.table import to_table
from unit.doubles import KeepingStore, TicketStore

HOUR_MS = 3_600_000


def a_holding(
    store: TicketStore,
    clock: ManualClock,
    paging: Paging | None = None,
    routed: list[str] | None = None,
) -> Holding:
    def route(_exchange: object, key: str, *_more: object) -> tuple[list[ClassicQueue], bool]:
        if routed is not None:
            routed.append(key)
        return [], False

    arguments = to_table({"x-delayed-type": "fanout"})
    exchange = EXCHANGE_TYPES["x-delayed-message"]("x", True, False, False, arguments)
    return Holding(
        exchange,
        route,
        lambda: int(clock.now() * 1000),
        store,
        clock,
        paging or Paging(),
    )


def due_in(clock: ManualClock, milliseconds: int) -> Message:
    headers = to_table({"x-delay": -milliseconds, DUE: int(clock.now() * 1000) + milliseconds})
    header = header_frame(1, Properties(headers=headers).encode(), 0)
    return Message(header, b"\x01x\x01k", 1, len(header), 0, len(header), True)


def test_what_is_passed_on_is_settled_and_published_in_one_or_not_at_all() -> None:
    clock, store = ManualClock(), KeepingStore()
    holding = a_holding(store, clock)
    for _ in range(2):
        store.append(due_in(clock, 1000), [holding])
    store.given.clear()
    clock.advance(2)
    assert store.given == ["settle 1", "settle 2", "barrier"]


def test_a_stored_message_that_waits_takes_little_memory() -> None:
    """Three hundred octets are promised; the store's own index of tickets is not in this sum."""
    clock, store = ManualClock(), TicketStore()
    holding = a_holding(store, clock)
    messages = [due_in(clock, HOUR_MS + number) for number in range(20_000)]
    tracemalloc.start()
    try:
        for ticket, message in enumerate(messages, 1):
            holding.publish(message, ticket)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert holding.held_count() == 20_000
    assert used / 20_000 < 150


def test_where_a_message_waits_that_is_in_memory_only_takes_little_itself() -> None:
    """With the message and its header it is less than three hundred octets, compiled."""
    clock, store = ManualClock(), TicketStore()
    holding = a_holding(store, clock)
    messages = [due_in(clock, HOUR_MS + number) for number in range(20_000)]
    tracemalloc.start()
    try:
        for message in messages:
            holding.publish(message, 0)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / 20_000 < 80


def test_a_place_that_is_free_again_is_no_object() -> None:
    """A million of them go with the last message, in one turn of the loop."""
    clock, store = ManualClock(), TicketStore()
    holding = a_holding(store, clock)
    messages = [due_in(clock, HOUR_MS), *[due_in(clock, 10) for _ in range(3000)]]
    tracemalloc.start()
    try:
        for message in messages:
            holding.publish(message, 0)
        clock.advance(1)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert holding.held_count() == 1
    assert left / 3000 < 30


def test_messages_in_memory_come_in_their_order_whatever_places_were_free() -> None:
    clock, store = ManualClock(), TicketStore()
    routed: list[str] = []
    holding = a_holding(store, clock, routed=routed)
    for key, wait in (("a", 10), ("b", 10), ("z", 5000)):
        message = due_in(clock, wait)
        message.tail = b"\x01x\x01" + key.encode()
        holding.publish(message, 0)
    clock.advance(1)
    for key in ("c", "d", "e"):
        message = due_in(clock, 10)
        message.tail = b"\x01x\x01" + key.encode()
        holding.publish(message, 0)
    clock.advance(10)
    assert routed == ["a", "b", "c", "d", "e", "z"]
    assert holding.held_count() == 0


class SpillingStore(TicketStore):
    """Takes transient messages out of memory."""

    def __init__(self) -> None:
        super().__init__()
        self.spilled: list[Message] = []

    def spill(self, message: Message) -> int:
        self.spilled.append(message)
        return -len(self.spilled)

    def fetch(self, tickets: list[int]) -> Pending:
        return Pending.of([self.spilled[-ticket - 1] for ticket in tickets])


def test_transient_messages_leave_memory_when_it_is_short_and_come_back() -> None:
    clock, store = ManualClock(), SpillingStore()
    routed: list[str] = []
    holding = a_holding(store, clock, Paging(0), routed)
    holding.publish(due_in(clock, 10), 0)
    assert len(store.spilled) == 1
    clock.advance(1)
    assert routed == ["k"]
    assert store.settled == [-1]


def recovered(store: KeepingStore, clock: ManualClock, routed: list[str]) -> Holding:
    """A holding of 10,000 messages from before the start: the first and the last are due soon."""
    holding = a_holding(store, clock, routed=routed)
    for key, wait in (("o", 10), *[("m", HOUR_MS)] * 9998, ("n", 10)):
        message = due_in(clock, wait)
        message.tail = b"\x01x\x01" + key.encode()
        store.kept[store.ticket()] = message
    holding.recover(vec[i64](list(store.kept)), None, 100)
    return holding


def test_after_a_start_the_oldest_and_the_newest_messages_are_looked_at_first() -> None:
    """Those are due soon that have waited for long, or are to wait for a short time."""
    clock, store = ManualClock(), KeepingStore(at_once=False)
    routed: list[str] = []
    holding = recovered(store, clock, routed)
    clock.advance(0)
    store.give()
    assert holding.held_count() == 10_000
    clock.advance(0.01)
    # They were in memory still, and not read again.
    assert sorted(routed) == ["n", "o"]
    store.at_once = True
    store.give()
    clock.advance(1)
    assert holding.held_count() == 9998
    clock.advance(HOUR_MS / 1000)
    assert routed.count("m") == 9998
    assert sorted(store.settled) == list(store.kept)


def test_after_a_start_nothing_is_read_of_which_it_is_known_when_it_is_due() -> None:
    clock, store = ManualClock(), KeepingStore(at_once=False)
    routed: list[str] = []
    holding = a_holding(store, clock, routed=routed)
    now_ms = int(clock.now() * 1000)
    waits = [HOUR_MS + 9000 - number for number in range(9000)]
    waits[4000] = 1000
    for number, wait in enumerate(waits):
        message = due_in(clock, wait)
        message.tail = b"\x01x\x04%04d" % number
        store.kept[store.ticket()] = message
    holding.recover_dues(vec[i64]([now_ms + wait for wait in waits]))
    holding.recover(vec[i64](list(store.kept)), None, 100)
    assert (holding.held_count(), clock.pending()) == (9000, 2)
    clock.advance(0.999)
    assert store.asked == []
    clock.advance(0.001)
    assert [tickets for tickets, _ in store.asked] == [[4001]]
    store.give()
    assert routed == ["4000"]
    store.at_once = True
    clock.advance(HOUR_MS / 1000 + 10)
    assert routed[1:] == [f"{number:04d}" for number in range(8999, -1, -1) if number != 4000]
    assert sorted(store.settled) == list(store.kept)


def test_after_a_start_only_those_are_looked_at_of_which_nobody_knows() -> None:
    clock, store = ManualClock(), KeepingStore(at_once=False)
    routed: list[str] = []
    holding = a_holding(store, clock, routed=routed)
    for wait in (20, 10, 30):
        message = due_in(clock, wait)
        message.tail = b"\x01x\x02%d" % wait
        store.kept[store.ticket()] = message
    now_ms = int(clock.now() * 1000)
    holding.recover_dues(vec[i64]([now_ms + 20, 0, now_ms + 30]))
    holding.recover(vec[i64]([1, 2, 3]), None, 100)
    clock.advance(0)
    assert [tickets for tickets, _ in store.asked] == [[2]]
    assert holding.held_count() == 3
    store.at_once = True
    store.give()
    clock.advance(1)
    assert routed == ["10", "20", "30"]


def test_the_store_hears_when_a_message_is_due() -> None:
    clock, store = ManualClock(), DueStore()
    holding = a_holding(store, clock)
    store.append(due_in(clock, 10), [holding])
    unstamped = due_in(clock, 10)
    header = header_frame(1, Properties(headers=to_table({"x-delay": 20})).encode(), 0)
    unstamped.frames, unstamped.header_size = header, len(header)
    store.append(unstamped, [holding])
    now_ms = int(clock.now() * 1000)
    assert store.dues == {1: now_ms + 10, 2: now_ms + 20}


@pytest.mark.parametrize("written", [-5, 0, (1 << 63) - 1])
def test_whatever_a_client_has_written_a_message_is_due_within_ten_years(written: int) -> None:
    clock, store = ManualClock(), DueStore()
    holding = a_holding(store, clock)
    message = due_in(clock, 10)
    headers = to_table({"x-delay": 10, DUE: written})
    header = header_frame(1, Properties(headers=headers).encode(), 0)
    message.frames, message.header_size = header, len(header)
    store.append(message, [holding])
    assert 0 < store.dues[1] <= clock.now() * 1000 + DELAY_MAX_MS


class DueStore(TicketStore):
    """Remembers until when messages wait."""

    def __init__(self) -> None:
        super().__init__()
        self.dues: dict[int, int] = {}

    def due(self, ticket: int, due_ms: int) -> None:
        self.dues[ticket] = due_ms


def test_what_is_being_looked_at_after_a_start_is_purged_too() -> None:
    clock, store = ManualClock(), KeepingStore(at_once=False)
    holding = recovered(store, clock, [])
    clock.advance(0)
    assert holding.purge() == 10_000
    store.give()
    clock.advance(1)
    assert sorted(store.settled) == list(store.kept)
    assert holding.held_count() == 0


def test_one_timer_runs_for_all_of_them() -> None:
    clock, store = ManualClock(), TicketStore()
    holding = a_holding(store, clock)
    for number in range(100, 0, -1):
        holding.publish(due_in(clock, number * HOUR_MS), number)
    assert clock.pending() == 1


def test_purging_settles_everything() -> None:
    clock, store = ManualClock(), TicketStore()
    holding = a_holding(store, clock)
    for ticket in range(1, 10_001):
        holding.publish(due_in(clock, HOUR_MS), ticket)
    assert holding.purge() == 10_000
    clock.advance(1)
    assert holding.held_count() == 0
    assert clock.pending() == 0
    assert len(store.settled) == 10_000


class Unreadable(TicketStore):
    """Brings nothing back."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[int] = []

    def settle_lost(self, queue: Queue) -> None:
        self.settled.extend(self.lost)

    def lose(self, queue: Queue, ticket: int) -> None:
        self.lost.append(ticket)

    def fetch(self, tickets: list[int]) -> Pending:
        return Pending.of([None] * len(tickets))


def test_what_cannot_be_read_when_it_is_due_is_not_said_to_be_settled() -> None:
    clock, store = ManualClock(), Unreadable()
    holding = a_holding(store, clock)
    store.append(due_in(clock, 10_000), [holding])
    clock.advance(10)
    assert (store.lost, store.settled, holding.held_count()) == ([1], [], 0)


def test_what_cannot_be_read_after_a_start_is_not_said_to_be_settled() -> None:
    clock, store = ManualClock(), Unreadable()
    holding = a_holding(store, clock)
    holding.recover(vec[i64]([1, 2]), None, 0)
    clock.advance(1)
    assert (sorted(store.lost), store.settled, holding.held_count()) == ([1, 2], [], 0)


def test_what_could_not_be_read_goes_with_the_exchange() -> None:
    clock, store = ManualClock(), Unreadable()
    holding = a_holding(store, clock)
    holding.recover(vec[i64]([1, 2]), None, 0)
    clock.advance(1)
    assert holding.purge() == 0
    assert sorted(store.settled) == [1, 2]
