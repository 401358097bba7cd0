"""Messages on their way back into memory: which octets to read, and what was found in them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from leveret.store.log.format import OFFSET_BITS, OFFSET_MASK, read_record, segment_name

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.broker.message import Message
    from leveret.store.disk import Disk
    from leveret.store.log.log import MessageLog
    from leveret.store.log.segment import Segment

# Octets between two records that are read along with them rather than skipped.
GAP: Final = 1 << 14
# Octets that one read brings at most, unless a single record is larger.
READ_MAX: Final = 4 << 20


class Wanted:
    """A record: where it is, and which answer it is for."""

    __slots__ = ("answer", "location", "size", "ticket")

    def __init__(self, answer: int, ticket: i64, location: i64, size: i64) -> None:
        self.answer = answer
        self.ticket = ticket
        self.location = location
        self.size = size


class Range:
    """Octets of one segment that are read in one go, and the records in them."""

    def __init__(self, segment: Segment, folder: str, start: i64) -> None:
        self.segment = segment
        self.folder = folder
        self.path = f"{folder}/{segment_name(int(segment.number))}"
        self.start = start
        self.end: i64 = start
        self.records: list[Wanted] = []
        self.octets = b""
        self.error: Exception | None = None
        # How often the disk has refused.
        self.refusals = 0

    def read(self, disk: Disk) -> None:
        """Read the octets, on a worker; what comes instead goes into `error`: an OSError of the
        disk's, or a mistake in the broker."""
        self.error = None
        try:
            file = disk.open(self.path)
            try:
                self.octets = file.read(int(self.start), int(self.end - self.start))
            finally:
                file.close()
        except MemoryError:
            # It says nothing of what is on disk.
            self.error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), self.path)
        except Exception as error:
            self.error = error

    def parts(self) -> list[Range]:
        """A range for each of its records, in its stead; none if it has only one."""
        parts: list[Range] = []
        if len(self.records) < 2:
            return parts
        for record in self.records:
            part = Range(self.segment, self.folder, record.location & OFFSET_MASK)
            part.end = part.start + record.size
            part.records.append(record)
            part.refusals = self.refusals
            self.segment.readers += 1
            parts.append(part)
        self.segment.readers -= 1
        return parts

    def give(self, messages: list[Message | None]) -> int:
        """Put what was read into its places; returns how many records are damaged."""
        damaged = 0
        for record in self.records:
            at = (record.location & OFFSET_MASK) - self.start
            message = read_record(self.octets, at, record.size, record.ticket)
            messages[record.answer] = message
            if message is None:
                damaged += 1
        return damaged


def ranges(log: MessageLog, folder: str, wanted: list[Wanted]) -> list[Range]:
    """The reads that bring these records; their segments stay until `readers` is lowered."""
    wanted.sort(key=_location)
    found: list[Range] = []
    current: Range | None = None
    for record in wanted:
        number = record.location >> OFFSET_BITS
        start = record.location & OFFSET_MASK
        end = start + record.size
        if (
            current is None
            or current.segment.number != number
            or start - current.end > GAP
            or end - current.start > READ_MAX
        ):
            current = Range(log.space.segment(record.location), folder, start)
            current.segment.readers += 1
            found.append(current)
        current.end = end
        current.records.append(record)
    return found


def _location(record: Wanted) -> int:
    return int(record.location)
