"""A Python program in a process of its own: a test starts it, reads its lines, and may kill it."""

import os
import queue
import signal
import subprocess
import sys
import threading
from importlib.resources import files

DEADLINE_SECONDS = 15


def shipped(script: str) -> str:
    """Where the package has a script of the lab."""
    return str(files("leveret.lab").joinpath(script))


class Program:
    """What it says on standard output and standard error is one stream of lines."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def next_line(self) -> str:
        line = self._lines.get(timeout=DEADLINE_SECONDS)
        assert line is not None, f"the program ended with {self._process.wait()}, saying no more"
        return line

    def reports(self, *lines: str) -> None:
        """Wait for the next lines, which have to be these."""
        for line in lines:
            assert self.next_line() == line

    def skips_to(self, beginning: str) -> str:
        """Wait for a line that begins so, whatever comes before it."""
        while not (line := self.next_line()).startswith(beginning):
            pass
        return line

    def types(self, text: str) -> None:
        """Write to its standard input, and end that."""
        self._process.stdin.write(text)
        self._process.stdin.close()

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL: the process cannot say goodbye."""
        self.send_signal(signal.SIGKILL)
        self._process.wait()

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def ends(self, code: int) -> list[str]:
        """Wait for the end, which has to be with this code; the lines that came before it."""
        assert self._process.wait(DEADLINE_SECONDS) == code, self._rest()
        return self._rest()

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()

    def _rest(self) -> list[str]:
        self._reader.join(DEADLINE_SECONDS)
        return [line for line in iter(self._lines.get, None) if line is not None]

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)
