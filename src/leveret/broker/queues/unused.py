"""A queue that nobody uses goes: `x-expires`.

Unused means: no consumers, no declare (passive or not) and no basic.get for that long. What is in
the queue, and what is published to it, does not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Timer


class Unused:
    """`expires_ms` is how long the queue may go unused, -1 for ever. One timer is set at a time: a
    use moves the end, and the timer that comes too early is set again."""

    def __init__(self, queue: ClassicQueue) -> None:
        self._queue = queue
        self._expires_s = -1.0
        self._timer: Timer | None = None
        self._ends_at = 0.0

    def obey(self, expires_ms: int) -> None:
        """The time begins now."""
        self.stop()
        self._expires_s = expires_ms / 1000
        self.used()

    def used(self) -> None:
        """The time begins anew. It does not run before the queue is there: its definition may
        never be stored, or after another queue has its name."""
        if self._expires_s < 0 or self._queue.deleted:
            return
        vhost = self._queue.vhost
        if vhost is None or vhost.is_there(self._queue):
            self._ends_at = self._queue.clock.now() + self._expires_s
            if self._timer is None and not self._queue.consumers:
                self._timer = self._queue.clock.call_at(self._ends_at, self._check)

    def stop(self) -> None:
        """The queue is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        queue = self._queue
        if queue.deleted or queue.consumers:
            # The last of them starts the time when it leaves.
            return
        if queue.clock.now() < self._ends_at:
            self._timer = queue.clock.call_at(self._ends_at, self._check)
        elif queue.vhost is not None:
            queue.vhost.remove_queue(queue)
