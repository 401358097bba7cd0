"""Compaction: what is still needed of a sparse segment is copied forward, so that it can go.

The segment is read on a worker and gone through in steps, each as much as one batch bears. Copies
keep their tickets; where a message is changes once its copy is on disk. Acknowledgements in the
segment are copied if a record that they are for may still exist in another one, and how often a
message has come back is written again if that is said here last.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from leveret.store.log.batch import Batch, Move
from leveret.store.log.format import (
    HEADER_SIZE,
    OFFSET_BITS,
    PUBLISH,
    RETURN,
    SEAL,
    SETTLE,
    IndexReader,
    read_batch_header,
)
from leveret.store.log.segment import PASSING_ERRORS, READ_TRIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_extensions import i64

    from leveret.store.disk import Disk
    from leveret.store.log.places import Places
    from leveret.store.log.returns import Returns
    from leveret.store.log.segment import Segment
    from leveret.store.log.space import Space
    from leveret.store.worker import Worker

log = logging.getLogger("leveret.store")

# Octets that one step adds to a batch.
STEP_BYTES: Final = 1 << 20


class Compaction:
    """Of one segment, whose octets are `data`. `others` are those that its acknowledgements are
    for; `finished` once every entry has been looked at."""

    def __init__(self, segment: Segment, data: bytes, others: list[Segment]) -> None:
        self.segment = segment
        self.finished = False
        self._data = data
        self._others = others
        self._at: i64 = HEADER_SIZE
        self._index: IndexReader | None = None

    def step(self, batch: Batch, places: Places, returns: Returns) -> bool:
        """Add what is needed to a batch, until it is enough or nothing is left. Returns false if
        the segment does not read as it was written: then it must stay as it is."""
        enough = batch.size + STEP_BYTES
        while batch.size < enough:
            index = self._index
            if index is None:
                index = self._next_batch()
                if index is None:
                    return self.finished
                self._index = index
            kind = index.next()
            if kind == PUBLISH:
                self._copy_message(index, batch, places)
            elif kind == SETTLE:
                self._copy_settles(index, batch)
            elif kind == RETURN:
                self._copy_returns(index, batch, returns)
            elif kind == 0:
                if index.broken:
                    return False
                self._index = None
        return True

    def _next_batch(self) -> IndexReader | None:
        segment = self.segment
        at = self._at
        location = (segment.number << OFFSET_BITS) + at
        header = read_batch_header(self._data, at, segment.salt, location)
        if header is None or at + header.size > len(self._data):
            return None
        if header.flags & SEAL != 0:
            self.finished = True
            return None
        index_end = at + HEADER_SIZE + header.index_size
        self._at = at + header.size
        return IndexReader(self._data[at + HEADER_SIZE : index_end], location - at + index_end)

    def _copy_message(self, index: IndexReader, batch: Batch, places: Places) -> None:
        location = index.record_at
        if places.find(index.ticket) != location:
            return
        at = location & 0xFFFFFFFF
        record = self._data[at : at + index.record_size]
        batch.move(Move(index.ticket, index.ids, record, location, index.due_ms))

    def _copy_settles(self, index: IndexReader, batch: Batch) -> None:
        ticket = index.next_ticket()
        while ticket != 0:
            copied = False
            for other in self._others:
                if not other.may_hold(ticket):
                    continue
                if not copied:
                    copied = True
                    batch.settle(index.queue_id, ticket, other.number)
                # Whichever of them it is for, none may outlive it.
                batch.settled_in[int(other.number)] = None
            ticket = index.next_ticket()

    def _copy_returns(self, index: IndexReader, batch: Batch, returns: Returns) -> None:
        ticket = index.next_ticket()
        while ticket != 0:
            index.next_ticket()  # How often it was then.
            key = (int(index.queue_id), int(ticket))
            if returns.is_said_in(key, self.segment):
                batch.note_return(key)
            ticket = index.next_ticket()


class Compactor:
    """Chooses the segments that are copied forward, one at a time. `ready` is called when one has
    been read, and `go_on` has something to do without another commit before it.

    `copied_from` are segments of which a part has been copied: a record there may have a copy
    elsewhere. `released` are the octets of records that nobody needs any more, since it was last
    looked whether there are too many.
    """

    def __init__(
        self,
        space: Space,
        disk: Disk,
        folder: str,
        chores: Worker,
        segment_bytes: i64,
        ready: Callable[[], object],
    ) -> None:
        self.copied_from: dict[int, None] = {}
        self.released: i64 = 0
        self._space = space
        self._disk = disk
        self._folder = folder
        self._chores = chores
        self._segment_bytes = segment_bytes
        self._ready = ready
        self._compaction: Compaction | None = None
        self._stopped = False

    def go_on(self, batch: Batch, places: Places, returns: Returns) -> bool:
        """Add the next copies to a batch, after what was added before is on disk. Whether it has;
        if not, a compaction is over, or begins if there is need of one."""
        compaction = self._compaction
        if compaction is None:
            if self.released * 2 >= self._segment_bytes:
                self.released = 0
                self._begin()
            return False
        victim = compaction.segment
        if compaction.finished:
            self._compaction = None
            victim.readers -= 1
            victim.settled_in.clear()
            del self.copied_from[int(victim.number)]
            # There may be more than one that is sparse.
            self.released = self._segment_bytes
            return False
        if not compaction.step(batch, places, returns):
            self._compaction = None
            victim.readers -= 1
            victim.damaged = True
            return False
        batch.forced = True
        return True

    def stop(self) -> None:
        """Give up what is under way: every message is where it was, or where its copy is."""
        self._stopped = True
        self._compaction = None

    def _begin(self) -> None:
        victim = self._space.sparse()
        if victim is None:
            return
        disk = self._disk
        path = f"{self._folder}/{victim.name()}"
        size = int(victim.end)
        victim.readers += 1

        def read() -> bytes:
            file = disk.open(path)
            try:
                return file.read(0, size)
            finally:
                file.close()

        def done(data: object, error: Exception | None) -> None:
            if self._stopped or not isinstance(data, bytes):
                victim.readers -= 1
                if isinstance(error, OSError) and error.errno not in PASSING_ERRORS:
                    self._refused(victim, error)
                return
            segments = self._space.segments
            others = [
                segments[number]
                for number in victim.settled_in
                if number in segments and number != victim.number
            ]
            self._compaction = Compaction(victim, data, others)
            self.copied_from[int(victim.number)] = None
            self._ready()

        self._chores.submit(read, done)

    def _refused(self, victim: Segment, error: OSError) -> None:
        victim.refusals += 1
        if victim.refusals == READ_TRIES:
            log.error(
                "segment %d of the message log cannot be read: %s; it keeps its space until nobody "
                "needs what is in it, and others are compacted",
                victim.number,
                error,
            )
            self.released = self._segment_bytes
