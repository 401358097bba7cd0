"""A queue with priorities (`x-max-priority`): ready messages by priority, and by age within one.

A message without a priority has 0, one above the maximum the maximum. The head of the queue is the
oldest message of the highest priority there is, for whoever looks at heads: consumers, times to
live and limits. What was in the store before the start is read once, since its priority stands in
its properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.queues.ready import Ready
from leveret.wire.constants import FLAG_PRIORITY
from leveret.wire.frames import PROPERTIES_AT
from leveret.wire.properties import decode_properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_extensions import i64

    from leveret.broker.message import Entry, Message
    from leveret.broker.queues.paging import Paging
    from leveret.broker.seams import Clock, MessageStore, Queue


def priority_of(message: Message, maximum: int) -> int:
    """The priority of a message in a queue with this maximum."""
    flags = int.from_bytes(message.frames[PROPERTIES_AT : PROPERTIES_AT + 2], "big")
    if flags & FLAG_PRIORITY == 0:
        return 0
    properties = decode_properties(message.frames, PROPERTIES_AT, int(message.header_size) - 1)
    return min(properties.priority or 0, maximum)


class PriorityReady(Ready):
    """A `Ready` for each priority, and one for what nobody has looked at yet."""

    def __init__(
        self,
        queue: Queue,
        store: MessageStore,
        clock: Clock,
        paging: Paging,
        loaded: Callable[[], object],
        max_priority: int,
    ) -> None:
        super().__init__(queue, store, clock, paging, loaded)
        self.max_priority = max_priority
        self._unsorted = Ready(queue, store, clock, paging, self._level_loaded)
        # Counted where it is, in one place for all.
        self._unsorted.stored = self.stored
        # The highest first.
        self._levels: list[Ready] = []
        for _ in range(max_priority + 1):
            level = Ready(queue, store, clock, paging, self._level_loaded)
            level.stored = self.stored
            self._levels.append(level)

    def join(self, entry: Entry) -> None:
        self._level(entry.message).join(entry)
        self._count()

    def put_back(self, entry: Entry) -> None:
        self._level(entry.message).put_back(entry)
        self._count()

    def recover(self, ticket: i64, redelivered: bool, size_bytes: i64) -> None:
        self._unsorted.recover(ticket, redelivered, size_bytes)
        self.count += 1
        self.body_bytes += size_bytes

    def at_hand(self) -> bool:
        at_hand = self._sort() and self._highest() is not None
        self._count()
        return at_hand

    def head(self) -> Entry | None:
        level = self._highest() if self.at_hand() else None
        return None if level is None else level.head()

    def peek(self) -> Entry | None:
        for level in self._levels:
            if level.count != 0:
                return level.peek()
        return None

    def take(self) -> Entry | None:
        level = self._highest() if self.at_hand() else None
        if level is None:
            return None
        # Whatever leaves, by way of here or at once, leaves in one order.
        level._next_position = self._next_position
        entry = level.take()
        self._next_position = level._next_position
        self._count()
        return entry

    def delivered(self, entry: Entry) -> None:
        # Its priority is needed should it come back.
        return None

    def let_go(self) -> None:
        super().let_go()
        for level in (self._unsorted, *self._levels):
            level.let_go()

    def returned(self) -> list[Entry]:
        found: list[Entry] = []
        for level in self._levels:
            found.extend(level.returned())
        return found

    def clear(self) -> int:
        count = self._unsorted.clear()
        for level in self._levels:
            count += level.clear()
        self._count()
        return count

    def finish_discarding(self) -> None:
        self._unsorted.finish_discarding()
        for level in self._levels:
            level.finish_discarding()

    def redelivered(self) -> list[int]:
        found = self._unsorted.redelivered()
        for level in self._levels:
            found.extend(level.redelivered())
        return found

    def _level(self, message: Message) -> Ready:
        return self._levels[self.max_priority - priority_of(message, self.max_priority)]

    def _highest(self) -> Ready | None:
        """The level of the head if the head is in memory."""
        for level in self._levels:
            if level.at_hand():
                return level
            if level.count != 0:
                return None
        return None

    def _sort(self) -> bool:
        """Whether everything is at its level; if not it comes."""
        unsorted = self._unsorted
        while unsorted.count != 0:
            entry = unsorted.take()
            if entry is None:
                return unsorted.count == 0
            entry.position = 0
            self._level(entry.message).join(entry)
        return True

    def _level_loaded(self) -> None:
        self._count()
        self._loaded()

    def _count(self) -> None:
        count = self._unsorted.count
        body_bytes = self._unsorted.body_bytes
        for level in self._levels:
            count += level.count
            body_bytes += level.body_bytes
        self.count = count
        self.body_bytes = body_bytes
