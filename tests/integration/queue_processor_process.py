"""Starts the lab's queue processor and reads what it reports."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_PROGRAM = Path(__file__).with_name("queue_processor.py")


class QueueProcessorProcess:
    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), *options], stdout=subprocess.PIPE
        )
        self._output = b""

    def reports(self, line: str, deadline_seconds: float = 15) -> None:
        """Wait for the next line of output, which has to be this one."""
        assert self._next_line(deadline_seconds) == line

    def kill(self) -> None:
        """SIGKILL: the process cannot say goodbye."""
        self._process.kill()
        self._process.wait()

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self.wait_for_end()

    def wait_for_end(self, deadline_seconds: float = 15) -> None:
        self._process.wait(deadline_seconds)

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
        self._process.stdout.close()

    def _next_line(self, deadline_seconds: float) -> str:
        give_up_at = time.monotonic() + deadline_seconds
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._output:
            remaining = give_up_at - time.monotonic()
            readable, _, _ = select.select([descriptor], [], [], max(0, remaining))
            assert readable, f"no report within {deadline_seconds} s"
            data = os.read(descriptor, 4096)
            assert data, f"the processor ended, having reported {self._output!r}"
            self._output += data
        line, _, self._output = self._output.partition(b"\n")
        return line.decode()
