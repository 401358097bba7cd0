"""The classic queue: first in, first out, consumers in turn.

Which messages are ready, in which order and in memory or not, is the business of `Ready`; whose
turn it is, of `Rotation`. What a queue obeys beyond that (times to live, limits, dead-lettering and
so on) is the business of `Ruled`, which only queues with rules have: to any other each of them is
one test that fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.message import NEVER, Entry, Message
from leveret.broker.queues.priority import PriorityReady
from leveret.broker.queues.ready import Ready, nothing
from leveret.broker.queues.rotation import PriorityRotation, Rotation
from leveret.broker.queues.ruled import Ruled
from leveret.broker.queues.stored import Stored
from leveret.broker.rules import QueueRules
from leveret.broker.seams import Clock, Consumer, MessageStore, Pending, Queue

if TYPE_CHECKING:
    from librt.vecs import vec
    from mypy_extensions import i64

    from leveret.broker.policies import Policy
    from leveret.broker.queues.dead_letter import DeadLetter
    from leveret.broker.queues.paging import Paging
    from leveret.broker.vhost import VHost
    from leveret.wire.table import Table

PLAIN: Final = QueueRules()
_NO_QUEUE: Final = Queue()
# Deliveries of one `deliver` call; the rest waits for the next turn of the loop, so that a long
# backlog meeting many consumers cannot hold up every other connection.
DELIVERIES_PER_TURN: Final = 2048


class ClassicQueue(Queue):
    """A queue on this node. `exclusive_owner` is the connection it belongs to, if any; `vhost` is
    where it deletes itself and sends its dead letters, None for a queue that does neither."""

    def __init__(
        self,
        name: str,
        durable: bool,
        exclusive_owner: object,
        auto_delete: bool,
        arguments: Table,
        store: MessageStore,
        clock: Clock,
        paging: Paging,
        vhost: VHost | None = None,
    ) -> None:
        self.name = name
        self.durable = durable
        self.exclusive_owner = exclusive_owner
        self.auto_delete = auto_delete
        self.arguments = arguments
        self.policy: Policy | None = None
        self.operator_policy: Policy | None = None
        self.vhost = vhost
        self.deleted = False
        self.consumers: list[Consumer] = []
        self.had_consumer = False
        self.consumer_timeout_s: float = -1.0
        self.unacked_count: i64 = 0
        self.unacked_bytes: i64 = 0
        self.unacked_stored = Stored()
        # What `leveret.broker.counts` derives the rest from: messages that came, those of them that
        # nobody published here (dead letters, what is traced), those that left, and those that came
        # back or were rejected.
        self.arrived_count: i64 = 0
        self.moved_count: i64 = 0
        self.deliver_count: i64 = 0
        self.deliver_no_ack_count: i64 = 0
        self.redeliver_count: i64 = 0
        self.get_count: i64 = 0
        self.get_no_ack_count: i64 = 0
        self.get_empty_count: i64 = 0
        self.unsettled_count: i64 = 0
        # Who takes samples of the counts keeps them here.
        self.history: object = None
        self.store = store
        self.clock = clock
        self.paging = paging
        self.ready = Ready(self, store, clock, paging, self._loaded)
        self.rules = PLAIN
        # None while there is nothing to obey but what matters to messages that come back.
        self.ruled: Ruled | None = None
        # Those who wait for a message that must come into memory first.
        self._asked: list[Pending] = []
        self._rotation = Rotation()
        self._continues = False

    @property
    def type_name(self) -> str:
        """The value of `x-queue-type`."""
        return "classic"

    @property
    def ready_count(self) -> i64:
        """How many messages are ready."""
        return self.ready.count

    @property
    def waiting_count(self) -> int:
        """How many messages are neither ready nor unacked: they wait to be tried again, or are dead
        letters that nobody has taken."""
        return 0 if self.ruled is None else self.ruled.waiting_count()

    # --- rules ---

    def obey(self, rules: QueueRules) -> None:
        """Obey these rules from now on, and no others."""
        self.rules = rules
        self.consumer_timeout_s = -1.0
        if rules.consumer_timeout_ms >= 0:
            self.consumer_timeout_s = rules.consumer_timeout_ms / 1000
        if self.ruled is not None:
            self.ruled.obey(rules)
        elif not rules.plain():
            if rules.max_priority >= 0:
                self.ready = PriorityReady(
                    self, self.store, self.clock, self.paging, self._loaded, rules.max_priority
                )
            self.ruled = Ruled(self, rules)
        if self.ready.count != 0:
            self.at_front()

    def heed_expiration(self) -> None:
        """A message with a time to live of its own is about to come."""
        if self.ruled is None:
            self.ruled = Ruled(self, self.rules)
        self.ruled.timed = True

    def used(self) -> None:
        """Somebody declared it or asked for a message (`x-expires`)."""
        if self.ruled is not None:
            self.ruled.used()

    # --- messages in ---

    def publish(self, message: Message, ticket: i64) -> None:
        self.arrived_count += 1
        if self.ruled is not None:
            self.ruled.publish(message, ticket)
        else:
            self.accept(message, ticket, NEVER)

    def accept(self, message: Message, ticket: i64, expires_at: float) -> None:
        """Take a message that no rule refuses."""
        ready = self.ready
        if ready.count == 0:
            consumer = self._rotation.next()
            if consumer is not None:
                if consumer.no_ack:
                    self.deliver_no_ack_count += 1
                    consumer.deliver_settled(message, False)
                    if ticket != 0:
                        self.store.settle(self, ticket)
                    return
                self.unacked_count += 1
                self.deliver_count += 1
                entry = Entry(message, self, ready.leave_at_once(), ticket)
                entry.expires_at = expires_at
                consumer.deliver(entry)
                ready.delivered(entry)
                self.unacked_bytes += message.body_size
                if ticket != 0:
                    self.unacked_stored.add(entry)
                return
        ready.append(message, ticket, expires_at)

    def requeue(self, entry: Entry, failed: bool = True) -> None:
        self.unacked_count -= 1
        self.unacked_bytes -= entry.message.body_size
        if entry.ticket != 0:
            self.unacked_stored.remove(entry)
        self.unsettled_count += 1
        entry.consumer = None
        if self.deleted:
            if entry.ticket != 0:
                self.store.settle(self, entry.ticket)
            return
        entry.redelivered = True
        if self.ruled is None and self.counts_returns():
            self.ruled = Ruled(self, self.rules)
        if self.ruled is not None:
            self.ruled.requeue(entry, failed)
        else:
            self.ready.put_back(entry)

    def refuses(self, message: Message) -> bool:
        """Whether it would not take a message that comes now (`x-overflow`)."""
        return self.ruled is not None and self.ruled.refuses(message)

    def keep_letter(self, letter: DeadLetter) -> None:
        """Keep a dead letter that nobody has taken."""
        if self.ruled is None:
            self.ruled = Ruled(self, self.rules)
        self.ruled.letters.keep(letter)

    def counts_returns(self) -> bool:
        """Whether it matters how often a message comes back."""
        return self.rules.delivery_limit >= 0 or self.rules.delays_retries()

    def recover(self, tickets: vec[i64], delivered: dict[int, None] | None, size: i64) -> None:
        """These messages were in the store before the start, `size` octets on average. Those in
        `delivered` were delivered before; None if nobody knows, and so all of them may have been.
        """
        for ticket in tickets:
            redelivered = delivered is None or int(ticket) in delivered
            self.ready.recover(ticket, redelivered, size)
        # Any of them may have a time to live.
        self.heed_expiration()
        if self.ruled is not None:
            self.ruled.recovered(tickets)

    def recover_returns(self, returns: dict[int, tuple[int, int]]) -> None:
        """Of the messages that are about to be recovered, these tickets' have come back: so often
        in all, and so often because they failed."""
        if self.ruled is None:
            self.ruled = Ruled(self, self.rules)
        self.ruled.recover_returns(returns)

    def recover_dues(self, dues: vec[i64]) -> None:
        """When the messages are due that are about to be recovered, in their order, where they wait
        for that: in milliseconds of the time of day, 0 where nobody knows."""

    # --- messages out ---

    def get(self, no_ack: bool) -> Entry | None:
        """basic.get: the entry at the front; unacked from now on unless `no_ack`."""
        entry = self.ready.take()
        if entry is None:
            self.get_empty_count += 1
        else:
            if no_ack:
                self.get_no_ack_count += 1
            else:
                self.get_count += 1
            if entry.redelivered:
                self.redeliver_count += 1
            ruled = self.ruled
            if ruled is not None:
                ruled.leaving(entry, no_ack)
            self._left(entry, no_ack)
            if ruled is not None:
                ruled.clear_front()
        return entry

    def when_at_hand(self) -> Pending:
        """Answers once `get` can answer at once: the front is in memory, or there is none."""
        if not self._asked and self._at_hand():
            return Pending.of(None)
        answer = Pending()
        self._asked.append(answer)
        return answer

    def delivered_before(self) -> list[int]:
        """The tickets of stored messages that were delivered before and came back."""
        found = self.ready.redelivered()
        if self.ruled is not None:
            waiting = self.ruled.retried_later()
            found.extend([int(entry.ticket) for entry in waiting if entry.ticket > 0])
            found.extend(self.ruled.letters.delivered())
        return found

    def finish(self) -> None:
        """Do now what purging left for later."""
        self.ready.finish_discarding()

    def deliver(self) -> None:
        if self._continues:
            return
        left = DELIVERIES_PER_TURN
        ready = self.ready
        ruled = self.ruled
        while ready.count != 0:
            if left == 0:
                self._continues = True
                self.clock.call_at(self.clock.now(), self._continue)
                return
            if ruled is not None and not (ruled.clear_front() and ready.count != 0):
                return
            consumer = self._rotation.next()
            if consumer is None:
                return
            left -= 1
            entry = ready.take()
            if entry is None:
                # It must come into memory first: the consumer keeps its turn.
                self._rotation.give_back(consumer)
                return
            if ruled is not None:
                ruled.leaving(entry, consumer.no_ack)
            if entry.redelivered:
                self.redeliver_count += 1
            if consumer.no_ack:
                self.deliver_no_ack_count += 1
                consumer.deliver_settled(entry.message, entry.redelivered)
                self._left(entry, True)
            else:
                self.unacked_count += 1
                self.deliver_count += 1
                consumer.deliver(entry)
                ready.delivered(entry)
                self.unacked_bytes += entry.message.body_size
                if entry.ticket != 0:
                    self.unacked_stored.add(entry)

    def settle(self, entry: Entry) -> None:
        if self.ruled is not None:
            self.ruled.settled(entry)
        self.unacked_count -= 1
        self.unacked_bytes -= entry.message.body_size
        entry.consumer = None
        if entry.ticket != 0:
            self.unacked_stored.remove(entry)
            self.store.settle(self, entry.ticket)

    def reject(self, entry: Entry) -> None:
        self.unsettled_count += 1
        if self.deleted or (self.ruled is None and self.rules.dead_letter_exchange is None):
            self.settle(entry)
            return
        self.unacked_count -= 1
        self.unacked_bytes -= entry.message.body_size
        if entry.ticket != 0:
            self.unacked_stored.remove(entry)
        entry.consumer = None
        ruled = Ruled(self, self.rules) if self.ruled is None else self.ruled
        ruled.reject(entry)

    def purge(self) -> int:
        count = 0 if self.ruled is None else self.ruled.purge()
        count += self.ready.clear()
        self.store.settle_lost(self)
        self._answer_asked()
        return count

    def at_front(self) -> None:
        """The front has changed other than by a delivery: consumers, or who waits, may go on."""
        self._answer_asked()
        self.deliver()

    def _left(self, entry: Entry, settled: bool) -> None:
        if not settled:
            self.unacked_count += 1
            self.unacked_bytes += entry.message.body_size
            if entry.ticket != 0:
                self.unacked_stored.add(entry)
        elif entry.ticket != 0:
            self.store.settle(self, entry.ticket)

    def _loaded(self) -> None:
        self.at_front()

    def _at_hand(self) -> bool:
        if self.ruled is not None and not self.ruled.clear_front():
            return self.ready.count == 0
        return self.ready.count == 0 or self.ready.at_hand()

    def _answer_asked(self) -> None:
        while self._asked and self._at_hand():
            self._asked.pop(0).complete(None)

    # --- consumers ---

    def add_consumer(self, consumer: Consumer) -> None:
        """Join the rotation, last in turn. `deliver` is the caller's, after consume-ok."""
        self.consumers.append(consumer)
        self.had_consumer = True
        if consumer.priority != 0 and not isinstance(self._rotation, PriorityRotation):
            waiting = self._rotation.in_turn()
            self._rotation = PriorityRotation()
            for each in waiting:
                self._rotation.join(each)
        if self.ruled is not None:
            self.ruled.consumer_came(consumer)
        self.activate(consumer)

    def remove_consumer(self, consumer: Consumer) -> None:
        """Leave the rotation; what the consumer has unacked stays with its channel."""
        if consumer in self.consumers:
            self.consumers.remove(consumer)
        if consumer.active:
            self._rotation.leave(consumer)
        if self.ruled is not None:
            self.ruled.consumer_left()

    def activate(self, consumer: Consumer) -> None:
        if consumer.active or self.deleted:
            return
        if self.ruled is None or self.ruled.may_take(consumer):
            self._rotation.join(consumer)

    def deactivate(self, consumer: Consumer) -> None:
        """Leave the rotation until `activate`."""
        if consumer.active:
            self._rotation.leave(consumer)

    def has_exclusive_consumer(self) -> bool:
        """Whether its one consumer asked to be the only one."""
        return len(self.consumers) == 1 and self.consumers[0].exclusive

    def has_single_active_consumer(self) -> bool:
        """Whether it serves one consumer at a time."""
        return self.ruled is not None and self.ruled.rules.single_active_consumer

    def mark_deleted(self) -> int:
        """Let go of everything and tell the consumers; return how many entries were ready."""
        self.deleted = True
        count = self.purge()
        if self.ruled is not None:
            self.ruled.stop()
        consumers = self.consumers
        self.consumers = []
        self._rotation = Rotation()
        for consumer in consumers:
            consumer.active = False
            consumer.cancelled()
        # These and the queue refer to each other, and only the collector would free them.
        self.ruled = None
        self.ready.let_go()
        self.ready = Ready(_NO_QUEUE, self.store, self.clock, self.paging, nothing)
        return count

    def _continue(self) -> None:
        self._continues = False
        self.deliver()
