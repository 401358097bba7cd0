"""A copy of the data of a running broker: what a power cut would leave, in a folder of its own.

Segments are only ever appended to, so the octets that are on disk at one moment can be copied at
leisure, if nobody removes the files meanwhile. The log comes before the definitions: so the queue
of every message in the copy is known, or was deleted since. The version stamp comes last: half a
copy is no data folder, and a broker refuses it.

Everything here but `Pins` blocks and belongs on a thread.
"""

import contextlib
import os
import shutil
from io import BufferedWriter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leveret.store.data_folder import stamp
from leveret.store.disk import PRIVATE_FILE, PRIVATE_FOLDER, sync_names
from leveret.store.log_store import LOG_FOLDER, LogStore

if TYPE_CHECKING:
    from leveret.store.log.segment import Segment

PIECE_BYTES: Final = 1 << 20
DEFINITIONS: Final = "definitions.sqlite"


class BackupError(Exception):
    """The copy cannot be made; the text says why and what to do."""


class Pins:
    """The log as it is on disk at this moment. Its files stay until `release`. Both on the loop."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._segments: list[Segment] = []
        # Names of files, and how many octets of each are copied.
        self.files: list[tuple[str, int]] = []
        for segment, end in store.log.on_disk():
            segment.readers += 1
            self._segments.append(segment)
            self.files.append((segment.name(), end))
        self.size_bytes = sum(size for _, size in self.files)

    def release(self) -> None:
        """The files may go."""
        for segment in self._segments:
            segment.readers -= 1
        self._segments = []
        self._store.log.space.attend()


def make_target(source: Path, target: Path, size_bytes: int) -> None:
    """Make the folder for a copy of so many octets; it may be there, and empty. `BackupError`."""
    try:
        if target.resolve().is_relative_to(source.resolve()):
            raise BackupError(
                f"{target} is inside the data folder itself: name a folder outside of it"
            )
        target.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise BackupError(f"{target} is not empty: name a folder that is new or empty")
        target.chmod(PRIVATE_FOLDER)
        free = shutil.disk_usage(target).free
    except OSError as error:
        raise BackupError(
            f"{target} cannot be made or used ({error.strerror or error}): name another folder"
        ) from error
    if free < size_bytes:
        raise BackupError(
            f"the copy takes {size_bytes} octets, and there is room for {free} at {target}: make "
            "room, or name a folder on another disk"
        )


def copy_log(source: Path, target: Path, files: list[tuple[str, int]]) -> None:
    """Copy the first octets of these segments; they are on disk when this returns. Raises
    OSError."""
    folder = target / LOG_FOLDER
    folder.mkdir(mode=PRIVATE_FOLDER)
    for name, size in files:
        with (
            open(source / LOG_FOLDER / name, "rb") as segment,
            _new_file(folder / name) as copy,
        ):
            left = size
            while left:
                piece = segment.read(min(left, PIECE_BYTES))
                if not piece:
                    raise OSError(f"{name} is shorter than it was")
                copy.write(piece)
                left -= len(piece)
            copy.flush()
            os.fsync(copy.fileno())
    sync_names(folder)


def make_definitions_file(target: Path) -> Path:
    """The empty file for the definitions, for its owner only. Raises OSError."""
    path = target / DEFINITIONS
    _new_file(path).close()
    return path


def finish(target: Path) -> None:
    """All is there: make a data folder of it. Raises OSError."""
    with open(target / DEFINITIONS, "rb+") as file:
        os.fsync(file.fileno())
    sync_names(target)
    stamp(target)
    sync_names(target.parent)


def undo(target: Path) -> None:
    """Remove what was copied; what cannot be removed is refused by a broker all the same."""
    with contextlib.suppress(OSError):
        for path in target.glob(f"{DEFINITIONS}*"):
            path.unlink()
    shutil.rmtree(target / LOG_FOLDER, ignore_errors=True)


def _new_file(path: Path) -> BufferedWriter:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb")
