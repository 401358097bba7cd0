"""Commits on their way to the disk: written and synced by a worker, one at a time.

A full disk is no failure: nothing was synced, so the same octets may go to the same place once
more, and do so once a second until there is space. Whoever stops does not wait for that for long.
"""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.seams import Clock
    from leveret.store.disk import DiskFile
    from leveret.store.worker import Worker

log = logging.getLogger("leveret.store")

# Until a disk that has refused is asked again.
RETRY_SECONDS: Final = 1.0
# Once the log is being stopped.
STOP_TRIES: Final = 3


class Writer:
    """`written` is called with how many octets were. While the disk is full, `full` is, with
    whether the stop goes on without; of any other error `failed`, with a reason. Without `synced`
    nothing is waited for to be on disk."""

    def __init__(
        self,
        worker: Worker,
        clock: Clock,
        synced: bool,
        written: Callable[[i64], object],
        full: Callable[[bool], object],
        failed: Callable[[str], object],
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._synced = synced
        self._written = written
        self._full = full
        self._failed = failed
        self._stopping = False
        self._tries = 0

    def stop(self) -> None:
        """What the disk has no room for is given up after `STOP_TRIES`."""
        self._stopping = True

    def give_up(self, reason: str) -> None:
        """The stop is one without a last commit."""
        log.error(
            "the message log stops without its last commit: %s; what was confirmed is there, and "
            "what was acknowledged last is delivered again; make space and start again",
            reason,
        )
        self._full(True)

    def write(self, writes: list[tuple[DiskFile, int, bytes]]) -> None:
        """Write octets to places in files, in this order. Nothing else may be under way."""
        synced = self._synced

        def write() -> None:
            for file, at, data in writes:
                if synced:
                    file.write_through(at, data)
                else:
                    file.write(at, data)

        def done(_result: object, error: Exception | None) -> None:
            if error is None:
                size: i64 = 0
                for _file, _at, data in writes:
                    size += i64(len(data))
                self._written(size)
            elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._try_again(writes)
            else:
                self._failed(f"the message log cannot be written: {error}")

        self._worker.submit(write, done)

    def _try_again(self, writes: list[tuple[DiskFile, int, bytes]]) -> None:
        if self._stopping:
            self._tries += 1
            if self._tries >= STOP_TRIES:
                self.give_up("the disk is full")
                return
        self._full(False)
        self._clock.call_at(self._clock.now() + RETRY_SECONDS, lambda: self.write(writes))
