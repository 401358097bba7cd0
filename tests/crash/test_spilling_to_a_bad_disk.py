"""A disk that fails where messages spill to costs spilling and nothing else: they need not last."""

import errno
import logging
import os

import pytest

from crash.disks import DiskBetween
from crash.small_store import Events, SmallStore, message_of
from leveret.store.disk import DiskFile
from leveret.testing import FaultyDisk

BODY_BYTES = 600


class BadSpillDisk(DiskBetween):
    """Fails under `spill/`, with `code`: at those calls that are in `failing`."""

    failing: tuple[str, ...] = ()
    code = errno.EIO

    def open(self, path: str, create: bool = False) -> DiskFile:
        self._fail("create" if create else "open", path)
        return super().open(path, create)

    def read(self, path: str, file: DiskFile, offset: int, size_bytes: int) -> bytes:
        self._fail("read", path)
        return super().read(path, file, offset, size_bytes)

    def write(self, path: str, file: DiskFile, offset: int, data: bytes) -> None:
        self._fail("write", path)
        super().write(path, file, offset, data)

    def _fail(self, call: str, path: str) -> None:
        if path.startswith("spill/") and call in self.failing:
            raise OSError(self.code, os.strerror(self.code), path)


class Holds(Events):
    """Knows whether publishers wait."""

    reason = ""

    def held(self, shard: int, reason: str) -> None:
        self.reason = reason


class Spilling:
    """A store that spills, on a disk that can fail."""

    def __init__(self) -> None:
        self.disk = BadSpillDisk(FaultyDisk())
        self.small = SmallStore(self.disk)
        self.events = self.small.events = self.small.store.events = Holds()
        self.small.open(11)
        self.tickets: list[int] = []

    def spill(self) -> bool:
        """Spill one more message; whether it may leave memory."""
        body = len(self.tickets).to_bytes(2) * (BODY_BYTES // 2)
        ticket = int(self.small.store.spill(message_of(body)))
        if ticket == 0:
            return False
        self.tickets.append(ticket)
        return True

    def served(self) -> list[int]:
        """The numbers of the messages that come back."""
        answer = self.small.store.fetch(self.tickets)
        for _ in range(5):
            self.small.turn()
        assert isinstance(answer.value, list)
        return [int.from_bytes(each.body()[:2]) for each in answer.value if each is not None]


@pytest.fixture
def spilling() -> Spilling:
    return Spilling()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage().partition(":")[0] for each in caplog.records]


@pytest.mark.parametrize("call", ["write", "create"])
def test_nothing_more_is_spilled_and_the_broker_goes_on(
    spilling: Spilling, caplog: pytest.LogCaptureFixture, call: str
) -> None:
    caplog.set_level(logging.ERROR)
    spilling.spill()
    spilling.small.turn()
    spilling.disk.failing = (call,)
    while spilling.spill() and len(spilling.tickets) < 50:
        spilling.small.turn()
    assert len(spilling.tickets) < 50, "it is spilled to a disk that fails"
    for _ in range(3):
        spilling.small.turn()
        assert not spilling.spill()
    assert errors(caplog) == ["messages cannot leave memory any more"]
    assert (spilling.events.failures, spilling.events.reason) == ([], "")
    ticket = spilling.small.publish(b"stored", 11)
    spilling.small.turn()
    assert spilling.events.up_to == ticket


def test_what_was_spilled_before_and_what_was_on_its_way_is_served(spilling: Spilling) -> None:
    for _ in range(5):
        spilling.spill()
    spilling.small.turn()
    spilling.disk.failing = ("write",)
    for _ in range(5):
        spilling.spill()
    spilling.small.turn()
    assert not spilling.spill()
    assert spilling.served() == list(range(10))
    for ticket in spilling.tickets:
        spilling.small.settle(11, ticket)


def test_what_cannot_be_read_back_is_reported_as_lost(
    spilling: Spilling, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        spilling.spill()
    spilling.small.turn()
    spilling.disk.failing = ("write", "read")
    for _ in range(5):
        spilling.spill()
    spilling.small.turn()
    assert spilling.served() == list(range(5, 10))
    lost = [each.getMessage() for each in caplog.records if "lost" in each.getMessage()]
    assert "damaged and lost" in lost[-1]


def test_publishers_that_wait_for_the_disk_go_on_once_it_has_failed(spilling: Spilling) -> None:
    spilling.small.worker.idle = True
    spilling.spill()
    spilling.small.turn()
    message = message_of(bytes(1 << 20))
    for _ in range(5):
        assert spilling.small.store.spill(message) < 0
    assert spilling.events.reason != ""
    spilling.disk.failing = ("write", "create")
    spilling.small.worker.resume()
    for _ in range(3):
        spilling.small.turn()
    assert (spilling.events.failures, spilling.events.reason) == ([], "")


def test_the_store_stops_as_ever(spilling: Spilling) -> None:
    spilling.spill()
    spilling.small.turn()
    spilling.disk.failing = ("write",)
    spilling.spill()
    spilling.small.turn()
    spilling.small.stop()


def test_a_commit_that_finds_the_disk_full_after_spilling_has_ended_holds_nobody(
    spilling: Spilling,
) -> None:
    small, disk = spilling.small, spilling.disk
    small.chores.idle = small.worker.idle = True
    assert spilling.spill(), "its commit is under way, and the next file is being made"
    small.clock.advance(0)
    disk.failing = ("create",)
    small.chores.resume()
    small.turn()
    assert small.store.spilled.failure
    disk.failing, disk.code = ("write",), errno.ENOSPC
    small.worker.resume()
    small.turn()
    assert spilling.events.reason == ""
