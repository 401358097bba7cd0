"""How much a queue may hold: `x-max-length`, `x-max-length-bytes`, and what `x-overflow` does then.

Only ready messages count, and dead letters that the queue keeps; and of those only the bodies.
`drop-head` takes the message and lets the oldest go; `reject-publish` refuses it, so that its
publisher gets a basic.nack; with `reject-publish-dlx` what is refused becomes a dead letter as
well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.rules import DROP_HEAD, NONE

if TYPE_CHECKING:
    from leveret.broker.message import Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.rules import QueueRules


class Overflow:
    """The limits of a queue."""

    def __init__(self, queue: ClassicQueue, rules: QueueRules) -> None:
        self._queue = queue
        self._length = rules.max_length
        self._bytes = rules.max_length_bytes
        self._drops_head = rules.overflow == DROP_HEAD

    def refuses(self, message: Message) -> bool:
        """Whether the queue does not take a message that comes now, whoever waits for it."""
        if self._drops_head:
            return False
        ready = self._queue.ready
        length, size_bytes = int(ready.count) + 1, int(ready.body_bytes) + int(message.body_size)
        ruled = self._queue.ruled
        if ruled is not None:
            length += ruled.letters.count()
            size_bytes += ruled.letters.body_bytes
            if ruled.duplicates is not None:
                length += len(ruled.duplicates.waiting)
                size_bytes += ruled.duplicates.waiting_bytes
        return self._beyond(length, size_bytes)

    def drops(self) -> bool:
        """Whether the message at the head must go."""
        ready = self._queue.ready
        return self._drops_head and self._beyond(int(ready.count), int(ready.body_bytes))

    def _beyond(self, length: int, size_bytes: int) -> bool:
        return (self._length != NONE and length > self._length) or (
            self._bytes != NONE and size_bytes > self._bytes
        )
