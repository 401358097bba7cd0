"""How long a message may wait: `x-message-ttl` and the property `expiration`, the lower of the two.

As in RabbitMQ's classic queues a message goes when it is at the head and its time is up: one with a
long time hides those behind it. There is one timer, for the head; nothing is polled. What goes back
to the queue keeps its time. So does a message over a restart: the store tells when it was stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.message import NEVER, UNKNOWN, StoredMessage
from leveret.wire.constants import FLAG_EXPIRATION
from leveret.wire.frames import PROPERTIES_AT
from leveret.wire.properties import decode_properties

if TYPE_CHECKING:
    from leveret.broker.message import Entry, Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Timer


def has_expiration(message: Message) -> bool:
    """Whether a message has a time to live of its own."""
    flags = int.from_bytes(message.frames[PROPERTIES_AT : PROPERTIES_AT + 2], "big")
    return flags & FLAG_EXPIRATION != 0


class Expiry:
    """The times of a queue's messages; `ttl_ms` is the queue's own, -1 for none."""

    def __init__(self, queue: ClassicQueue) -> None:
        self.ttl_ms = -1
        self._queue = queue
        self._since = queue.clock.now()
        self._timer: Timer | None = None
        self._timer_at = 0.0

    def of(self, message: Message) -> float:
        """When a message that comes now expires, in seconds of the clock."""
        return self._after(self._queue.clock.now(), message)

    def due(self, entry: Entry) -> bool:
        """Whether the time of the entry at the head is up; if not, the timer is set for it."""
        if entry.expires_at == UNKNOWN:
            entry.expires_at = self._after(self._came(entry.message), entry.message)
        if entry.expires_at == NEVER:
            return False
        if entry.expires_at <= self._queue.clock.now():
            return True
        if self._timer is None or entry.expires_at < self._timer_at:
            self.wake_at(entry.expires_at)
        return False

    def wake_at(self, when: float) -> None:
        """Look at the head again then."""
        self.stop()
        self._timer_at = when
        self._timer = self._queue.clock.call_at(when, self._wake)

    def stop(self) -> None:
        """Wait for nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _came(self, message: Message) -> float:
        """When a message came that was there before the start, in seconds of the clock; at the
        start if the wall clock has gone backwards, or nobody knows."""
        if not isinstance(message, StoredMessage) or self._queue.vhost is None:
            return self._since
        if message.stored_ms == 0:
            return self._since
        return min(int(message.stored_ms) / 1000 - self._queue.vhost.wall_offset, self._since)

    def _after(self, start: float, message: Message) -> float:
        ttl_ms = self.ttl_ms
        if has_expiration(message):
            properties = decode_properties(
                message.frames, PROPERTIES_AT, int(message.header_size) - 1
            )
            assert properties.expiration is not None
            own_ms = int(properties.expiration)
            ttl_ms = own_ms if ttl_ms < 0 else min(ttl_ms, own_ms)
        return NEVER if ttl_ms < 0 else start + ttl_ms / 1000

    def _wake(self) -> None:
        self._timer = None
        self._queue.at_front()
