"""The classic queue: first in, first out, consumers strictly in turn.

Ready entries are a linked list in order of their position. An entry that was delivered before and
is requeued has a lower position than every entry that was not (delivery takes from the front), so
requeued entries sit in a heap of their own that is always served first: any order of requeues
costs O(log n) each, and each entry is back at its old place.

The rotation holds only consumers that may have credit. One without is taken out when its turn
comes, and comes back, last in turn, when its channel says so (`activate`); an idle queue with a
thousand blocked consumers therefore costs nothing per message.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from leveret.broker.message import Entry, Message
from leveret.broker.seams import Clock, Consumer, MessageStore, Queue

if TYPE_CHECKING:
    from mypy_extensions import i64

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
    ) -> None:
        self.name = name
        self.durable = durable
        self.exclusive_owner = exclusive_owner
        self.auto_delete = auto_delete
        self.arguments = arguments
        self.deleted = False
        self.consumers: list[Consumer] = []
        self.had_consumer = False
        self.consumer_timeout_s: float = -1.0
        self.ready_count: i64 = 0
        self.unacked_count: i64 = 0
        self._store = store
        self._clock = clock
        self._first: Entry | None = None
        self._last: Entry | None = None
        self._returned: list[tuple[int, Entry]] = []
        self._next_position: i64 = 0
        self._rotation: list[Consumer] = []
        self._turn: i64 = 0
        self._continues = False

    @property
    def type_name(self) -> str:
        """The value of `x-queue-type`."""
        return "classic"

    # --- messages in ---

    def publish(self, message: Message, ticket: i64) -> None:
        if self.ready_count == 0:
            consumer = self._next_consumer()
            if consumer is not None:
                if consumer.no_ack:
                    consumer.deliver_settled(message, False)
                    if ticket != 0:
                        self._store.settle(self, ticket)
                    return
                position = self._next_position
                self._next_position = position + 1
                self.unacked_count += 1
                consumer.deliver(Entry(message, self, position, ticket))
                return
        position = self._next_position
        self._next_position = position + 1
        entry = Entry(message, self, position, ticket)
        last = self._last
        if last is None:
            self._first = entry
        else:
            last.next = entry
        self._last = entry
        self.ready_count += 1

    def requeue(self, entry: Entry) -> None:
        self.unacked_count -= 1
        entry.consumer = None
        if self.deleted:
            return
        entry.redelivered = True
        heappush(self._returned, (int(entry.position), entry))
        self.ready_count += 1

    # --- messages out ---

    def take(self) -> Entry | None:
        """The entry at the front, removed from the ready ones; None if there is none."""
        if self.ready_count == 0:
            return None
        self.ready_count -= 1
        if self._returned:
            return heappop(self._returned)[1]
        entry = self._first
        assert entry is not None
        following = entry.next
        self._first = following
        if following is None:
            self._last = None
        else:
            entry.next = None
        return entry

    def get(self, no_ack: bool) -> Entry | None:
        """basic.get: the entry at the front; unacked from now on unless `no_ack`."""
        entry = self.take()
        if entry is not None:
            self._left(entry, no_ack)
        return entry

    def deliver(self) -> None:
        if self._continues:
            return
        left = DELIVERIES_PER_TURN
        while self.ready_count != 0:
            if left == 0:
                self._continues = True
                self._clock.call_at(self._clock.now(), self._continue)
                return
            consumer = self._next_consumer()
            if consumer is None:
                return
            left -= 1
            entry = self.take()
            assert entry is not None
            if consumer.no_ack:
                consumer.deliver_settled(entry.message, entry.redelivered)
                self._left(entry, True)
            else:
                self.unacked_count += 1
                consumer.deliver(entry)

    def settle(self, entry: Entry) -> None:
        self.unacked_count -= 1
        entry.consumer = None
        if entry.ticket != 0 and not self.deleted:
            self._store.settle(self, entry.ticket)

    def purge(self) -> int:
        count = int(self.ready_count)
        entry = self.take()
        while entry is not None:
            if entry.ticket != 0:
                self._store.settle(self, entry.ticket)
            entry = self.take()
        return count

    def _left(self, entry: Entry, settled: bool) -> None:
        if not settled:
            self.unacked_count += 1
        elif entry.ticket != 0:
            self._store.settle(self, entry.ticket)

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
        count = int(self.ready_count)
        while self.take() is not None:
            pass
        self._store.drop_queue(self)
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
