"""A queue that holds no message twice: `x-message-deduplication`.

As RabbitMQ's plugin of that name has it: a message whose header `x-deduplication-header` has the
value of one that is in the queue already, ready or not, is dropped. Its publisher hears nothing of
that. The value is free again once the message is acknowledged, rejected, expired or dropped; those
without the header are never the same. After a restart the queue's messages are read once; what
comes meanwhile waits.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from leveret.broker.arguments import printed
from leveret.broker.content import properties_of
from leveret.broker.exchanges.deduplication import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leveret.broker.message import Message
    from leveret.broker.queues.classic import ClassicQueue

_ENCODED: Final = HEADER.encode()
# Messages from before the start that are read at a time.
READ: Final = 256


def value_of(message: Message) -> str | None:
    """What makes a message the same as another; None of one that is like no other."""
    if message.frames.find(_ENCODED, 0, int(message.header_size)) < 0:
        return None
    field = (properties_of(message).headers or {}).get(HEADER)
    return None if field is None else printed(field)


class Duplicates:
    """The values in a queue. `publish` takes a message that has waited; `waiting` are those that
    do, and `waiting_bytes` the octets of their bodies."""

    def __init__(self, queue: ClassicQueue, publish: Callable[[Message, int], None]) -> None:
        self._queue = queue
        self._publish = publish
        self._values: set[str] = set()
        # Tickets from before the start that have not been read, the last one first.
        self._unread: list[int] = []
        # Values that went before they were read.
        self._gone: set[str] = set()
        self.waiting: deque[tuple[Message, int]] = deque()
        self.waiting_bytes = 0

    def recovered(self, tickets: Iterable[int]) -> None:
        """These messages are there from before the start."""
        self._unread = [int(ticket) for ticket in tickets]
        self._unread.reverse()
        if self._unread:
            self._queue.clock.call_at(self._queue.clock.now(), self._read)

    def admits(self, message: Message, ticket: int) -> bool:
        """Whether a message that comes may go on into the queue; if not it is dropped, or waits."""
        if self._unread:
            self.waiting.append((message, ticket))
            self.waiting_bytes += int(message.body_size)
            return False
        value = value_of(message)
        if value is None:
            return True
        if value in self._values:
            if ticket != 0:
                self._queue.store.settle(self._queue, ticket)
            return False
        self._values.add(value)
        return True

    def gone(self, message: Message) -> None:
        """A message is in the queue no more."""
        value = value_of(message)
        if value is None:
            return
        if value in self._values:
            self._values.remove(value)
        elif self._unread:
            self._gone.add(value)

    def clear(self) -> None:
        """The queue was purged; as in the plugin what is unacked is forgotten, too."""
        self._values = set()
        self._unread = []
        self._release()

    def _read(self) -> None:
        if not self._unread:
            return
        tickets = self._unread[-READ:]
        tickets.reverse()
        self._queue.store.fetch(tickets).then(
            lambda messages: self._has_read(len(tickets), messages)
        )

    def _has_read(self, count: int, messages: object) -> None:
        assert isinstance(messages, list)
        if not self._unread:
            return
        for message in messages:
            value = None if message is None else value_of(message)
            if value is not None and value not in self._gone:
                self._values.add(value)
        del self._unread[-count:]
        if self._unread:
            self._queue.clock.call_at(self._queue.clock.now(), self._read)
        else:
            self._release()

    def _release(self) -> None:
        self._gone = set()
        waiting, self.waiting = self.waiting, deque()
        self.waiting_bytes = 0
        for message, ticket in waiting:
            if not self._queue.deleted:
                self._publish(message, ticket)
            elif ticket != 0:
                self._queue.store.settle(self._queue, ticket)
