"""A queue with rules: what it does beside being a queue. Each rule is a file of its own.

Rules come and go with policies, and a queue has a `Ruled` only while there is something to obey or
a message with a time to live of its own. None of this is on the road of a plain queue's messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.message import NEVER
from leveret.broker.queues.expiry import EXPIRED_PER_TURN, Expiry
from leveret.broker.queues.unused import Unused
from leveret.broker.rules import QueueRules

if TYPE_CHECKING:
    from leveret.broker.message import Entry, Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Consumer


class Ruled:
    """`rules` are what `queue` obeys."""

    def __init__(self, queue: ClassicQueue, rules: QueueRules | None) -> None:
        self.queue = queue
        self.rules = QueueRules()
        self._expiry = Expiry(queue)
        self._unused = Unused(queue)
        if rules is not None:
            self.obey(rules)

    def obey(self, rules: QueueRules) -> None:
        """Obey these rules instead, from now on."""
        self.rules = rules
        self._expiry.ttl_ms = rules.message_ttl_ms
        self._unused.obey(rules.expires_ms)

    def stop(self) -> None:
        """The queue is gone, or has nothing left to obey."""
        self._expiry.stop()
        self._unused.stop()

    # --- messages in ---

    def publish(self, message: Message, ticket: int) -> None:
        """A message comes."""
        expires_at = self._expiry.of(message)
        self.queue.accept(message, ticket, expires_at)
        if expires_at != NEVER:
            self.expire()
        else:
            self._rest()

    def requeue(self, entry: Entry) -> None:
        """A delivered entry comes back."""
        self.queue.ready.put_back(entry)

    def recovered(self) -> None:
        """Messages are there from before the start."""
        if self.rules.message_ttl_ms >= 0:
            self.queue.at_front()

    # --- messages out ---

    def expire(self) -> bool:
        """Drop what has expired from the head; whether the head, if there is one, may leave."""
        ready = self.queue.ready
        left = EXPIRED_PER_TURN
        while ready.count != 0:
            head = ready.head()
            if head is None:
                return False
            if not self._expiry.due(head):
                return True
            if left == 0:
                self._expiry.wake_at(self.queue.clock.now())
                return False
            left -= 1
            entry = ready.take()
            if entry is not None:
                self.bury(entry, "expired")
        self._rest()
        return True

    def leaving(self, entry: Entry, settled: bool) -> None:
        """An entry has left the ready ones for a consumer or a basic.get."""
        if settled:
            self._rest()

    def settled(self, entry: Entry) -> None:
        """An unacked entry is about to be gone."""

    def reject(self, entry: Entry) -> None:
        """An entry that was unacked is wanted no more."""
        self.bury(entry, "rejected")

    def bury(self, entry: Entry, reason: str) -> None:
        """An entry that is neither ready nor unacked any more is a dead letter, or nothing."""
        queue = self.queue
        if entry.ticket != 0:
            queue.store.settle(queue, entry.ticket)

    # --- consumers and use ---

    def may_take(self, consumer: Consumer) -> bool:
        """Whether a consumer may have messages now."""
        return True

    def consumer_left(self) -> None:
        """A consumer is gone."""
        if not self.queue.consumers:
            self._unused.used()

    def used(self) -> None:
        """Somebody declared the queue or asked it for a message."""
        self._unused.used()

    def _rest(self) -> None:
        """Nothing can be late any more once a queue without rules is empty."""
        queue = self.queue
        if queue.ruled is self and self.rules.plain():
            if queue.ready.count == 0 and queue.unacked_count == 0:
                self.stop()
                queue.ruled = None
