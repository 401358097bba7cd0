"""The log's space on disk: segments in use, spare ones made ahead, and those that can go.

Segments are filled in the order of their numbers. Making one (a file of zeros, so that a commit
into it changes no metadata) and removing one happens on a worker, ahead of need: two spares are
kept, and the second is a reserve. When the disk is full no third can be made; acknowledgements and
copies may then use the reserve, messages wait. So a full disk can always be drained.

A segment goes when no record in it is needed and none of its acknowledgements is: those are for
records in segments that are gone, or in itself. One that is sparse is emptied by copying (see
`compaction`), so no order of acknowledgements keeps space for good.
"""

from __future__ import annotations

import errno
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from leveret.store.log.format import HEADER_SIZE, OFFSET_BITS, segment_name
from leveret.store.log.segment import PASSING_ERRORS, READ_TRIES, Segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_extensions import i64

    from leveret.store.disk import Disk, DiskFile
    from leveret.store.worker import Worker

log = logging.getLogger("leveret.store")

SPARES: Final = 2
# The part of a segment by which one that grows becomes larger than it must.
GROWTH_SLACK: Final = 16
ZEROS: Final = 1 << 20
# Space in use beyond twice what is needed is let be up to this many segments.
SLACK_SEGMENTS: Final = 4
SET_ASIDE: Final = "set-aside"


class UnknownNameError(Exception):
    """A name has changed, and whether that is on disk nobody knows: asking again would not tell."""


class Space:
    """`folder` holds the segments. `changed` is called when something has become possible,
    `failed`, with a reason, when nobody knows any more what is on disk. Without `synced` no segment
    outlives the process: it does not matter then which names are on disk, and what is damaged is
    not kept."""

    def __init__(
        self,
        disk: Disk,
        folder: str,
        chores: Worker,
        segment_bytes: int,
        changed: Callable[[], object],
        failed: Callable[[str], object],
        synced: bool = True,
    ) -> None:
        self.segments: dict[int, Segment] = {}
        self.spares: list[Segment] = []
        self.next_number: int = 1
        # Why no spare can be made; empty while one can.
        self.shortage = ""
        # Why, as the log has been told; it is tried again every second.
        self._told = ""
        self.live_bytes: i64 = 0
        # The segments of messages whose acknowledgements are not on disk yet.
        self.settling: list[dict[int, None]] = []
        self._disk = disk
        self._folder = folder
        self._chores = chores
        self._segment_bytes = segment_bytes
        self._changed = changed
        self._failed = failed
        self._synced = synced
        # A segment is made larger.
        self.growing = False
        self._busy = False
        self._closed = False
        self._last: Segment | None = None

    # --- what is in use ---

    def segment(self, location: i64) -> Segment:
        """The segment that a location is in."""
        number = location >> OFFSET_BITS
        last = self._last
        if last is not None and last.number == number:
            return last
        last = self.segments[int(number)]
        self._last = last
        return last

    def used_bytes(self) -> int:
        """What the segments take on disk, spare ones left out."""
        used = 0
        for segment in self.segments.values():
            used += int(segment.size)
        return used

    def needed_bytes(self) -> int:
        """What the records that somebody needs take."""
        needed = 0
        for segment in self.segments.values():
            needed += int(segment.live_bytes)
        return needed

    # --- spares ---

    def take_spare(self, essential: bool, size: i64 = 0) -> Segment | None:
        """The next segment to write to, for a commit of this size; the reserve is for what is
        essential. If it is too small it is made to grow."""
        if not self.spares or (len(self.spares) < SPARES and self.shortage and not essential):
            return None
        segment = self.spares[0]
        if size + HEADER_SIZE > segment.room():
            self.grow(segment, size)
            return None
        del self.spares[0]
        self.segments[int(segment.number)] = segment
        self.attend()
        return segment

    def grow(self, segment: Segment, size: i64) -> None:
        """Make an empty segment large enough for a commit of this size, unless there is a shortage.
        Nothing is written to a segment meanwhile. The commit syncs what is done here."""
        if self.shortage:
            return
        self.growing = True
        file = segment.file
        assert file is not None
        # A bit more, for what comes meanwhile.
        wanted = int(segment.end + 2 * HEADER_SIZE + size) + self._segment_bytes // GROWTH_SLACK

        def grow() -> OSError | None:
            try:
                _fill(file, file.size(), wanted)
            except OSError as error:
                return error
            finally:
                segment.size = file.size()
            return None

        def grown(refusal: object, error: Exception | None) -> None:
            self.growing = False
            if isinstance(refusal, OSError):
                error = refusal
            if error is not None:
                self._refused(error)
            self._changed()

        self._chores.submit(grow, grown)

    def make_spare(self) -> Segment:
        """A spare at once, as the first start needs one. Raises OSError."""
        segment = self._numbered()
        segment.file = _make_file(
            self._disk, self._folder, int(segment.number), self._segment_bytes
        )
        if self._synced:
            self._disk.sync_folder(self._folder)
        self.spares.append(segment)
        return segment

    def attend(self) -> None:
        """Make a spare or let a segment go, if one is wanted and nothing of that is under way."""
        if self._busy or self._closed:
            return
        gone = self._removable()
        if gone is not None:
            self._remove(gone)
        elif len(self.spares) < SPARES and not self.shortage:
            self._prepare()

    def retry(self) -> bool:
        """Try again what the disk refused. Whether something is under way that `changed` will tell
        of."""
        if self.shortage:
            self.shortage = ""
            self.attend()
        return self._busy or self.growing

    def close(self) -> None:
        """Start nothing more."""
        self._closed = True

    def _numbered(self) -> Segment:
        number = self.next_number
        self.next_number += 1
        return Segment(number, b"", self._segment_bytes)

    def _prepare(self) -> None:
        self._busy = True
        segment = self._numbered()
        disk, folder, size = self._disk, self._folder, self._segment_bytes
        number, synced = int(segment.number), self._synced

        def made(file: object, error: Exception | None) -> None:
            self._busy = False
            if error is not None:
                self._refused(error)
            else:
                segment.file = file  # type: ignore[assignment]
                self._add_spare(segment)
            self._changed()

        def make() -> DiskFile:
            file = _make_file(disk, folder, number, size)
            if synced:
                disk.sync_folder(folder)
            return file

        self._chores.submit(make, made)

    def _add_spare(self, segment: Segment) -> None:
        self.spares.append(segment)
        self.shortage = ""
        self._told = ""
        self.attend()

    def _refused(self, error: Exception) -> None:
        refusal = 0
        if isinstance(error, OSError):
            refusal = error.errno or 0
        full = refusal in (errno.ENOSPC, errno.EDQUOT)
        if not (self._synced or full or refusal in PASSING_ERRORS):
            # Nobody is to wait for such a disk: what was to go there can stay where it is.
            self._failed(f"the disk refuses: {error}")
            return
        reason = "the disk is full" if full else f"the disk refuses: {error}"
        if reason != self._told:
            log.error(
                "the message log cannot get more space: %s; publishers wait, consumers go on, and "
                "all resumes by itself once there is space",
                reason,
                exc_info=None if isinstance(error, OSError) else error,
            )
        self._told = reason
        self.shortage = reason

    # --- segments that can go ---

    def _removable(self) -> Segment | None:
        for segment in self.segments.values():
            if segment.live_count == 0 and segment.sealed and self._settles_for_nobody(segment):
                # None is passed over: its records may have been copied to a later one, whose
                # acknowledgements must stay for as long as this one does.
                if segment.readers > 0 or self._settling(segment):
                    return None
                return segment
        return None

    def _settling(self, segment: Segment) -> bool:
        """Whether acknowledgements for it wait for their commit. Were it gone before, a crash
        could leave those of a transaction in effect, and the rest of it not."""
        number = int(segment.number)
        return any([number in waiting for waiting in self.settling])  # noqa: C419

    def _settles_for_nobody(self, segment: Segment) -> bool:
        for number in list(segment.settled_in):
            if number in self.segments and number != segment.number:
                return False
        segment.settled_in.clear()
        return True

    def _remove(self, segment: Segment) -> None:
        self._busy = True
        segment.leaving = True
        disk, folder = self._disk, self._folder
        number, synced = int(segment.number), self._synced
        recycled: Segment | None = None
        job: Callable[[], object]
        if segment.damaged and synced:
            job = lambda: set_aside(disk, folder, number)  # noqa: E731
        elif (
            len(self.spares) < SPARES
            and segment.size == self._segment_bytes
            and not segment.damaged
        ):
            recycled = self._numbered()
            new_number = int(recycled.number)
            job = lambda: _recycle(disk, folder, number, new_number, synced)  # noqa: E731
        else:
            job = lambda: _remove_file(disk, folder, number, synced)  # noqa: E731

        def done(file: object, error: Exception | None) -> None:
            self._busy = False
            if isinstance(error, UnknownNameError):
                # Nobody knows whether it is gone, so that neither can a later one go.
                if not self._closed:
                    self._failed(f"the folder of the message log cannot be synced: {error}")
                return
            if error is not None:
                segment.leaving = False
                if not segment.refused:
                    segment.refused = True
                    log.warning(
                        "segment %d of the message log could not be removed: %s", number, error
                    )
                self._changed()
                return
            if self._last is segment:
                self._last = None
            del self.segments[number]
            if segment.file is not None:
                segment.file.close()
                segment.file = None
            if recycled is not None and file is not None:
                recycled.file = file  # type: ignore[assignment]
                self._add_spare(recycled)
            else:
                self.retry()
            self.attend()
            self._changed()

        self._chores.submit(job, done)

    def sparse(self) -> Segment | None:
        """The segment that is best copied forward, if more space is in use than is bearable."""
        used = self.used_bytes()
        if used <= 2 * self.needed_bytes() + SLACK_SEGMENTS * self._segment_bytes:
            return None
        best: Segment | None = None
        for segment in self.segments.values():
            if not segment.sealed or segment.damaged or segment.readers > 0:
                continue
            if segment.refusals >= READ_TRIES:
                continue
            if best is None or segment.live_bytes < best.live_bytes:
                best = segment
                if segment.live_bytes * 8 < segment.size:
                    break
        # Copying one that is nearly full gains too little.
        if best is not None and best.live_bytes * 10 > best.size * 9:
            return None
        return best


def _make_file(disk: Disk, folder: str, number: int, size: int) -> DiskFile:
    path = f"{folder}/{segment_name(number)}"
    file = disk.open(path, create=True)
    try:
        _fill(file, 0, size)
        file.sync()
    except OSError:
        file.close()
        disk.remove(path)
        raise
    return file


def _fill(file: DiskFile, at: int, size: int) -> None:
    """Make a file of `at` octets one of `size`."""
    zeros = bytes(min(ZEROS, max(0, size - at)))
    while at < size:
        file.write(at, zeros if size - at >= len(zeros) else zeros[: size - at])
        at += len(zeros)


def _remove_file(disk: Disk, folder: str, number: int, synced: bool) -> None:
    disk.remove(f"{folder}/{segment_name(number)}")
    if synced:
        _sync_names(disk, folder)


def _sync_names(disk: Disk, folder: str) -> None:
    try:
        disk.sync_folder(folder)
    except OSError as error:
        raise UnknownNameError(str(error)) from error


def _recycle(
    disk: Disk, folder: str, number: int, new_number: int, synced: bool
) -> DiskFile | None:
    """Make a spare of a segment; None if it is gone and no spare came of it. What it held stays in
    the file: nothing of it has the salt that the segment will get."""
    new_path = f"{folder}/{segment_name(new_number)}"
    disk.rename(f"{folder}/{segment_name(number)}", new_path)
    if synced:
        _sync_names(disk, folder)
    file: DiskFile | None = None
    try:
        file = disk.open(new_path)
        file.write(0, bytes(HEADER_SIZE))
        file.sync()
    except OSError:
        if file is not None:
            file.close()
        with suppress(OSError):
            disk.remove(new_path)
        return None
    return file


def set_aside(disk: Disk, folder: str, number: int) -> None:
    """Keep a segment that cannot be read, out of the way. Raises OSError and `UnknownNameError`."""
    disk.make_folder(SET_ASIDE)
    disk.rename(f"{folder}/{segment_name(number)}", f"{SET_ASIDE}/{segment_name(number)}")
    _sync_names(disk, SET_ASIDE)
    _sync_names(disk, folder)
