"""The delivery acknowledgement timeout of a channel: what stays unacked too long goes back.

Up to RabbitMQ 4.2 that costs the channel, with 406, whatever the queue. From 4.3 on the server's
timeout is for quorum queues only, and a client that can hear of it (`consumer_cancel_notify`) loses
the consumer and keeps the channel. Which of these holds is a row of `leveret.broker.compat`. A
queue's own `x-consumer-timeout` holds for every type at every level.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

from leveret.amqp.consumer import ChannelConsumer
from leveret.amqp.events import consumer_deleted
from leveret.broker.queues.classic import ClassicQueue

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel
    from leveret.broker.message import Entry
    from leveret.broker.seams import Timer

log = logging.getLogger("leveret.channel")

# The deliveries of a consumer fall due one shortly after the other, and each check looks at all
# that is unacked: so the next one waits, but makes nothing later than this share of its time.
PAUSE_SHARE: Final = 0.1
PAUSE_MAX_S: Final = 1.0


class AckTimeout:
    """One timer is set, for what is due first. The level is that of the vhost when the channel
    was opened."""

    def __init__(self, channel: Channel) -> None:
        self._channel: Channel | None = channel
        self._clock = channel.clock
        self._limits = channel.connection.limits
        self._on_quorum_only = channel.vhost.compat.ack_timeout_on_quorum_only
        self._cancels = channel.vhost.compat.ack_timeout_cancels
        self._timer: Timer | None = None
        self._timer_at: float = 0.0
        # Tags of deliveries that went back, ascending: their consumer may acknowledge them all
        # the same, once.
        self._late: list[int] = []

    def watch(self, entry: Entry) -> None:
        """It was delivered just now."""
        due = entry.delivered_at + self._seconds(entry)
        if self._timer is None or due < self._timer_at:
            self._set_timer(due)

    def restart(self) -> None:
        """Deliveries are unacked again whose time may be up."""
        self.stop()
        clock = self._clock
        self._timer_at = clock.moment
        self._timer = clock.call_at(self._timer_at, self._check)

    def stop(self) -> None:
        """Wait for nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def let_go(self) -> None:
        """The channel is over. It and this refer to each other, and only the collector would free
        them."""
        self.stop()
        self._channel = None

    def forgives(self, tag: int) -> bool:
        """Whether the delivery that is acknowledged went back before; not another time."""
        at = bisect_left(self._late, tag)
        if at == len(self._late) or self._late[at] != tag:
            return False
        del self._late[at]
        return True

    def settled_up_to(self, tag: int) -> None:
        """All deliveries up to this tag are acknowledged, and so are those that went back; 0 means
        all."""
        if self._late:
            del self._late[: len(self._late) if tag == 0 else bisect_right(self._late, tag)]

    def _seconds(self, entry: Entry) -> float:
        """How long it may stay unacked: its queue's own time, else the server's; 0 is for ever."""
        queue = entry.queue
        if isinstance(queue, ClassicQueue):
            if queue.consumer_timeout_s >= 0:
                return queue.consumer_timeout_s
            if self._on_quorum_only and queue.type_name != "quorum":
                return 0.0
        return self._limits.consumer_timeout_seconds

    def _set_timer(self, at: float) -> None:
        clock = self._clock
        if at > clock.moment:
            self.stop()
            self._timer_at = at
            self._timer = clock.call_at(at, self._check)

    def _check(self) -> None:
        self._timer = None
        channel = self._channel
        if channel is None:
            return
        now = self._clock.moment
        soonest: float = 0.0
        late: list[int] = []
        for tag, entry in channel.unacked.up_to(0).items():
            timeout = self._seconds(entry)
            if timeout <= 0:
                continue
            due = entry.delivered_at + timeout
            if due <= now:
                if not self._goes_back(channel, entry):
                    channel.connection.ack_timeout(channel, timeout)
                    return
                late.append(tag)
                continue
            due = max(due, now + min(timeout * PAUSE_SHARE, PAUSE_MAX_S))
            if soonest == 0.0 or due < soonest:
                soonest = due
        if soonest != 0.0:
            self._set_timer(soonest)
        if late:
            self._give_back(channel, late)

    def _goes_back(self, channel: Channel, entry: Entry) -> bool:
        return (
            self._cancels
            and channel.connection.hears_cancel
            and channel.transaction is None
            and isinstance(entry.consumer, ChannelConsumer)
        )

    def _give_back(self, channel: Channel, tags: list[int]) -> None:
        """Return deliveries to their queues, and cancel the consumers that had them."""
        entries: list[Entry] = []
        consumers: dict[ChannelConsumer, None] = {}
        self._late = sorted(self._late + tags)
        for tag in tags:
            entry = channel.unacked.settle(tag)
            assert entry is not None
            entries.append(entry)
            consumer = entry.consumer
            if isinstance(consumer, ChannelConsumer):
                consumers[consumer] = None
        cancelled: list[ChannelConsumer] = []
        for consumer in consumers:
            # It may have left by itself before.
            if channel.consumers.get(consumer.tag) is consumer:
                consumer.queue.remove_consumer(consumer)
                channel.consumer_cancelled(consumer)
                consumer_deleted(consumer, channel.connection.user)
                cancelled.append(consumer)
                log.warning(
                    "%s, channel %d: consumer '%s' of queue '%s' is cancelled: a delivery was not "
                    "acknowledged in time, and goes to another consumer; acknowledge sooner, or "
                    "raise consumer_timeout_seconds or the queue's x-consumer-timeout",
                    channel.connection.described(),
                    channel.number,
                    consumer.tag,
                    consumer.queue.name,
                )
        channel.requeue(entries)
        for consumer in cancelled:
            channel.vhost.consumer_left(consumer.queue)
