"""A log store on a disk in memory, driven without threads: small segments, small messages."""

from collections.abc import Callable
from itertools import count

from mypy_extensions import i64

from leveret.broker.message import Message
from leveret.broker.seams import Queue, StoreEvents
from leveret.store.disk import Disk
from leveret.store.log.recovery import Recovery
from leveret.store.log_store import LogStore, Workers
from leveret.store.worker import Worker
from leveret.testing import FaultyDisk, ManualClock
from leveret.wire.frames import body_frames, header_frame

SEGMENT_BYTES = 2048


class SmallQueue(Queue):
    """A queue as far as a store looks at it."""

    def __init__(self, queue_id: int) -> None:
        self.id = queue_id
        self.durable = True
        # What a start found of it: tickets, and the marks of a clean stop.
        self.recovered: list[int] = []
        self.marked: dict[int, None] | None = None


class Events(StoreEvents):
    """Takes notes."""

    def __init__(self) -> None:
        self.up_to = 0
        self.failures: list[str] = []

    def enqueued(self, message: Message, queues: list[Queue], ticket: i64) -> None:
        return None

    def durable(self, shard: int, up_to: int) -> None:
        self.up_to = up_to

    def failed(self, shard: int, reason: str) -> None:
        self.failures.append(reason)

    def held(self, shard: int, reason: str) -> None:
        return None


class TurnWorker(Worker):
    """Does a job at once, and tells of it on a later turn of the clock; those that come while it
    is `idle` wait in `waiting`."""

    def __init__(self, clock: ManualClock) -> None:
        self.idle = False
        self.waiting: list[tuple[Callable[[], object], Callable[..., object]]] = []
        self._clock = clock

    def submit(self, job: Callable[[], object], done: Callable[..., object]) -> None:
        if self.idle:
            self.waiting.append((job, done))
            return
        result: object = None
        failure: Exception | None = None
        try:
            result = job()
        except Exception as error:
            failure = error
        self._clock.call_at(0.0, lambda: done(result, failure))

    def resume(self) -> None:
        """Do what waits."""
        self.idle = False
        waiting, self.waiting = self.waiting, []
        for job, done in waiting:
            self.submit(job, done)

    def close(self) -> None:
        return None


class SmallStore:
    """A store on a disk. `messages` are the bodies by ticket of what was published here."""

    def __init__(self, disk: Disk, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.disk = disk
        self.clock = ManualClock()
        self.events = Events()
        salts = count(1)
        self.worker = worker = TurnWorker(self.clock)
        self.chores = TurnWorker(self.clock)
        self.store = LogStore(
            disk,
            Workers(worker, worker, self.chores, worker),
            self.clock,
            lambda size: (0xA5A5A5A5 << 32 | next(salts)).to_bytes(size, "big"),
            segment_bytes,
            self.clock.now,
        )
        self.store.events = self.events
        self.messages: dict[int, bytes] = {}
        self.queues: dict[int, SmallQueue] = {}
        self.found: Recovery

    def open(self, *queue_ids: int) -> "SmallStore":
        self.queues = {queue_id: SmallQueue(queue_id) for queue_id in queue_ids}
        self.found = self.store.open()
        for queue_id, queue in self.queues.items():
            found = self.found.queues.get(queue_id)
            queue.recovered = [] if found is None else [int(ticket) for ticket in found.tickets]
            if self.found.clean:
                queue.marked = {} if found is None else dict(found.marked)
        self.store.recover([], all_known=False)
        self.turn()
        return self

    def turn(self) -> None:
        """Everything that is under way happens, and what waits for time."""
        self.clock.advance(1.0)

    def publish(self, body: bytes, *queue_ids: int) -> int:
        queues: list[Queue] = [self.queues[queue_id] for queue_id in queue_ids]
        ticket = int(self.store.append(message_of(body), queues))
        self.messages[ticket] = body
        return ticket

    def settle(self, queue_id: int, ticket: int) -> None:
        self.store.settle(self.queues[queue_id], ticket)

    def served(self) -> dict[int, dict[int, bytes]]:
        """Bodies by ticket by queue, of what was recovered; damaged ones left out."""
        found: dict[int, dict[int, bytes]] = {}
        for queue_id, queue in self.queues.items():
            answer = self.store.fetch(queue.recovered)
            self.turn()
            assert answer.done
            assert isinstance(answer.value, list)
            found[queue_id] = {
                ticket: message.body()
                for ticket, message in zip(queue.recovered, answer.value, strict=True)
                if message is not None
            }
        return found

    def stop(self) -> None:
        answer = self.store.stop()
        self.turn()
        assert answer.value is True
        self.store.close()


def message_of(body: bytes) -> Message:
    header = header_frame(1, b"\x10\x00\x02", len(body))
    frames = header + body_frames(1, body, 4096)
    return Message(frames, b"\x00\x01q", 1, len(header), len(body), len(frames), True)


def filled_disk(clean: bool, used_before: bool) -> tuple[FaultyDisk, dict[int, bytes]]:
    """A disk with a store of three queues, and the bodies by ticket: several segments, copies in
    several queues, acknowledgements in and out of order.

    `clean`: it was stopped cleanly; otherwise its last commit holds messages. `used_before`: the
    files have been segments before, and are full of what they held then.
    """
    disk = FaultyDisk()
    small = SmallStore(disk).open(11, 12, 13)
    for number in range(24 if used_before else 0):
        ticket = small.publish(b"old news %d " % number * 30, 11, 13)
        small.turn()
        small.settle(11, ticket)
        small.settle(13, ticket)
        small.turn()
    for number in range(24):
        queue_ids = ((11,), (12, 13), (11, 12, 13))[number % 3]
        ticket = small.publish(f"body {number} ".encode() * (1 + number % 4), *queue_ids)
        if number % 2:
            small.turn()
        if number in (9, 15, 21):
            small.settle(11, ticket - 2)
            small.settle(12, ticket - 4)
            small.turn()
    small.turn()
    if clean:
        small.stop()
    return disk, small.messages
