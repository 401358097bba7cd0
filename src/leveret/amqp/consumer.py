"""A consumer of a channel: what basic.consume made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.amqp.routing import trace_delivery
from leveret.broker.seams import Consumer
from leveret.wire.constants import BASIC_DELIVER

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.amqp.channel import Channel
    from leveret.broker.message import Entry, Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.wire.field import Table


class ChannelConsumer(Consumer):
    """`prefetch_count` is its own limit of unacked messages; 0 is none.

    What every basic.deliver of it has in common is encoded once: `deliver_start` is class, method
    and consumer tag.
    """

    def __init__(
        self,
        channel: Channel,
        queue: ClassicQueue,
        tag: str,
        no_ack: bool,
        exclusive: bool,
        prefetch_count: int,
        arguments: Table,
    ) -> None:
        super().__init__(tag, no_ack, exclusive)
        self.channel = channel
        self.queue = queue
        self.prefetch_count: i64 = prefetch_count
        self.arguments = arguments
        priority = arguments.get("x-priority")
        if priority is not None and isinstance(priority.value, int):
            self.priority = priority.value
        self.starved = False
        octets = tag.encode()
        self.deliver_start = (
            BASIC_DELIVER.to_bytes(4, "big") + len(octets).to_bytes(1, "big") + octets
        )

    def credit(self) -> bool:
        channel = self.channel
        output = channel.connection.output
        if not output.has_room():
            if not self.starved:
                self.starved = True
                output.starved.append(self)
            return False
        if self.no_ack:
            return True
        if self.prefetch_count != 0 and self.unacked_count >= self.prefetch_count:
            return False
        return channel.prefetch_count == 0 or channel.limited_count < channel.prefetch_count

    def deliver(self, entry: Entry) -> None:
        channel = self.channel
        entry.consumer = self
        self.unacked_count += 1
        channel.limited_count += 1
        channel.deliver_count += 1
        if entry.redelivered:
            channel.redeliver_count += 1
        tag = channel.track(entry)
        channel.deliver(self.deliver_start, tag, entry.redelivered, entry.message)
        if channel.firehose.on:
            trace_delivery(channel, entry.message, self.queue.name, entry.redelivered)

    def deliver_settled(self, message: Message, redelivered: bool) -> None:
        channel = self.channel
        if redelivered:
            channel.redeliver_count += 1
        tag = channel.unacked.next_tag()
        channel.deliver(self.deliver_start, tag, redelivered, message)
        if channel.firehose.on:
            trace_delivery(channel, message, self.queue.name, redelivered)

    def cancelled(self) -> None:
        self.channel.consumer_cancelled(self)
