"""How late the event loop is: a timer that notes how long after its time it is called.

Everything here happens on one loop. Whatever holds it, a long list or a slow system call, has every
client wait as long; this shows it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.seams import Clock, Timer

# While clients talk, and while none does: then waking up is what costs (twenty times a second was
# measured at 0.9 % of a processor on a virtual machine).
BUSY_INTERVAL_SECONDS: Final = 0.02
IDLE_INTERVAL_SECONDS: Final = 0.2
# The upper bounds of the histogram's buckets, in seconds.
BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
# The highest lag is known for so many seconds.
WINDOW_SECONDS: Final = 60


class LoopLag:
    """Runs from `start` to `stop`. `last_event` tells when a client was heard last.

    `buckets` counts the looks whose lag was up to each bound, and last those whose was above all;
    `sum_seconds` adds all lags up."""

    def __init__(self, clock: Clock, last_event: Callable[[], float]) -> None:
        self._last_event = last_event
        self._heard_at = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.sum_seconds = 0.0
        self._clock = clock
        self._due = 0.0
        self._timer: Timer | None = None
        # (second, the highest lag in it), for the seconds of the window in which there was any.
        self._highest: deque[tuple[int, float]] = deque()

    def start(self) -> None:
        """Look from now on."""
        self._set_timer(self._clock.now())

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def max_seconds(self) -> float:
        """The highest lag of the last 60 seconds."""
        first = int(self._clock.now()) - WINDOW_SECONDS
        return max((lag for second, lag in self._highest if second > first), default=0.0)

    def _set_timer(self, now: float) -> None:
        heard_at = self._last_event()
        busy = heard_at != self._heard_at
        self._heard_at = heard_at
        self._due = now + (BUSY_INTERVAL_SECONDS if busy else IDLE_INTERVAL_SECONDS)
        self._timer = self._clock.call_at(self._due, self._look)

    def _look(self) -> None:
        now = self._clock.now()
        lag = max(0.0, now - self._due)
        self.buckets[bisect_left(BOUNDS, lag)] += 1
        self.sum_seconds += lag
        second = int(now)
        highest = self._highest
        if highest and highest[-1][0] == second:
            if lag > highest[-1][1]:
                highest[-1] = second, lag
        else:
            highest.append((second, lag))
            while highest[0][0] <= second - WINDOW_SECONDS:
                highest.popleft()
        self._set_timer(now)
