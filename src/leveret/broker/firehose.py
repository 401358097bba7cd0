"""The firehose: while it is on, a vhost's `amq.rabbitmq.trace` exchange hears of every message.

Of each that is published, with the key `publish.` and the exchange's name, and of each that leaves
a queue, with `deliver.` and the queue's. The body is the message's own; all else about it is in
headers, which are RabbitMQ's. What is told is not told of in turn. What is too large to be told is
named in the log.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from leveret.broker.copies import blind_keys, further_keys
from leveret.broker.message import Message
from leveret.errors import SHORT_STRING_MAX
from leveret.wire.errors import Unencodable
from leveret.wire.field import (
    KIND_ARRAY,
    KIND_INT,
    KIND_LONG,
    KIND_LONGSTR,
    KIND_TABLE,
    Field,
    Table,
)
from leveret.wire.frames import PROPERTIES_AT, header_frame
from leveret.wire.properties import Properties, decode_properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.queues.classic import ClassicQueue

log = logging.getLogger("leveret.vhost")

TRACE: Final = "amq.rabbitmq.trace"
# Of the names behind direct reply-to, which are no queues.
REPLY_TO: Final = b"amq.rabbitmq.reply-to."
_INT_MAX: Final = (1 << 31) - 1


class Traced:
    """Whose message it is: connection, channel, user."""

    def __init__(self, connection: str, channel: int, user: str) -> None:
        self.connection = connection
        self.channel = channel
        self.user = user


class Firehose:
    """Of the vhost of this name; `route` gives the queues for a key."""

    def __init__(self, vhost: str, route: Callable[[str, Properties], list[ClassicQueue]]) -> None:
        self.on = False
        self.node = ""
        self._vhost = vhost
        self._route = route

    def published(
        self, by: Traced, message: Message, keys: list[str], queues: list[ClassicQueue]
    ) -> None:
        """A message has been published with these keys, and goes to these queues."""
        if message.exchange == TRACE:
            return
        headers = self._headers(message, keys)
        headers.update(self._whose(by))
        # RabbitMQ's default exchange does not look whether there is such a queue.
        named = [queue.name for queue in queues] if message.exchange else _named_by(keys)
        headers["routed_queues"] = Field(KIND_ARRAY, [_text(name) for name in named])
        self._tell(f"publish.{message.exchange}", headers, message)

    def delivered(self, by: Traced, message: Message, queue: str, redelivered: bool) -> None:
        """A message has left a queue."""
        if message.exchange == TRACE:
            return
        headers = self._headers(message, [])
        headers["redelivered"] = Field(KIND_INT, int(redelivered))
        headers.update(self._whose(by))
        self._tell(f"deliver.{queue}", headers, message)

    def _headers(self, message: Message, keys: list[str]) -> Table:
        properties = decode_properties(message.frames, PROPERTIES_AT, int(message.header_size) - 1)
        if not keys:
            keys = [message.routing_key, *further_keys(properties.headers or {})]
            keys += blind_keys(message)
        return {
            "exchange_name": _text(message.exchange),
            "routing_keys": Field(KIND_ARRAY, [_text(key) for key in keys]),
            "properties": Field(KIND_TABLE, _as_table(properties)),
            "node": _text(self.node),
        }

    def _whose(self, by: Traced) -> Table:
        return {
            "vhost": _text(self._vhost),
            "connection": _text(by.connection),
            "channel": Field(KIND_INT, by.channel),
            "user": _text(by.user),
        }

    def _tell(self, routing_key: str, headers: Table, message: Message) -> None:
        properties = Properties(headers=headers)
        octets = routing_key.encode("utf-8", "surrogateescape")[:SHORT_STRING_MAX]
        queues = self._route(octets.decode("utf-8", "surrogateescape"), properties)
        if not queues:
            return
        try:
            encoded = properties.encode()
        except Unencodable as error:
            # Whoever publishes or consumes it does not suffer.
            log.warning(
                "vhost '%s': a message is not told of with the key %s: %s",
                self._vhost,
                routing_key,
                error,
            )
            return
        exchange = TRACE.encode()
        tail = bytes([len(exchange)]) + exchange + bytes([len(octets)]) + octets
        header = header_frame(int(message.channel), encoded, int(message.body_size))
        frames = header + message.frames[int(message.header_size) :]
        largest = max(int(message.largest_frame), len(header))
        told = Message(
            frames, tail, message.channel, len(header), message.body_size, largest, False
        )
        for queue in queues:
            queue.moved_count += 1
            queue.publish(told, 0)


def _named_by(keys: list[str]) -> list[str]:
    """The queues that the default exchange has keys for, in RabbitMQ's order: by their octets."""
    names = {key.encode("utf-8", "surrogateescape"): key for key in keys}
    return [names[octets] for octets in sorted(names) if not octets.startswith(REPLY_TO)]


def _text(text: str) -> Field:
    return Field(KIND_LONGSTR, text.encode("utf-8", "surrogateescape"))


def _as_table(properties: Properties) -> Table:
    """The properties as a table, in RabbitMQ's order: the last one first."""
    table: Table = {}
    for name, value in reversed(properties.fields().items()):
        if isinstance(value, dict):
            table[name] = Field(KIND_TABLE, value)
        elif isinstance(value, int):
            table[name] = Field(KIND_INT if value <= _INT_MAX else KIND_LONG, value)
        else:
            table[name] = _text(str(value))
    return table
