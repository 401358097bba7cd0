"""The faulty disk and the ledger together: they find every mistake that a log can make, and none
where there is none. The log is a toy, so that what is tested here are the instruments.
"""

import errno
import struct
from collections.abc import Iterator
from random import Random
from zlib import crc32

import pytest

from crash.ledger import Ledger, Recovered, read_body
from leveret.store.disk import Disk, DiskFile
from leveret.testing.faulty_disk import FaultyDisk

SEGMENT = 4096
HEADER = struct.Struct(">BII")
PUBLISHED, SETTLED = 1, 2

MISTAKES = [
    "confirms before the sync",
    "does not sync the folder",
    "forgets settlings",
    "trusts lengths",
    "leaves the header out of the checksum",
    "syncs again after a failure",
    "confirms in spite of a failure",
]


class ToyLog:
    """Records in segments that are filled with zeros ahead; one write and one sync a commit."""

    def __init__(self, disk: Disk, ledger: Ledger, mistake: str) -> None:
        self.disk = disk
        self.ledger = ledger
        self.mistake = mistake
        self.batch = b""
        self.waiting: list[bytes] = []
        self.end = 0
        self.segments = len(disk.list("log"))
        if self.segments and mistake == "writes on where a torn batch begins":
            self.file = disk.open(f"log/{self.segments:04}")
            self.end = end_of(self.file.read(0, SEGMENT), mistake)
        else:
            disk.make_folder("log")
            self.file = self.new_segment()

    def new_segment(self) -> DiskFile:
        self.segments += 1
        file = self.disk.open(f"log/{self.segments:04}", create=True)
        file.write(0, bytes(SEGMENT))
        file.sync()
        if self.mistake != "does not sync the folder":
            self.disk.sync_folder("log")
        return file

    def publish(self, body: bytes) -> None:
        self.batch += record(PUBLISHED, body, self.mistake)
        self.waiting.append(body)

    def settle(self, body: bytes) -> None:
        self.ledger.settled("q", body)
        if self.mistake != "forgets settlings":
            self.batch += record(SETTLED, body, self.mistake)

    def commit(self) -> None:
        if self.end + len(self.batch) > SEGMENT:
            self.file, self.end = self.new_segment(), 0
        if self.mistake == "confirms before the sync":
            self.confirm()
        try:
            self.file.write(self.end, self.batch)
            self.file.sync()
        except OSError:
            if self.mistake == "syncs again after a failure":
                self.file.sync()
            elif self.mistake != "confirms in spite of a failure":
                raise
        self.end += len(self.batch)
        self.batch = b""
        self.confirm()
        self.ledger.settlings_durable()

    def confirm(self) -> None:
        for body in self.waiting:
            self.ledger.confirmed(body)
        self.waiting.clear()


def checksum_of(kind: int, body: bytes, mistake: str) -> int:
    # Of the body alone it would be 0 for none: a header torn after its first octet would be valid.
    return crc32(body, 0 if mistake == "leaves the header out of the checksum" else kind)


def record(kind: int, body: bytes, mistake: str) -> bytes:
    return HEADER.pack(kind, len(body), checksum_of(kind, body, mistake)) + body


def records(octets: bytes, mistake: str) -> Iterator[tuple[int, bytes]]:
    """Up to the first that is damaged."""
    at = 0
    while at + HEADER.size <= len(octets):
        kind, size, checksum = HEADER.unpack_from(octets, at)
        at += HEADER.size
        body = octets[at : at + size]
        if kind not in (PUBLISHED, SETTLED):
            return
        damaged = len(body) < size or checksum_of(kind, body, mistake) != checksum
        if damaged and mistake != "trusts lengths":
            return
        yield kind, body
        at += size


def end_of(octets: bytes, mistake: str) -> int:
    return sum(HEADER.size + len(body) for _, body in records(octets, mistake))


def recover(disk: Disk, mistake: str) -> Recovered:
    messages: dict[bytes, bool] = {}
    for name in disk.list("log"):
        for kind, body in records(disk.open(f"log/{name}").read(0, SEGMENT), mistake):
            if kind == PUBLISHED:
                messages[body] = True
            else:
                messages.pop(body, None)
    return {"q": list(messages.items())}


def work(log: ToyLog, random: Random) -> None:
    """Publishing and settling in any order, at most two commits' worth of it unsettled."""
    there: list[bytes] = []
    for _ in range(25):
        for _ in range(random.randrange(1, 4)):
            body = log.ledger.publish("p", ["q"], size=random.choice([40, 300, 900]))
            log.publish(body)
            there.append(body)
        log.commit()
        random.shuffle(there)
        while len(there) > 4:
            log.settle(there.pop())


def every_cut(seed: int, mistake: str) -> tuple[int, list[str]]:
    """How many states were looked at, and what is wrong in the first that has anything wrong."""
    disk = FaultyDisk()
    ledger = Ledger(seed, lambda: len(disk.operations))
    work(ToyLog(disk, ledger, mistake), Random(seed))
    looked_at = 0
    for moment in disk.cut_points():
        for state in disk.states_at(moment, Random(seed), 40):
            looked_at += 1
            found = ledger.violations(recover(state, mistake), at=moment)
            if found:
                return looked_at, found
    return looked_at, []


def every_failure(seed: int, mistake: str) -> tuple[int, list[str]]:
    """The same, for runs in which one call fails: as a restarted process finds the disk, and as a
    power cut leaves it."""
    looked_at = 0
    for number in range(1, 1000):
        disk = FaultyDisk()
        disk.fail(number, errno.EIO)
        ledger = Ledger(seed, lambda disk=disk: len(disk.operations))
        try:
            work(ToyLog(disk, ledger, mistake), Random(seed))
        except OSError:
            assert disk.failures
        if not disk.failures:
            break
        disk.restart()
        for state in (disk, *disk.crash_states(Random(seed), 10)):
            looked_at += 1
            found = ledger.violations(recover(state, mistake))
            if found:
                return looked_at, found
    return looked_at, []


def test_a_log_without_a_mistake_passes() -> None:
    looked_at = 0
    for seed in range(3):
        for explore in (every_cut, every_failure):
            count, found = explore(seed, "")
            assert found == []
            looked_at += count
    assert looked_at > 2000


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_of_a_log_is_found(mistake: str) -> None:
    found = [
        explore(seed, mistake)[1] for seed in range(3) for explore in (every_cut, every_failure)
    ]
    assert any(found)


@pytest.mark.parametrize("mistake", ["", "writes on where a torn batch begins"])
def test_what_a_crash_left_behind_comes_back_only_by_mistake(mistake: str) -> None:
    """Of a batch the first record is lost and the second is on disk; a later record takes the
    place of the first."""
    disk = FaultyDisk()
    log = ToyLog(disk, Ledger(), mistake)
    for _ in range(2):
        log.publish(log.ledger.publish("p", ["q"], size=1000))
    disk.fail(1, errno.EIO, "sync")
    disk.failed_sync_drops = False
    with pytest.raises(OSError):
        log.commit()
    wrong = 0
    for state in disk.crash_states(Random(1), 1000):
        ledger = Ledger()
        for _ in range(2):
            ledger.publish("p", ["q"], size=1000)
        recovered = recover(state, mistake)
        ledger.check(recovered)
        ledger.resume(recovered)
        log = ToyLog(state, ledger, mistake)
        log.publish(ledger.publish("p", ["q"], size=1000))
        log.commit()
        found = ledger.violations(recover(next(state.crash_states(Random(1), 1)), mistake))
        wrong += any(violation.startswith("resurrected") for violation in found)
    assert bool(wrong) == bool(mistake)


def test_a_body_that_was_stored_can_be_read_by_anyone() -> None:
    disk = FaultyDisk()
    log = ToyLog(disk, Ledger(seed=3), "")
    log.publish(log.ledger.publish("p", ["q"]))
    log.commit()
    [(body, _)] = recover(next(disk.crash_states(Random(1), 1)), "")["q"]
    assert read_body(body) == (3, "p", 0)
