"""The headers of a delayed message: for how long, and until when.

A publisher asks for a delay with the header `x-delay`, in milliseconds. While the message waits it
carries the moment it is due and the keys of its BCC, which has gone from it, so that both are known
after a restart too. What is delivered has none of this, and
`x-delay` with the sign turned, as with RabbitMQ's plugin, and is thus not delayed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.copies import further_keys
from leveret.wire.field import KIND_ARRAY, KIND_INT, KIND_LONG, KIND_LONGSTR, Field, Table
from leveret.wire.frames import PROPERTIES_AT, header_frame
from leveret.wire.properties import Properties, decode_properties

if TYPE_CHECKING:
    from leveret.broker.message import Message

DELAY: Final = "x-delay"
DUE: Final = "x-leveret-due"
FURTHER_KEYS: Final = "x-leveret-keys"
# Ten years.
DELAY_MAX_MS: Final = 315_360_000_000
_INT_MAX: Final = (1 << 31) - 1


def delay_ms(headers: Table) -> int:
    """The delay that is asked for; 0 for none, and for what is no number above 0."""
    field = headers.get(DELAY)
    if field is None or isinstance(field.value, bool):
        return 0
    value = field.value
    if isinstance(value, bytes) and value.isdigit():
        value = int(value[:18])
    if not isinstance(value, int) or value <= 0:
        return 0
    return min(value, DELAY_MAX_MS)


def stamp(message: Message, now_ms: int, keys: list[str]) -> None:
    """Have the message carry when it is due, and its routing keys beside the first."""
    properties = properties_of(message)
    headers = properties.headers or {}
    delay = delay_ms(headers)
    kind = KIND_INT if delay <= _INT_MAX else KIND_LONG
    headers[DELAY] = Field(kind, -delay)
    headers[DUE] = Field(KIND_LONG, now_ms + delay)
    headers.pop(FURTHER_KEYS, None)
    if keys:
        encoded = [each.encode("utf-8", "surrogateescape") for each in keys]
        headers[FURTHER_KEYS] = Field(KIND_ARRAY, [Field(KIND_LONGSTR, key) for key in encoded])
    properties.headers = headers
    _set_properties(message, properties)


def due_ms(message: Message, now_ms: int) -> int:
    """When it is due, always above 0; of a message that was not stamped (a dead-lettered one), from
    now on."""
    headers = properties_of(message).headers or {}
    field = headers.get(DUE)
    if field is not None and isinstance(field.value, int):
        # A client may have written anything there.
        return min(max(field.value, 1), now_ms + DELAY_MAX_MS)
    return max(now_ms + delay_ms(headers), 1)


def release(message: Message) -> tuple[Properties, list[str]]:
    """It is due: it is no message to be delayed any more. Returns its properties and its further
    routing keys."""
    properties = properties_of(message)
    headers = properties.headers or {}
    due = headers.pop(DUE, None)
    stored = headers.pop(FURTHER_KEYS, None)
    delay = delay_ms(headers)
    if delay:
        headers[DELAY] = Field(KIND_INT if delay <= _INT_MAX else KIND_LONG, -delay)
    properties.headers = headers
    _set_properties(message, properties)
    if due is None:
        return properties, further_keys(headers)
    if stored is None or not isinstance(stored.value, list):
        return properties, []
    return properties, [each.value.decode(errors="surrogateescape") for each in stored.value]


def properties_of(message: Message) -> Properties:
    """The properties, decoded."""
    return decode_properties(message.frames, PROPERTIES_AT, int(message.header_size) - 1)


def _set_properties(message: Message, properties: Properties) -> None:
    header = header_frame(int(message.channel), properties.encode(), int(message.body_size))
    message.frames = header + message.frames[int(message.header_size) :]
    message.header_size = len(header)
    message.largest_frame = max(message.largest_frame, len(header))
