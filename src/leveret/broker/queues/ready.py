"""The ready messages of a queue, in order: those in memory, and those that are not.

From the front: entries that were delivered before and came back, in a heap by their old position
(an entry gets its position when it first leaves, so every one in the heap goes before every one
that has not left yet; any order of requeues costs O(log n) each). Then the entries in memory at the
front; then, if memory was short, tickets of messages that are not in memory; then the entries in
memory at the end. Tickets are turned into entries ahead of need, some hundreds at a time.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from math import ceil
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from leveret.broker.message import NEVER, UNKNOWN, Entry
from leveret.broker.queues.paged import Paged
from leveret.broker.queues.paging import ENTRY_BYTES, Paging
from leveret.broker.queues.stored import ABSENT, Stored, absent

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.message import Message
    from leveret.broker.seams import Clock, MessageStore, Queue

# Entries that stay in memory at the front of a queue when the rest is paged out.
FRONT: Final = 256
# Entries left at the front when the next are asked for.
LOAD_AHEAD: Final = FRONT // 2
# What one load brings: octets, and messages whatever their size.
LOAD_BYTES: Final = 1 << 20
LOAD_MAX: Final = 1024
# Messages that are let go of in one turn of the loop.
DISCARDED_PER_TURN: Final = 4096
NO_POSITION: Final = -1
MICROSECONDS: Final = 1_000_000


class Ready:
    """`count` messages with `body_bytes` octets of bodies, of which those from before the start
    are estimated until they are loaded; `stored` are those with a ticket. `loaded` is called when
    some have come into memory that were asked for. `keeps_unacked` has the content of unacked
    entries stay in memory.
    """

    def __init__(
        self,
        queue: Queue,
        store: MessageStore,
        clock: Clock,
        paging: Paging,
        loaded: Callable[[], object],
    ) -> None:
        self.count: i64 = 0
        self.body_bytes: i64 = 0
        self.stored = Stored()
        self.keeps_unacked = False
        self.resident_bytes: i64 = 0
        self._queue = queue
        self._store = store
        self._clock = clock
        self._paging = paging
        self._loaded = loaded
        self._returned: list[tuple[int, Entry]] = []
        self._first: Entry | None = None
        self._last: Entry | None = None
        self._front_count: i64 = 0
        self._paged = Paged()
        # When those in `_paged` expire, in microseconds; None as long as none of them does.
        self._expiries: Paged | None = None
        # Of how many of them, the first ones, the size is estimated, and as what.
        self._estimated_count: i64 = 0
        self._estimated_bytes: i64 = 0
        self._end_first: Entry | None = None
        self._end_last: Entry | None = None
        self._end_count: i64 = 0
        self._next_position: i64 = 0
        self._loading = False
        # Tickets that are being loaded, as `Paged` gives them.
        self._on_the_way: list[int] = []
        # A load that is answered at once is no news to whoever asked for it.
        self._asking = False
        # Stands for the content of what was delivered last while memory was short.
        self._absent = absent(0)
        # Entries from the heap whose content is being loaded; those behind them wait.
        self._awaited: list[Entry] = []
        # Raised when what is being loaded is no longer wanted.
        self._epoch: i64 = 0
        self._discarded: deque[Entry] = deque()
        self._discarded_paged: list[Paged] = []
        self._discarding = False

    def __del__(self) -> None:
        # One by one: an entry that frees the next one, and that the next one, nests ever deeper,
        # and past fifty levels the interpreter writes into memory that is not an entry's (its
        # "trashcan" keeps its list in a header that objects the collector does not track lack).
        for first in (self._first, self._end_first, *self._discarded):
            entry = first
            while entry is not None:
                following = entry.next
                entry.next = None
                entry = following

    # --- in ---

    def append(self, message: Message, ticket: i64, expires_at: float = NEVER) -> None:
        """A message joins at the end."""
        entry = Entry(message, self._queue, NO_POSITION, ticket)
        entry.expires_at = expires_at
        self.join(entry)

    def join(self, entry: Entry) -> None:
        """An entry that has never left joins at the end."""
        if self._paged.count == 0 and self._end_first is None and not self._loading:
            self._append_to_front(entry)
        else:
            self._append_to_end(entry)
        self.count += 1
        self.body_bytes += entry.message.body_size
        if entry.ticket != 0:
            self.stored.add(entry)
        self._hold(i64(len(entry.message.frames)) + ENTRY_BYTES)

    def leave_at_once(self) -> i64:
        """The position of a message that leaves as it comes, with none before it."""
        position = self._next_position
        self._next_position = position + 1
        return position

    def put_back(self, entry: Entry) -> None:
        """A message is ready again, at its old place."""
        heappush(self._returned, (int(entry.position), entry))
        self.count += 1
        self.body_bytes += entry.message.body_size
        if entry.ticket != 0:
            self.stored.add(entry)
        if entry.message.channel != ABSENT:
            self._hold(i64(len(entry.message.frames)) + ENTRY_BYTES)

    def recover(self, ticket: i64, redelivered: bool, size_bytes: i64) -> None:
        """A message was in the store before the start."""
        self._append_paged(ticket, redelivered, UNKNOWN, size_bytes + ENTRY_BYTES)
        self.count += 1
        self._estimated_count += 1
        self._estimated_bytes = size_bytes
        self.body_bytes += size_bytes
        self.stored.recover(ticket, size_bytes)

    # --- out ---

    def at_hand(self) -> bool:
        """Whether the front is in memory. If not it comes, unless there is none; `loaded` is called
        once it has."""
        if self._awaited:
            return False
        if self._returned:
            return self._returned[0][1].message.channel != ABSENT or self._load_returned()
        if self._first is None or (
            self._front_count < LOAD_AHEAD and self._front_count < self.count
        ):
            self._load()
        return self._first is not None

    def head(self) -> Entry | None:
        """The entry at the front, which stays there; None if there is none at hand."""
        if not self.at_hand():
            return None
        return self._returned[0][1] if self._returned else self._first

    def peek(self) -> Entry | None:
        """The entry at the front if it is in memory; nothing is brought there."""
        if self._returned:
            entry = self._returned[0][1]
            return None if entry.message.channel == ABSENT else entry
        return self._first if not self._awaited else None

    def take(self) -> Entry | None:
        """The entry at the front; None if there is none at hand."""
        if not self.at_hand():
            return None
        if self._returned:
            entry = heappop(self._returned)[1]
        else:
            first = self._first
            assert first is not None
            entry = first
            following = entry.next
            self._first = following
            if following is None:
                self._last = None
            else:
                entry.next = None
            self._front_count -= 1
            entry.position = self._next_position
            self._next_position += 1
        self.count -= 1
        self.body_bytes -= entry.message.body_size
        if entry.ticket != 0:
            self.stored.remove(entry)
        self._let_go(i64(len(entry.message.frames)) + ENTRY_BYTES)
        return entry

    def delivered(self, entry: Entry) -> None:
        """An entry has left, to be settled later; its content need not stay in memory."""
        if self._paging.short() and entry.ticket != 0 and not self.keeps_unacked:
            size = entry.message.body_size
            if self._absent.body_size != size:
                self._absent = absent(size)
            entry.message = self._absent

    def returned(self) -> list[Entry]:
        """Those that have been delivered and came back since the start, in no order."""
        found = list(self._awaited)
        for _position, entry in self._returned:
            found.append(entry)
        return found

    def clear(self) -> int:
        """Let go of everything, the larger part of it on later turns; returns how many."""
        count = int(self.count)
        self._epoch += 1
        self._loading = False
        self._on_the_way = []
        self._awaited = []
        self.count = 0
        self.body_bytes = 0
        self.stored.clear()
        self._estimated_count = 0
        self._discarded.extend([entry for _, entry in sorted(self._returned)])
        self._returned = []
        for first in (self._first, self._end_first):
            if first is not None:
                self._discarded.append(first)
        self._first = None
        self._last = None
        self._front_count = 0
        self._end_first = None
        self._end_last = None
        self._end_count = 0
        if self._paged.count != 0:
            self._discarded_paged.append(self._paged)
            self._paged = Paged()
            self._expiries = None
        self._let_go(self.resident_bytes)
        if not self._discarding:
            self._discard()
        return count

    def finish_discarding(self) -> None:
        """Do now what `clear` left for later."""
        while self._discarding:
            self._discard()

    def let_go(self) -> None:
        """The queue is gone: what comes into memory yet is news to nobody."""
        self._loaded = nothing

    def redelivered(self) -> list[int]:
        """The tickets of the stored ones that were delivered before."""
        found = [value >> 1 for value in self._on_the_way if value & 1 != 0]
        found.extend(self._paged.redelivered())
        for awaited in self._awaited:
            if awaited.ticket > 0:
                found.append(int(awaited.ticket))
        for _position, entry in self._returned:
            if entry.ticket > 0:
                found.append(int(entry.ticket))
        for first in (self._first, self._end_first):
            entry_or_none = first
            while entry_or_none is not None:
                if entry_or_none.redelivered and entry_or_none.ticket > 0:
                    found.append(int(entry_or_none.ticket))
                entry_or_none = entry_or_none.next
        return found

    # --- out of memory, and back ---

    def page_out(self, count: i64) -> int:
        """Have up to so many messages leave memory; returns how many did."""
        if self._paged.count == 0 and self._end_first is None and not self._loading:
            self._divide()
        done = 0
        while done < count:
            entry = self._end_first
            if entry is None:
                break
            ticket = entry.ticket
            if ticket == 0:
                ticket = self._store.spill(entry.message)
                if ticket == 0:
                    break
            size = i64(len(entry.message.frames)) + ENTRY_BYTES
            self._append_paged(ticket, entry.redelivered, entry.expires_at, size)
            self.stored.leave_memory(ticket, entry.message.body_size)
            self._end_first = entry.next
            if self._end_first is None:
                self._end_last = None
            entry.next = None
            self._end_count -= 1
            self._let_go(size)
            done += 1
        return done

    def _divide(self) -> None:
        """What is behind the front is the end."""
        if self._front_count <= FRONT:
            return
        entry = self._first
        left: i64 = FRONT - 1
        while left > 0 and entry is not None:
            entry = entry.next
            left -= 1
        assert entry is not None
        self._end_first = entry.next
        self._end_last = self._last
        self._end_count = self._front_count - FRONT
        entry.next = None
        self._last = entry
        self._front_count = FRONT

    def _load(self) -> None:
        """Bring the next messages into memory, or, if all are, the end to the front."""
        if self._loading:
            return
        paged = self._paged
        if paged.count == 0:
            self._end_to_front()
            return
        average = paged.size_bytes // paged.count
        count = LOAD_BYTES // average if average > 0 else LOAD_MAX
        if count > LOAD_MAX:
            count = LOAD_MAX
        packed = paged.take(count if count > 0 else 1)
        expiries: list[int] = []
        if self._expiries is not None:
            expiries = self._expiries.take(len(packed))
            if paged.count == 0:
                self._expiries = None
        estimated = i64(len(packed))
        if estimated > self._estimated_count:
            estimated = self._estimated_count
        self._estimated_count -= estimated
        epoch = self._epoch
        self._loading = True
        self._on_the_way = packed
        self._asking = True
        self._store.fetch([value >> 1 for value in packed]).then(
            lambda messages: self._take_in(packed, expiries, messages, estimated, epoch)
        )
        self._asking = False

    def _take_in(
        self,
        packed: list[int],
        expiries: list[int],
        messages: object,
        estimated: i64,
        epoch: i64,
    ) -> None:
        assert isinstance(messages, list)
        if epoch != self._epoch:
            for value in packed:
                self._store.settle(self._queue, value >> 1)
            return
        # Loading until all are in: what is paged out meanwhile must come after them.
        for at, (value, message) in enumerate(zip(packed, messages, strict=True)):
            ticket = value >> 1
            if message is None:
                # Damaged or unreadable on disk, which the store has reported.
                size = self._estimated_bytes if i64(at) < estimated else 0
                self.body_bytes -= size
                self.stored.lose(ticket, size)
                self._store.lose(self._queue, ticket)
                self.count -= 1
                continue
            if i64(at) < estimated:
                self.body_bytes += message.body_size - self._estimated_bytes
                self.stored.correct(self._estimated_bytes, message.body_size)
            self.stored.come_into_memory(ticket, message.body_size)
            entry = Entry(message, self._queue, NO_POSITION, ticket)
            entry.redelivered = value & 1 != 0
            if expiries:
                entry.expires_at = _seconds(expiries[at] >> 1)
            self._append_to_front(entry)
            self._hold(i64(len(entry.message.frames)) + ENTRY_BYTES)
        self._loading = False
        self._on_the_way = []
        if self._paged.count == 0:
            self._end_to_front()
        if not self._asking:
            self._loaded()

    def _load_returned(self) -> bool:
        """Bring back the content of the first in the heap; whether it is there already."""
        entries = self._awaited
        while self._returned and len(entries) < FRONT:
            if self._returned[0][1].message.channel != ABSENT:
                break
            entries.append(heappop(self._returned)[1])
        epoch = self._epoch
        self._asking = True
        self._store.fetch([int(entry.ticket) for entry in entries]).then(
            lambda messages: self._give_content(entries, messages, epoch)
        )
        self._asking = False
        return len(self._awaited) == 0 and len(self._returned) != 0

    def _give_content(self, entries: list[Entry], messages: object, epoch: i64) -> None:
        assert isinstance(messages, list)
        wanted = epoch == self._epoch
        for entry, message in zip(entries, messages, strict=True):
            if message is not None and wanted:
                entry.message = message
                self.stored.come_into_memory(entry.ticket, message.body_size)
                heappush(self._returned, (int(entry.position), entry))
                self._hold(i64(len(entry.message.frames)) + ENTRY_BYTES)
            elif wanted:
                self._store.lose(self._queue, entry.ticket)
                self.count -= 1
                self.body_bytes -= entry.message.body_size
                self.stored.lose(entry.ticket, entry.message.body_size)
            else:
                self._store.settle(self._queue, entry.ticket)
        if wanted:
            self._awaited = []
            if not self._asking:
                self._loaded()

    # --- the lists ---

    def _append_paged(
        self, ticket: i64, redelivered: bool, expires_at: float, size_bytes: i64
    ) -> None:
        expiries = self._expiries
        if expiries is None and expires_at != NEVER:
            expiries = Paged()
            at: i64 = 0
            while at < self._paged.count:
                expiries.append(0, False, 0)
                at += 1
            self._expiries = expiries
        if expiries is not None:
            expiries.append(_microseconds(expires_at), False, 0)
        self._paged.append(ticket, redelivered, size_bytes)

    def _append_to_front(self, entry: Entry) -> None:
        last = self._last
        if last is None:
            self._first = entry
        else:
            last.next = entry
        self._last = entry
        self._front_count += 1

    def _append_to_end(self, entry: Entry) -> None:
        last = self._end_last
        if last is None:
            self._end_first = entry
        else:
            last.next = entry
        self._end_last = entry
        self._end_count += 1

    def _end_to_front(self) -> None:
        """Nothing is between them: the entries at the end follow those at the front."""
        last = self._last
        if last is None:
            self._first = self._end_first
        else:
            last.next = self._end_first
        if self._end_last is not None:
            self._last = self._end_last
        self._front_count += self._end_count
        self._end_first = None
        self._end_last = None
        self._end_count = 0

    def _discard(self) -> None:
        left = DISCARDED_PER_TURN
        while left > 0 and self._discarded:
            entry = self._discarded[0]
            following = entry.next
            if following is None:
                self._discarded.popleft()
            else:
                self._discarded[0] = following
                entry.next = None
            if entry.ticket != 0:
                self._store.settle(self._queue, entry.ticket)
            left -= 1
        while left > 0 and self._discarded_paged:
            paged = self._discarded_paged[-1]
            for value in paged.take(left):
                self._store.settle(self._queue, value >> 1)
                left -= 1
            if paged.count == 0:
                self._discarded_paged.pop()
        self._discarding = len(self._discarded) != 0 or len(self._discarded_paged) != 0
        if self._discarding:
            self._clock.call_at(self._clock.now(), self._discard_more)

    def _discard_more(self) -> None:
        if self._discarding:
            self._discard()

    # --- memory ---

    def _hold(self, size_bytes: i64) -> None:
        if self.resident_bytes == 0:
            self._paging.join(self)
        self.resident_bytes += size_bytes
        self._paging.took(size_bytes)

    def _let_go(self, size_bytes: i64) -> None:
        self.resident_bytes -= size_bytes
        self._paging.resident_bytes -= size_bytes
        if self.resident_bytes == 0:
            self._paging.leave(self)


def _microseconds(seconds: float) -> i64:
    # Up, so that nothing expires before its time.
    return i64(-1 if seconds == UNKNOWN else ceil(seconds * MICROSECONDS))


def _seconds(microseconds: i64) -> float:
    return UNKNOWN if microseconds == -1 else float(microseconds) / MICROSECONDS


def nothing() -> None:
    """Nobody waits for messages of a queue that is gone."""
