"""A log as it is written, commit by commit: for those who look at it, not for the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.store.log.format import (
    CLEAN_STOP,
    HEADER_SIZE,
    OFFSET_BITS,
    OFFSET_MASK,
    PUBLISH,
    RETURN,
    SEAL,
    SETTLE,
    IndexReader,
    read_batch_header,
    read_record,
    unpacked,
)
from leveret.store.log.recovery import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leveret.broker.message import Message
    from leveret.store.disk import Disk
    from leveret.store.log.format import BatchHeader
    from leveret.store.log.recovery import Recovery
    from leveret.store.log.segment import Segment

_KINDS: Final = {PUBLISH: "publish", SETTLE: "settle", RETURN: "return"}


class Entry:
    """What an index says of a message (`kind` is "publish", and `queues` has those that it is in),
    or of messages of one queue ("settle", "mark" or "return", and `queues` has that one)."""

    def __init__(self, kind: str, tickets: list[int], queues: list[int]) -> None:
        self.kind = kind
        self.tickets = tickets
        self.queues = queues
        # Of each of the tickets that have come back: how often, in all and because it failed.
        self.counts: list[tuple[int, int]] = []
        # Of a message: where its record is, and how many octets it takes.
        self.location = 0
        self.record_size = 0
        # When it is due; 0 if it does not wait for that.
        self.due_ms = 0


class Commit:
    """A batch. `segment` is its segment's number, `offset` where in it it begins."""

    def __init__(self, segment: Segment, offset: int, header: BatchHeader, reader: Reader) -> None:
        self.segment = int(segment.number)
        self.offset = offset
        self.header = header
        self.seals = bool(header.flags & SEAL)
        self.clean_stop = bool(header.flags & CLEAN_STOP)
        # Entries that make no sense, although the checksum of the index holds.
        self.broken = False
        self._reader = reader

    def entries(self) -> Iterator[Entry]:
        """What its index says. Not to be asked for if the index is damaged."""
        size = int(self.header.index_size)
        start = self.offset + HEADER_SIZE
        index = IndexReader(
            octets_of(self._reader, start, size), (self.segment << OFFSET_BITS) + start + size
        )
        while kind := index.next():
            if kind == PUBLISH:
                entry = Entry(_KINDS[PUBLISH], [int(index.ticket)], list(index.ids))
                entry.location = int(index.record_at)
                entry.record_size = int(index.record_size)
                entry.due_ms = int(index.due_ms)
            else:
                entry = Entry(_KINDS.get(kind, "mark"), [], [int(index.queue_id)])
                while ticket := index.next_ticket():
                    entry.tickets.append(int(ticket))
                    if kind == RETURN:
                        entry.counts.append(unpacked(int(index.next_ticket())))
            yield entry
        self.broken = index.broken

    def message(self, entry: Entry) -> Message | None:
        """The message of a publish; None if its record is damaged."""
        octets = octets_of(self._reader, entry.location & OFFSET_MASK, entry.record_size)
        return read_record(octets, 0, entry.record_size, entry.tickets[0])


def octets_of(reader: Reader, at: int, size: int) -> bytes:
    """Octets of a segment; fewer where it ends."""
    place = int(reader.reach(at, size))
    return reader.octets[place : place + size]


def commits(disk: Disk, folder: str, recovery: Recovery) -> Iterator[Commit]:
    """Every commit that recovery could read, in order. Raises OSError."""
    damaged = {(damage.segment, damage.start): damage.end for damage in recovery.damage}
    for number in sorted(recovery.segments):
        segment = recovery.segments[number]
        file = disk.open(f"{folder}/{segment.name()}")
        try:
            reader = Reader(file)
            at = HEADER_SIZE
            while at < segment.end:
                location = (number << OFFSET_BITS) + at
                octets = octets_of(reader, at, HEADER_SIZE)
                header = read_batch_header(octets, 0, segment.salt, location)
                end = damaged.get((number, at), 0)
                if header is None and end == 0:
                    break
                if header is not None and end == 0:
                    yield Commit(segment, at, header, reader)
                    end = at + (HEADER_SIZE if header.flags & SEAL else int(header.size))
                at = end
        finally:
            file.close()
