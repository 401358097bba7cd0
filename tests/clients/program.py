"""A program beside the tests: its output line by line, and its end."""

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from .waiting import PATIENCE_SECONDS

FOLDER = Path(__file__).parent


class Program:
    """Runs in this folder, so that Python programs there import each other."""

    def __init__(self, *command: str, **environment: str) -> None:
        self._lines: list[str] = []
        self._read_up_to = 0
        self._ended = False
        self._changed = threading.Condition()
        # A process group of its own: workers that the program forks end with it.
        self._process = subprocess.Popen(
            command,
            cwd=FOLDER,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def says(self, pattern: str, within_seconds: float = PATIENCE_SECONDS) -> re.Match[str]:
        """Wait for the next line that has this in it; the lines before it are passed over."""
        give_up_at = time.monotonic() + within_seconds
        with self._changed:
            while True:
                while self._read_up_to < len(self._lines):
                    self._read_up_to += 1
                    if found := re.search(pattern, self._lines[self._read_up_to - 1]):
                        return found
                remaining = give_up_at - time.monotonic()
                if self._ended or remaining <= 0:
                    how = "it ended" if self._ended else f"within {within_seconds} s"
                    raise AssertionError(
                        f"no line with {pattern!r} ({how}) in:\n" + "\n".join(self._lines)
                    )
                self._changed.wait(remaining)

    def wait(self, within_seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for its end: the exit code."""
        return self._process.wait(within_seconds)

    def ask_to_end(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """SIGKILL to it and all it has forked: nobody can say goodbye."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
        self._reader.join(PATIENCE_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
