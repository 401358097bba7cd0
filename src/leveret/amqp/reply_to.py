"""Direct reply-to: answers to a request without a queue of one's own (RabbitMQ's extension).

A client consumes from the name `amq.rabbitmq.reply-to`, which is no queue. Requests that it
publishes on that channel with this name as reply_to leave with a name that only this channel has,
and what is published to that name through the default exchange goes straight to its consumer.
Behind the name is a queue like any other, of one consumer, that nobody can see or declare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.errors import NotFound, PreconditionFailed
from leveret.wire.frames import PROPERTIES_AT, header_frame
from leveret.wire.properties import decode_properties

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.vhost import VHost

REPLY_TO: Final = "amq.rabbitmq.reply-to"
# reply_to with this value, as it is found among encoded properties.
ENCODED: Final = len(REPLY_TO).to_bytes(1, "big") + REPLY_TO.encode()


def names_reply_to(queue: str) -> bool:
    """Whether a name is one of direct reply-to: nobody declares those."""
    return queue.startswith(REPLY_TO)


def declared(vhost: VHost, name: str) -> int:
    """The answer to a declare of such a name: one consumer, or 404 once it has gone."""
    if name != REPLY_TO and name not in vhost.reply_queues:
        raise NotFound(f"no queue '{name}' in vhost '{vhost.name}'")
    return 1


def reply_queue(channel: Channel, no_ack: bool) -> ClassicQueue:
    """The queue behind the name that a channel's consumer of `amq.rabbitmq.reply-to` gets."""
    if not no_ack:
        raise PreconditionFailed("reply consumer cannot acknowledge")
    if channel.reply_queue is not None and not channel.reply_queue.deleted:
        raise PreconditionFailed("reply consumer already set")
    name = channel.broker.generate(f"{REPLY_TO}.")
    channel.reply_queue = channel.vhost.add_reply_queue(name, channel.actor.owner)
    return channel.reply_queue


def rewritten(channel: Channel, frames: bytes, header_size: int, body_size: int) -> bytes:
    """The content header frame of a request, with the channel's own name as reply_to.

    Raises `PreconditionFailed` if the channel has no reply consumer. The header is returned as it
    is if it holds the name elsewhere only.
    """
    properties = decode_properties(frames, PROPERTIES_AT, header_size - 1)
    if properties.reply_to != REPLY_TO:
        return frames[:header_size]
    if channel.reply_queue is None or channel.reply_queue.deleted:
        raise PreconditionFailed("fast reply consumer does not exist")
    properties.reply_to = channel.reply_queue.name
    return header_frame(channel.number, properties.encode(), body_size)
