"""What has been counted since the start.

The hot path only adds to integers, each in the object that has it in hand: a queue what came to it
and left it, an exchange what went through it, a channel what it published. Everything else is
derived from those when somebody asks. What was acknowledged is what left to be settled and is
neither unacked nor came back; what a channel delivered is its last delivery tag; what a vhost has
done is the sum of what is in it and of what is gone from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Exchange

# RabbitMQ's buckets, the upper bounds in octets.
SIZE_BOUNDS: Final = (100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000, 100_000_000)


class Generation:
    """`number` counts the changes of a vhost that can alter where a message goes; channels keep
    routes only while it stands still."""

    def __init__(self) -> None:
        self.number: i64 = 0


class Counts:
    """Numbers of messages, by RabbitMQ's names for them (`message_stats`).

    `confirm` are those that were confirmed, `in_confirm_mode` those published where confirms are
    awaited. `get` and `deliver` are those to be acknowledged, with `_no_ack` those that are not.
    """

    def __init__(self) -> None:
        self.publish: i64 = 0
        self.in_confirm_mode: i64 = 0
        self.confirm: i64 = 0
        self.return_unroutable: i64 = 0
        self.drop_unroutable: i64 = 0
        self.deliver: i64 = 0
        self.deliver_no_ack: i64 = 0
        self.get: i64 = 0
        self.get_no_ack: i64 = 0
        self.get_empty: i64 = 0
        self.redeliver: i64 = 0
        self.ack: i64 = 0

    def deliver_get(self) -> i64:
        """All that left a queue for a client, on whichever way."""
        return self.deliver + self.deliver_no_ack + self.get + self.get_no_ack

    def numbers(self) -> tuple[int, ...]:
        """In the order of `CHANNEL` in `leveret.management.history`, with which `VHOST` begins."""
        return (
            int(self.publish),
            int(self.confirm),
            int(self.return_unroutable),
            int(self.drop_unroutable),
            int(self.ack),
            int(self.deliver),
            int(self.deliver_get()),
            int(self.deliver_no_ack),
            int(self.get),
            int(self.get_empty),
            int(self.get_no_ack),
            int(self.redeliver),
        )

    def add(self, other: Counts) -> None:
        """Those of something else, too."""
        self.publish += other.publish
        self.in_confirm_mode += other.in_confirm_mode
        self.confirm += other.confirm
        self.return_unroutable += other.return_unroutable
        self.drop_unroutable += other.drop_unroutable
        self.deliver += other.deliver
        self.deliver_no_ack += other.deliver_no_ack
        self.get += other.get
        self.get_no_ack += other.get_no_ack
        self.get_empty += other.get_empty
        self.redeliver += other.redeliver
        self.ack += other.ack

    def add_queue(self, queue: ClassicQueue) -> None:
        """Those of a queue. Dead letters and what is traced are not published, as in RabbitMQ."""
        to_settle = queue.deliver_count + queue.get_count
        self.publish += queue.arrived_count - queue.moved_count
        self.deliver += queue.deliver_count
        self.deliver_no_ack += queue.deliver_no_ack_count
        self.get += queue.get_count
        self.get_no_ack += queue.get_no_ack_count
        self.get_empty += queue.get_empty_count
        self.redeliver += queue.redeliver_count
        self.ack += to_settle - queue.unacked_count - queue.unsettled_count

    def add_queues(self, queues: list[ClassicQueue]) -> None:
        """Those of some queues."""
        for queue in queues:
            self.add_queue(queue)

    def publish_into(self, exchanges: list[Exchange]) -> None:
        """What was published to some exchanges."""
        for exchange in exchanges:
            self.publish += exchange.publish_in_count


class Kept:
    """What a vhost keeps itself: what became of publishing (`confirm`, `return_unroutable`,
    `drop_unroutable`), and what those have counted that are no more: exchanges and channels in
    `publishing`, queues by their type."""

    def __init__(self) -> None:
        self.publishing = Counts()
        self.queues: dict[str, Counts] = {}

    def of_type(self, type_name: str) -> Counts:
        """Of queues of this type."""
        counts = self.queues.get(type_name)
        if counts is None:
            counts = self.queues[type_name] = Counts()
        return counts

    def add_queues(self, queues: list[ClassicQueue]) -> None:
        """Some queues, each to those of its type."""
        for queue in queues:
            self.of_type(queue.type_name).add_queue(queue)

    def add(self, other: Kept) -> None:
        """A vhost is gone."""
        self.publishing.add(other.publishing)
        for type_name, counts in other.queues.items():
            self.of_type(type_name).add(counts)


class Lengths:
    """How many messages are ready, how many are unacked, and how many wait to be tried again."""

    def __init__(self) -> None:
        self.ready: i64 = 0
        self.unacked: i64 = 0
        self.waiting: i64 = 0

    def add(self, other: Lengths) -> None:
        """In other queues, too."""
        self.ready += other.ready
        self.unacked += other.unacked
        self.waiting += other.waiting

    def add_queues(self, queues: list[ClassicQueue]) -> None:
        """In some queues."""
        for queue in queues:
            self.ready += queue.ready.count
            self.unacked += queue.unacked_count
            self.waiting += queue.waiting_count


class Sizes:
    """How large published messages were, in octets. Those up to `SIZE_BOUNDS[0]` are not counted:
    they are what is left of all that were published. `sum_bytes` is that of closed channels."""

    def __init__(self) -> None:
        self.sum_bytes: i64 = 0
        self._up_to_1000: i64 = 0
        self._up_to_10_000: i64 = 0
        self._larger: list[int] = [0] * (len(SIZE_BOUNDS) - 2)

    def take(self, size: i64) -> None:
        """A message of more than `SIZE_BOUNDS[0]` octets was published."""
        if size <= 1000:
            self._up_to_1000 += 1
        elif size <= 10_000:
            self._up_to_10_000 += 1
        else:
            at = 0
            while at < len(self._larger) - 1 and size > SIZE_BOUNDS[at + 3]:
                at += 1
            self._larger[at] += 1

    def buckets(self, published: int) -> list[int]:
        """Of so many messages published, how many were up to each bound and above the one before
        it, and how many above all."""
        counted = [int(self._up_to_1000), int(self._up_to_10_000), *self._larger]
        return [published - sum(counted), *counted]


class Churn:
    """What came and what went. `dead_letters` are by type of the queue, by whether they went
    anywhere, and by reason."""

    def __init__(self) -> None:
        self.connections_opened = 0
        self.connections_closed = 0
        self.channels_opened = 0
        self.channels_closed = 0
        self.queues_declared = 0
        self.queues_created = 0
        self.queues_deleted = 0
        self.dead_letters: dict[tuple[str, bool, str], int] = {}

    def dead_letter(self, type_name: str, goes_on: bool, reason: str) -> None:
        """A message is dead; it may go on to an exchange."""
        key = type_name, goes_on, reason
        self.dead_letters[key] = self.dead_letters.get(key, 0) + 1


def queue_numbers(queue: ClassicQueue) -> tuple[int, ...]:
    """The counts of a queue, in the order of `leveret.management.history.QUEUE`, and its length."""
    counts = Counts()
    counts.add_queue(queue)
    return (
        int(counts.publish),
        int(counts.ack),
        int(counts.deliver),
        int(counts.deliver_get()),
        int(counts.deliver_no_ack),
        int(counts.get),
        int(counts.get_empty),
        int(counts.get_no_ack),
        int(counts.redeliver),
        int(queue.ready.count),
        int(queue.unacked_count),
        int(queue.waiting_count),
    )
