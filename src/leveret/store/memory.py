"""A message store that keeps nothing: for `--ephemeral` and for tests.

Persistent messages take the same road as with a log; every ticket is durable at once, because
what is not kept cannot be lost later than now.
"""

from mypy_extensions import i64

from leveret.broker.message import Message
from leveret.broker.seams import MessageStore, Pending, Queue, StoreEvents


class MemoryStore(MessageStore):
    """One shard; `events` is set by whoever builds the broker."""

    def __init__(self) -> None:
        self.keeps = False
        self.events: StoreEvents | None = None
        self._last_ticket: int = 0

    def append(self, message: Message, queues: list[Queue]) -> i64:
        self._last_ticket += 1
        assert self.events is not None
        self.events.enqueued(message, queues, self._last_ticket)
        return self._last_ticket

    def settle(self, queue: Queue, ticket: i64) -> None:
        return None

    def is_durable(self, ticket: i64) -> bool:
        return True

    def barrier(self) -> i64:
        return 0

    def spill(self, message: Message) -> i64:
        return 0

    def fetch(self, tickets: list[int]) -> Pending:
        # Nothing ever leaves memory.
        return Pending.of([None] * len(tickets))

    def mark(self, queue: Queue, tickets: list[int]) -> None:
        return None
