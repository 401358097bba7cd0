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
