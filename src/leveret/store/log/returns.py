"""How often messages have come back to their queues, and in which segment of the log that is said
last.

It is said anew each time, so what was said before counts no more: a segment needs to stay for what
is said last of a message that is still there, and for nothing else of this. That is a part of what
is alive in a segment, as a record is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.store.log.format import GROUP_SIZE, ID_SIZE

if TYPE_CHECKING:
    from leveret.store.log.segment import Segment

# The id of a queue, and a ticket.
Key = tuple[int, int]

# What a return takes at most, in octets: it may be the only one of its queue.
RETURN_SIZE: Final = GROUP_SIZE + 2 * ID_SIZE


class Returns:
    """`counts` are those of messages that are there (`format.packed`); `segments` those of the
    log."""

    def __init__(self, segments: dict[int, Segment]) -> None:
        self.segments = segments
        self.counts: dict[Key, int] = {}
        # The number of the segment in which it is said last, once that is on disk.
        self._said_in: dict[Key, int] = {}

    def is_said_in(self, key: Key, segment: Segment) -> bool:
        """Whether a segment must stay for this."""
        return self._said_in.get(key, 0) == int(segment.number)

    def said(self, key: Key, segment: Segment) -> Segment | None:
        """It is on disk in this segment, which holds it already; returns which one that lets go of
        something, if there is one."""
        if key not in self.counts:
            # Settled in the meantime.
            segment.release(RETURN_SIZE)
            return segment
        before = self._said_in.get(key, 0)
        self._said_in[key] = int(segment.number)
        return self._let_go(before)

    def settled(self, key: Key) -> Segment | None:
        """The message is gone; returns which segment that lets go of something, if there is one."""
        if self.counts.pop(key, None) is None:
            return None
        return self._let_go(self._said_in.pop(key, 0))

    def _let_go(self, number: int) -> Segment | None:
        if number == 0:
            return None
        segment = self.segments[number]
        segment.release(RETURN_SIZE)
        return segment
