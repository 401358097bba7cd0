"""Messages that cannot leave memory stay there, and the disk is not asked for each of them."""

import errno
import logging

import pytest

from crash.disks import DiskBetween
from crash.small_store import SmallStore, message_of
from leveret.store.disk import DiskFile
from leveret.testing import FaultyDisk


class NoSpillFiles(DiskBetween):
    """Has no room for files to spill to, while `full`."""

    full = True
    asked = 0

    def open(self, path: str, create: bool = False) -> DiskFile:
        if create and path.startswith("spill/"):
            self.asked += 1
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device", path)
        return super().open(path, create)


def test_a_disk_that_is_full_is_asked_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    disk = NoSpillFiles(FaultyDisk())
    small = SmallStore(disk).open(11)
    for second in range(3):
        assert [small.store.spill(message_of(b"t")) for _ in range(50)] == [0] * 50
        assert disk.asked == second + 1
        small.clock.advance(1.0)
    assert [each.message.partition(":")[0] for each in caplog.records] == [
        "messages cannot leave memory"
    ]
    disk.full = False
    assert small.store.spill(message_of(b"t")) == -1


SPILLED_BYTES = 600


class Spilled:
    """A store that has spilled twenty messages, into several files."""

    def __init__(self, disk: DiskBetween) -> None:
        self.small = SmallStore(disk).open(11)
        self.tickets: list[int] = []
        for number in range(20):
            self.spill(number)

    def spill(self, number: int) -> None:
        message = message_of(number.to_bytes(2) * (SPILLED_BYTES // 2))
        self.tickets.append(int(self.small.store.spill(message)))
        self.small.turn()

    def settle(self, tickets: list[int]) -> None:
        for ticket in tickets:
            self.small.settle(11, ticket)
        for _ in range(5):
            self.small.turn()

    def segments(self) -> list[str]:
        return self.small.disk.list("spill")


class NamesUnsynced(DiskBetween):
    """Cannot sync the names in the folder of what has spilled, once it is `failing`."""

    failing = False

    def sync_folder(self, folder: str) -> None:
        if folder == "spill" and self.failing:
            raise OSError(errno.EIO, "Input/output error", folder)
        super().sync_folder(folder)


@pytest.mark.parametrize("when", ["from the start", "later"])
def test_nobody_minds_whether_the_names_of_what_has_spilled_are_on_disk(when: str) -> None:
    """Nothing in there outlives the process."""
    disk = NamesUnsynced(FaultyDisk())
    disk.failing = when == "from the start"
    spilled = Spilled(disk)
    disk.failing = True
    assert 0 not in spilled.tickets
    before = len(spilled.segments())
    spilled.settle(spilled.tickets[:15])
    assert len(spilled.segments()) < before, "no file has gone"
    spilled.spill(20)
    answer = spilled.small.store.fetch(spilled.tickets[15:])
    spilled.small.turn()
    assert isinstance(answer.value, list)
    bodies = [message.body() for message in answer.value if message is not None]
    assert bodies == [number.to_bytes(2) * (SPILLED_BYTES // 2) for number in range(15, 21)]
    assert spilled.small.events.failures == []


def test_what_has_spilled_and_is_damaged_takes_no_place_of_what_is_set_aside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faulty = FaultyDisk()
    spilled = Spilled(DiskBetween(faulty))
    first = spilled.segments()[0]
    path = f"spill/{first}"
    faulty.flip(path, faulty.content(path).index(b"\0\1" * 100) + 100)
    answer = spilled.small.store.fetch(spilled.tickets[:2])
    spilled.small.turn()
    assert isinstance(answer.value, list)
    assert [message is None for message in answer.value] == [False, True]
    assert "1 messages are damaged and lost" in caplog.text
    assert "is kept" not in caplog.text
    spilled.settle(spilled.tickets)
    assert first not in spilled.segments()
    assert faulty.list("set-aside") == []
