"""The system's clock: the event loop's monotonic time and its timers."""

import asyncio
from collections.abc import Callable

from leveret.broker.seams import Clock, Timer


class LoopTimer(Timer):
    """A call scheduled on the event loop."""

    def __init__(self, handle: asyncio.TimerHandle) -> None:
        self._handle = handle

    def cancel(self) -> None:
        self._handle.cancel()


class LoopClock(Clock):
    """Wall time never enters the broker: a clock set back must not extend a timeout."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.time()

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        return LoopTimer(self._loop.call_at(when, callback))
