"""The classic queue: first in, first out, consumers strictly in turn.

Which messages are ready, in which order and in memory or not, is the business of `Ready`.

The rotation holds only consumers that may have credit. One without is taken out when its turn
comes, and comes back, last in turn, when its channel says so (`activate`); an idle queue with a
thousand blocked consumers therefore costs nothing per message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.message import Entry, Message
from leveret.broker.queues.ready import Ready
from leveret.broker.seams import Clock, Consumer, MessageStore, Pending, Queue

if TYPE_CHECKING:
    from librt.vecs import vec
    from mypy_extensions import i64

    from leveret.broker.policies import Policy
    from leveret.broker.queues.paging import Paging
    from leveret.wire.table import Table

# Deliveries of one `deliver` call; the rest waits for the next turn of the loop, so that a long
# backlog meeting many consumers cannot hold up every other connection.
DELIVERIES_PER_TURN: Final = 2048


class ClassicQueue(Queue):
    """A queue on this node. `exclusive_owner` is the connection it belongs to, if any."""

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
    ) -> None:
        self.name = name
        self.durable = durable
        self.exclusive_owner = exclusive_owner
        self.auto_delete = auto_delete
        self.arguments = arguments
        self.policy: Policy | None = None
        self.operator_policy: Policy | None = None
        self.deleted = False
        self.consumers: list[Consumer] = []
        self.had_consumer = False
        self.consumer_timeout_s: float = -1.0
        self.unacked_count: i64 = 0
        self._store = store
        self._clock = clock
        self._ready = Ready(self, store, clock, paging, self._loaded)
        # Those who wait for a message that must come into memory first.
        self._asked: list[Pending] = []
        self._rotation: list[Consumer] = []
        self._turn: i64 = 0
        self._continues = False

    @property
    def type_name(self) -> str:
        """The value of `x-queue-type`."""
        return "classic"

    @property
    def ready_count(self) -> i64:
        """How many messages are ready."""
        return self._ready.count

    # --- messages in ---

    def publish(self, message: Message, ticket: i64) -> None:
        ready = self._ready
        if ready.count == 0:
            consumer = self._next_consumer()
            if consumer is not None:
                if consumer.no_ack:
                    consumer.deliver_settled(message, False)
                    if ticket != 0:
                        self._store.settle(self, ticket)
                    return
                self.unacked_count += 1
                entry = Entry(message, self, ready.leave_at_once(), ticket)
                consumer.deliver(entry)
                ready.delivered(entry)
                return
        ready.append(message, ticket)

    def requeue(self, entry: Entry) -> None:
        self.unacked_count -= 1
        entry.consumer = None
        if self.deleted:
            if entry.ticket != 0:
                self._store.settle(self, entry.ticket)
            return
        entry.redelivered = True
        self._ready.put_back(entry)

    def recover(self, tickets: vec[i64], delivered: dict[int, None] | None, size: i64) -> None:
        """These messages were in the store before the start, `size` octets on average. Those in
        `delivered` were delivered before; None if nobody knows, and so all of them may have been.
        """
        for ticket in tickets:
            redelivered = delivered is None or int(ticket) in delivered
            self._ready.recover(ticket, redelivered, size)

    # --- messages out ---

    def get(self, no_ack: bool) -> Entry | None:
        """basic.get: the entry at the front; unacked from now on unless `no_ack`."""
        entry = self._ready.take()
        if entry is not None:
            self._left(entry, no_ack)
        return entry

    def when_at_hand(self) -> Pending:
        """Answers once `get` can answer at once: the front is in memory, or there is none."""
        if not self._asked and (self._ready.count == 0 or self._ready.at_hand()):
            return Pending.of(None)
        answer = Pending()
        self._asked.append(answer)
        return answer

    def delivered_before(self) -> list[int]:
        """The tickets of stored messages that are ready and were delivered before."""
        return self._ready.redelivered()

    def finish(self) -> None:
        """Do now what purging left for later."""
        self._ready.finish_discarding()

    def deliver(self) -> None:
        if self._continues:
            return
        left = DELIVERIES_PER_TURN
        ready = self._ready
        while ready.count != 0:
            if left == 0:
                self._continues = True
                self._clock.call_at(self._clock.now(), self._continue)
                return
            consumer = self._next_consumer()
            if consumer is None:
                return
            left -= 1
            entry = ready.take()
            if entry is None:
                # It must come into memory first: the consumer keeps its turn.
                self._give_turn_back(consumer)
                return
            if consumer.no_ack:
                consumer.deliver_settled(entry.message, entry.redelivered)
                self._left(entry, True)
            else:
                self.unacked_count += 1
                consumer.deliver(entry)
                ready.delivered(entry)

    def settle(self, entry: Entry) -> None:
        self.unacked_count -= 1
        entry.consumer = None
        if entry.ticket != 0:
            self._store.settle(self, entry.ticket)

    def purge(self) -> int:
        count = self._ready.clear()
        self._answer_asked()
        return count

    def _left(self, entry: Entry, settled: bool) -> None:
        if not settled:
            self.unacked_count += 1
        elif entry.ticket != 0:
            self._store.settle(self, entry.ticket)

    def _loaded(self) -> None:
        self._answer_asked()
        self.deliver()

    def _answer_asked(self) -> None:
        while self._asked and (self._ready.count == 0 or self._ready.at_hand()):
            self._asked.pop(0).complete(None)

    # --- consumers ---

    def add_consumer(self, consumer: Consumer) -> None:
        """Join the rotation, last in turn. `deliver` is the caller's, after consume-ok."""
        self.consumers.append(consumer)
        self.had_consumer = True
        self.activate(consumer)

    def remove_consumer(self, consumer: Consumer) -> None:
        """Leave the rotation; what the consumer has unacked stays with its channel."""
        if consumer in self.consumers:
            self.consumers.remove(consumer)
        if consumer.active:
            self._drop_from_rotation(self._rotation.index(consumer))

    def activate(self, consumer: Consumer) -> None:
        if consumer.active or self.deleted:
            return
        consumer.active = True
        self._rotation.insert(int(self._turn), consumer)
        self._turn += 1
        if self._turn >= len(self._rotation):
            self._turn = 0

    def has_exclusive_consumer(self) -> bool:
        """Whether its one consumer asked to be the only one."""
        return len(self.consumers) == 1 and self.consumers[0].exclusive

    def mark_deleted(self) -> int:
        """Let go of everything and tell the consumers; return how many entries were ready."""
        self.deleted = True
        count = self.purge()
        consumers = self.consumers
        self.consumers = []
        self._rotation = []
        self._turn = 0
        for consumer in consumers:
            consumer.active = False
            consumer.cancelled()
        return count

    def _next_consumer(self) -> Consumer | None:
        rotation = self._rotation
        while len(rotation) > 0:
            turn = self._turn
            consumer = rotation[turn]
            if consumer.credit():
                turn += 1
                self._turn = 0 if turn >= len(rotation) else turn
                return consumer
            self._drop_from_rotation(int(turn))
        return None

    def _give_turn_back(self, consumer: Consumer) -> None:
        """The last in turn, who got nothing, is the next again."""
        self._turn = self._rotation.index(consumer)

    def _drop_from_rotation(self, at: int) -> None:
        consumer = self._rotation.pop(at)
        consumer.active = False
        if at < self._turn:
            self._turn -= 1
        if self._turn >= len(self._rotation):
            self._turn = 0

    def _continue(self) -> None:
        self._continues = False
        self.deliver()
