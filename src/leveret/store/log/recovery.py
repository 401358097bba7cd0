"""Recovery: from the files of a log to what was in it.

Headers and indexes are read; bodies are not, but for those of the last commit. A message is there
if a record of it is and no acknowledgement by its queue. Segments are read in the order of their
numbers, so whatever settles or replaces a record comes after it.

Batches are numbered, and each says up to where everything was on disk when it was written. So
damage can be told from a torn tail: what is unreadable below that point was on disk once, and is
damage; it is reported, the rest is served, and the file is never deleted. What is unreadable at the
end of the last segment is a commit that was cut off: nobody was told of it, and it is dropped, even
if parts of it look valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from librt.vecs import append, vec
from mypy_extensions import i64

from leveret.store.log.format import (
    CHECKSUM_CRC32,
    CLEAN_STOP,
    CRC_AT,
    FORMAT,
    HEADER_SIZE,
    OFFSET_BITS,
    OFFSET_MASK,
    PUBLISH,
    RETURN,
    SALT_SIZE,
    SEAL,
    SETTLE,
    BatchHeader,
    IndexReader,
    SegmentHeader,
    read_batch_header,
    read_record,
    segment_name,
    segment_number,
)
from leveret.store.log.places import Places
from leveret.store.log.recovered import RecoveredQueue
from leveret.store.log.returns import RETURN_SIZE, Returns
from leveret.store.log.segment import Segment
from leveret.store.log.shared import is_in, take_out

if TYPE_CHECKING:
    from leveret.store.disk import Disk, DiskFile

# Octets read at a time.
WINDOW: Final = 1 << 18
_ZEROS: Final = bytes(WINDOW)


class LogFormatError(Exception):
    """The log was written by a newer version; the text says what to do."""


class Damage:
    """Something in a segment that was on disk once and cannot be read, from `start` to `end`.

    `batches` is how many commits are missing, -1 where that cannot be known, and `first_batch` the
    number of the first of them.
    """

    def __init__(
        self, segment: int, start: int, end: int, what: str, batches: int = 0, first_batch: int = 0
    ) -> None:
        self.segment = segment
        self.start = start
        self.end = end
        self.what = what
        self.batches = batches
        self.first_batch = first_batch

    def __str__(self) -> str:
        return f"{segment_name(self.segment)}, octets {self.start} to {self.end}: {self.what}"


class TornTail:
    """A commit that was cut off at the end of the log."""

    def __init__(self, segment: int, start: int, size: int) -> None:
        self.segment = segment
        self.start = start
        self.size = size

    def __str__(self) -> str:
        return (
            f"{segment_name(self.segment)}, from octet {self.start}: a commit that was cut off, "
            f"{self.size} octets; nobody was told that it had been stored"
        )


class Reader:
    """A window on a file that moves forward."""

    def __init__(self, file: DiskFile) -> None:
        self.size: i64 = file.size()
        self.octets = b""
        self.start: i64 = 0
        self._file = file

    def reach(self, at: i64, size: i64) -> i64:
        """Have `size` octets from `at` on in `octets`, if the file has them; returns where."""
        if at < self.start or at + size > self.start + len(self.octets):
            self.start = at
            try:
                self.octets = self._file.read(int(at), int(size if size > WINDOW else WINDOW))
            except OSError:
                # What the disk does not give may be a body, which nobody needs now.
                self.octets = self._file.read(int(at), int(size))
        return at - self.start


class Recovery:
    """What is in a log's folder. `run` reads it; nothing is written."""

    def __init__(self, disk: Disk, folder: str) -> None:
        self.segments: dict[int, Segment] = {}
        # Numbers of files with nothing in them yet.
        self.blank: list[int] = []
        # Numbers of files that begin with neither a header nor nothing.
        self.unreadable: list[int] = []
        self.places = Places()
        self.copies: dict[int, list[int]] = {}
        self.queues: dict[int, RecoveredQueue] = {}
        self.returns = Returns(self.segments)
        self.damage: list[Damage] = []
        self.torn: TornTail | None = None
        # Files that are none of the log's.
        self.strangers: list[str] = []
        self.last_ticket: i64 = 0
        self.batch_number: i64 = 0
        self.batches: i64 = 0
        self.highest_number: int = 0
        self.clean = False
        self.active: Segment | None = None
        self._disk = disk
        self._folder = folder
        self._formats: dict[int, int] = {}
        self._marks: dict[int, dict[int, None]] = {}
        # Messages with more than one record, as a compaction leaves that was cut off: the segments
        # of the earlier ones.
        self._earlier: dict[int, list[int]] = {}
        self._open_end: Damage | None = None

    def run(self) -> None:
        """Raises OSError, and `LogFormatError` for a log of a newer version."""
        salts: list[tuple[int, bytes]] = []
        for name in self._disk.list(self._folder):
            number = segment_number(name)
            if number == 0:
                self.strangers.append(name)
                continue
            self.highest_number = number
            salt = self._salt_of(number)
            if salt != b"":
                salts.append((number, salt))
        last = salts[-1][0] if salts else 0
        for number in [*self.blank, *self.unreadable]:
            if number < last:
                self._look_inside(number, salts)
        salts.sort()
        for number, salt in salts:
            self._segment(number, salt, number == last)
        self._go_on_behind(last)
        for number in self.unreadable:
            self.damage.append(
                Damage(number, 0, HEADER_SIZE, "the header is damaged, and no commit follows it")
            )
        self._finish_queues()
        self.places.tidy()

    # --- segments ---

    def _go_on_behind(self, last: int) -> None:
        """The segment behind a sealed one may be in use although its beginning is lost."""
        while last == 0 or self.segments[last].sealed:
            following = [number for number in [*self.blank, *self.unreadable] if number > last]
            if not following:
                return
            last = min(following)
            found: list[tuple[int, bytes]] = []
            self._look_inside(last, found)
            if not found:
                if last in self.unreadable and self._cut_off(last):
                    self.unreadable.remove(last)
                    self.blank.append(last)
                    self.blank.sort()
                    self.torn = TornTail(last, 0, HEADER_SIZE)
                return
            self._segment(last, found[0][1], True)
        self.active = self.segments[last]

    def _cut_off(self, number: int) -> bool:
        """Whether of the header no more than a part was written: zeros were there before it."""
        file = self._disk.open(f"{self._folder}/{segment_name(number)}")
        try:
            return not any(file.read(CRC_AT, HEADER_SIZE - CRC_AT))
        finally:
            file.close()

    def _look_inside(self, number: int, salts: list[tuple[int, bytes]]) -> None:
        """A file that begins with neither a header nor a commit: any other commit knows the salt
        too."""
        file = self._disk.open(f"{self._folder}/{segment_name(number)}")
        try:
            reader = Reader(file)
            salt = self._salt_inside(reader, number)
        finally:
            file.close()
        if salt == b"":
            return
        (self.blank if number in self.blank else self.unreadable).remove(number)
        salts.append((number, salt))
        what = "the header is damaged; commits behind it can be read"
        self.damage.append(Damage(number, 0, HEADER_SIZE, what))

    def _salt_inside(self, reader: Reader, number: int) -> bytes:
        # A commit header has its own location behind the salt, and that begins with the number.
        needle = number.to_bytes(4, "big")
        start: i64 = HEADER_SIZE
        while start + HEADER_SIZE <= reader.size:
            place = reader.reach(start, HEADER_SIZE)
            if reader.octets == _ZEROS:
                # As nearly always; comparing is much faster than searching.
                start = reader.start + WINDOW - SALT_SIZE - 3
                continue
            found = i64(reader.octets.find(needle, int(place + SALT_SIZE)))
            if found < 0:
                start = reader.start + i64(len(reader.octets)) - SALT_SIZE - 3
                continue
            start = reader.start + found - SALT_SIZE
            place = reader.reach(start, HEADER_SIZE)
            if place + HEADER_SIZE > len(reader.octets):
                return b""
            salt = reader.octets[place : place + SALT_SIZE]
            location = (i64(number) << OFFSET_BITS) + start
            if read_batch_header(reader.octets, place, salt, location) is not None:
                return salt
            start += 1
        return b""

    def _salt_of(self, number: int) -> bytes:
        """The salt of a segment; empty for a file that is none yet, or no more."""
        file = self._disk.open(f"{self._folder}/{segment_name(number)}")
        try:
            octets = file.read(0, HEADER_SIZE + HEADER_SIZE)
        finally:
            file.close()
        header = SegmentHeader(octets[:HEADER_SIZE])
        if header.valid:
            if header.format > FORMAT or header.checksum != CHECKSUM_CRC32:
                raise LogFormatError(
                    f"{segment_name(number)} is of format {header.format}, this program reads up "
                    f"to {FORMAT}: start the version of leveret that wrote it, or a newer one"
                )
            if header.number == number:
                self._formats[number] = header.format
                return header.salt
            # An emptied segment on its way to become a spare.
        # The first batch knows the salt too.
        salt = octets[HEADER_SIZE : HEADER_SIZE + SALT_SIZE]
        location = (number << OFFSET_BITS) + HEADER_SIZE
        if read_batch_header(octets, HEADER_SIZE, salt, location) is not None:
            self.damage.append(
                Damage(number, 0, HEADER_SIZE, "the header is damaged; what follows can be read")
            )
            return salt
        if header.valid or header.blank:
            self.blank.append(number)
        else:
            self.unreadable.append(number)
        return b""

    def _segment(self, number: int, salt: bytes, last: bool) -> None:
        file = self._disk.open(f"{self._folder}/{segment_name(number)}")
        try:
            reader = Reader(file)
            segment = Segment(number, salt, reader.size)
            segment.format = self._formats.get(number, 0)
            for damage in self.damage:
                if damage.segment == number:
                    segment.damaged = True
            self.segments[number] = segment
            self._check_end_of_previous(reader, segment)
            self._batches(reader, segment, last)
        finally:
            file.close()

    def _batches(self, reader: Reader, segment: Segment, last: bool) -> None:
        at: i64 = HEADER_SIZE
        while not segment.sealed:
            header = self._header(reader, segment, at)
            if header is None:
                header = self._next_header(reader, segment, at)
                if header is None:
                    self._note_end(reader, segment, at, last)
                    break
                # A later commit was written, so this one was on disk.
                end = header.location & OFFSET_MASK
                missing = int(header.number - self.batch_number - 1)
                if at == HEADER_SIZE and int(segment.number) - 1 not in self.segments:
                    # Commits in segments that are gone are not missing.
                    missing = min(missing, int((end - at) // HEADER_SIZE))
                first = int(header.number) - missing
                self._note_damage(segment, at, end, "a commit cannot be read", missing, first)
                at = end
            proven = not last or self._followed(reader, segment, at, header)
            if not self._batch(reader, segment, at, header, proven):
                self.torn = TornTail(int(segment.number), int(at), int(header.size))
                break
            at += HEADER_SIZE if segment.sealed else header.size
        segment.end = at

    def _header(self, reader: Reader, segment: Segment, at: i64) -> BatchHeader | None:
        place = reader.reach(at, HEADER_SIZE)
        location = (segment.number << OFFSET_BITS) + at
        return read_batch_header(reader.octets, place, segment.salt, location)

    def _next_header(self, reader: Reader, segment: Segment, at: i64) -> BatchHeader | None:
        """The first batch header after `at` that belongs where it is."""
        start = at + 1
        while start + HEADER_SIZE <= reader.size:
            place = reader.reach(start, HEADER_SIZE)
            found = i64(reader.octets.find(segment.salt, int(place)))
            if found < 0:
                # The salt may begin in this window and end in the next.
                start = reader.start + i64(len(reader.octets)) - SALT_SIZE + 1
                continue
            start = reader.start + found
            header = self._header(reader, segment, start)
            if header is not None:
                return header
            start += 1
        return None

    def _followed(self, reader: Reader, segment: Segment, at: i64, header: BatchHeader) -> bool:
        """Whether a commit was written after this one, which proves that this one was on disk."""
        if header.flags & SEAL != 0:
            return True
        if self._header(reader, segment, at + header.size) is not None:
            return True
        return self._next_header(reader, segment, at) is not None

    def _note_end(self, reader: Reader, segment: Segment, at: i64, last: bool) -> None:
        if not last:
            # How much is missing shows where the log goes on; see `_check_end_of_previous`.
            segment.damaged = True
            first = int(self.batch_number) + 1
            self._open_end = Damage(
                int(segment.number), int(at), int(reader.size), "its end cannot be read", -1, first
            )
            self.damage.append(self._open_end)
            return
        # Any octets may follow, of the file's earlier life too; of a header that was begun here its
        # salt or its location is seen.
        place = reader.reach(at, HEADER_SIZE)
        start = reader.octets[place : place + SALT_SIZE + SALT_SIZE]
        location = int((segment.number << OFFSET_BITS) + at).to_bytes(SALT_SIZE, "big")
        if start[:SALT_SIZE] == segment.salt or start[SALT_SIZE:] == location:
            self.torn = TornTail(int(segment.number), int(at), HEADER_SIZE)

    def _check_end_of_previous(self, reader: Reader, segment: Segment) -> None:
        damage = self._open_end
        self._open_end = None
        if damage is None:
            return
        first = self._header(reader, segment, HEADER_SIZE)
        if first is not None:
            # The seal has a number too, and nothing but it may be missing.
            damage.batches = int(first.number - self.batch_number) - 2
            if damage.batches == 0:
                damage.what = "its seal is damaged; nothing is missing"

    def _note_damage(
        self, segment: Segment, at: i64, end: i64, what: str, batches: int, first_batch: int
    ) -> None:
        segment.damaged = True
        self.damage.append(
            Damage(int(segment.number), int(at), int(end), what, batches, first_batch)
        )

    # --- batches ---

    def _batch(
        self, reader: Reader, segment: Segment, at: i64, header: BatchHeader, proven: bool
    ) -> bool:
        """Take what a batch says; false if it is a commit that was cut off."""
        if header.flags & SEAL != 0:
            segment.sealed = True
            self._count(header)
            return True
        end = at + header.size
        place = reader.reach(at + HEADER_SIZE, header.index_size)
        index_end = place + header.index_size
        index = b""
        if index_end <= len(reader.octets):
            index = reader.octets[place:index_end]
        whole = end <= reader.size and i64(crc32(index)) == header.index_crc
        data_at = (segment.number << OFFSET_BITS) + at + HEADER_SIZE + header.index_size
        if not proven and not (whole and self._records_hold(reader, index, data_at)):
            return False
        self._count(header)
        if whole:
            self.clean = header.flags & CLEAN_STOP != 0
            self._entries(segment, index, data_at)
        else:
            what = "the index of a commit is damaged"
            self._note_damage(segment, at, end, what, 1, int(header.number))
        return True

    def _count(self, header: BatchHeader) -> None:
        if header.last_ticket > self.last_ticket:
            self.last_ticket = header.last_ticket
        self.batch_number = header.number
        self.batches += 1
        self.clean = False
        if self._marks:
            self._marks = {}

    def _records_hold(self, reader: Reader, index: bytes, data_at: i64) -> bool:
        entries = IndexReader(index, data_at)
        kind = entries.next()
        while kind != 0:
            if kind == PUBLISH:
                place = reader.reach(entries.record_at & OFFSET_MASK, entries.record_size)
                record = read_record(reader.octets, place, entries.record_size, entries.ticket)
                if record is None:
                    return False
            kind = entries.next()
        return not entries.broken

    def _entries(self, segment: Segment, index: bytes, data_at: i64) -> None:
        entries = IndexReader(index, data_at)
        kind = entries.next()
        while kind != 0:
            if kind == PUBLISH:
                self._publish(segment, entries)
            else:
                ticket = entries.next_ticket()
                while ticket != 0:
                    if kind == SETTLE:
                        self._settle(segment, entries.queue_id, ticket)
                    elif kind == RETURN:
                        self._return(segment, entries.queue_id, ticket, entries.next_ticket())
                    else:
                        marked = self._marks.setdefault(int(entries.queue_id), {})
                        marked[int(ticket)] = None
                    ticket = entries.next_ticket()
            kind = entries.next()

    def _publish(self, segment: Segment, entry: IndexReader) -> None:
        ticket = entry.ticket
        location = self.places.find(ticket)
        if location != 0:
            # Copied forward; the record before it still exists.
            earlier = self.segments[int(location >> OFFSET_BITS)]
            earlier.release(self.places.size)
            self._earlier.setdefault(int(ticket), []).append(int(earlier.number))
        else:
            ids = entry.ids
            if len(ids) > 1 or entry.shared:
                # Of one queue too: the acknowledgement of another, that the record before had, may
                # have been copied forward as well and follow.
                ids.sort()
                self.copies[int(ticket)] = ids
            for queue_id in ids:
                queue = self.queues.get(queue_id)
                if queue is None:
                    queue = RecoveredQueue()
                    self.queues[queue_id] = queue
                queue.tickets = append(queue.tickets, ticket)
                if entry.due_ms > 0:
                    queue.note_due(entry.due_ms)
        self.places.put(ticket, entry.record_at, entry.record_size)
        segment.hold(ticket, entry.record_size)

    def _settle(self, segment: Segment, queue_id: i64, ticket: i64) -> None:
        location = self.places.find(ticket)
        if location == 0:
            return
        holder = location >> OFFSET_BITS
        segment.settled_in[int(holder)] = None
        if self._earlier:
            for number in self._earlier.get(int(ticket), []):
                segment.settled_in[number] = None
        if self.copies:
            ids = self.copies.get(int(ticket))
            if ids is not None:
                take_out(ids, int(queue_id))
                if ids:
                    return
                del self.copies[int(ticket)]
        self.places.take(ticket)
        self.segments[int(holder)].release(self.places.size)

    def _return(self, segment: Segment, queue_id: i64, ticket: i64, counts: i64) -> None:
        # Of a message in this very commit too, whose entry comes later.
        key = (int(queue_id), int(ticket))
        self.returns.counts[key] = int(counts)
        segment.live_count += 1
        segment.live_bytes += RETURN_SIZE
        self.returns.said(key, segment)

    # --- queues ---

    def _finish_queues(self) -> None:
        for queue_id, queue in self.queues.items():
            self._keep_living(queue_id, queue)
            if self.clean:
                queue.marked = self._marks.get(queue_id, {})
        for key, counts in list(self.returns.counts.items()):
            if self._is_in(*key):
                self.queues[key[0]].returned[key[1]] = counts
            else:
                self.returns.settled(key)

    def _is_in(self, queue_id: int, ticket: int) -> bool:
        queue = self.queues.get(queue_id)
        return queue is not None and queue.has(i64(ticket))

    def _keep_living(self, queue_id: int, queue: RecoveredQueue) -> None:
        """Leave in a queue what it still has, in order."""
        timed = len(queue.dues) != 0
        if timed:
            queue.fill_dues()
        living: vec[i64] = vec[i64]()
        dues: vec[i64] = vec[i64]()
        last: i64 = 0
        ascending = True
        at: i64 = -1
        for ticket in queue.tickets:
            at += 1
            if self.places.find(ticket) == 0:
                continue
            if self.copies:
                ids = self.copies.get(int(ticket))
                if ids is not None and not is_in(ids, queue_id):
                    continue
            if ticket < last:
                ascending = False
            last = ticket
            living = append(living, ticket)
            if timed:
                dues = append(dues, queue.dues[at])
        queue.tickets, queue.dues = living, dues
        if not ascending:
            queue.sort()
