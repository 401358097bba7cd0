"""A transaction of a channel: what it has published and settled and not yet committed.

As in RabbitMQ, whatever can be refused is refused when it is asked for (permissions, exchanges,
delivery tags) and the names of the queues are fixed then; the effects come with tx.commit. An
acknowledged delivery is no longer unacked, so its tag cannot be used again, but its consumer has
credit for another only once the acknowledgement is committed.

Everything of a transaction reaches the store within one callback, which the store keeps as one
batch: after a crash all of it is there, or nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.amqp.counted import count_published
from leveret.amqp.reply_to import names_reply_to
from leveret.broker.queues.expiry import has_expiration
from leveret.broker.queues.holding import Holding

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Route
    from leveret.amqp.unacked import Unacked
    from leveret.broker.message import Entry, Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Queue

# What becomes of a delivery.
ACKNOWLEDGE: Final = 0
DISCARD: Final = 1
# By basic.reject, and by basic.nack.
REQUEUE: Final = 2
RETURN: Final = 3


class Published:
    """A message that waits, and the queues that its publishing named."""

    __slots__ = ("message", "queues", "route")

    def __init__(self, message: Message, route: Route) -> None:
        self.message = message
        self.route = route
        # Not the route's own from then on: one by headers leads elsewhere with each message.
        self.queues = route.queues


class Settled:
    """Deliveries settled one after the other with the same outcome, by tag."""

    __slots__ = ("entries", "outcome")

    def __init__(self, outcome: int) -> None:
        self.outcome = outcome
        self.entries: dict[int, Entry] = {}


class Transaction:
    """The uncommitted of one channel. A channel that ends gives it up (`roll_back`). `refused` is
    whether a queue has refused a message of the last commit."""

    def __init__(self) -> None:
        self.refused = False
        self._published: list[Published] = []
        self._settled: list[Settled] = []

    def published_count(self) -> int:
        """How many messages wait for the commit."""
        return len(self._published)

    def acknowledged_count(self) -> int:
        """How many acknowledgements do."""
        return sum(len(run.entries) for run in self._settled if run.outcome == ACKNOWLEDGE)

    def settled_count(self) -> int:
        """How many deliveries wait for the commit, whatever becomes of them."""
        return sum(len(run.entries) for run in self._settled)

    def publish(self, channel: Channel, route: Route, message: Message) -> None:
        """Take a message that has been routed."""
        if route.queues and route.exchange.name == "" and names_reply_to(route.routing_key):
            # An answer to direct reply-to does not wait, as in RabbitMQ.
            count_published(channel, route.exchange, len(route.queues), message.body_size)
            for queue in route.queues:
                queue.publish(message, 0)
            return
        self._published.append(Published(message, route))

    def settle(self, tag: int, entry: Entry, outcome: int) -> None:
        """Take a delivery that is unacked no longer."""
        if not self._settled or self._settled[-1].outcome != outcome:
            self._settled.append(Settled(outcome))
        self._settled[-1].entries[tag] = entry

    def commit_published(self, channel: Channel) -> bool:
        """Publish: what leads nowhere by now returns first. Whether the store has been given
        anything."""
        published, self._published = self._published, []
        for each in published:
            each.queues = _queues(channel, each)
            count_published(channel, each.route.exchange, len(each.queues), each.message.body_size)
            if not each.queues:
                channel.unroutable(each.route, each.message)
        stored = False
        for each in published:
            stored = _give(channel, each) or stored
            self.refused = self.refused or each.message.refused
        return stored

    def commit_settled(self, channel: Channel) -> bool:
        """Settle, and let consumers have more. Whether the store has been given anything."""
        settled, self._settled = self._settled, []
        stored = False
        for run in settled:
            entries = list(run.entries.values())
            if run.outcome in (REQUEUE, RETURN):
                channel.requeue(entries, run.outcome == REQUEUE)
            else:
                stored = stored or any(entry.ticket > 0 for entry in entries)
                channel.discard(entries, run.outcome == DISCARD)
        return stored

    def roll_back(self, unacked: Unacked) -> bool:
        """Forget the messages, and have the deliveries unacked again under their tags; whether
        there were any."""
        entries: dict[int, Entry] = {}
        for run in self._settled:
            entries.update(run.entries)
        for tag in sorted(entries):
            unacked.restore(tag, entries[tag])
        self._published = []
        self._settled = []
        return bool(entries)


def _give(channel: Channel, published: Published) -> bool:
    message, queues = published.message, published.queues
    channel.connection.work += len(queues)
    if has_expiration(message):
        for queue in queues:
            queue.heed_expiration()
    durable: list[Queue] = []
    if message.persistent:
        durable = [queue for queue in queues if queue.durable]
    if durable:
        channel.broker.store.append(message, durable)
        channel.connection.stores = True
        queues = [queue for queue in queues if not queue.durable]
    for queue in queues:
        queue.publish(message, 0)
    return bool(durable)


def _queues(channel: Channel, published: Published) -> list[ClassicQueue]:
    # Publishing has fixed the names, and the commit looks them up: a queue deleted in between
    # gets nothing, one declared in between may.
    names = [queue.name for queue in published.queues if not isinstance(queue, Holding)]
    route = published.route
    if not published.queues and route.exchange.name == "":
        names = [route.routing_key]
    queues = channel.vhost.queues
    found = [queues[name] for name in names if name in queues]
    # What holds delayed messages has a name of its own, by which it is not found.
    found.extend(
        queue for queue in published.queues if isinstance(queue, Holding) and not queue.deleted
    )
    return found
