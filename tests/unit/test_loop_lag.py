"""The event loop's lateness is measured by a timer."""

from collections.abc import Callable

from leveret.broker.seams import Clock, Timer
from leveret.lag import (
    BOUNDS,
    BUSY_INTERVAL_SECONDS,
    IDLE_INTERVAL_SECONDS,
    WINDOW_SECONDS,
    LoopLag,
)


class LateClock(Clock):
    """Calls its one timer as late as it is told."""

    def __init__(self) -> None:
        self.time = 100.0
        self.due = 0.0
        self.heard_at = 0.0
        self.waited = 50.0
        self.callback: Callable[[], object] = lambda: None

    def now(self) -> float:
        return self.time

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        self.due, self.callback = when, callback
        return Timer()

    def ring(self, late: float) -> None:
        self.time = self.due + late
        self.callback()


def started() -> tuple[LateClock, LoopLag]:
    clock = LateClock()
    lag = LoopLag(clock, lambda: clock.heard_at, lambda: clock.waited)
    lag.start()
    return clock, lag


def test_the_highest_lag_of_the_last_minute_is_known():
    clock, lag = started()
    assert lag.max_seconds() == 0.0
    for late in (0.0, 0.3, 0.01):
        clock.ring(late)
    assert round(lag.max_seconds(), 6) == 0.3
    clock.time += WINDOW_SECONDS + 1
    assert lag.max_seconds() == 0.0


def test_what_the_thread_waited_for_a_processor_was_not_the_loops_own():
    clock, lag = started()
    clock.waited += 0.25
    clock.ring(0.3)
    assert round(lag.max_seconds(), 6) == 0.3
    assert round(lag.max_held_seconds(), 6) == 0.05
    clock.ring(0.1)
    assert round(lag.max_held_seconds(), 6) == 0.1
    clock.waited += 1.0
    clock.ring(0.01)
    clock.time += WINDOW_SECONDS + 1
    assert lag.max_held_seconds() == 0.0


def test_every_look_is_in_one_bucket():
    clock, lag = started()
    for late in (0.0, 0.0005, 0.015, 7.0):
        clock.ring(late)
    assert sum(lag.buckets) == 4
    assert lag.buckets[0] == 2
    assert lag.buckets[BOUNDS.index(0.02)] == 1
    assert lag.buckets[-1] == 1
    assert round(lag.sum_seconds, 4) == 7.0155


def test_what_is_kept_of_a_minute_is_bounded():
    clock, lag = started()
    for _ in range(int(5 * WINDOW_SECONDS / IDLE_INTERVAL_SECONDS)):
        clock.ring(0.001)
    assert len(lag._highest._seconds) <= WINDOW_SECONDS


def test_it_looks_more_often_while_clients_talk():
    clock, _lag = started()
    assert round(clock.due - clock.time, 6) == IDLE_INTERVAL_SECONDS
    clock.heard_at = 1.0
    clock.ring(0.0)
    assert round(clock.due - clock.time, 6) == BUSY_INTERVAL_SECONDS
    clock.ring(0.0)
    assert round(clock.due - clock.time, 6) == IDLE_INTERVAL_SECONDS
