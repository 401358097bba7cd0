"""Whose turn it is: the consumers of a queue that may have credit.

One without credit is taken out when its turn comes and comes back, last in turn, when its channel
says so; an idle queue with a thousand blocked consumers therefore costs nothing per message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.broker.seams import Consumer


class Rotation:
    """Consumers of one priority, strictly in turn."""

    def __init__(self) -> None:
        self._consumers: list[Consumer] = []
        self._turn: i64 = 0

    def join(self, consumer: Consumer) -> None:
        """Last in turn."""
        consumer.active = True
        self._consumers.insert(int(self._turn), consumer)
        self._turn += 1
        if self._turn >= len(self._consumers):
            self._turn = 0

    def next(self) -> Consumer | None:
        """The one whose turn it is and who has credit; then it is the following one's."""
        consumers = self._consumers
        while len(consumers) > 0:
            turn = self._turn
            consumer = consumers[turn]
            if consumer.credit():
                turn += 1
                self._turn = 0 if turn >= len(consumers) else turn
                return consumer
            self._drop(int(turn))
        return None

    def give_back(self, consumer: Consumer) -> None:
        """The last one, who got nothing, is the next again."""
        self._turn = self._consumers.index(consumer)

    def leave(self, consumer: Consumer) -> None:
        """Take an active consumer out."""
        self._drop(self._consumers.index(consumer))

    def in_turn(self) -> list[Consumer]:
        """All of them, the next one first."""
        return self._consumers[int(self._turn) :] + self._consumers[: int(self._turn)]

    def _drop(self, at: int) -> None:
        consumer = self._consumers.pop(at)
        consumer.active = False
        if at < self._turn:
            self._turn -= 1
        if self._turn >= len(self._consumers):
            self._turn = 0


class PriorityRotation(Rotation):
    """Those of a lower priority have their turn when none of a higher one has credit."""

    def join(self, consumer: Consumer) -> None:
        consumer.active = True
        at: i64 = 0
        consumers = self._consumers
        while at < len(consumers) and consumers[at].priority >= consumer.priority:
            at += 1
        consumers.insert(int(at), consumer)

    def next(self) -> Consumer | None:
        consumers = self._consumers
        while len(consumers) > 0:
            consumer = consumers.pop(0)
            consumer.active = False
            if consumer.credit():
                self.join(consumer)
                return consumer
        return None

    def give_back(self, consumer: Consumer) -> None:
        self._consumers.remove(consumer)
        at: i64 = 0
        while at < len(self._consumers) and self._consumers[at].priority > consumer.priority:
            at += 1
        self._consumers.insert(int(at), consumer)
