"""Keeps a program running: starts it again, after growing pauses, whenever it has died.

The program runs in a process group of its own, so that Ctrl-C in the terminal reaches it once,
through us, and so that a shell or `uv run` around it does not outlive it.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Final

PAUSE_MAX_SECONDS: Final = 30.0
# A program that lived this long was healthy: its next pause is the first one again.
HEALTHY_SECONDS: Final = 30.0
PASSED_ON: Final = ("SIGINT", "SIGTERM", "SIGHUP")


class CannotStart(Exception):
    """The program cannot be run at all; the text says why."""


class Pauses:
    """How long to wait before each start: doubled from death to death, up to a maximum."""

    def __init__(self, first_seconds: float) -> None:
        self._first = min(PAUSE_MAX_SECONDS, first_seconds)
        self._next = self._first

    def after(self, lived_seconds: float) -> float:
        """The pause after a life of this length."""
        if lived_seconds >= HEALTHY_SECONDS:
            self._next = self._first
        pause = self._next
        self._next = min(PAUSE_MAX_SECONDS, 2 * pause)
        return pause


class Supervisor:
    """`run` once; `say` is told, in sentences, what happens."""

    def __init__(
        self, command: Sequence[str], first_pause_seconds: float, say: Callable[[str], object]
    ) -> None:
        self._command = command
        self._pauses = Pauses(first_pause_seconds)
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._signal = signal.SIGTERM

    async def run(self) -> int:
        """Run the program until it ends with 0 or we are told to stop; its exit code."""
        self._listen()
        while True:
            code, lived_seconds = await self._live()
            if code == 0 or self._stopping.is_set():
                self._say(f"The worker has ended {ending(code)}.")
                return exit_code(code)
            pause = self._pauses.after(lived_seconds)
            self._say(f"The worker died {ending(code)}. It starts again in {pause:g} s.")
            if await self._stopped_within(pause):
                self._say("Stopped before it was started again.")
                return exit_code(code)

    async def _live(self) -> tuple[int, float]:
        started = time.monotonic()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, process_group=0
            )
        except OSError as error:
            reason = f"Cannot start {self._command[0]!r}: {error.strerror or error}"
            raise CannotStart(reason) from error
        self._say(f"The worker has started as process {self._process.pid}.")
        if self._stopping.is_set():  # told so while it was being started
            self._pass_on()
        code = await self._process.wait()
        self._process = None
        return code, time.monotonic() - started

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for name in PASSED_ON:
            number = getattr(signal, name, None)
            # Under nohup the end of the terminal is nothing to us, nor to the program.
            if number is None or signal.getsignal(number) is signal.SIG_IGN:
                continue
            # Windows has no signal handlers on the loop; there Ctrl-C reaches both of us anyway.
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, self._stop, number)

    def _stop(self, number: signal.Signals) -> None:
        self._stopping.set()
        self._signal = number
        self._pass_on()

    def _pass_on(self) -> None:
        if self._process is None:
            return
        self._say(f"{self._signal.name} is passed on to the worker.")
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.killpg(self._process.pid, self._signal)

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()


def ending(code: int) -> str:
    """How a process ended, as the end of a sentence; negative codes are signals."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:  # real-time signals have no names
        return f"by signal {-code}"


def exit_code(code: int) -> int:
    """The code to end with in the program's place; a shell's, if it was a signal."""
    return code if code >= 0 else 128 - code
