"""The operating system's disk and the faulty one keep the same promises."""

import os
import sys
from itertools import count
from pathlib import Path
from random import Random

import pytest

from leveret.store.disk import Disk, DiskFile, SystemDisk
from leveret.testing.faulty_disk import FaultyDisk
from leveret.testing.kits import check_disk


def test_the_system_s_disk_keeps_the_contract(tmp_path: Path) -> None:
    numbers = count()

    def make() -> Disk:
        root = tmp_path / str(next(numbers))
        root.mkdir()
        return SystemDisk(root)

    def reopen(disk: Disk) -> Disk:
        assert isinstance(disk, SystemDisk)
        return SystemDisk(disk.root)

    check_disk(make, reopen=reopen)


def test_the_faulty_disk_keeps_the_contract() -> None:
    check_disk(FaultyDisk)


def after_a_power_cut(disk: Disk) -> Disk:
    assert isinstance(disk, FaultyDisk)
    return next(disk.crash_states(Random(1), 1))


def test_the_faulty_disk_keeps_its_promises_through_a_power_cut() -> None:
    check_disk(FaultyDisk, reopen=after_a_power_cut)


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes there")
def test_files_and_folders_are_private(tmp_path: Path) -> None:
    disk = SystemDisk(tmp_path)
    disk.make_folder("log")
    disk.open("log/1", create=True).close()
    assert os.stat(tmp_path / "log").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "log" / "1").st_mode & 0o777 == 0o600


class Overwriting(FaultyDisk):
    """`create` takes what is there."""

    def open(self, path: str, create: bool = False) -> DiskFile:
        return super().open(path, create and path not in self.files())


class Unsorted(FaultyDisk):
    def list(self, folder: str) -> list[str]:
        return super().list(folder)[::-1]


class Timid(FaultyDisk):
    """A rename replaces nothing."""

    def rename(self, old: str, new: str) -> None:
        if new not in self.files():
            super().rename(old, new)


class Forgetful(FaultyDisk):
    """Names are never synced."""

    def sync_folder(self, folder: str) -> None:
        pass


@pytest.mark.parametrize("broken", [Overwriting, Unsorted, Timid, Forgetful])
def test_a_broken_disk_is_noticed(broken: type[FaultyDisk]) -> None:
    with pytest.raises(AssertionError):
        check_disk(broken, reopen=after_a_power_cut)


def test_a_disk_for_reading_opens_nothing_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    file = SystemDisk(tmp_path, read_only=True).open("file")
    assert file.read(0, 10) == b"kept"
    with pytest.raises(OSError, match="Bad file descriptor"):
        file.write(0, b"gone")
    file.close()
    assert (tmp_path / "file").read_bytes() == b"kept"
