"""Publisher confirms of one channel: which sequence numbers may be answered, and how few acks do.

Sequence numbers are confirmed in their order. A number whose ticket is not yet durable holds the
later ones back; the next commit releases all that piled up, so everything that became ready leaves
as one basic.ack with `multiple`. A number that failed, or that a queue has refused, is answered
alone with basic.nack, and no multiple ack ever covers it.
"""

from collections import deque

from mypy_extensions import i64

from leveret.broker.counts import Counts
from leveret.broker.seams import MessageStore
from leveret.wire.frames import method_frame
from leveret.wire.methods import BasicAck, BasicNack


class Confirms:
    """`published` is the last sequence number given; the first publish has number 1. What is
    confirmed is added to `counts`."""

    def __init__(self, store: MessageStore, counts: Counts) -> None:
        self._counts = counts
        self.published: i64 = 0
        self._answered: i64 = 0
        self._nacked: i64 = 0
        self._store = store
        # (sequence number, ticket) of what is not known to be durable, ascending
        self._waiting: deque[tuple[int, int]] = deque()
        # Ascending; each is answered in its turn.
        self._failed: list[int] = []

    def take(self, ticket: i64) -> None:
        """A message was published; `ticket` is the store's, 0 if it was not stored."""
        self.published += 1
        if ticket != 0 and not self._store.is_durable(ticket):
            self._waiting.append((int(self.published), int(ticket)))

    def refuse(self) -> None:
        """A message was published that a queue has refused; others may have taken it."""
        self.published += 1
        self._failed.append(int(self.published))

    def fail_waiting(self) -> None:
        """The store failed: what it has not made durable is nacked."""
        failed = set(self._failed)
        for number, ticket in self._waiting:
            if not self._store.is_durable(ticket):
                failed.add(number)
        self._failed = sorted(failed)
        self._waiting.clear()

    def unanswered(self) -> bool:
        """Whether `answers` may have something to say."""
        return self._answered < self.published

    def confirmed_count(self) -> i64:
        """How many were answered with an acknowledgement."""
        return self._answered - self._nacked

    def unanswered_count(self) -> int:
        """How many published messages wait for their answer."""
        return int(self.published - self._answered)

    def answers(self, channel: int) -> bytes:
        """The basic.ack and basic.nack frames that may leave now."""
        waiting = self._waiting
        while waiting and self._store.is_durable(waiting[0][1]):
            waiting.popleft()
        ready = waiting[0][0] - 1 if waiting else int(self.published)
        frames: list[bytes] = []
        failed = 0
        for number in self._failed:
            if number > ready:
                break
            failed += 1
            self._ack_up_to(number - 1, channel, frames)
            nack = BasicNack(delivery_tag=number, multiple=False, requeue=False)
            frames.append(method_frame(channel, nack.encode()))
            self._answered = number
            self._nacked += 1
        if failed:
            del self._failed[:failed]
        self._ack_up_to(ready, channel, frames)
        return b"".join(frames)

    def _ack_up_to(self, number: int, channel: int, frames: list[bytes]) -> None:
        if number > self._answered:
            ack = BasicAck(delivery_tag=number, multiple=number > self._answered + 1)
            frames.append(method_frame(channel, ack.encode()))
            self._counts.confirm += number - self._answered
            self._answered = number
