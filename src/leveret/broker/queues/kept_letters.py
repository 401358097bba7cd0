"""Dead letters that nobody has taken yet: `x-dead-letter-strategy: at-least-once`.

As in RabbitMQ's quorum queues. A letter stays in its queue as long as its exchange does not exist,
leads nowhere, or leads to a queue that refuses it (`x-overflow`). It counts among the queue's
messages and towards its limits, and is tried again from time to time; there is a timer only while
there are such letters. To the store it is a message of the queue, and after a restart it is one
again: nothing is lost, but it may come twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.queues.stored import absent

if TYPE_CHECKING:
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.queues.dead_letter import DeadLetter
    from leveret.broker.seams import Timer

# As often as RabbitMQ.
RETRY_SECONDS: Final = 180.0


class KeptLetters:
    """The letters that a queue keeps, in the order in which they died; `body_bytes` is the size of
    their bodies."""

    def __init__(self, queue: ClassicQueue) -> None:
        self.body_bytes = 0
        self._queue = queue
        self._letters: list[DeadLetter] = []
        self._timer: Timer | None = None

    def count(self) -> int:
        """How many there are."""
        return len(self._letters)

    def delivered(self) -> list[int]:
        """The tickets of those that were delivered before they died."""
        return [
            letter.ticket for letter in self._letters if letter.was_delivered and letter.ticket > 0
        ]

    def keep(self, letter: DeadLetter) -> None:
        """Keep one that was not taken."""
        assert letter.message is not None
        self.body_bytes += letter.body_size
        if letter.ticket > 0 and self._queue.store.keeps:
            letter.message = absent(letter.body_size)
        self._letters.append(letter)
        if self._timer is None:
            clock = self._queue.clock
            self._timer = clock.call_at(clock.now() + RETRY_SECONDS, self.retry)

    def retry(self) -> None:
        """Try all of them again, by the rules that hold now."""
        queue = self._queue
        for letter in self._take_all():
            letter.rules = queue.rules
            if queue.vhost is not None:
                queue.vhost.dead_letters.take(letter)
        if queue.ruled is not None:
            queue.ruled.rest()

    def drop(self) -> int:
        """They are wanted no more; returns how many they were."""
        letters = self._take_all()
        for letter in letters:
            if letter.ticket != 0:
                self._queue.store.settle(self._queue, letter.ticket)
        return len(letters)

    def _take_all(self) -> list[DeadLetter]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        letters, self._letters = self._letters, []
        self.body_bytes = 0
        return letters
