"""Messages with other properties than they were published with: their bodies stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.copies import blind_keys
from leveret.broker.message import CopiedMessage, Message
from leveret.wire.errors import Unencodable
from leveret.wire.frames import PROPERTIES_AT, header_frame
from leveret.wire.properties import Properties, decode_properties

if TYPE_CHECKING:
    from leveret.wire.table import Table


def properties_of(message: Message) -> Properties:
    """The properties of a message, decoded."""
    return decode_properties(message.frames, PROPERTIES_AT, int(message.header_size) - 1)


def with_properties(
    message: Message, properties: Properties, tail: bytes, bcc: list[str]
) -> Message:
    """The same body with these properties, under this exchange and routing key, and with these
    keys of BCC."""
    header = header_frame(int(message.channel), properties.encode(), int(message.body_size))
    other = Message(
        header + message.frames[int(message.header_size) :],
        tail,
        message.channel,
        len(header),
        message.body_size,
        max(int(message.largest_frame), len(header)),
        message.persistent,
    )
    if not bcc:
        return other
    return CopiedMessage(
        other.frames,
        tail,
        other.channel,
        other.header_size,
        other.body_size,
        other.largest_frame,
        other.persistent,
        0,
        bcc,
    )


def with_headers(message: Message, headers: Table) -> Message:
    """The same message with these headers set; as it is if there is no room for them, which is
    better than not to deliver it."""
    properties = properties_of(message)
    properties.headers = in_order({**(properties.headers or {}), **headers})
    try:
        return with_properties(message, properties, message.tail, blind_keys(message))
    except Unencodable:
        return message


def in_order(table: Table) -> Table:
    """A table by its keys, as RabbitMQ leaves one that it has changed."""
    return {key: table[key] for key in sorted(table)}
