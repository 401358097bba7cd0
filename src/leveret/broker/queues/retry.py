"""How long a message waits before it is tried again: `x-delayed-retry-type`, `-min` and `-max`.

As in RabbitMQ 4.3, on quorum queues and on classic ones. A message comes back because it `failed`
(basic.reject, or its consumer's channel ended) or because it was `returned` (basic.nack,
basic.recover); the type says which of them wait. The wait is the minimum, times how often the
message has failed, up to the maximum; what never failed waits the minimum. One timer runs, for the
message whose time is up first. Then it is ready again, at its old place.

A message that waits is neither ready nor unacked. To the store it is a message of the queue, and
after a restart it is ready at once.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from leveret.broker.queues.stored import Stored
from leveret.broker.rules import RETRY_ALL, RETRY_FAILED

if TYPE_CHECKING:
    from leveret.broker.message import Entry
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.rules import QueueRules
    from leveret.broker.seams import Timer

# Messages of one turn of the loop.
TURN_MAX: Final = 2048


class Retries:
    """The entries of a queue that wait to be tried again. `body_bytes` is the size of
    their bodies, `stored` are those with a ticket."""

    def __init__(self, queue: ClassicQueue) -> None:
        self.body_bytes = 0
        self.stored = Stored()
        self._queue = queue
        self._rules = queue.rules
        # When, in seconds of the clock; the entry's position, which no other one has; the entry.
        self._heap: list[tuple[float, int, Entry]] = []
        self._timer: Timer | None = None
        self._timer_at = 0.0

    def obey(self, rules: QueueRules) -> None:
        """Obey these rules instead; who waits already waits as long as before."""
        self._rules = rules

    def count(self) -> int:
        """How many wait."""
        return len(self._heap)

    def entries(self) -> list[Entry]:
        """Those that wait, in no order."""
        return [entry for _when, _position, entry in self._heap]

    def hold(self, entry: Entry, failed: bool, deliveries: int) -> bool:
        """Have an entry that has come back wait, if it must; whether it does. `deliveries` is its
        delivery count."""
        rules = self._rules
        if not rules.delays_retries():
            return False
        if rules.delayed_retry_type != RETRY_ALL and failed != (
            rules.delayed_retry_type == RETRY_FAILED
        ):
            return False
        delay_ms = rules.delayed_retry_min_ms * max(deliveries, 1)
        if rules.delayed_retry_max_ms >= 0:
            delay_ms = min(delay_ms, rules.delayed_retry_max_ms)
        if delay_ms <= 0:
            return False
        # As with what is unacked, its content need not stay in memory.
        self._queue.ready.delivered(entry)
        self.body_bytes += int(entry.message.body_size)
        if entry.ticket != 0:
            self.stored.add(entry)
        due = self._queue.clock.now() + delay_ms / 1000
        heappush(self._heap, (due, int(entry.position), entry))
        self._set_timer()
        return True

    def release(self) -> None:
        """Nobody waits any longer: all are ready, `deliver` is the caller's."""
        heap, self._heap = self._heap, []
        self.body_bytes = 0
        self.stored.clear()
        for _when, _position, entry in heap:
            self._queue.ready.put_back(entry)
        self._stop()

    def _set_timer(self) -> None:
        when = self._heap[0][0]
        if self._timer is not None:
            if self._timer_at <= when:
                return
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._queue.clock.call_at(when, self._time_is_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        self._timer = None
        queue = self._queue
        now = queue.clock.now()
        left = TURN_MAX
        while self._heap and self._heap[0][0] <= now and left > 0:
            entry = heappop(self._heap)[2]
            self.body_bytes -= int(entry.message.body_size)
            if entry.ticket != 0:
                self.stored.remove(entry)
            queue.ready.put_back(entry)
            left -= 1
        if self._heap:
            self._set_timer()
        queue.at_front()
