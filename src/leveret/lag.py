"""How late the event loop is: a timer that notes how long after its time it is called.

Everything here happens on one loop. Whatever holds it, a long list or a slow system call, has every
client wait as long; this shows it. It is late as well when other processes have the processor: what
is left without that time is how long the broker has held its loop itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING, Final

from leveret.system import processor_wait_seconds

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


class Highest:
    """The highest of the values of the last 60 seconds."""

    def __init__(self) -> None:
        # (second, the highest in it), for the seconds of the window in which there was any.
        self._seconds: deque[tuple[int, float]] = deque()

    def take(self, now: float, value: float) -> None:
        """A value of this moment."""
        second, seconds = int(now), self._seconds
        if seconds and seconds[-1][0] == second:
            if value > seconds[-1][1]:
                seconds[-1] = second, value
        else:
            seconds.append((second, value))
            while seconds[0][0] <= second - WINDOW_SECONDS:
                seconds.popleft()

    def at(self, now: float) -> float:
        """The highest, at this moment; 0 if there is none."""
        first = int(now) - WINDOW_SECONDS
        return max((value for second, value in self._seconds if second > first), default=0.0)


class LoopLag:
    """Runs from `start` to `stop`. `last_event` tells when a client was heard last, `waited` for
    how many seconds this thread has waited for a processor in all.

    `buckets` counts the looks whose lag was up to each bound, and last those whose was above all;
    `sum_seconds` adds all lags up."""

    def __init__(
        self,
        clock: Clock,
        last_event: Callable[[], float],
        waited: Callable[[], float] = processor_wait_seconds,
    ) -> None:
        self._last_event = last_event
        self._waited = waited
        self._waited_seconds = 0.0
        self._heard_at = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.sum_seconds = 0.0
        self._clock = clock
        self._due = 0.0
        self._timer: Timer | None = None
        self._highest = Highest()
        self._held = Highest()

    def start(self) -> None:
        """Look from now on."""
        self._waited_seconds = self._waited()
        self._set_timer(self._clock.now())

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def max_seconds(self) -> float:
        """The highest lag of the last 60 seconds."""
        return self._highest.at(self._clock.now())

    def max_held_seconds(self) -> float:
        """The highest of the last 60 seconds without the time that the thread waited for a
        processor since the look before; all of it where the system does not tell that time."""
        return self._held.at(self._clock.now())

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
        waited = self._waited()
        self._highest.take(now, lag)
        self._held.take(now, max(0.0, lag - (waited - self._waited_seconds)))
        self._waited_seconds = waited
        self._set_timer(now)
