"""A log and its queues on a disk, moved by hand one step at a time, with a ledger beside them.

Whatever happens is dated by the number of calls that the disk has had, so that the one run can be
checked against what a power cut at any of them would have left.
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from crash.ledger import Ledger
from leveret.broker.message import Entry, Message
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.paging import NO_LIMIT, Paging
from leveret.broker.seams import Queue, StoreEvents
from leveret.store.disk import Disk
from leveret.store.log.recovery import Recovery
from leveret.store.log_store import LogStore, Workers
from leveret.testing import FaultyDisk, ManualClock, ManualWorker
from leveret.wire.frames import body_frames, header_frame

DELIVERY_MODE = {False: b"\x10\x00\x01", True: b"\x10\x00\x02"}


def a_stored_message(body: bytes, persistent: bool = True) -> Message:
    header = header_frame(1, DELIVERY_MODE[persistent], len(body))
    frames = header + body_frames(1, body, 4096)
    return Message(frames, b"\x00\x01q", 1, len(header), len(body), len(frames), persistent)


def due_of(ticket: int) -> int:
    """When a message is due; 0 if it does not wait for that. Every third one does."""
    return 1_700_000_000_000 + ticket if ticket % 3 == 0 else 0


class Definition(NamedTuple):
    """A durable queue that there was from one moment to another."""

    name: str
    id: int
    created: int
    dropped: int | None = None


class Transaction(NamedTuple):
    """Copies that were published and copies that were settled, to be seen together or not."""

    begun: int
    published: list[tuple[str, bytes]]
    settled: list[tuple[str, bytes]]


class Held(NamedTuple):
    """A message that somebody has and has not settled."""

    queue: ClassicQueue
    entry: Entry
    body: bytes


class World(StoreEvents):
    """`disk` is what the log uses, `faulty` the disk below it, if there is something between.

    Without `open` nothing is there yet. `failure` is what the store reported to have failed,
    `reason` why publishers are held now.
    """

    def __init__(
        self,
        faulty: FaultyDisk,
        ledger: Ledger,
        seed: int = 0,
        segment_bytes: int = 8192,
        limit_bytes: int = NO_LIMIT,
        disk: Disk | None = None,
        commits: ManualWorker | None = None,
    ) -> None:
        self.faulty = faulty
        self.ledger = ledger
        ledger.moment = self.moment
        self.clock = ManualClock(0.0)
        self.commits = ManualWorker() if commits is None else commits
        self.spills, self.chores, self.reads = (ManualWorker() for _ in range(3))
        self.workers = Workers(self.commits, self.spills, self.chores, self.reads)
        self.paging = Paging(limit_bytes)
        self.store = LogStore(
            faulty if disk is None else disk,
            self.workers,
            self.clock,
            Random(seed).randbytes,
            segment_bytes,
            self.clock.now,
        )
        self.store.events = self
        self.recovery: Recovery
        self.queues: dict[str, ClassicQueue] = {}
        self.definitions: list[Definition] = []
        self.next_id = 1
        self.transactions: list[Transaction] = []
        self.held_by_clients: list[Held] = []
        self.failure = ""
        self.reason = ""
        self.confirms = 0
        self.stop_began: int | None = None
        self.first_delivery: int | None = None
        self._unconfirmed: deque[tuple[int, bytes]] = deque()
        self._barriers: deque[tuple[int, int]] = deque()

    def moment(self) -> int:
        return len(self.faulty.operations)

    # --- lives ---

    def open(self, definitions: Sequence[Definition] = ()) -> None:
        """Start on what the disk holds, with these queues."""
        self.definitions = [
            Definition(each.name, each.id, 0) for each in definitions if each.dropped is None
        ]
        self.recovery = self.store.open()
        for found in self.recovery.queues.values():
            dues = [due_of(int(ticket)) for ticket in found.tickets]
            assert list(found.dues) == dues or not any([*dues, *found.dues])
        for each in self.definitions:
            self.queues[each.name] = self._queue(each)
        self.store.recover(list(self.queues.values()))

    def stop(self) -> None:
        """A clean stop: everybody's messages go back, what waits is written, files are closed."""
        for held in list(self.held_by_clients):
            self.requeue(held)
        while self.reads.run():
            pass
        self.stop_began = self.moment()
        for queue in self.queues.values():
            queue.finish()
            self.store.mark(queue, queue.delivered_before())
        answer = self.store.stop()
        self.settle_down()
        assert answer.value is True
        self.workers.close()
        self.store.close()

    def leave(self) -> None:
        """Let go of what points in circles; nothing is written. (Entries are not tracked by the
        garbage collector: one in a circle would keep this whole world in memory.)"""
        self.held_by_clients.clear()
        for queue in self.queues.values():
            queue.purge()

    # --- StoreEvents ---

    def enqueued(self, message: Message, queues: list[Queue], ticket: int) -> None:
        for queue in queues:
            queue.publish(message, ticket)

    def durable(self, shard: int, up_to: int) -> None:
        assert not self.failure, "something is durable after the store has failed"
        while self._unconfirmed and self._unconfirmed[0][0] <= up_to:
            self.ledger.confirmed(self._unconfirmed.popleft()[1])
            self.confirms += 1
        while self._barriers and self._barriers[0][0] <= up_to:
            self.ledger.settlings_durable(self._barriers.popleft()[1])

    def failed(self, shard: int, reason: str) -> None:
        self.failure = reason

    def held(self, shard: int, reason: str) -> None:
        self.reason = reason

    # --- what clients do ---

    def create(self, name: str) -> None:
        """A durable queue, known before anything is in it."""
        definition = Definition(name, self.next_id, self.moment())
        self.next_id += 1
        self.definitions.append(definition)
        self.queues[name] = self._queue(definition)

    def drop(self, name: str) -> None:
        """A queue is deleted: first its definition, then what is in it."""
        queue = self.queues.pop(name)
        for at, definition in enumerate(self.definitions):
            if definition.name == name:
                self.definitions[at] = definition._replace(dropped=self.moment())
        self.ledger.dropped(name)
        queue.mark_deleted()
        for held in [held for held in self.held_by_clients if held.queue is queue]:
            self.held_by_clients.remove(held)
            queue.requeue(held.entry)

    def publish(self, publisher: str, names: Sequence[str], size: int) -> bytes:
        body = self.ledger.publish(publisher, names, size)
        queues: list[Queue] = [self.queues[name] for name in names]
        ticket = self.store.append(a_stored_message(body), queues)
        if due_of(ticket):
            self.store.due(ticket, due_of(ticket))
        self._unconfirmed.append((ticket, body))
        return body

    def publish_transient(self, publisher: str, name: str, size: int) -> None:
        """No ledger hears of it: it must not outlive the process."""
        body = Ledger(self.ledger.seed + 1).publish(publisher, (), size)
        self.queues[name].publish(a_stored_message(body, persistent=False), 0)

    def get(self, name: str) -> Held | None:
        """basic.get; what is not in memory is waited for."""
        queue = self.queues[name]
        self.bring(queue)
        entry = queue.get(False)
        if entry is None:
            return None
        held = Held(queue, entry, entry.message.body())
        queue.ready.delivered(entry)  # As a queue does with what it delivers to a consumer.
        if entry.ticket > 0:
            self.ledger.delivered(name, held.body)
            if self.first_delivery is None:
                self.first_delivery = self.moment()
        self.held_by_clients.append(held)
        return held

    def bring(self, queue: ClassicQueue) -> None:
        """Have the front of a queue in memory, or know that there is none."""
        answer = queue.when_at_hand()
        for _ in range(20):
            if answer.done:
                return
            if not self.reads.run():
                self.clock.advance(1.0)
        raise AssertionError("nobody brings what was asked for")

    def settle(self, held: Held) -> None:
        self.held_by_clients.remove(held)
        if held.entry.ticket > 0:
            self.ledger.settled(held.queue.name, held.body)
        held.queue.settle(held.entry)

    def requeue(self, held: Held) -> None:
        self.held_by_clients.remove(held)
        if held.entry.ticket > 0:
            self.ledger.requeued(held.queue.name, held.body)
        held.queue.requeue(held.entry)

    def purge(self, name: str) -> None:
        self.ledger.purged(name)
        self.queues[name].purge()
        # What was on its way into memory is let go of once it has come.
        self.reads.run()

    def transact(self, publishes: Sequence[tuple[str, str, int]], settles: Sequence[Held]) -> None:
        """tx.commit of publishes (publisher, queue, size) and acknowledgements."""
        begun = self.moment()
        settled = [(held.queue.name, held.body) for held in settles if held.entry.ticket > 0]
        published = [(name, self.publish(who, [name], size)) for who, name, size in publishes]
        for held in settles:
            self.settle(held)
        self.transactions.append(Transaction(begun, published, settled))
        self.wait_for_settles()

    def wait_for_settles(self) -> None:
        """Once what was settled so far is on disk, the ledger hears of it."""
        self.reads.run()
        count = self.ledger.settlings()
        ticket = self.store.barrier()
        if ticket == 0:
            self.ledger.settlings_durable(count)
        else:
            self._barriers.append((ticket, count))

    # --- time ---

    def turn(self) -> None:
        """One turn of the loop."""
        self.clock.advance(0.0)

    def settle_down(self, seconds: float = 0.2) -> None:
        """Everything that can go on by itself goes on to its end, and some time passes."""
        for _ in range(4):
            self.turn()
            while any(worker.run() for worker in self._all_workers()):
                self.turn()
            self.clock.advance(seconds / 4)

    def _all_workers(self) -> list[ManualWorker]:
        return [self.commits, self.chores, self.reads, self.spills]

    def _queue(self, definition: Definition) -> ClassicQueue:
        queue = ClassicQueue(
            definition.name, True, None, False, {}, self.store, self.clock, self.paging
        )
        queue.id = definition.id
        return queue


def everything_in(world: World) -> dict[str, list[tuple[bytes, bool]]]:
    """Take all that is in the queues, to be given back by whoever asks: bodies with their marks."""
    found: dict[str, list[tuple[bytes, bool]]] = {}
    for name, queue in world.queues.items():
        messages = found[name] = []
        while queue.ready_count:
            world.bring(queue)
            entry = queue.get(False)
            if entry is None:
                continue
            body = entry.message.body()
            messages.append((body, entry.redelivered))
            world.held_by_clients.append(Held(queue, entry, body))
    return found


Step = Callable[[World, Random], None]
