"""Messages with other properties than they were published with: their bodies stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.message import Message
from leveret.wire.frames import PROPERTIES_AT, header_frame
from leveret.wire.properties import Properties, decode_properties

if TYPE_CHECKING:
    from leveret.wire.table import Table


def properties_of(message: Message) -> Properties:
    """The properties of a message, decoded."""
    return decode_properties(message.frames, PROPERTIES_AT, int(message.header_size) - 1)


def with_properties(message: Message, properties: Properties, tail: bytes) -> Message:
    """The same body with these properties and under this exchange and routing key."""
    header = header_frame(int(message.channel), properties.encode(), int(message.body_size))
    return Message(
        header + message.frames[int(message.header_size) :],
        tail,
        message.channel,
        len(header),
        message.body_size,
        max(int(message.largest_frame), len(header)),
        message.persistent,
    )


def with_headers(message: Message, headers: Table) -> Message:
    """The same message with these headers set."""
    properties = properties_of(message)
    properties.headers = in_order({**(properties.headers or {}), **headers})
    return with_properties(message, properties, message.tail)


def in_order(table: Table) -> Table:
    """A table by its keys, as RabbitMQ leaves one that it has changed."""
    return {key: table[key] for key in sorted(table)}
