"""The data folder: private, stamped with a version, and used by one broker at a time."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from leveret.store.disk import PRIVATE_FILE, sync_names

# 1 had no messages; 2 has them in `log/`; 3 has the times of messages; 4 their keys of BCC, and
# how often they have come back; 5 when they are due.
FORMAT_VERSION: Final = 5
STAMP: Final = "version"
NEW_STAMP: Final = "version.new"
LOCK: Final = "lock"


class DataFolderError(Exception):
    """The folder cannot be used; the text says why and what to do."""


class DataFolder:
    """Locked from its making until `release`. Raises `DataFolderError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A folder with other things in it is somebody's: it is neither closed nor filled.
            others = [entry for entry in path.iterdir() if entry.name not in (LOCK, NEW_STAMP)]
            if others and not (path / STAMP).exists():
                raise DataFolderError(
                    f"the folder {path} holds other things and no data of leveret's: "
                    "choose an empty or a new one with --data"
                )
            path.chmod(0o700)
            self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataFolderError(
                f"the data folder {path} cannot be used: {error.strerror}; "
                "choose another with --data"
            ) from error
        try:
            _lock(self._lock)
        except OSError:
            holder = os.pread(self._lock, 20, 0).decode(errors="replace").strip()
            os.close(self._lock)
            raise DataFolderError(
                f"the data folder {path} is in use by another broker (process {holder}): "
                "stop that one, or choose another folder with --data"
            ) from None
        try:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
            self._check_version()
        except (OSError, UnicodeDecodeError) as error:
            self.release()
            raise DataFolderError(f"the data folder {path} cannot be used: {error}") from error
        except DataFolderError:
            self.release()
            raise

    @property
    def definitions(self) -> Path:
        """The SQLite file with everything durable but messages."""
        return self.path / "definitions.sqlite"

    @property
    def management_socket(self) -> Path:
        """Where `leveret ctl` finds the broker that has the folder."""
        return self.path / "management.sock"

    def release(self) -> None:
        """Let another broker have the folder."""
        with contextlib.suppress(OSError):
            os.close(self._lock)

    def _check_version(self) -> None:
        if not (self.path / STAMP).exists() or stamped_version(self.path) < FORMAT_VERSION:
            # What an older version kept means the same here; the older version does not know the
            # rest, and must refuse the folder from now on.
            stamp(self.path)


def stamped_version(path: Path) -> int:
    """The version that the folder is stamped with; `DataFolderError` if it is a newer one. Raises
    OSError if there is no stamp."""
    text = (path / STAMP).read_text().strip()
    if not (text.isascii() and text.isdigit()) or int(text) > FORMAT_VERSION:
        raise DataFolderError(
            f"the data folder {path} is of format '{text}', this program reads up to "
            f"{FORMAT_VERSION}: start the version of leveret that wrote it, or a newer one"
        )
    return int(text)


def stamp(path: Path) -> None:
    """Say that this is a data folder of the present format; on disk when this returns."""
    descriptor = os.open(path / NEW_STAMP, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with open(descriptor, "w") as file:
        file.write(f"{FORMAT_VERSION}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path / NEW_STAMP, path / STAMP)
    sync_names(path)


@contextlib.contextmanager
def at_rest(path: Path) -> Iterator[int]:
    """Look at a data folder while no broker uses it, without changing anything: gives the version
    that it is stamped with. Raises `DataFolderError`.

    No broker can start on it meanwhile, except on a copy that no broker has been started on yet:
    there is nothing to lock in that.
    """
    try:
        if not (path / STAMP).is_file():
            raise DataFolderError(
                f"{path} is no data folder of leveret's: name the folder that `leveret serve` has "
                "for --data"
                if path.is_dir()
                else f"there is no folder {path}"
            )
        version = stamped_version(path)
        descriptor = _open_lock(path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataFolderError(f"the data folder {path} cannot be read: {error}") from error
    try:
        if descriptor is not None:
            try:
                _lock(descriptor, True)
            except OSError:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                raise DataFolderError(
                    f"the data folder {path} is in use by a broker (process {holder}): stop it "
                    "first, or make a copy with `leveret backup` and look at that"
                ) from None
        yield version
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open_lock(path: Path) -> int | None:
    try:
        return os.open(path / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, shared: bool = False) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int, shared: bool = False) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
