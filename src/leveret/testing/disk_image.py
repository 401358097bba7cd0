"""What a disk holds, what of it would survive a power cut, and every way the cut could go.

A file is an inode; a name points to one. Of each file this keeps what a read returns, what is
durable, and the writes in between; of the names, those that there are, those that are durable, and
the changes in between. Contents are immutable values that share their pages, so that keeping
another state of a disk costs about as much as the names of its files.
"""

from __future__ import annotations

import errno
import os
from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

PAGE: Final = 4096
SECTOR: Final = 512

# A write that covers this many sectors or fewer is torn in every way, a longer one at chosen edges.
PIECES_MAX: Final = 4

_ZEROS: Final = bytes(PAGE)


class Content:
    """The octets of a file; a value, never changed. Pages that are equal are shared."""

    __slots__ = ("_pages", "size")

    def __init__(self, pages: Sequence[bytes] = (), size: int = 0) -> None:
        self._pages = pages
        self.size = size

    def read(self, offset: int, size_bytes: int) -> bytes:
        """The octets from `offset` on; fewer only where the file ends."""
        end = min(offset + size_bytes, self.size)
        if offset >= end:
            return b""
        first = offset // PAGE
        start = offset - first * PAGE
        pages = self._pages[first : (end - 1) // PAGE + 1]
        return b"".join(pages)[start : start + end - offset]

    def with_write(self, offset: int, data: bytes) -> Content:
        """This, with `data` at `offset`; zeros fill what lies between the end and there."""
        if not data:
            return self
        end = offset + len(data)
        pages = self._grown_pages(end)
        first, last = offset // PAGE, (end - 1) // PAGE
        old = b"".join(pages[first : last + 1])
        start = offset - first * PAGE
        new = old[:start] + data + old[start + len(data) :]
        for number in range(first, last + 1):
            page = new[(number - first) * PAGE : (number - first + 1) * PAGE]
            pages[number] = _ZEROS if page == _ZEROS else page
        return Content(pages, max(end, self.size))

    def grown(self, size_bytes: int) -> Content:
        """This, with zeros up to a size; itself if it is that long."""
        if size_bytes <= self.size:
            return self
        return Content(self._grown_pages(size_bytes), size_bytes)

    def _grown_pages(self, size_bytes: int) -> list[bytes]:
        pages = list(self._pages)
        pages += [_ZEROS] * (-(-size_bytes // PAGE) - len(pages))
        return pages


_EMPTY: Final = Content()


class Outcome(NamedTuple):
    """What a power cut left of a write: ranges of its octets; `grown` if all of its size."""

    kept: tuple[tuple[int, int], ...]
    grown: bool = False


_LOST: Final = Outcome(())


class Write(NamedTuple):
    """A write that no sync has covered yet. `grows`: it began at the end of the file, or crossed
    it, so that its size may become durable without its data."""

    offset: int
    data: bytes
    grows: bool

    def applied(self, content: Content, outcome: Outcome) -> Content:
        """A content with what this outcome left of the write."""
        for start, end in outcome.kept:
            content = content.with_write(self.offset + start, self.data[start:end])
        return content.grown(self.offset + len(self.data)) if outcome.grown else content

    def whole(self) -> Outcome:
        return Outcome(((0, len(self.data)),))

    def outcomes(self) -> list[Outcome]:
        """Lost, whole, and torn: by sectors, as disks do, and at a few odd octets. Of a long
        write, only some of the ways to tear it."""
        size = len(self.data)
        cuts = self._edges()
        torn: list[Outcome] = []
        if not self.is_long():
            pieces = list(pairwise([0, *cuts, size]))
            for mask in range(1, (1 << len(pieces)) - 1):
                kept = [piece for n, piece in enumerate(pieces) if mask >> n & 1]
                torn.append(Outcome(tuple(kept)))
        else:
            middle = len(cuts) // 2
            chosen = sorted({*cuts[:3], *cuts[middle : middle + 2], *cuts[-3:]})
            torn += [Outcome(((0, cut),)) for cut in chosen]
            torn += [Outcome(((cut, size),)) for cut in chosen]
            # A sector missing inside, with the beginning and the end in place.
            torn += [Outcome(((0, cut), (min(cut + SECTOR, size), size))) for cut in chosen]
        odd = sorted({1, size // 2, size - 1} - {0, size, *cuts})
        torn += [Outcome(((0, cut),)) for cut in odd]
        if self.grows:
            torn.append(Outcome((), grown=True))
        return [_LOST, self.whole(), *torn]

    def torn_at_random(self, random: Random) -> Outcome:
        """Each sector kept or lost."""
        edges = [0, *self._edges(), len(self.data)]
        kept = tuple(piece for piece in pairwise(edges) if random.getrandbits(1))
        return Outcome(kept, self.grows and random.getrandbits(1) == 1)

    def is_long(self) -> bool:
        """Whether `outcomes` leaves some out."""
        return len(self._edges()) >= PIECES_MAX

    def _edges(self) -> range:
        return range(SECTOR - self.offset % SECTOR, len(self.data), SECTOR)


class Inode:
    """A file, whatever its name: what is read, what is durable, the writes in between."""

    __slots__ = ("content", "durable", "unsynced")

    def __init__(self, content: Content, durable: Content, unsynced: list[Write]) -> None:
        self.content = content
        self.durable = durable
        self.unsynced = unsynced


class NameChange(NamedTuple):
    """A file was given its name, another one, or none. `folders`: whose names changed."""

    inode: int
    name: str | None
    folders: frozenset[str]

    def apply(self, names: dict[str, int]) -> None:
        for name in [name for name, inode in names.items() if inode == self.inode]:
            del names[name]
        if self.name is not None:
            names[self.name] = self.inode


def folder_of(path: str) -> str:
    """The folder that a path is in; "" is the root."""
    return path.rpartition("/")[0]


class DiskImage:
    """A disk at one moment. Its methods are what calls do to it; inodes go by number."""

    def __init__(self) -> None:
        self.folders = {""}
        self.names: dict[str, int] = {}
        self.durable_names: dict[str, int] = {}
        self.name_changes: list[NameChange] = []
        self.inodes: dict[int, Inode] = {}
        self.next_inode = 1

    def copy(self) -> DiskImage:
        """An independent image of the same moment."""
        image = DiskImage()
        image.folders = set(self.folders)
        image.names = dict(self.names)
        image.durable_names = dict(self.durable_names)
        image.name_changes = list(self.name_changes)
        image.inodes = {
            number: Inode(inode.content, inode.durable, list(inode.unsynced))
            for number, inode in self.inodes.items()
        }
        image.next_inode = self.next_inode
        return image

    def inode(self, path: str) -> int:
        """The number of the file with this name."""
        number = self.names.get(path)
        if number is None:
            code = errno.EISDIR if path in self.folders else errno.ENOENT
            raise OSError(code, os.strerror(code), path)
        return number

    # --- contents ---

    def write(self, number: int, offset: int, data: bytes) -> None:
        inode = self.inodes[number]
        grows = offset + len(data) > inode.content.size
        inode.content = inode.content.with_write(offset, data)
        inode.unsynced.append(Write(offset, data, grows))

    def sync(self, number: int) -> None:
        # Replayed, as `content` may hold what a failed sync has dropped.
        inode = self.inodes[number]
        for write in inode.unsynced:
            inode.durable = inode.durable.with_write(write.offset, write.data)
        inode.unsynced = []

    def drop_unsynced(self, number: int) -> None:
        """A sync failed and the pages count as clean: they are read as before, and no later sync
        writes them."""
        self.inodes[number].unsynced = []

    def flip(self, number: int, offset: int, mask: int) -> None:
        """Bits of an octet change on the medium."""
        inode = self.inodes[number]
        inode.content = _flipped(inode.content, offset, mask)
        inode.durable = _flipped(inode.durable, offset, mask)

    # --- names ---

    def make_folder(self, folder: str) -> None:
        self.folders.add(folder)

    def create(self, path: str) -> None:
        number = self.next_inode
        self.next_inode += 1
        self.inodes[number] = Inode(_EMPTY, _EMPTY, [])
        self._rename(NameChange(number, path, frozenset([folder_of(path)])))

    def rename(self, old: str, new: str) -> None:
        if old != new:
            folders = frozenset([folder_of(old), folder_of(new)])
            self._rename(NameChange(self.names[old], new, folders))

    def remove(self, path: str) -> None:
        self._rename(NameChange(self.names[path], None, frozenset([folder_of(path)])))

    def _rename(self, change: NameChange) -> None:
        change.apply(self.names)
        self.name_changes.append(change)

    def sync_folder(self, folder: str) -> None:
        # A rename between folders is one step: it is durable once either folder is.
        waiting: list[NameChange] = []
        for change in self.name_changes:
            if folder in change.folders:
                change.apply(self.durable_names)
                waiting = [
                    earlier
                    for earlier in waiting
                    if earlier.inode != change.inode
                    and (earlier.name is None or earlier.name != change.name)
                ]
            else:
                waiting.append(change)
        self.name_changes = waiting

    # --- a power cut ---

    def crashed(self, random: Random, limit: int) -> Iterator[DiskImage]:
        """What may be found after a power cut at this moment, as `FaultyDisk.crash_states` says."""
        there = {*self.durable_names.values(), *(change.inode for change in self.name_changes)}
        writes = [
            (number, write) for number in sorted(there) for write in self.inodes[number].unsynced
        ]
        outcomes = [write.outcomes() for _, write in writes]
        kept = [(False, True)] * len(self.name_changes)
        total = prod(map(len, outcomes)) << len(kept)
        drawn = limit
        if total <= limit:
            for picked in product(*outcomes):
                contents = self._contents_after(writes, picked)
                for names in product(*kept):
                    yield self._after(contents, names)
            # As many again, where sectors of long writes are missing in ways that are not listed.
            drawn = min(total, limit - total) if any(write.is_long() for _, write in writes) else 0
        elif limit > 0:
            for at in range(min(2, limit)):
                contents = self._contents_after(writes, [choices[at] for choices in outcomes])
                yield self._after(contents, [at == 1] * len(kept))
            drawn = limit - 2
        for _ in range(drawn):
            contents = self._contents_after(writes, _drawn(random, writes, outcomes))
            yield self._after(contents, [random.getrandbits(1) == 1 for _ in kept])

    def _contents_after(
        self, writes: Sequence[tuple[int, Write]], picked: Sequence[Outcome]
    ) -> dict[int, Content]:
        """The contents of the files of which something was not synced."""
        contents: dict[int, Content] = {}
        for (number, write), outcome in zip(writes, picked, strict=True):
            content = contents.get(number, self.inodes[number].durable)
            contents[number] = write.applied(content, outcome)
        return contents

    def _after(self, contents: dict[int, Content], kept: Sequence[bool]) -> DiskImage:
        image = DiskImage()
        image.folders = set(self.folders)
        names = dict(self.durable_names)
        for change, happened in zip(self.name_changes, kept, strict=True):
            if happened:
                change.apply(names)
        image.durable_names = names
        image.names = dict(names)
        image.next_inode = self.next_inode
        for number in names.values():
            content = contents.get(number)
            if content is None:
                content = self.inodes[number].durable
            image.inodes[number] = Inode(content, content, [])
        return image


def _drawn(
    random: Random, writes: Sequence[tuple[int, Write]], outcomes: Sequence[list[Outcome]]
) -> list[Outcome]:
    """An outcome of each write. Half of the time there is a moment: what was written before is
    whole, what came later is lost, as most power cuts have it."""
    in_order = random.getrandbits(1) == 1
    cut = random.randrange(len(writes) or 1)
    picked: list[Outcome] = []
    for at, (_, write) in enumerate(writes):
        kind = int(at < cut) if in_order and at != cut else random.randrange(4)
        if kind < 2:
            picked.append(outcomes[at][kind])
        elif kind == 2:
            picked.append(random.choice(outcomes[at]))
        else:
            picked.append(write.torn_at_random(random))
    return picked


def _flipped(content: Content, offset: int, mask: int) -> Content:
    old = content.read(offset, 1)
    return content.with_write(offset, bytes([old[0] ^ mask])) if old else content
