"""One consumer at a time: `x-single-active-consumer`.

The first one that comes is the active one until it leaves; then the waiting one of the highest
priority is, of several the one that has waited longest. A newcomer never takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Consumer


class SingleActive:
    """Which consumer of a queue is the active one; None as long as there is none."""

    def __init__(self, queue: ClassicQueue) -> None:
        self.consumer: Consumer | None = None
        self._queue = queue

    def may_take(self, consumer: Consumer) -> bool:
        """Whether this one is the active one."""
        if self.consumer is None:
            self.consumer = consumer
        return self.consumer is consumer

    def consumer_left(self) -> None:
        """If it was the active one, the next is; `deliver` is the caller's."""
        waiting = self._queue.consumers
        if self.consumer is None or self.consumer in waiting:
            return
        self.consumer = None
        if waiting:
            # The first of the highest, as `max` finds it.
            self._queue.activate(max(waiting, key=_priority))


def _priority(consumer: Consumer) -> int:
    return int(consumer.priority)
