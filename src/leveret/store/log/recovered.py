"""What recovery has found of one queue."""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

_DUE_BITS: Final = 63
_DUE_MASK: Final = (1 << _DUE_BITS) - 1


class RecoveredQueue:
    """The tickets of a queue's messages, and of those that a clean stop says were delivered;
    `returned` says of those that have come back how often (`unpacked`). `dues` says of each ticket
    when its message is due, in milliseconds of the time of day, and 0 where that is not known; it
    is empty if none is known."""

    def __init__(self) -> None:
        self.tickets: vec[i64] = vec[i64]()
        self.dues: vec[i64] = vec[i64]()
        self.marked: dict[int, None] = {}
        self.returned: dict[int, int] = {}

    def note_due(self, due_ms: i64) -> None:
        """The message of the last ticket is due then."""
        self.fill_dues()
        self.dues[len(self.dues) - 1] = due_ms

    def fill_dues(self) -> None:
        """It is not known of the messages that have come since."""
        dues = self.dues
        while len(dues) < len(self.tickets):
            dues = append(dues, 0)
        self.dues = dues

    def sort(self) -> None:
        """Have the tickets ascend."""
        if len(self.dues) == 0:
            self.tickets = vec[i64](sorted(self.tickets))
            return
        self.fill_dues()
        # Each ticket and its due time as one number.
        both: list[int] = []
        at: i64 = 0
        while at < len(self.tickets):
            both.append(int(self.tickets[at]) << _DUE_BITS | int(self.dues[at]))
            at += 1
        both.sort()
        self.tickets = vec[i64]([each >> _DUE_BITS for each in both])
        self.dues = vec[i64]([each & _DUE_MASK for each in both])

    def has(self, ticket: i64) -> bool:
        """Whether a ticket is among those of the messages, which ascend."""
        tickets = self.tickets
        start: i64 = 0
        end = i64(len(tickets))
        while start < end:
            middle = (start + end) >> 1
            if tickets[middle] < ticket:
                start = middle + 1
            else:
                end = middle
        return start < i64(len(tickets)) and tickets[start] == ticket
