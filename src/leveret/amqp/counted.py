"""What a channel has counted, by RabbitMQ's names for it; see `leveret.broker.counts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.counts import Counts

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.amqp.channel import Channel
    from leveret.broker.seams import Exchange


def count_published(channel: Channel, exchange: Exchange, queues: i64, size: i64) -> None:
    """A message of `size` octets is published for so many queues. What is small is not looked at
    any further."""
    channel.publish_count += 1
    channel.publish_bytes += size
    if size > 100:
        channel.sizes.take(size)
    exchange.publish_in_count += 1
    exchange.publish_out_count += queues


def add_channel(counts: Counts, channel: Channel) -> None:
    """Add those of a channel. What it delivered is what it has given delivery tags to."""
    to_settle = channel.deliver_count + channel.get_count
    no_ack = channel.unacked.last_tag - to_settle
    counts.publish += channel.publish_count
    counts.return_unroutable += channel.return_count
    counts.drop_unroutable += channel.drop_count
    counts.deliver += channel.deliver_count
    counts.deliver_no_ack += no_ack - channel.get_no_ack_count
    counts.get += channel.get_count
    counts.get_no_ack += channel.get_no_ack_count
    counts.get_empty += channel.get_empty_count
    counts.redeliver += channel.redeliver_count
    counts.ack += to_settle - channel.unacked.count - channel.unsettled_count
    confirms = channel.confirms
    if confirms is not None:
        counts.in_confirm_mode += confirms.published
        counts.confirm += confirms.confirmed_count()
    if channel.transaction is not None:
        counts.ack -= channel.transaction.settled_count()


def channel_numbers(channel: Channel) -> tuple[int, ...]:
    """The counts of a channel, in the order of `leveret.management.history.CHANNEL`."""
    counts = Counts()
    add_channel(counts, channel)
    return counts.numbers()
