"""What basic.nack and basic.recover give back, if it is much: some of it on each turn of the loop.

To clients it is one step. The queues serve nobody before the last message is back, so none
overtakes another; and the channel's later frames wait, as for an answer. If the channel ends
before, all goes back at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.seams import Pending

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel

# Messages of one turn of the loop.
RETURNED_PER_TURN: Final = 2048


class Returning:
    """Gives back what `channel` has unacked up to the delivery tag `tag`; because it has `failed`,
    or is not wanted now."""

    def __init__(self, channel: Channel, tag: int, failed: bool) -> None:
        self._channel = channel
        self._tag = tag
        self._failed = failed
        self._held: dict[ClassicQueue, None] = {}

    def go_on(self, _turn: object = None) -> None:
        """Give back what fits into a turn, and the rest on later ones."""
        channel = self._channel
        entries = channel.unacked.settle_up_to(self._tag, RETURNED_PER_TURN)
        goes_on = len(entries) == RETURNED_PER_TURN
        if goes_on:
            for queue in dict.fromkeys(entry.queue for entry in entries):
                if isinstance(queue, ClassicQueue) and queue not in self._held:
                    queue.hold()
                    self._held[queue] = None
        channel.requeue(entries, self._failed)
        if not goes_on:
            self.end()
            return
        turn = Pending()
        clock = channel.broker.clock
        clock.call_at(clock.now(), lambda: turn.complete(None))
        channel.answer(turn, self.go_on)

    def end(self) -> None:
        """All is back: the queues serve again."""
        self._channel.returning = None
        held, self._held = self._held, {}
        for queue in held:
            queue.release()
