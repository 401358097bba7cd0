"""A queue with rules: what it does beside being a queue. Each rule is a file of its own.

Rules come and go with policies, and a queue has a `Ruled` only while there is something to obey,
a message with a time to live of its own, or one that has come back and is counted. None of this is
on the road of a plain queue's messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.message import NEVER
from leveret.broker.queues.dead_letter import (
    DELIVERY_LIMIT,
    EXPIRED,
    MAXLEN,
    REJECTED,
    DeadLetter,
)
from leveret.broker.queues.delivery import Deliveries
from leveret.broker.queues.duplicates import Duplicates
from leveret.broker.queues.expiry import Expiry
from leveret.broker.queues.kept_letters import KeptLetters
from leveret.broker.queues.overflow import Overflow
from leveret.broker.queues.retry import Retries
from leveret.broker.queues.single_active import SingleActive
from leveret.broker.queues.unused import Unused
from leveret.broker.rules import NONE, REJECT_PUBLISH_DLX, QueueRules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leveret.broker.message import Entry, Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Consumer

# Messages that one turn of the loop drops.
DROPPED_PER_TURN: Final = 2048


class Ruled:
    """`rules` are what `queue` obeys. `timed` is whether messages with a time to live of their own
    may be in it."""

    def __init__(self, queue: ClassicQueue, rules: QueueRules) -> None:
        self.queue = queue
        self.rules = rules
        self.timed = False
        self._delays_retries = False
        self._expiry = Expiry(queue)
        self._unused = Unused(queue)
        self._deliveries = Deliveries(queue, queue.type_name == "quorum")
        self.retries = Retries(queue)
        self.letters = KeptLetters(queue)
        self._overflow: Overflow | None = None
        self._single: SingleActive | None = None
        if rules.single_active_consumer:
            self._single = SingleActive(queue)
        self.duplicates: Duplicates | None = None
        if rules.deduplicates:
            self.duplicates = Duplicates(queue, self._let_in)
        self.obey(rules)

    def obey(self, rules: QueueRules) -> None:
        """Obey these rules instead; to look at the head again is the caller's. A single active
        consumer, the number of priorities and deduplication are not for a policy to change."""
        self.rules = rules
        self._delays_retries = rules.delays_retries()
        self._expiry.ttl_ms = rules.message_ttl_ms
        self._unused.obey(rules.expires_ms)
        self._deliveries.limit = rules.delivery_limit
        self.retries.obey(rules)
        self._overflow = Overflow(self.queue, rules) if rules.limits_length() else None
        self.queue.ready.keeps_unacked = rules.max_length_bytes != NONE or rules.deduplicates
        if self.letters.count() and not rules.keeps_dead_letters():
            # Their last chance.
            self.letters.retry()

    def stop(self) -> None:
        """The queue is gone, or has nothing left to obey."""
        self._expiry.stop()
        self._unused.stop()
        self._deliveries.forget()
        self.duplicates = None

    # --- messages in ---

    def publish(self, message: Message, ticket: int) -> None:
        """A message comes."""
        queue = self.queue
        overflow = self._overflow
        if overflow is not None and overflow.refuses(message):
            message.refused = True
            if self.rules.overflow == REJECT_PUBLISH_DLX:
                self._bury(message, ticket, MAXLEN)
            elif ticket != 0:
                queue.store.settle(queue, ticket)
            return
        self._let_in(message, ticket)

    def _let_in(self, message: Message, ticket: int) -> None:
        # Nothing refuses it any more: it may have waited, and been confirmed.
        queue = self.queue
        if self.duplicates is not None and not self.duplicates.admits(message, ticket):
            return
        expires_at = self._expiry.of(message)
        before = queue.ready.count + queue.unacked_count
        queue.accept(message, ticket, expires_at)
        if self.duplicates is not None and queue.ready.count + queue.unacked_count == before:
            # Settled as it came.
            self.duplicates.gone(message)
        if self._overflow is not None or expires_at != NEVER:
            self.clear_front()
        else:
            self.rest()

    def requeue(self, entry: Entry, failed: bool) -> None:
        """A delivered entry comes back; because it `failed`, or because it was not wanted now."""
        deliveries = self._deliveries
        if self._delays_retries or deliveries.counted():
            if not deliveries.returned(entry, failed):
                self._gone(entry)
                self._bury(entry.message, entry.ticket, DELIVERY_LIMIT)
                return
            if self._delays_retries and self.retries.hold(entry, failed, deliveries.count(entry)):
                return
        self.queue.ready.put_back(entry)
        if self._overflow is not None:
            self.clear_front()

    def recover_returns(self, returns: dict[int, tuple[int, int]]) -> None:
        """Messages from before the start that have come back, by ticket."""
        self._deliveries.recover(returns)

    def recovered(self, tickets: Iterable[int]) -> None:
        """These messages are there from before the start."""
        if self.duplicates is not None:
            self.duplicates.recovered(tickets)
        if not self.rules.plain():
            self.queue.at_front()

    # --- messages out ---

    def clear_front(self) -> bool:
        """Drop from the head what may not stay there; whether the head, if there is one, is at
        hand and may leave."""
        ready = self.queue.ready
        left = DROPPED_PER_TURN
        while ready.count != 0:
            head = ready.head()
            if head is None:
                return False
            if self._overflow is not None and self._overflow.drops():
                reason = MAXLEN
            elif self._expiry.due(head):
                reason = EXPIRED
            else:
                return True
            if left == 0:
                self._expiry.wake_at(self.queue.clock.now())
                return False
            left -= 1
            ready.take()
            self._gone(head)
            self._bury(head.message, head.ticket, reason)
        self.rest()
        return True

    def retried_later(self) -> list[Entry]:
        """The entries that wait to be tried again."""
        return self.retries.entries()

    def waiting_count(self) -> int:
        """How many entries wait to be tried again, and letters to be taken."""
        return self.retries.count() + self.letters.count()

    def refuses(self, message: Message) -> bool:
        """Whether the queue would not take a message that comes now."""
        return self._overflow is not None and self._overflow.refuses(message)

    def purge(self) -> int:
        """What is ready is about to be gone, and what waits to be ready again. Dead letters that
        were kept are gone; returns how many."""
        self.retries.release()
        dropped = self.letters.drop()
        if self._deliveries.any():
            self._deliveries.purge(self.queue.ready.returned())
        if self.duplicates is not None:
            self.duplicates.clear()
        return dropped

    def leaving(self, entry: Entry, settled: bool) -> None:
        """An entry has left the ready ones for a consumer or a basic.get."""
        self._deliveries.leaving(entry)
        if settled:
            self._gone(entry)
            self.rest()

    def settled(self, entry: Entry) -> None:
        """An unacked entry is about to be gone."""
        self._gone(entry)

    def reject(self, entry: Entry) -> None:
        """An entry that was unacked is wanted no more."""
        self._gone(entry)
        self._bury(entry.message, entry.ticket, REJECTED)

    def _gone(self, entry: Entry) -> None:
        """An entry is in the queue no more."""
        self._deliveries.gone(entry)
        if self.duplicates is not None:
            self.duplicates.gone(entry.message)

    def _bury(self, message: Message, ticket: int, reason: str) -> None:
        """A message that is neither ready nor unacked any more is a dead letter, or nothing."""
        queue = self.queue
        if queue.vhost is None:
            if ticket != 0:
                queue.store.settle(queue, ticket)
            return
        goes_on = self.rules.dead_letter_exchange is not None
        queue.vhost.churn.dead_letter(queue.type_name, goes_on, reason)
        if goes_on:
            letter = DeadLetter(queue, message, ticket, reason, self.rules)
            queue.vhost.dead_letters.take(letter)
        elif ticket != 0:
            queue.store.settle(queue, ticket)

    # --- consumers and use ---

    def may_take(self, consumer: Consumer) -> bool:
        """Whether a consumer may have messages at all."""
        return self._single is None or self._single.may_take(consumer)

    def single_active(self) -> Consumer | None:
        """The consumer that has messages where only one may."""
        return None if self._single is None else self._single.consumer

    def consumer_came(self, consumer: Consumer) -> None:
        """A consumer is new; `activate` is the caller's."""
        if self._single is not None:
            self._single.consumer_came(consumer)

    def consumer_left(self) -> None:
        """A consumer is gone; `deliver` is the caller's."""
        if not self.queue.consumers:
            self._unused.used()
        if self._single is not None:
            self._single.consumer_left()

    def used(self) -> None:
        """Somebody declared the queue or asked it for a message."""
        self._unused.used()

    def rest(self) -> None:
        """Nothing can be late any more once a queue without rules is empty, or has neither messages
        with times nor any that have come back."""
        queue = self.queue
        if queue.ruled is not self or not self.rules.plain():
            return
        if self.waiting_count():
            return
        empty = queue.ready.count == 0 and queue.unacked_count == 0
        if empty or not (self.timed or self._deliveries.any()):
            self.stop()
            queue.ruled = None
