"""The disk, as the message log uses it: a seam, and the operating system's side of it.

Everything that the log does to files goes through these calls, so that a test can stop after any
of them, tear a write, lose what was not synced, or answer with an error
(`leveret.testing.faulty_disk`). What each call promises is what POSIX promises and no more: a
write is on disk after `DiskFile.sync`, a new, renamed or removed name after `Disk.sync_folder`.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
# 0 where the system has no write that returns once the data is on disk.
RWF_DSYNC: Final[int] = getattr(os, "RWF_DSYNC", 0)


class SyncError(Exception):
    """A sync failed: what is on disk is unknown."""


class DiskFile:
    """An open file. Every call may raise OSError."""

    def read(self, offset: int, size_bytes: int) -> bytes:
        """The octets from `offset` on; fewer only where the file ends."""
        raise NotImplementedError

    def write(self, offset: int, data: bytes) -> None:
        """Write all of `data`; beyond the end, the file grows. After an error any part of it may
        have been written."""
        raise NotImplementedError

    def sync(self) -> None:
        """Return once everything written is on disk (fdatasync). After an error nobody knows what
        is: it must not be called again for the same data."""
        raise NotImplementedError

    def write_through(self, offset: int, data: bytes) -> None:
        """`write` and `sync`. Raises `SyncError` if the data was written and what is on disk is
        unknown."""
        self.write(offset, data)
        try:
            self.sync()
        except OSError as error:
            raise SyncError(str(error)) from error

    def size(self) -> int:
        """The file's size in octets."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        raise NotImplementedError


class Disk:
    """Files in one folder tree, by paths relative to its root with `/` in them. Every call may
    raise OSError."""

    def open(self, path: str, create: bool = False) -> DiskFile:
        """Open a file for reading and writing; `create` makes it, and it must not exist yet."""
        raise NotImplementedError

    def list(self, folder: str) -> list[str]:
        """The names in a folder, sorted; none if there is no such folder."""
        raise NotImplementedError

    def make_folder(self, folder: str) -> None:
        """Make a folder, unless it is there; its name is on disk when this returns."""
        raise NotImplementedError

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, replacing a file that has it."""
        raise NotImplementedError

    def remove(self, path: str) -> None:
        """Remove a file."""
        raise NotImplementedError

    def sync_folder(self, folder: str) -> None:
        """Return once the names in a folder are on disk."""
        raise NotImplementedError

    def free_bytes(self) -> int:
        """How much more the disk can hold."""
        raise NotImplementedError


class SystemFile(DiskFile):
    """A file of the operating system's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size_bytes: int) -> bytes:
        data = _read_at(self._descriptor, size_bytes, offset)
        if len(data) == size_bytes or not data:
            return data
        # A read may be short without the end being reached (signals, network file systems).
        parts = [data]
        have = len(data)
        while have < size_bytes:
            data = _read_at(self._descriptor, size_bytes - have, offset + have)
            if not data:
                break
            parts.append(data)
            have += len(data)
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        done = _write_at(self._descriptor, data, offset)
        while done < len(data):
            done += _write_at(self._descriptor, memoryview(data)[done:], offset + done)

    def sync(self) -> None:
        _sync_data(self._descriptor)

    def write_through(self, offset: int, data: bytes) -> None:
        if not RWF_DSYNC:
            super().write_through(offset, data)
            return
        # One call for both: a thread that comes back from a call waits for the interpreter, and
        # the loop is busy. What it leaves to do takes the ordinary road, errors included.
        done = 0
        try:
            done = os.pwritev(self._descriptor, [data], offset, RWF_DSYNC)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                super().write_through(offset, data)
                return
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise SyncError(str(error)) from error
            raise
        if done < len(data):
            super().write_through(offset + done, data[done:])

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class SystemDisk(Disk):
    """The folder tree below `root`, which exists. If `read_only`, files are opened for nothing
    but reading, so that those of others and on media that cannot be written can be looked at."""

    def __init__(self, root: Path, read_only: bool = False) -> None:
        self.root = root
        self._access = os.O_RDONLY if read_only else os.O_RDWR

    def open(self, path: str, create: bool = False) -> DiskFile:
        flags = self._access | getattr(os, "O_BINARY", 0)
        if create:
            flags |= os.O_CREAT | os.O_EXCL
        return SystemFile(os.open(self.root / path, flags, PRIVATE_FILE))

    def list(self, folder: str) -> list[str]:
        try:
            return sorted(os.listdir(self.root / folder))
        except FileNotFoundError:
            return []

    def make_folder(self, folder: str) -> None:
        path = self.root / folder
        path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        sync_names(path.parent)

    def rename(self, old: str, new: str) -> None:
        os.replace(self.root / old, self.root / new)

    def remove(self, path: str) -> None:
        os.unlink(self.root / path)

    def sync_folder(self, folder: str) -> None:
        sync_names(self.root / folder)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free


if sys.platform == "win32":
    # No positioned reads and writes there; a file of the log is used by one thread at a time.
    def _read_at(descriptor: int, size_bytes: int, offset: int) -> bytes:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size_bytes)

    def _write_at(descriptor: int, data: bytes | memoryview, offset: int) -> int:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)

    def _sync_data(descriptor: int) -> None:
        os.fsync(descriptor)

    def sync_names(folder: Path) -> None:
        """Folders cannot be opened there; NTFS journals names by itself."""
else:

    def _read_at(descriptor: int, size_bytes: int, offset: int) -> bytes:
        return os.pread(descriptor, size_bytes, offset)

    def _write_at(descriptor: int, data: bytes | memoryview, offset: int) -> int:
        return os.pwrite(descriptor, data, offset)

    def sync_names(folder: Path) -> None:
        """Return once the names in a folder are on disk."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    if sys.platform == "darwin":
        import fcntl

        def _sync_data(descriptor: int) -> None:
            # fsync leaves the data in the drive's cache there.
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:

        def _sync_data(descriptor: int) -> None:
            os.fdatasync(descriptor)
