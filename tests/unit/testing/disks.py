"""Faulty disks to begin with, and ways to look at what a power cut may leave of one."""

from collections.abc import Iterable
from random import Random

from leveret.testing.faulty_disk import FaultyDisk

SECTOR = 512


def a_disk() -> FaultyDisk:
    """With a folder `log` and in it a file `log/1` of 4 sectors of zeros, all of it durable."""
    disk = FaultyDisk()
    disk.make_folder("log")
    file = disk.open("log/1", create=True)
    file.write(0, bytes(4 * SECTOR))
    file.sync()
    file.close()
    disk.sync_folder("log")
    return disk.at(len(disk.operations))


def states(disk: FaultyDisk, limit: int = 10_000) -> list[FaultyDisk]:
    return list(disk.crash_states(Random(1), limit))


def contents(disks: Iterable[FaultyDisk], path: str = "log/1") -> set[bytes]:
    return {disk.content(path) for disk in disks}


def listings(disk: FaultyDisk) -> set[tuple[str, ...]]:
    return {tuple(state.files()) for state in states(disk)}


def lost(disk: FaultyDisk) -> FaultyDisk:
    """The disk after a power cut that took all it could."""
    return next(disk.crash_states(Random(1), 1))
