"""The store of messages on this machine's disk: a log of what must last, and one of what need not.

Tickets of the second, into which transient messages spill when memory is short, are negative. It is
never synced, and emptied at every start.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from leveret.broker.seams import SPILL_SHARD, MessageStore, Pending, Queue, StoreEvents
from leveret.store.log.fetching import Range, Wanted, ranges
from leveret.store.log.format import QUEUES_MAX, packed, segment_number, unpacked
from leveret.store.log.log import BATCH_MAX, SEGMENT_BYTES, MessageLog
from leveret.store.log.recovery import Recovery
from leveret.store.log.segment import PASSING_ERRORS, READ_TRIES, Segment
from leveret.store.log.space import SET_ASIDE, UnknownNameError, set_aside
from leveret.store.log.writing import RETRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.message import Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Clock
    from leveret.store.disk import Disk
    from leveret.store.log.recovered import RecoveredQueue
    from leveret.store.worker import Worker

log = logging.getLogger("leveret.store")

LOG_FOLDER: Final = "log"
SPILL_FOLDER: Final = "spill"
SHARD: Final = 0
# What may wait to be spilled: until it is written it takes as much memory as before.
SPILLING_MAX: Final = 2 * BATCH_MAX


class Workers:
    """`commits` and `spills` write the two logs, `chores` makes and removes files, `reads` reads
    messages."""

    def __init__(self, commits: Worker, spills: Worker, chores: Worker, reads: Worker) -> None:
        self.commits = commits
        self.spills = spills
        self.chores = chores
        self.reads = reads

    def close(self) -> None:
        """Do what was submitted, and no more."""
        for worker in (self.reads, self.commits, self.spills, self.chores):
            worker.close()


class LogStore(MessageStore):
    """`events` is set by whoever builds the broker, before `open`; `wall_clock` is the time
    of day in seconds."""

    def __init__(
        self,
        disk: Disk,
        workers: Workers,
        clock: Clock,
        random: Callable[[int], bytes],
        segment_bytes: int = SEGMENT_BYTES,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.events: StoreEvents | None = None
        self.log: MessageLog
        self.spilled: MessageLog
        self._disk = disk
        self._workers = workers
        self._clock = clock
        self._random = random
        self._wall_clock = wall_clock
        self._segment_bytes = segment_bytes
        self._recovered: dict[int, RecoveredQueue] = {}
        self._clean = False
        # Tickets of what the disk did not give at some time, until nobody needs them: it may be
        # whole. Queues that have it in memory, or that are given it later, settle it as ever.
        self._out_of_reach: set[int] = set()
        # Those of them that a queue goes on without, by its id.
        self._lost: dict[int, list[int]] = {}
        # When the disk is asked again for a file to spill to; 0 if it has not refused.
        self._spill_at = 0.0

    # --- the start ---

    def open(self) -> Recovery:
        """Read the log and get ready to go on with it; returns what was found. Raises OSError, and
        `LogFormatError` for a log of a newer version."""
        assert self.events is not None
        disk = self._disk
        disk.make_folder(LOG_FOLDER)
        disk.make_folder(SPILL_FOLDER)
        for name in disk.list(SPILL_FOLDER):
            disk.remove(f"{SPILL_FOLDER}/{name}")
        recovery = Recovery(disk, LOG_FOLDER)
        recovery.run()
        self.log = MessageLog(
            disk,
            LOG_FOLDER,
            self._workers.commits,
            self._workers.chores,
            self._clock,
            self._random,
            self._wall_clock,
            self.events,
            SHARD,
            True,
            self._segment_bytes,
        )
        self.spilled = MessageLog(
            disk,
            SPILL_FOLDER,
            self._workers.spills,
            self._workers.chores,
            self._clock,
            self._random,
            self._wall_clock,
            _SpillEvents(self.events),
            SPILL_SHARD,
            False,
            self._segment_bytes,
        )
        self._go_on_from(recovery)
        self._recovered = recovery.queues
        self._clean = recovery.clean
        return recovery

    def recover(self, queues: list[ClassicQueue], all_known: bool = True) -> int:
        """Give the queues what is theirs; returns how many messages they got. What belongs to none
        of them was of queues that are no more, unless not all queues are known: then it stays."""
        count = 0
        for queue in queues:
            found = self._recovered.pop(int(queue.id), None)
            if found is None or len(found.tickets) == 0:
                continue
            size = 0
            for ticket in found.tickets:
                self.log.places.find(ticket)
                size += int(self.log.places.size)
            count += len(found.tickets)
            average = size // len(found.tickets)
            if found.returned:
                queue.recover_returns(
                    {ticket: unpacked(counts) for ticket, counts in found.returned.items()}
                )
            if len(found.dues) != 0:
                queue.recover_dues(found.dues)
            queue.recover(found.tickets, found.marked if self._clean else None, average)
        for queue_id, found in self._recovered.items() if all_known else ():
            for ticket in found.tickets:
                self.log.forget(queue_id, ticket)
        self._recovered = {}
        self.log.start()
        return count

    def _go_on_from(self, recovery: Recovery) -> None:
        disk, message_log = self._disk, self.log
        space = message_log.space
        message_log.places = recovery.places
        message_log.copies = recovery.copies
        message_log.last_ticket = recovery.last_ticket
        message_log.batch_number = recovery.batch_number
        space.segments = recovery.segments
        message_log.returns = recovery.returns
        space.next_number = recovery.highest_number + 1
        for name in disk.list(SET_ASIDE):
            # No later one may take the name of what was set aside, and its place.
            space.next_number = max(space.next_number, segment_number(name) + 1)
        for number in recovery.unreadable:
            try:
                set_aside(disk, LOG_FOLDER, number)
            except UnknownNameError as error:
                raise OSError(str(error)) from error
        last_used = max(recovery.segments, default=0)
        active = recovery.active
        for segment in recovery.segments.values():
            # Whatever its end looks like, nothing more is written to it.
            segment.sealed = segment is not active
        if active is not None:
            active.file = disk.open(f"{LOG_FOLDER}/{active.name()}")
            # What was found after a crash may be in the page cache only, and is built upon.
            active.file.sync()
            message_log.active = active
        for number in recovery.blank:
            spare = Segment(number, b"", self._segment_bytes)
            path = f"{LOG_FOLDER}/{spare.name()}"
            file = disk.open(path)
            if number > last_used and file.size() == self._segment_bytes:
                spare.file = file
                space.spares.append(spare)
            else:
                file.close()
                disk.remove(path)

    # --- MessageStore ---

    def append(self, message: Message, queues: list[Queue]) -> i64:
        events = self.events
        assert events is not None
        while len(queues) > QUEUES_MAX:
            # As several messages; once the last of them is durable, all are.
            first, queues = queues[:QUEUES_MAX], queues[QUEUES_MAX:]
            events.enqueued(message, first, self.log.append(message, first))
        ticket = self.log.append(message, queues)
        events.enqueued(message, queues, ticket)
        return ticket

    def due(self, ticket: i64, due_ms: i64) -> None:
        if ticket > 0:
            self.log.due(ticket, due_ms)

    def settle(self, queue: Queue, ticket: i64) -> None:
        if ticket > 0:
            self.log.settle(queue, ticket)
            if self._out_of_reach and self.log.places.find(ticket) == 0:
                self._out_of_reach.discard(int(ticket))
        else:
            self.spilled.settle(queue, -ticket)

    def lose(self, queue: Queue, ticket: i64) -> None:
        if queue.deleted or int(ticket) not in self._out_of_reach:
            self.settle(queue, ticket)
        else:
            self._lost.setdefault(int(queue.id), []).append(int(ticket))

    def settle_lost(self, queue: Queue) -> None:
        for ticket in self._lost.pop(int(queue.id), []):
            self.settle(queue, ticket)

    def is_durable(self, ticket: i64) -> bool:
        return ticket <= self.log.durable_up_to

    def barrier(self) -> i64:
        return self.log.barrier()

    def spill(self, message: Message) -> i64:
        if self.spilled.failure or self.spilled.waiting_bytes() > SPILLING_MAX:
            return 0
        if self.spilled.active is None and not self._start_to_spill():
            return 0
        return -self.spilled.append(message, _NOBODY)

    def _start_to_spill(self) -> bool:
        """Make the first file for it, which blocks; not at every message while the disk refuses."""
        now = self._clock.now()
        if now < self._spill_at:
            return False
        try:
            self.spilled.start()
        except OSError as error:
            if self._spill_at == 0.0:
                log.error("messages cannot leave memory: %s", error)
            self._spill_at = now + RETRY_SECONDS
            return False
        self._spill_at = 0.0
        return True

    def fetch(self, tickets: list[int]) -> Pending:
        messages: list[Message | None] = [None] * len(tickets)
        stored: list[Wanted] = []
        spilled: list[Wanted] = []
        for answer, ticket in enumerate(tickets):
            message_log = self.log if ticket > 0 else self.spilled
            number = i64(ticket if ticket > 0 else -ticket)
            messages[answer] = message_log.message(number)
            if messages[answer] is None:
                location = message_log.places.find(number)
                if location != 0:
                    wanted = Wanted(answer, number, location, message_log.places.size)
                    (stored if ticket > 0 else spilled).append(wanted)
        if not stored and not spilled:
            return Pending.of(messages)
        reads = ranges(self.log, LOG_FOLDER, stored)
        reads.extend(ranges(self.spilled, SPILL_FOLDER, spilled))
        answer_to_all = Pending()
        self._read(reads, messages, answer_to_all)
        return answer_to_all

    def returned(self, queue: Queue, ticket: i64, acquired: int, failed: int) -> None:
        if ticket > 0:
            self.log.returned(queue, ticket, packed(acquired, failed))

    def mark(self, queue: Queue, tickets: list[int]) -> None:
        self.log.mark(queue, tickets)

    # --- the end ---

    def stop(self) -> Pending:
        """Write what waits, and that the stop was a clean one; answers when that is done."""
        self.spilled.space.close()
        return self.log.stop(True)

    def close(self) -> None:
        """Close the files; nothing may be under way."""
        self.log.close()
        self.spilled.close()

    # --- reading ---

    def _read(self, reads: list[Range], messages: list[Message | None], answer: Pending) -> None:
        disk = self._disk

        def read() -> None:
            for each in reads:
                each.read(disk)

        def done(_result: object, _error: Exception | None) -> None:
            again: list[Range] = []
            for each in reads:
                once_more = self._once_more(each)
                if once_more:
                    again.extend(once_more)
                else:
                    self._take(each, messages)
            if again:
                self._clock.call_at(
                    self._clock.now() + RETRY_SECONDS,
                    lambda: self._read(again, messages, answer),
                )
            else:
                answer.complete(messages)

        self._workers.reads.submit(read, done)

    def _once_more(self, each: Range) -> list[Range]:
        """What to read again of a range; nothing if it was read, or cannot be."""
        error = each.error
        if error is None:
            return []
        if not isinstance(error, OSError):
            # It would come again each time.
            log.error("%s: internal error", each.path, exc_info=error)
            return []
        if error.errno not in PASSING_ERRORS:
            each.refusals += 1
            if each.refusals >= READ_TRIES:
                # What is bad may be one sector of it: each record by itself, once.
                return each.parts()
        log.error("%s cannot be read at present: %s; trying again", each.path, error)
        return [each]

    def _take(self, each: Range, messages: list[Message | None]) -> None:
        segment = each.segment
        damaged = each.give(messages)
        if each.error is not None and each.folder == LOG_FOLDER:
            for record in each.records:
                if self.log.places.find(record.ticket) != 0:
                    self._out_of_reach.add(int(record.ticket))
            log.error(
                "%s, octets %d to %d: %d messages cannot be read (%s); they are missing until the "
                "next start, which looks for them again",
                each.path,
                each.start,
                each.end,
                damaged,
                each.error,
            )
        elif damaged:
            segment.damaged = True
            log.error(
                "%s, octets %d to %d: %d messages are damaged and lost (%s)%s",
                each.path,
                each.start,
                each.end,
                damaged,
                each.error or "their checksums do not hold",
                "; the file is kept, and `leveret store check` tells more"
                if each.folder == LOG_FOLDER
                else "",
            )
        segment.readers -= 1
        if segment.readers == 0 and segment.live_count == 0:
            (self.log if each.path.startswith(LOG_FOLDER) else self.spilled).space.attend()


class _Nobody(Queue):
    """The queue of a spilled message: it is of one, whichever."""


_NOBODY: Final[list[Queue]] = [_Nobody()]


class _SpillEvents(StoreEvents):
    """Nobody waits for what is spilled to be durable, and nobody counts on a disk to spill to."""

    def __init__(self, events: StoreEvents) -> None:
        self._events = events

    def durable(self, shard: int, up_to: int) -> None:
        return None

    def failed(self, shard: int, reason: str) -> None:
        log.error(
            "messages cannot leave memory any more: %s; transient ones, and what waits behind them "
            "in a queue, stay until the next start, and of those that have left some may be lost",
            reason,
        )
        self._events.held(shard, "")

    def held(self, shard: int, reason: str) -> None:
        self._events.held(shard, reason)
