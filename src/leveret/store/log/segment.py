"""A segment of the log as memory knows it: how full it is, how much of it still counts."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from leveret.store.log.format import HEADER_SIZE, segment_name

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.store.disk import DiskFile

# Reads that the disk refuses before it is gone on without what it does not give.
READ_TRIES: Final = 3
# What keeps the process from reading, and not the disk from giving.
PASSING_ERRORS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN)


class Segment:
    """`end` is where the next batch goes, `size` how much was set aside for it, in octets.

    `live_count` and `live_bytes` are of the records that somebody still needs. `settled_in` are the
    segments with records that this one's acknowledgements are for: while one of them exists, a
    segment cannot go, or what was settled would be there again after a restart.
    """

    __slots__ = (
        "damaged",
        "end",
        "file",
        "first_ticket",
        "format",
        "last_ticket",
        "leaving",
        "live_bytes",
        "live_count",
        "number",
        "readers",
        "refusals",
        "refused",
        "salt",
        "sealed",
        "settled_in",
        "size",
    )

    def __init__(self, number: i64, salt: bytes, size: i64) -> None:
        self.number = number
        self.salt = salt
        # 0 as long as it has no header, or one that cannot be read.
        self.format: i64 = 0
        self.size = size
        self.end: i64 = HEADER_SIZE
        self.file: DiskFile | None = None
        self.live_count: i64 = 0
        self.live_bytes: i64 = 0
        # The range of the tickets whose records are in here.
        self.first_ticket: i64 = 0
        self.last_ticket: i64 = -1
        self.settled_in: dict[int, None] = {}
        self.sealed = False
        # Something in it could not be read: it is set aside, not removed.
        self.damaged = False
        # Its removal has begun, and whether it is still there depends on the disk.
        self.leaving = False
        # The disk refused to let go of it, once at least.
        self.refused = False
        # How often the disk refused to read it, to be copied forward.
        self.refusals: i64 = 0
        # Reads under way: its file must stay.
        self.readers: i64 = 0

    def name(self) -> str:
        """Its file's name."""
        return segment_name(int(self.number))

    def room(self) -> i64:
        """What still fits, its seal left out."""
        return self.size - self.end - HEADER_SIZE

    def hold(self, ticket: i64, size: i64) -> None:
        """A record of this ticket is in here, and needed."""
        self.live_count += 1
        self.live_bytes += size
        self.note(ticket)

    def note(self, ticket: i64) -> None:
        """A record of this ticket is in here, needed or not."""
        if self.last_ticket < self.first_ticket:
            self.first_ticket = ticket
            self.last_ticket = ticket
        elif ticket < self.first_ticket:
            self.first_ticket = ticket
        elif ticket > self.last_ticket:
            self.last_ticket = ticket

    def release(self, size: i64) -> None:
        """A record in here is needed no more."""
        self.live_count -= 1
        self.live_bytes -= size

    def may_hold(self, ticket: i64) -> bool:
        """Whether a record of this ticket can be in here."""
        return self.first_ticket <= ticket <= self.last_ticket
