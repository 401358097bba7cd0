"""The data folder: private, stamped with a version, and used by one broker at a time."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Final

FORMAT_VERSION: Final = 1
STAMP: Final = "version"
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
            others = [entry for entry in path.iterdir() if entry.name != LOCK]
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
        stamp = self.path / STAMP
        if not stamp.exists():
            stamp.write_text(f"{FORMAT_VERSION}\n")
            return
        text = stamp.read_text().strip()
        if not text.isdigit() or int(text) > FORMAT_VERSION:
            raise DataFolderError(
                f"the data folder {self.path} is of format '{text}', this program reads up to "
                f"{FORMAT_VERSION}: start the version of leveret that wrote it, or a newer one"
            )


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
