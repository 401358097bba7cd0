"""One consumer at a time: `x-single-active-consumer`.

The first one that comes is the active one until it leaves; then the waiting one of the highest
priority is, of several the one that has waited longest. A newcomer never takes its place, except in
a quorum queue from level 4.2 on: there the active one gets nothing more once one of higher priority
has come, and is relieved when it has settled what it has.
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
        # Whether the active one is to be relieved, and gets nothing more.
        self._leaving = False

    def may_take(self, consumer: Consumer) -> bool:
        """Whether this one is the active one."""
        if self.consumer is None:
            self.consumer = consumer
        if not self._leaving:
            return self.consumer is consumer
        if self.consumer is consumer and consumer.unacked_count == 0:
            self._relieve()
        return False

    def consumer_came(self, consumer: Consumer) -> None:
        """If it has to take over, it does, now or later."""
        active = self.consumer
        if active is None or consumer.priority <= active.priority or not self._gives_way():
            return
        self._queue.deactivate(active)
        self._leaving = True
        if active.unacked_count == 0:
            self._relieve()

    def consumer_left(self) -> None:
        """If it was the active one, the next is; `deliver` is the caller's."""
        waiting = self._queue.consumers
        active = self.consumer
        if active is None:
            return
        if active not in waiting or (
            self._leaving and max(map(_priority, waiting)) == _priority(active)
        ):
            self._relieve()

    def _relieve(self) -> None:
        self._leaving = False
        self.consumer = None
        if self._queue.consumers:
            # The first of the highest, as `max` finds it.
            self._queue.activate(max(self._queue.consumers, key=_priority))

    def _gives_way(self) -> bool:
        vhost = self._queue.vhost
        return (
            self._queue.type_name == "quorum"
            and vhost is not None
            and vhost.compat.single_active_gives_way
        )


def _priority(consumer: Consumer) -> int:
    return int(consumer.priority)
