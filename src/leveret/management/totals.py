"""What vhosts have done and hold, added up from what is in them, in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.amqp.consumer import ChannelConsumer
from leveret.broker.counts import Counts, Lengths
from leveret.management.pace import batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.vhost import VHost
    from leveret.management.pace import Pace


class Totals:
    """Of any number of vhosts."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.lengths = Lengths()
        self.consumers = 0

    def steps(self, vhost: VHost) -> Iterator[None]:
        """Add a vhost; yields where that may be interrupted. What is deleted meanwhile is counted
        all the same, for the lists of what there is are of one moment."""
        counts = self.counts
        counts.add(vhost.kept.publishing)
        counts.publish_into(list(vhost.exchanges.values()))
        published = counts.publish
        for gone in vhost.kept.queues.values():
            counts.add(gone)
        queues, unlisted = vhost.queue_list(), list(vhost.reply_queues.values())
        counts.publish = published
        for some in batches(queues):
            self.lengths.add_queues(some)
            self.consumers += sum(len(consumers_of(queue)) for queue in some if queue.consumers)
            self._add_counts(some)
            yield
        for some in batches(unlisted):
            self._add_counts(some)
            yield
        yield

    def _add_counts(self, queues: list[ClassicQueue]) -> None:
        # What came to queues is what was published to exchanges, or more of it.
        published = self.counts.publish
        self.counts.add_queues(queues)
        self.counts.publish = published

    def add(self, other: Totals) -> None:
        """Those of other vhosts, too."""
        self.counts.add(other.counts)
        self.lengths.add(other.lengths)
        self.consumers += other.consumers

    def messages(self) -> int:
        """All that the queues hold."""
        lengths = self.lengths
        return int(lengths.ready + lengths.unacked + lengths.waiting)

    def numbers(self) -> tuple[int, ...]:
        """In the order of `leveret.management.history.VHOST`."""
        lengths = self.lengths
        return (
            *self.counts.numbers(),
            int(lengths.ready),
            int(lengths.unacked),
            int(lengths.waiting),
        )


def consumers_of(queue: ClassicQueue) -> list[ChannelConsumer]:
    """The consumers of a queue, in the order in which they came."""
    return [consumer for consumer in queue.consumers if isinstance(consumer, ChannelConsumer)]


async def totals_of(vhosts: Iterable[VHost], pace: Pace) -> Totals:
    """Those of some vhosts together."""
    totals = Totals()
    for vhost in vhosts:
        for _ in totals.steps(vhost):
            await pace.rest_if_used_up()
    return totals
