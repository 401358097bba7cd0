"""Messages that no remembered route fits: by headers or chance, with copies, delayed, traced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.delay import stamp
from leveret.broker.firehose import Traced
from leveret.broker.queues.holding import Holding
from leveret.wire.frames import PROPERTIES_AT
from leveret.wire.properties import decode_properties

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.amqp.channel import Channel, Route
    from leveret.broker.message import Message


def route_message(channel: Channel, route: Route, message: Message) -> i64:
    """Set the queues of this message. Should it go to some now and to others later, the latter
    are served here; returns the ticket of that, or 0."""
    queues, _ = channel.vhost.route(
        route.exchange,
        route.routing_key,
        lambda: decode_properties(message.frames, PROPERTIES_AT, int(message.header_size) - 1),
        route.further_keys,
        message,
    )
    if channel.firehose.on:
        keys = [route.routing_key, *route.further_keys]
        channel.firehose.published(_by(channel), message, keys, queues)
    holding = [queue for queue in queues if isinstance(queue, Holding)]
    if not holding:
        route.lead_to(queues)
        return 0
    if len(holding) == len(queues):
        stamp(message, channel.vhost.wall_ms(), route.further_keys)
        route.lead_to(queues)
        return 0
    later = route.with_keys(route.further_keys)
    later.lead_to(list(holding))
    route.lead_to([queue for queue in queues if not isinstance(queue, Holding)])
    return _hold_back(channel, later, message.copy())


def _hold_back(channel: Channel, route: Route, message: Message) -> i64:
    stamp(message, channel.vhost.wall_ms(), route.further_keys)
    if channel.transaction is not None:
        channel.transaction.publish(channel, route, message)
        return 0
    queues = route.queues
    ticket: i64 = 0
    if message.persistent and len(route.durable) != 0:
        ticket = channel.broker.store.append(message, route.durable)
        queues = route.transient
    for queue in queues:
        queue.publish(message, 0)
    return ticket


def trace_delivery(channel: Channel, message: Message, queue: str, redelivered: bool) -> None:
    """Have the firehose tell that a message has left a queue for this channel."""
    channel.firehose.delivered(_by(channel), message, queue, redelivered)


def _by(channel: Channel) -> Traced:
    return Traced(channel.connection.peer.name, channel.number, channel.actor.user)
