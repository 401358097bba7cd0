"""The demonstration's terminals: the shipped scripts as processes, their lines shown and kept."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Sequence
from importlib.resources import files
from types import TracebackType
from typing import Final, Self

DEADLINE_SECONDS: Final = 15.0

_screen = threading.Lock()


class Late(Exception):
    """Something did not happen before its deadline; the text says what."""


def say(text: str) -> None:
    """Show a line. Several threads do so."""
    with _screen:
        print(text, flush=True)


def say_for(who: str, text: str) -> None:
    """Show what a worker or the broker has to say, over several lines if it is long."""
    say(textwrap.fill(text, 98, initial_indent=f"    {who}: ", subsequent_indent=" " * 8))


class Terminal:
    """One script at work. Its lines are kept, and shown with its name before them if that is
    wanted; `changed` is told of each line and of the end."""

    def __init__(
        self,
        name: str,
        script: str,
        options: Sequence[str],
        changed: threading.Condition,
        shown: bool,
    ) -> None:
        self.name = name
        self._shown = shown
        self.lines: list[str] = []
        self.code: int | None = None
        self._changed = changed
        self._process = subprocess.Popen(
            [sys.executable, str(files("leveret.lab").joinpath(script)), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        )
        threading.Thread(target=self._read, name=name, daemon=True).start()

    def said(self, beginning: str) -> list[str]:
        """What was in quotes in the lines that begin so: the bodies, in their order."""
        return [line.split("'")[1] for line in self.lines if line.startswith(beginning + " '")]

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """What `kill` does: a request."""
        self._process.terminate()

    def kill(self) -> None:
        """As a power cut would: the script cannot say goodbye."""
        self._process.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if self._shown:
                say_for(self.name, line)
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        self._process.stdout.close()
        with self._changed:
            self.code = self._process.wait()
            self._changed.notify_all()


class Terminals:
    """Those of one scene: all are gone when it is over."""

    def __init__(self, access: Sequence[str], seconds_per_character: float) -> None:
        self._access = access
        self._pace = ("--seconds-per-character", f"{seconds_per_character:g}")
        self._open: list[Terminal] = []
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for terminal in self._open:
            if terminal.code is None:
                terminal.terminate()
        for terminal in self._open:
            self._see_off(terminal)

    def worker(self, queue: str, *options: str) -> Terminal:
        """Start one more worker and wait until it consumes."""
        shown = "".join(f" {option}" for option in options)
        number = 1 + sum(terminal.name.startswith("worker") for terminal in self._open)
        say(f"  worker {number} starts: qprocessor.py --queue {queue}{shown}")
        worker = self._start(f"worker {number}", "qprocessor.py", queue, (*self._pace, *options))
        self.wait_until(f"{worker.name} says something", lambda: bool(worker.lines))
        return worker

    def send(self, queue: str, *bodies: str) -> None:
        """Send messages and wait until the broker has them."""
        shown = "".join(f" '{body}'" for body in bodies)
        say(f"  send.py --queue {queue}{shown}")
        sender = self._start("send.py", "send.py", queue, bodies)
        self.wait_for_end(sender)
        if sender.code != 0:
            raise Late(f"nothing was sent: {' '.join(sender.lines)}")

    def wait_until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until it holds; it is looked at whenever a terminal has shown a line or ended."""
        with self._changed:
            if not self._changed.wait_for(holds, DEADLINE_SECONDS):
                raise Late(f"not within {DEADLINE_SECONDS:g} s: {what}")

    def wait_for_end(self, terminal: Terminal) -> None:
        """Wait until a script has ended."""
        self.wait_until(f"{terminal.name} ends", lambda: terminal.code is not None)

    def _start(self, name: str, script: str, queue: str, rest: Sequence[str]) -> Terminal:
        options = [*self._access, "--queue", queue, *rest]
        terminal = Terminal(name, script, options, self._changed, name != script)
        self._open.append(terminal)
        return terminal

    def _see_off(self, terminal: Terminal) -> None:
        try:
            self.wait_for_end(terminal)
        except Late:
            terminal.kill()
            self.wait_for_end(terminal)
