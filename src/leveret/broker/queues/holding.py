"""Where the messages of a delayed exchange wait until they are due.

To publishers and the store it is a queue; nobody can see or consume from it. One timer runs, for
the message that is due first. A message takes a number in a heap, of its due time and its ticket;
the message itself is in memory only if it is due soon or is in no store, and is fetched when due.
What is due goes to where its exchange leads it then: given to the store anew and settled here
within one callback, which the store keeps as one batch, so that a crash neither loses it nor has it
come twice: a barrier sees to it that a full disk does not part them either.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from librt.vecs import append, pop, vec
from mypy_extensions import i64

from leveret.broker.delay import due_ms, release
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.enqueueing import enqueue
from leveret.broker.seams import Clock, Exchange, MessageStore, Pending, Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.message import Message
    from leveret.broker.queues.paging import Paging


# Messages of one turn of the loop, and octets of them: others want to be served too.
TURN_MAX: Final = 256
TURN_BYTES: Final = 1 << 20
# Due within this time, a stored message stays in memory.
SOON_MS: Final = 5000
# In the heap: due time, number, and what the number is. That of a message that is in memory only
# is in the order of their coming, and its last bits are the message's place there. Of such a size
# the whole is 40 octets in memory.
_IN_MEMORY: Final = 0
_STORED: Final = 1
_SPILLED: Final = 2
_IDENT_BITS: Final = 74
_PLACE_BITS: Final = 32
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1


class Holding(ClassicQueue):
    """Of one exchange. `route` finds the queues of a message, `wall_ms` is the time of day."""

    def __init__(
        self,
        exchange: Exchange,
        route: Callable[..., tuple[list[ClassicQueue], bool]],
        wall_ms: Callable[[], int],
        store: MessageStore,
        clock: Clock,
        paging: Paging,
    ) -> None:
        super().__init__(exchange.name, exchange.durable, None, False, {}, store, clock, paging)
        self._exchange = exchange
        self._route = route
        self._wall_ms = wall_ms
        self._budget = paging
        self._heap: list[int] = []
        # Messages that are in no store, by their places, and the places that are free: there may be
        # a million, and a dict would take 100 octets for each. Stored ones that are due soon.
        # The free places are no list: its numbers, a million, would be given back one by one, all
        # at the moment when the last message goes (measured: 40 ms).
        self._places: list[Message | None] = []
        self._free: vec[i64] = vec[i64]()
        self._kept: dict[int, Message] = {}
        self._number = 0
        self._timer: Timer | None = None
        self._timer_ms = 0
        self._busy = False
        # When those are due that are about to be recovered.
        self._dues: vec[i64] = vec[i64]()
        # Tickets from before the start whose due times are not known yet, as an older log has them,
        # and those of them that are being looked at.
        self._unknown: deque[int] = deque()
        self._looked_at: list[int] = []

    def held_count(self) -> int:
        """How many messages wait."""
        return len(self._heap) + len(self._unknown) + len(self._looked_at)

    # --- in ---

    def publish(self, message: Message, ticket: i64) -> None:
        now_ms = self._wall_ms()
        due = due_ms(message, now_ms)
        self.store.due(ticket, due)
        if ticket == 0 and self._budget.short():
            ticket = self.store.spill(message)
        keep = ticket == 0 or not self.store.keeps or (ticket > 0 and due - now_ms < SOON_MS)
        self._put(due, int(ticket), message if keep else None)
        self._set_timer()

    def recover_dues(self, dues: vec[i64]) -> None:
        self._dues = dues

    def recover(self, tickets: vec[i64], delivered: dict[int, None] | None, size: i64) -> None:
        dues, self._dues = self._dues, vec[i64]()
        at: i64 = 0
        while at < len(tickets):
            due = dues[at] if len(dues) != 0 else 0
            if due > 0:
                self._heap.append(int(due) << _IDENT_BITS | int(tickets[at] << 2 | _STORED))
            else:
                self._unknown.append(int(tickets[at]))
            at += 1
        heapify(self._heap)
        self._set_timer()
        self.clock.call_at(self.clock.now(), self._learn)

    def _put(self, due: int, ticket: int, message: Message | None) -> None:
        if ticket == 0:
            self._number += 1
            ident = (self._number << _PLACE_BITS | self._place(message)) << 2 | _IN_MEMORY
        else:
            ident = ticket << 2 | _STORED if ticket > 0 else -ticket << 2 | _SPILLED
            if message is not None:
                self._kept[ident] = message
        heappush(self._heap, due << _IDENT_BITS | ident)

    def _place(self, message: Message | None) -> int:
        if len(self._free) > 0:
            self._free, place = pop(self._free)
            self._places[int(place)] = message
            return int(place)
        self._places.append(message)
        return len(self._places) - 1

    def _in_memory(self, ident: int) -> Message | None:
        """The message if it is in memory."""
        if ident & 3 == _IN_MEMORY:
            return self._places[ident >> 2 & _PLACE_MASK]
        return self._kept.get(ident)

    def _forget(self, ident: int) -> None:
        """It is not to be in memory any more."""
        if ident & 3 != _IN_MEMORY:
            self._kept.pop(ident, None)
            return
        place = ident >> 2 & _PLACE_MASK
        self._places[place] = None
        self._free = append(self._free, i64(place))
        if len(self._free) == len(self._places):
            self._places = []
            self._free = vec[i64]()

    def _learn(self) -> None:
        """Find out when the recovered messages are due, from both ends: what is due soon either has
        waited for long, and is among the oldest, or has not long to wait, and is among the newest.
        In the middle is what can wait until it is looked at."""
        unknown = self._unknown
        if not unknown:
            return
        tickets: list[int] = []
        while unknown and len(tickets) < TURN_MAX:
            tickets.append(unknown.popleft())
            if unknown:
                tickets.append(unknown.pop())
        self._looked_at = tickets
        self.store.fetch(tickets).then(lambda messages: self._learned(tickets, messages))

    def _learned(self, tickets: list[int], messages: object) -> None:
        assert isinstance(messages, list)
        if self.deleted:
            return
        self._looked_at = []
        now_ms = self._wall_ms()
        for ticket, message in zip(tickets, messages, strict=True):
            if message is None:
                self.store.lose(self, ticket)
            else:
                due = due_ms(message, now_ms)
                # As in `publish`; of what is due already there may be more than memory holds.
                self._put(due, ticket, message if 0 <= due - now_ms < SOON_MS else None)
        self._set_timer()
        self.clock.call_at(self.clock.now(), self._learn)

    # --- out ---

    def _set_timer(self) -> None:
        if not self._heap or self._busy:
            return
        due = self._heap[0] >> _IDENT_BITS
        if self._timer is not None:
            if self._timer_ms <= due:
                return
            self._timer.cancel()
        self._timer_ms = due
        wait_s = max(due - self._wall_ms(), 0) / 1000
        self._timer = self.clock.call_at(self.clock.now() + wait_s, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        now_ms = self._wall_ms()
        idents: list[int] = []
        missing: list[int] = []
        octets = 0
        while self._heap and len(idents) < TURN_MAX and octets < TURN_BYTES:
            if self._heap[0] >> _IDENT_BITS > now_ms:
                break
            ident = heappop(self._heap) & ((1 << _IDENT_BITS) - 1)
            idents.append(ident)
            message = self._in_memory(ident)
            if message is None:
                missing.append(_ticket_of(ident))
                # How large it is shows once it is there.
                octets += TURN_BYTES // 64
            else:
                octets += len(message.frames)
        if not missing:
            self._let_go(idents, [])
            return
        self._busy = True
        self.store.fetch(missing).then(lambda messages: self._fetched(idents, messages))

    def _fetched(self, idents: list[int], messages: object) -> None:
        assert isinstance(messages, list)
        self._busy = False
        self._let_go(idents, messages)

    def _let_go(self, idents: list[int], fetched: list[Message | None]) -> None:
        came = iter(fetched)
        kept = False
        for ident in idents:
            message = self._in_memory(ident) or next(came, None)
            self._forget(ident)
            ticket = _ticket_of(ident)
            if message is None:
                # Damaged or unreadable on disk, which the store has reported.
                self.store.lose(self, ticket)
                continue
            if not self.deleted:
                self._pass_on(message.copy())
            if ticket != 0:
                self.store.settle(self, ticket)
                kept = kept or ticket > 0
        if kept:
            # On a full disk the acknowledgements would not wait for the messages.
            self.store.barrier()
        self._set_timer()

    def _pass_on(self, message: Message) -> None:
        properties, keys = release(message)
        queues, _ = self._route(
            self._exchange, message.routing_key, lambda: properties, keys, message
        )
        enqueue(self.store, message, queues)

    # --- the end ---

    def purge(self) -> int:
        """Its exchange is gone."""
        count = self.held_count()
        self.deleted = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unknown.extend(self._looked_at)
        self._looked_at = []
        self.store.settle_lost(self)
        self._discard()
        return count

    def _discard(self) -> None:
        left = TURN_MAX * 16
        while left > 0 and (self._heap or self._unknown):
            left -= 1
            if self._unknown:
                self.store.settle(self, self._unknown.pop())
                continue
            ident = self._heap.pop() & ((1 << _IDENT_BITS) - 1)
            self._forget(ident)
            ticket = _ticket_of(ident)
            if ticket != 0:
                self.store.settle(self, ticket)
        if self._heap or self._unknown:
            self.clock.call_at(self.clock.now(), self._discard)

    def finish(self) -> None:
        while self.deleted and (self._heap or self._unknown):
            self._discard()

    def when_at_hand(self) -> Pending:
        return Pending.of(None)


def _ticket_of(ident: int) -> int:
    """The store's ticket; 0 if the message is in memory only."""
    kind = ident & 3
    if kind == _IN_MEMORY:
        return 0
    return ident >> 2 if kind == _STORED else -(ident >> 2)
