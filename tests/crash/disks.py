"""Disks that stand between a log and its real disk, and do something wrong."""

import errno
import os

from leveret.store.disk import Disk, DiskFile


class DiskBetween(Disk):
    """Passes every call on."""

    def __init__(self, below: Disk) -> None:
        self.below = below

    def open(self, path: str, create: bool = False) -> DiskFile:
        return FileBetween(self, path, self.below.open(path, create))

    def list(self, folder: str) -> list[str]:
        return self.below.list(folder)

    def make_folder(self, folder: str) -> None:
        self.below.make_folder(folder)

    def rename(self, old: str, new: str) -> None:
        self.below.rename(old, new)

    def remove(self, path: str) -> None:
        self.below.remove(path)

    def sync_folder(self, folder: str) -> None:
        self.below.sync_folder(folder)

    def free_bytes(self) -> int:
        return self.below.free_bytes()

    # --- what files ask ---

    def read(self, path: str, file: DiskFile, offset: int, size_bytes: int) -> bytes:
        return file.read(offset, size_bytes)

    def write(self, path: str, file: DiskFile, offset: int, data: bytes) -> None:
        file.write(offset, data)

    def sync(self, path: str, file: DiskFile) -> None:
        file.sync()


class FileBetween(DiskFile):
    """Asks its disk to do it."""

    def __init__(self, disk: DiskBetween, path: str, below: DiskFile) -> None:
        self._disk = disk
        self._path = path
        self._below = below

    def read(self, offset: int, size_bytes: int) -> bytes:
        return self._disk.read(self._path, self._below, offset, size_bytes)

    def write(self, offset: int, data: bytes) -> None:
        self._disk.write(self._path, self._below, offset, data)

    def sync(self) -> None:
        self._disk.sync(self._path, self._below)

    def size(self) -> int:
        return self._below.size()

    def close(self) -> None:
        self._below.close()


class BadSector(DiskBetween):
    """One octet of one file cannot be read."""

    def __init__(self, below: Disk, path: str, offset: int) -> None:
        super().__init__(below)
        self.bad = (path, offset)

    def read(self, path: str, file: DiskFile, offset: int, size_bytes: int) -> bytes:
        if path == self.bad[0] and offset <= self.bad[1] < offset + size_bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return file.read(offset, size_bytes)
