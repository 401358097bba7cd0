"""A log that messages go through for long takes little more disk than what is in it, whatever the
order of acknowledgements; it writes what is published, or nothing if that is gone at once."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import perf_counter

import pytest

from crash.world import a_stored_message
from leveret.broker.message import Message
from leveret.broker.seams import Queue, StoreEvents
from leveret.store.disk import DiskFile, SystemDisk, SystemFile
from leveret.store.log.format import record_size
from leveret.store.log_store import LogStore, Workers
from leveret.testing import ManualClock, ManualWorker

SOAK = bool(os.environ.get("LEVERET_SOAK"))
CYCLES = 10_000_000 if SOAK else 100_000
LAG = 10_000
SEGMENT_BYTES = 16 << 20 if SOAK else 1 << 20
TURN = 100
POINTS = 20
MIB = 1 << 20


Say = Callable[[str], None]


class UnsyncedFile(SystemFile):
    """What it costs to be sure is of no interest here."""

    def sync(self) -> None:
        pass

    def write_through(self, offset: int, data: bytes) -> None:
        self.write(offset, data)


class UnsyncedDisk(SystemDisk):
    """The system's files, without waiting for the disk."""

    def open(self, path: str, create: bool = False) -> DiskFile:
        file = super().open(path, create)
        assert isinstance(file, SystemFile)
        return UnsyncedFile(file._descriptor)

    def sync_folder(self, folder: str) -> None:
        pass


class OneQueue(Queue):
    """Whose messages the test itself remembers."""


class Events(StoreEvents):
    """All goes well."""

    def enqueued(self, message: Message, queues: list[Queue], ticket: int) -> None:
        pass

    def durable(self, shard: int, up_to: int) -> None:
        self.up_to = up_to

    def failed(self, shard: int, reason: str) -> None:
        raise AssertionError(reason)

    def held(self, shard: int, reason: str) -> None:
        assert reason in ("", "the disk is slower than the publishers")


class Curve:
    """What a run has taken of the disk, and written, at some points of its way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk: list[int] = []
        self.written: list[float] = []
        self.published = 0

    def note(self, store: LogStore) -> None:
        files = os.scandir(self.folder / "log")
        self.disk.append(sum(file.stat().st_size for file in files))
        self.written.append(int(store.log.bytes_written) / self.published)

    def say(self, say: Say, title: str, seconds: float) -> None:
        say(f"{title}: {CYCLES:,} cycles, {seconds:.1f} s")
        say("  disk, MiB: " + " ".join(f"{size / MIB:.0f}" for size in self.disk))
        written = " ".join(f"{ratio:.2f}" for ratio in self.written)
        say(f"  octets written per octet published: {written}")


def cycle(folder: Path, say: Say, title: str, lag: int, kept: int = 0) -> Curve:
    """Publish and settle so many messages, `lag` of them behind in random order; the first `kept`
    are never settled."""
    random = Random(1)
    workers = [ManualWorker() for _ in range(4)]
    clock = ManualClock()
    store = LogStore(
        UnsyncedDisk(folder), Workers(*workers), clock, random.randbytes, SEGMENT_BYTES
    )
    store.events = Events()
    store.open()
    store.recover([])
    queue = OneQueue()
    queue.id = 1
    queues: list[Queue] = [queue]
    message = a_stored_message(bytes(512))
    size = int(record_size(message))
    curve = Curve(folder)
    tickets = [store.append(message, queues) for _ in range(kept)][:0]
    append, settle, pick = store.append, store.settle, random.random
    began = perf_counter()
    for turn in range(1, CYCLES // TURN + 1):
        for _ in range(TURN):
            tickets.append(append(message, queues))
            count = len(tickets)
            if count > lag:
                at = int(pick() * count)
                tickets[at], ticket = tickets[-1], tickets[at]
                tickets.pop()
                settle(queue, ticket)
        clock.advance(0.001)
        while any(worker.run() for worker in workers):
            clock.advance(0.0)
        curve.published += TURN * size
        if turn % (CYCLES // TURN // POINTS) == 0:
            curve.note(store)
    curve.say(say, title, perf_counter() - began)
    assert store.log.places.count == len(tickets) + kept
    for worker in workers:
        worker.close()
    store.close()
    return curve


def bound(lag: int) -> int:
    """What the disk may hold: twice what is needed, and some segments."""
    return 2 * lag * 700 + 9 * SEGMENT_BYTES


@pytest.mark.timeout(CYCLES // 1000)
@pytest.mark.parametrize("kept", [0, 1], ids=["all settled", "one never settled"])
def test_acknowledgements_in_random_order_leave_the_disk_flat(
    tmp_path: Path, say: Say, kept: int
) -> None:
    title = f"acks {LAG:,} behind in random order" + ", one message never acked" * kept
    curve = cycle(tmp_path, say, title, LAG, kept)
    settled = curve.disk[POINTS // 2 :]
    assert max(settled) <= bound(LAG)
    assert max(settled) <= max(curve.disk[: POINTS // 2]) + 2 * SEGMENT_BYTES
    assert curve.written[-1] >= 0.9, "something is not on disk that should be"
    assert curve.written[-1] <= 2.5, "copying writes too much"


@pytest.mark.timeout(CYCLES // 1000)
def test_what_is_acknowledged_at_once_is_not_written(tmp_path: Path, say: Say) -> None:
    curve = cycle(tmp_path, say, "acks at once", 0)
    assert curve.written[-1] <= 0.01
    assert max(curve.disk) <= 4 * SEGMENT_BYTES
