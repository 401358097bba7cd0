"""A clock that stands still until it is moved: hours of heartbeats in a millisecond."""

import heapq
from collections.abc import Callable

from leveret.broker.seams import Clock, Timer


class ManualTimer(Timer):
    """A call scheduled on a `ManualClock`."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock(Clock):
    """Starts at `now` seconds; `advance` makes the calls that are due, in order of time."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self._calls: list[tuple[float, int, ManualTimer]] = []
        self._scheduled = 0

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        timer = ManualTimer(callback)
        self._scheduled += 1
        heapq.heappush(self._calls, (max(when, self._now), self._scheduled, timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass, stopping at every call on the way."""
        end = self._now + seconds
        while self._calls and self._calls[0][0] <= end:
            when, _, timer = heapq.heappop(self._calls)
            self._now = max(self._now, when)
            if timer.callback is not None:
                callback, timer.callback = timer.callback, None
                callback()
        self._now = end

    def pending(self) -> int:
        """How many calls are scheduled and not cancelled."""
        return sum(1 for _, _, timer in self._calls if timer.callback is not None)
