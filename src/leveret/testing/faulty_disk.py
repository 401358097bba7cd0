"""A disk in memory that fails when it is told to, and knows every way a power cut could end.

    disk = FaultyDisk()
    disk.fail(3, errno.EIO, "write")
    store_something_on(disk)
    for state in disk.crash_states(Random(1), 1000):
        read_it_back_from(state)

It is as unkind as POSIX allows: nothing is durable but what was synced, the octets of a file by
`DiskFile.sync` and its name by `Disk.sync_folder`.
"""

from __future__ import annotations

import errno
import os
from bisect import bisect_right
from threading import RLock
from typing import TYPE_CHECKING, Final, NamedTuple

from leveret.store.disk import Disk, DiskFile
from leveret.testing.disk_image import DiskImage, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

KINDS: Final = frozenset(
    ["open", "read", "write", "sync", "list", "make_folder", "rename", "remove", "sync_folder"]
)
SNAPSHOT_EVERY: Final = 64


class PowerCut(BaseException):
    """The machine is off, as far as the caller is concerned: no `except Exception` goes on."""


class Operation(NamedTuple):
    """A call that was made, whether it worked or not. For a file, `path` is what it was opened as;
    of a rename it is the old name."""

    kind: str
    path: str
    offset: int = 0
    size: int = 0


class _Fault:
    """What will happen at a call that is yet to come; without `errno`, a power cut."""

    __slots__ = ("calls_left", "errno", "kind", "times", "written")

    def __init__(self, calls_left: int, errno: int, kind: str, written: int, times: int) -> None:
        self.calls_left = calls_left
        self.errno = errno
        self.kind = kind
        self.written = written
        self.times = times

    def error(self, path: str) -> BaseException:
        return OSError(self.errno, os.strerror(self.errno), path) if self.errno else PowerCut()


class _Change(NamedTuple):
    """What a call did to the disk: a method of `DiskImage` and its arguments."""

    moment: int
    method: str
    arguments: tuple[object, ...]


class FaultyFile(DiskFile):
    """An open file of a `FaultyDisk`; it outlives its name."""

    def __init__(self, disk: FaultyDisk, path: str, inode: int) -> None:
        self._disk = disk
        self._path = path
        self._inode = inode
        self._closed = False

    def read(self, offset: int, size_bytes: int) -> bytes:
        with self._disk.lock:
            self._check(offset)
            self._disk.call("read", self._path, offset, size_bytes)
            return self._disk.image.inodes[self._inode].content.read(offset, size_bytes)

    def write(self, offset: int, data: bytes) -> None:
        with self._disk.lock:
            self._check(offset)
            self._disk.write(self._path, self._inode, offset, bytes(data))

    def sync(self) -> None:
        with self._disk.lock:
            self._check()
            self._disk.sync(self._path, self._inode)

    def size(self) -> int:
        with self._disk.lock:
            self._check()
            return self._disk.image.inodes[self._inode].content.size

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._disk.closed(self._inode)

    def _check(self, offset: int = 0) -> None:
        if self._disk.stopped:
            raise PowerCut
        code = errno.EBADF if self._closed else errno.EINVAL if offset < 0 else 0
        if code:
            raise OSError(code, os.strerror(code), self._path)


class FaultyDisk(Disk):
    """A disk in memory, empty at first. It may be used by several threads.

    - `operations`: every call so far, `failures`: those that were made to fail.
    - `capacity_bytes`: how much the files may hold together; it can be changed at any time.
    - `failed_sync_drops`: what a failed sync was to write is never written (as Linux does it: the
      pages count as clean), though still read; otherwise the next sync writes it.
    - `stopped`: whether the power cut of `stop_after` has come.
    """

    def __init__(self, capacity_bytes: int = 1 << 40, image: DiskImage | None = None) -> None:
        self.capacity_bytes = capacity_bytes
        self.failed_sync_drops = True
        self.operations: list[Operation] = []
        self.failures: list[Operation] = []
        self.stopped = False
        self.lock = RLock()
        self.image = DiskImage() if image is None else image
        self._faults: list[_Fault] = []
        self._changes: list[_Change] = []
        self._snapshots: list[DiskImage] = []
        self._handles: dict[int, int] = {}

    # --- Disk ---

    def open(self, path: str, create: bool = False) -> DiskFile:
        with self.lock:
            self.call("open", path)
            if create:
                self._check_folder(folder_of(path), path)
                if path in self.image.names or path in self.image.folders:
                    raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), path)
                self._change("create", path)
            inode = self.image.inode(path)
            self._handles[inode] = self._handles.get(inode, 0) + 1
            return FaultyFile(self, path, inode)

    def list(self, folder: str) -> list[str]:
        with self.lock:
            self.call("list", folder)
            paths = [*self.image.names, *(self.image.folders - {""})]
            return sorted(path.rpartition("/")[2] for path in paths if folder_of(path) == folder)

    def make_folder(self, folder: str) -> None:
        with self.lock:
            self.call("make_folder", folder)
            self._check_folder(folder_of(folder), folder)
            if folder in self.image.names:
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), folder)
            self._change("make_folder", folder)

    def rename(self, old: str, new: str) -> None:
        with self.lock:
            self.call("rename", old)
            self.image.inode(old)
            self._check_folder(folder_of(new), new)
            if new in self.image.folders:
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), new)
            self._change("rename", old, new)

    def remove(self, path: str) -> None:
        with self.lock:
            self.call("remove", path)
            self.image.inode(path)
            self._change("remove", path)

    def sync_folder(self, folder: str) -> None:
        with self.lock:
            self.call("sync_folder", folder)
            self._check_folder(folder, folder)
            self._change("sync_folder", folder)

    def free_bytes(self) -> int:
        with self.lock:
            if self.stopped:
                raise PowerCut
            return max(0, self.capacity_bytes - self._used_bytes())

    # --- what will go wrong ---

    def stop_after(self, calls: int, written: int = 0) -> None:
        """The power fails in the call of this number from now, 1 for the next: it and all that
        follow raise `PowerCut`. It has done nothing, but if it is a write, so many octets."""
        self._faults.append(_Fault(calls, 0, "", written, 1))

    def fail(
        self, calls: int, errno: int, kind: str | None = None, written: int = 0, times: int = 1
    ) -> None:
        """The call of this number from now, 1 for the next, fails with this error, and so do the
        following ones up to `times`. With a kind (one of `KINDS`) only such calls count. It has
        done nothing, but if it is a write, so many octets."""
        if kind is not None and kind not in KINDS:
            raise ValueError(f"no kind of call: {kind}")
        self._faults.append(_Fault(calls, errno, kind or "", written, times))

    def restart(self) -> None:
        """Nothing is planned to fail any more, and a disk that was stopped works again with all
        that was written: what a process finds that was killed and not the machine."""
        self.stopped = False
        self._faults.clear()

    def flip(self, path: str, offset: int, mask: int = 0xFF) -> None:
        """Bits of an octet of a file change on the medium; no operation."""
        with self.lock:
            inode = self.image.inode(path)
            if not 0 <= offset < self.image.inodes[inode].content.size:
                raise ValueError(f"{path} has no octet {offset}")
            self._change("flip", inode, offset, mask)

    # --- what is there ---

    def files(self) -> Sequence[str]:
        """The paths of all files, sorted; no operation."""
        return sorted(self.image.names)

    def content(self, path: str) -> bytes:
        """What a file holds for who reads it now; no operation."""
        content = self.image.inodes[self.image.inode(path)].content
        return content.read(0, content.size)

    # --- what may be there after a power cut ---

    def crash_states(self, random: Random, limit: int) -> Iterator[FaultyDisk]:
        """Disks as they may be found if the power fails now, each a disk of its own.

        Every write that was not synced is lost, whole, or torn: at the edges of sectors of 512
        octets, with any of them kept, and at a few odd octets; a file may have grown without its
        data. Every change of a name that was not synced has happened or not.

        All combinations if they are no more than `limit`, else that many, drawn by `random`. Of
        the ways to tear a write of more than 4 sectors a choice stands for all, and where `limit`
        allows, as many combinations again are drawn. In the first state, all that was not synced
        is lost; if they are drawn, in the second nothing is.
        """
        for image in self.image.crashed(random, limit):
            yield FaultyDisk(self.capacity_bytes, image)

    def cut_points(self) -> Sequence[int]:
        """After how many operations the disk was another than before; 0 is the first of them."""
        return sorted({0, *(change.moment for change in self._changes)})

    def at(self, operations: int) -> FaultyDisk:
        """The disk as it was after so many operations, with what was not synced then; to be
        used like any other."""
        with self.lock:
            count = bisect_right(self._changes, operations, key=lambda change: change.moment)
            if count == len(self._changes):
                return FaultyDisk(self.capacity_bytes, self.image.copy())
            start = count // SNAPSHOT_EVERY
            image = self._snapshots[start].copy()
            for change in self._changes[start * SNAPSHOT_EVERY : count]:
                getattr(image, change.method)(*change.arguments)
            return FaultyDisk(self.capacity_bytes, image)

    def states_at(self, operations: int, random: Random, limit: int) -> Iterator[FaultyDisk]:
        """`crash_states` of the disk as it was after so many operations."""
        return self.at(operations).crash_states(random, limit)

    # --- for its files ---

    def call(self, kind: str, path: str, offset: int = 0, size: int = 0) -> None:
        """Count a call; raise what is planned for it."""
        fault = self._fault(kind, path, offset, size)
        if fault is not None:
            raise fault.error(path)

    def write(self, path: str, inode: int, offset: int, data: bytes) -> None:
        """Write what is to be written, and as much of it as there is space for."""
        fault = self._fault("write", path, offset, len(data))
        error = None if fault is None else fault.error(path)
        if fault is not None:
            data = data[: fault.written]
        size = self.image.inodes[inode].content.size
        room = size + max(0, self.capacity_bytes - self._used_bytes()) - offset
        if offset + len(data) > size and len(data) > room:
            data = data[: max(0, room)]
            if error is None:
                error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
                self.failures.append(self.operations[-1])
        if data:
            self._change("write", inode, offset, data)
        if error is not None:
            raise error

    def sync(self, path: str, inode: int) -> None:
        fault = self._fault("sync", path)
        if fault is None:
            self._change("sync", inode)
            return
        if fault.errno and self.failed_sync_drops:
            self._change("drop_unsynced", inode)
        raise fault.error(path)

    def closed(self, inode: int) -> None:
        with self.lock:
            self._handles[inode] -= 1
            if self._handles[inode] == 0:
                del self._handles[inode]

    def _fault(self, kind: str, path: str, offset: int = 0, size: int = 0) -> _Fault | None:
        if self.stopped:
            raise PowerCut
        self.operations.append(Operation(kind, path, offset, size))
        due: _Fault | None = None
        for fault in list(self._faults):
            if fault.kind and fault.kind != kind:
                continue
            fault.calls_left -= 1
            if fault.calls_left <= 0:
                due = due or fault
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
        if due is not None and due.errno:
            self.failures.append(self.operations[-1])
        elif due is not None:
            self.stopped = True
        return due

    def _change(self, method: str, *arguments: object) -> None:
        if len(self._changes) % SNAPSHOT_EVERY == 0:
            self._snapshots.append(self.image.copy())
        self._changes.append(_Change(len(self.operations), method, arguments))
        getattr(self.image, method)(*arguments)

    def _check_folder(self, folder: str, path: str) -> None:
        if folder not in self.image.folders:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    def _used_bytes(self) -> int:
        there = {*self.image.names.values(), *self._handles}
        return sum(self.image.inodes[number].content.size for number in there)
