"""Stores that keep nothing beyond this process: for `--ephemeral` and for tests.

Persistent messages take the same road as with a log; every ticket is durable at once, because
what is not kept cannot be lost later than now.
"""

from collections.abc import Sequence

from mypy_extensions import i64

from leveret.broker.message import Message
from leveret.broker.seams import DefinitionStore, MessageStore, Pending, Queue, StoreEvents


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

    def returned(self, queue: Queue, ticket: i64, acquired: int, failed: int) -> None:
        return None

    def mark(self, queue: Queue, tickets: list[int]) -> None:
        return None


class MemoryDefinitions(DefinitionStore):
    """Definitions that are committed at once and kept as long as this object."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], tuple[object, int]] = {}
        self._revision = 0

    def load(self) -> list[tuple[str, str, object, int]]:
        return [(*key, value, revision) for key, (value, revision) in self._values.items()]

    def put(self, kind: str, key: str, value: object) -> Pending:
        self._revision += 1
        self._values[kind, key] = (value, self._revision)
        return Pending.of(self._revision)

    def delete(self, kind: str, key: str) -> Pending:
        return Pending.of(self._values.pop((kind, key), None) is not None)

    def delete_all(self, definitions: Sequence[tuple[str, str]]) -> Pending:
        for key in definitions:
            self._values.pop(key, None)
        return Pending.of(None)
