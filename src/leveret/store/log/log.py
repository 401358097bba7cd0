"""The message log: group commit without a timer.

The event loop only fills the active batch. When the commit before it has returned, the batch is
encoded, one thread writes and syncs it, and the next one fills meanwhile; so batches grow with the
load, and a lone message waits for nobody. Everything here runs on the loop but for the jobs that
are submitted to workers.

A batch with nothing but acknowledgements is not worth a commit of its own at once: it waits for
company, for 50 ms at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from leveret.broker.seams import Pending
from leveret.store.log.batch import Batch
from leveret.store.log.compaction import Compactor
from leveret.store.log.format import (
    CLEAN_STOP,
    FORMAT,
    HEADER_SIZE,
    OFFSET_BITS,
    SALT_SIZE,
    SEAL,
    batch_header,
    segment_header,
)
from leveret.store.log.places import Places
from leveret.store.log.returns import RETURN_SIZE, Returns
from leveret.store.log.shared import take_out
from leveret.store.log.space import Space
from leveret.store.log.writing import RETRY_SECONDS, Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_extensions import i32

    from leveret.broker.message import Message
    from leveret.broker.seams import Clock, Queue, StoreEvents, Timer
    from leveret.store.disk import Disk, DiskFile
    from leveret.store.log.segment import Segment
    from leveret.store.worker import Worker

SEGMENT_BYTES: Final = 16 << 20
# What the active batch may hold before publishers have to wait for the disk.
BATCH_MAX: Final = 4 << 20
SETTLES_MAX: Final = 8192
SETTLE_DELAY_SECONDS: Final = 0.05


class MessageLog:
    """A log in `folder`, of which `recovery` has set the segments, places and counters.

    `commits` does the writing, `chores` the space; `random` makes salts; `wall_clock` is the time
    of day in seconds; `events` hears of this log as of a shard. A log that is not `synced` is for
    what need not outlive the process: it writes no acknowledgements.
    """

    def __init__(
        self,
        disk: Disk,
        folder: str,
        commits: Worker,
        chores: Worker,
        clock: Clock,
        random: Callable[[int], bytes],
        wall_clock: Callable[[], float],
        events: StoreEvents,
        shard: int = 0,
        synced: bool = True,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.places = Places()
        # The queues of each message that is in several (`shared`).
        self.copies: dict[int, list[int]] = {}
        self.last_ticket: i64 = 0
        self.durable_up_to: i64 = 0
        self.batch_number: i64 = 0
        self.active: Segment | None = None
        self.failure = ""
        self.bytes_written: i64 = 0
        self.space = Space(
            disk, folder, chores, segment_bytes, self._space_changed, self._fail, synced
        )
        self.returns = Returns(self.space.segments)
        self._writer = Writer(commits, clock, synced, self._committed, self._full, self._fail)
        self._clock = clock
        self._random = random
        self._wall_clock = wall_clock
        self._events = events
        self._shard = shard
        self._synced = synced
        self._batch = Batch(1)
        self._writing: Batch | None = None
        # The segment that ends with the commit under way.
        self._sealing: Segment | None = None
        self._scheduled = False
        self._stalled = False
        self._settles_timer: Timer | None = None
        self._retry_timer: Timer | None = None
        self._held = ""
        self._compactor = Compactor(
            self.space, disk, folder, chores, segment_bytes, self._victim_is_read
        )
        self._closing = False
        self._stopped = Pending()
        # Where in the active segment the commit that is under way begins.
        self._writing_at: i64 = 0

    def start(self) -> None:
        """Recovery is done: go on from `last_ticket`. Raises OSError."""
        if self.active is not None:
            self._mark_start(self.active)
        self.durable_up_to = self.last_ticket
        self._batch = Batch(self.last_ticket + 1)
        self._note_settling()
        if self.active is None:
            if not self.space.spares:
                self.space.make_spare()
            self._enter(self.space.take_spare(True))
        self.space.attend()

    def _mark_start(self, active: Segment) -> None:
        """Settle what the log ends with before anybody hears of it. The mark takes back the word of
        a clean stop, as messages are delivered from now on; and it takes the place of a commit that
        was cut off, which a later torn write could otherwise complete. In a segment of an older
        format nothing more is written."""
        sealed = active.room() < HEADER_SIZE or active.format < FORMAT
        file, at, mark = self._mark(active, SEAL if sealed else 0)
        file.write(at, mark)
        file.sync()
        if sealed:
            active.sealed = True
            self.active = None

    # --- what is to be kept ---

    def append(self, message: Message, queues: list[Queue]) -> i64:
        """Store a message for queues; returns its ticket. `queues` is not changed afterwards."""
        batch = self._batch
        batch.publish(message, queues)
        self.last_ticket += 1
        if batch.size > BATCH_MAX and self._held == "":
            self._hold("the disk is slower than the publishers")
        if not self._scheduled:
            self._schedule()
        return self.last_ticket

    def due(self, ticket: i64, due_ms: i64) -> None:
        """The message that was appended last waits until then."""
        self._batch.note_due(ticket, due_ms)

    def settle(self, queue: Queue, ticket: i64) -> None:
        """A message is gone from a queue."""
        if self.returns.counts:
            self._settle_return(queue.id, ticket)
        batch = self._batch
        if ticket >= batch.first_ticket:
            batch.cancel(queue, ticket)
            return
        if self.copies:
            ids = self.copies.get(int(ticket))
            if ids is not None:
                self._settle_copy(queue.id, ticket, ids)
                return
        location = self.places.take(ticket)
        if location == 0:
            return
        size = self.places.size
        if self._synced:
            self._note_settled(queue.id, ticket, location)
        self._release(location, size)

    def forget(self, queue_id: i64, ticket: i64) -> None:
        """A message that recovery found is of a queue that is no more: no word of it is needed."""
        self._settle_return(i64(queue_id), ticket)
        ids = self.copies.get(int(ticket))
        if ids is not None:
            take_out(ids, int(queue_id))
            if ids:
                return
            del self.copies[int(ticket)]
        location = self.places.take(ticket)
        if location != 0:
            self._release(location, self.places.size)

    def returned(self, queue: Queue, ticket: i64, counts: int) -> None:
        """A message has come back to a queue, so often by now. It is not known to be on disk when
        anybody is told of anything; but as soon as an acknowledgement would be."""
        batch = self._batch
        if batch.message(ticket) is None and self.places.find(ticket) == 0:
            return
        key = (int(queue.id), int(ticket))
        self.returns.counts[key] = counts
        batch.note_return(key)
        if self._settles_timer is None and not self._closing:
            self._wait_for_company()

    def barrier(self) -> i64:
        """A ticket that is durable once all that was given so far is; 0 if it is already."""
        batch = self._batch
        if self._writing is None and batch.size == 0 and not self.failure:
            return 0
        if batch.size != 0:
            batch.forced = True
            batch.whole = True
        batch.take_ticket()
        self.last_ticket += 1
        if not self._scheduled:
            self._schedule()
        return self.last_ticket

    def mark(self, queue: Queue, tickets: list[int]) -> None:
        """At a clean stop: these messages of a queue were delivered before."""
        for ticket in tickets:
            self._batch.mark(queue.id, ticket)

    # --- what was kept ---

    def message(self, ticket: i64) -> Message | None:
        """A message that has not left memory yet: it waits for its commit."""
        found = self._batch.message(ticket)
        if found is None and self._writing is not None:
            found = self._writing.message(ticket)
        return found

    def waiting_bytes(self) -> int:
        """What waits for the disk, in octets."""
        return int(self._batch.size + (0 if self._writing is None else self._writing.size))

    def on_disk(self) -> list[tuple[Segment, int]]:
        """The segments, and up to which octet each is on disk; a seal that is being written counts
        as there. They are what a power cut would leave now."""
        found: list[tuple[Segment, int]] = []
        for segment in self.space.segments.values():
            end = segment.end
            if segment is self.active and self._writing is not None:
                end = self._writing_at
            if end > HEADER_SIZE and not segment.leaving:
                found.append((segment, int(end)))
        return found

    # --- the end ---

    def stop(self, clean: bool) -> Pending:
        """Write what waits, and with `clean` that all of it was written; then nothing more.
        Answers, with whether that succeeded, when it is done."""
        self._closing = True
        self._compactor.stop()
        self._writer.stop()
        if self._settles_timer is not None:
            self._settles_timer.cancel()
            self._settles_timer = None
        if self._retry_timer is not None:
            self._retry_timer.cancel()
            self._retry_timer = None
        if clean:
            self._batch.forced = True
            self._batch.flags = CLEAN_STOP
        if self.failure:
            self._finish(False)
        elif not self._scheduled:
            self._schedule()
        return self._stopped

    def _finish(self, written: bool) -> None:
        self.space.close()
        self._stopped.complete(written)

    def close(self) -> None:
        """Close the files."""
        for segment in [*self.space.segments.values(), *self.space.spares]:
            if segment.file is not None:
                segment.file.close()
                segment.file = None

    # --- commits ---

    def _schedule(self) -> None:
        self._scheduled = True
        if self._writing is None:
            # A lone change waits for the rest of what the present event brings.
            self._clock.call_at(0.0, self._begin)

    def _begin(self) -> None:
        if self._writing is not None or self.failure:
            return
        self._scheduled = False
        batch = self._batch
        if not (batch.waits() or batch.settled >= SETTLES_MAX):
            self._nothing_waits()
            return
        self._write_active()

    def _nothing_waits(self) -> None:
        """Whatever was published since the last commit has been settled already."""
        batch = self._batch
        last = batch.last_ticket()
        batch.restart(last + 1)
        if self.durable_up_to < last:
            self.durable_up_to = last
            self._events.durable(self._shard, int(last))
        self._unhold()
        if self._closing:
            self._finish(True)

    def _begin_settles(self) -> None:
        self._settles_timer = None
        if not self._batch.says_anything() or self.failure:
            return
        if self._writing is None:
            self._write_active()
        else:
            self._wait_for_company()

    def _wait_for_company(self) -> None:
        """Acknowledgements are worth a commit of their own when they have waited."""
        when = self._clock.now() + SETTLE_DELAY_SECONDS
        self._settles_timer = self._clock.call_at(when, self._begin_settles)

    def _write_active(self) -> None:
        try:
            self._make_commit()
        except Exception as error:
            # Whatever it is: what was to be in it is in no later commit, which would confirm it.
            self._fail(f"the message log cannot make a commit: {error!r}")

    def _make_commit(self) -> None:
        batch = self._batch
        if not batch.says_anything():
            self._nothing_waits()
            return
        active = self.active
        assert active is not None
        essential = batch.published == 0 or batch.whole or self._closing
        following = self._room(batch.size, active, essential)
        if following is None and batch.published > 0 and not batch.whole:
            # No room for messages: acknowledgements and copies do not wait for it.
            size = batch.size_without_messages()
            if size > 0:
                following = self._room(size, active, True)
            if following is not None:
                self._commit(batch.without_messages(), active, following)
                return
        if following is None:
            self._stall()
            return
        self._stalled = False
        self._batch = Batch(self.last_ticket + 1)
        self._commit(batch, active, following)

    def _room(self, size: i64, active: Segment, essential: bool) -> Segment | None:
        """The segment that a commit of this size goes to, if there is room for it. For one that is
        larger than a segment room is made first: a commit that has begun could not step aside for
        the acknowledgements that free the space it needs."""
        if self.space.growing:
            return None
        if size + HEADER_SIZE <= active.room():
            return active
        if active.end == HEADER_SIZE:
            self.space.grow(active, size)
            return None
        return self.space.take_spare(essential, size)

    def _stall(self) -> None:
        """There is no room: wait until there is."""
        self._stalled = True
        if self._closing:
            self.space.attend()
            if self.space.shortage:
                self._writer.give_up(self.space.shortage)
            return
        if self.space.shortage:
            # With everything stuck, segments must be able to go.
            self.space.settling = []
            if (
                self._batch.size_without_messages() == 0
                # No commit comes that a compaction could wait for, and it keeps its segment.
                and self._compactor.go_on(self._batch, self.places, self.returns)
                and not self._scheduled
            ):
                self._schedule()
            self._hold(self.space.shortage)
            self._retry_later()

    def _retry_later(self) -> None:
        if self._retry_timer is None and not self._closing:
            when = self._clock.now() + RETRY_SECONDS
            self._retry_timer = self._clock.call_at(when, self._retry_space)

    def _retry_space(self) -> None:
        self._retry_timer = None
        if not self.space.retry():
            self._space_changed()

    def _commit(self, batch: Batch, active: Segment, following: Segment) -> None:
        writes: list[tuple[DiskFile, int, bytes]] = []
        if following is not active:
            writes.append(self._mark(active, SEAL))
            self._sealing = active
            self._enter(following)
        self.batch_number += 1
        for number in batch.settled_in:
            following.settled_in[number] = None
        at = following.end
        self._writing_at = at
        self._writing = batch
        data = batch.encode(
            following,
            self.batch_number,
            self._synced_location(),
            self.last_ticket,
            self.places,
            self.copies,
            i64(int(self._wall_clock() * 1000)),
            self.returns,
        )
        if at == HEADER_SIZE:
            at = 0
            data = segment_header(int(following.number), following.salt) + data
        following.end = at + len(data)
        if following.end > following.size:
            following.size = following.end
        file = following.file
        assert file is not None
        writes.append((file, int(at), data))
        self._note_settling()
        self._writer.write(writes)

    def _note_settling(self) -> None:
        self.space.settling = [self._batch.settled_in]
        if self._writing is not None:
            self.space.settling.append(self._writing.settled_in)

    def _mark(self, segment: Segment, flags: i32) -> tuple[DiskFile, int, bytes]:
        """A batch with nothing in it, for what its flags say. A seal: nothing follows in this
        segment, and all of it is on disk."""
        self.batch_number += 1
        location = (segment.number << OFFSET_BITS) + segment.end
        header = batch_header(
            segment.salt, location, self.batch_number, location, self.last_ticket, flags, b"", 0
        )
        assert segment.file is not None
        at = int(segment.end)
        segment.end += HEADER_SIZE
        return segment.file, at, header

    def _enter(self, segment: Segment | None) -> None:
        assert segment is not None
        segment.salt = self._random(SALT_SIZE)
        segment.format = FORMAT
        segment.end = HEADER_SIZE
        self.active = segment

    def _synced_location(self) -> i64:
        """Every commit is synced before the next is written: all that is before it is on disk."""
        active = self.active
        assert active is not None
        return (active.number << OFFSET_BITS) + active.end

    def _committed(self, size: i64) -> None:
        self.bytes_written += size
        batch = self._writing
        assert batch is not None
        self._writing = None
        self._note_settling()
        if self.failure:  # While this was written: nothing more is confirmed.
            return
        if self._sealing is not None:
            # Not before: a segment that is sealed may go, and its file with it.
            self._sealing.sealed = True
            self._sealing = None
        for move in batch.moves:
            if self.places.find(move.ticket) == move.old_location:
                size = self.places.size
                self._release(move.old_location, size)
                self.places.put(move.ticket, move.location, size)
                self.space.segment(move.location).hold(move.ticket, size)
        if batch.told_in is not None:
            for key in batch.told:
                self._let_go(self.returns.said(key, batch.told_in))
        active = self._batch
        if batch.moves and active.settled > 0:
            # Settled while the copy was written: the copy must not outlive the acknowledgement.
            active.settled_in[int(batch.moves[0].location >> OFFSET_BITS)] = None
        if self._closing or not self._compactor.go_on(self._batch, self.places, self.returns):
            self.space.attend()
        if active.published == 0 and not active.forced:
            last = self.last_ticket
        else:
            last = active.first_ticket - 1
        if last > self.durable_up_to:
            self.durable_up_to = last
            self._events.durable(self._shard, int(last))
        if self._scheduled or self._batch.waits():
            self._begin()
        if not self._stalled:
            self._unhold()
        if self._closing:
            self._finish_if_idle()

    def _full(self, given_up: bool) -> None:
        if given_up:
            self._finish(False)
        else:
            self._hold("the disk is full")

    def _finish_if_idle(self) -> None:
        # Not in `_committed`: there `_writing` counts as None, whatever has begun since.
        idle = self._writing is None and not self._scheduled and not self._stalled
        if idle and not self.failure:
            self._finish(True)

    def _fail(self, reason: str) -> None:
        if self.failure:
            return
        self.failure = reason
        self._finish(False)
        self._events.failed(self._shard, reason)

    def _hold(self, reason: str) -> None:
        # Nobody waits for a log that has failed: a commit that was under way may yet be refused.
        if self._held != reason and not self.failure:
            self._held = reason
            self._events.held(self._shard, reason)

    def _unhold(self) -> None:
        if self._held and not self.space.shortage and self._batch.size <= BATCH_MAX:
            self._held = ""
            self._events.held(self._shard, "")

    # --- settling ---

    def _settle_copy(self, queue_id: i64, ticket: i64, ids: list[int]) -> None:
        if not take_out(ids, int(queue_id)):
            return
        location = self.places.find(ticket)
        if self._synced:
            self._note_settled(queue_id, ticket, location)
        if not ids:
            del self.copies[int(ticket)]
            self.places.take(ticket)
            self._release(location, self.places.size)

    def _settle_return(self, queue_id: i64, ticket: i64) -> None:
        segment = self.returns.settled((int(queue_id), int(ticket)))
        if segment is not None:
            # It stays until the acknowledgement is on disk.
            self._batch.settled_in[int(segment.number)] = None
            self._let_go(segment)

    def _note_settled(self, queue_id: i64, ticket: i64, location: i64) -> None:
        batch = self._batch
        batch.settle(queue_id, ticket, location >> OFFSET_BITS)
        if self._compactor.copied_from:
            batch.settled_in.update(self._compactor.copied_from)
        if batch.settled >= SETTLES_MAX:
            if not self._scheduled:
                self._schedule()
        elif self._settles_timer is None and not self._closing:
            self._wait_for_company()

    def _release(self, location: i64, size: i64) -> None:
        segment = self.space.segment(location)
        segment.release(size)
        self._compactor.released += size
        if segment.live_count == 0 and segment.sealed:
            self.space.attend()

    def _let_go(self, segment: Segment | None) -> None:
        """A segment is no longer needed for what it says of a return."""
        if segment is not None:
            self._compactor.released += RETURN_SIZE
            if segment.live_count == 0 and segment.sealed:
                self.space.attend()

    # --- space ---

    def _space_changed(self) -> None:
        """There is a spare more, or a segment less, or none could be made."""
        if self.failure:
            return
        if self.space.shortage and (self._stalled or self._held):
            self._hold(self.space.shortage)
            self._retry_later()
        if self._stalled:
            if self._writing is None:
                self._write_active()
        elif not self.space.shortage:
            self._unhold()

    def _victim_is_read(self) -> None:
        if self._writing is None and not self._closing:
            self._compactor.go_on(self._batch, self.places, self.returns)
            if not self._scheduled:
                self._schedule()
