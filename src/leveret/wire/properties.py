"""The basic properties of a message (AMQP 0-9-1, 4.2.6.1).

A broker seldom needs to know more of them than the delivery mode, but must refuse those that no
client could read: `scan_properties` does that for each published message and builds nothing.
Like RabbitMQ, it reads one word of flags, ignores the two lowest bits of it (the lowest would
announce another word), and lets a short string here hold octets that are not UTF-8.
"""

from typing import Final

from librt.strings import read_i16_be, read_i32_be
from mypy_extensions import i64

from leveret.wire.constants import (
    FLAG_APP_ID,
    FLAG_CLUSTER_ID,
    FLAG_CONTENT_ENCODING,
    FLAG_CONTENT_TYPE,
    FLAG_CORRELATION_ID,
    FLAG_DELIVERY_MODE,
    FLAG_EXPIRATION,
    FLAG_HEADERS,
    FLAG_MESSAGE_ID,
    FLAG_PRIORITY,
    FLAG_REPLY_TO,
    FLAG_TIMESTAMP,
    FLAG_TYPE,
    FLAG_USER_ID,
)
from leveret.wire.errors import MalformedFrame, Unencodable
from leveret.wire.field import Table
from leveret.wire.table import check_table, decode_table, encode_table


def _truncated() -> MalformedFrame:
    return MalformedFrame("Message properties end inside a property")


def _trailing(count: int) -> MalformedFrame:
    return MalformedFrame(f"Message properties are followed by {count} stray octets")


# Added to what `scan_properties` gives: the headers have a key CC or BCC.
COPIES: Final = 0x100


def scan_properties(data: bytes, start: i64, end: i64, taken: bool = False) -> i64:
    """Refuse malformed properties in `data[start:end]`; give the delivery mode, 0 if absent, and
    `COPIES` more if the headers name further routing keys. `taken`: they are those of a message
    that has been taken, whose headers may be larger than a client's."""
    if start < 0 or end > len(data) or end - start < 2:
        raise _truncated()
    flags: i64 = i64(read_i16_be(data, start)) & 0xFFFC
    if flags == 0:
        if end - start == 2:
            return 0
        raise _trailing(end - start - 2)
    if flags == FLAG_DELIVERY_MODE and end - start == 3:
        return data[start + 2]
    at: i64 = start + 2
    delivery_mode: i64 = 0
    copies: i64 = 0
    if flags & FLAG_CONTENT_TYPE:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_CONTENT_ENCODING:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_HEADERS:
        content = at + 4
        at = _after_table(data, at, end)
        if check_table(data, content, at, taken):
            copies = COPIES
    if flags & FLAG_DELIVERY_MODE:
        if at >= end:
            raise _truncated()
        delivery_mode = data[at]
        at += 1
    if flags & FLAG_PRIORITY:
        at += 1
    if flags & FLAG_CORRELATION_ID:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_REPLY_TO:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_EXPIRATION:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_MESSAGE_ID:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_TIMESTAMP:
        at += 8
    if flags & FLAG_TYPE:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_USER_ID:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_APP_ID:
        at = _after_shortstr(data, at, end)
    if flags & FLAG_CLUSTER_ID:
        at = _after_shortstr(data, at, end)
    if at > end:
        raise _truncated()
    if at < end:
        raise _trailing(end - at)
    return delivery_mode + copies


def _after_shortstr(data: bytes, at: i64, end: i64) -> i64:
    if at >= end:
        raise _truncated()
    after: i64 = at + 1 + i64(data[at])
    if after > end:
        raise _truncated()
    return after


def _after_table(data: bytes, at: i64, end: i64) -> i64:
    if end - at < 4:
        raise _truncated()
    after: i64 = at + 4 + (i64(read_i32_be(data, at)) & 0xFFFFFFFF)
    if after > end:
        raise _truncated()
    return after


class Properties:
    """The fourteen basic properties; None is absent. Octets of a short string that are not UTF-8
    are lone surrogates, and so the same octets again when encoded."""

    __slots__ = (
        "app_id",
        "cluster_id",
        "content_encoding",
        "content_type",
        "correlation_id",
        "delivery_mode",
        "expiration",
        "headers",
        "message_id",
        "priority",
        "reply_to",
        "timestamp",
        "type",
        "user_id",
    )

    def __init__(
        self,
        content_type: str | None = None,
        content_encoding: str | None = None,
        headers: Table | None = None,
        delivery_mode: int | None = None,
        priority: int | None = None,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        expiration: str | None = None,
        message_id: str | None = None,
        timestamp: int | None = None,
        type: str | None = None,
        user_id: str | None = None,
        app_id: str | None = None,
        cluster_id: str | None = None,
    ) -> None:
        self.content_type = content_type
        self.content_encoding = content_encoding
        self.headers = headers
        self.delivery_mode = delivery_mode
        self.priority = priority
        self.correlation_id = correlation_id
        self.reply_to = reply_to
        self.expiration = expiration
        self.message_id = message_id
        self.timestamp = timestamp
        self.type = type
        self.user_id = user_id
        self.app_id = app_id
        self.cluster_id = cluster_id

    def fields(self) -> dict[str, object]:
        """The properties that are present, in the order of the wire."""
        everything: dict[str, object] = {
            "content_type": self.content_type,
            "content_encoding": self.content_encoding,
            "headers": self.headers,
            "delivery_mode": self.delivery_mode,
            "priority": self.priority,
            "correlation_id": self.correlation_id,
            "reply_to": self.reply_to,
            "expiration": self.expiration,
            "message_id": self.message_id,
            "timestamp": self.timestamp,
            "type": self.type,
            "user_id": self.user_id,
            "app_id": self.app_id,
            "cluster_id": self.cluster_id,
        }
        return {name: value for name, value in everything.items() if value is not None}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Properties):
            return NotImplemented
        return self.fields() == other.fields()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in self.fields().items()]
        return f"Properties({', '.join(shown)})"

    def encode(self) -> bytes:
        """The flags word and the values of the properties that are present."""
        flags = 0
        out = bytearray(2)
        if self.content_type is not None:
            flags |= FLAG_CONTENT_TYPE
            _write_shortstr(out, self.content_type)
        if self.content_encoding is not None:
            flags |= FLAG_CONTENT_ENCODING
            _write_shortstr(out, self.content_encoding)
        if self.headers is not None:
            flags |= FLAG_HEADERS
            out += encode_table(self.headers, taken=True)
        if self.delivery_mode is not None:
            flags |= FLAG_DELIVERY_MODE
            _write_unsigned(out, self.delivery_mode, 1)
        if self.priority is not None:
            flags |= FLAG_PRIORITY
            _write_unsigned(out, self.priority, 1)
        if self.correlation_id is not None:
            flags |= FLAG_CORRELATION_ID
            _write_shortstr(out, self.correlation_id)
        if self.reply_to is not None:
            flags |= FLAG_REPLY_TO
            _write_shortstr(out, self.reply_to)
        if self.expiration is not None:
            flags |= FLAG_EXPIRATION
            _write_shortstr(out, self.expiration)
        if self.message_id is not None:
            flags |= FLAG_MESSAGE_ID
            _write_shortstr(out, self.message_id)
        if self.timestamp is not None:
            flags |= FLAG_TIMESTAMP
            _write_unsigned(out, self.timestamp, 8)
        if self.type is not None:
            flags |= FLAG_TYPE
            _write_shortstr(out, self.type)
        if self.user_id is not None:
            flags |= FLAG_USER_ID
            _write_shortstr(out, self.user_id)
        if self.app_id is not None:
            flags |= FLAG_APP_ID
            _write_shortstr(out, self.app_id)
        if self.cluster_id is not None:
            flags |= FLAG_CLUSTER_ID
            _write_shortstr(out, self.cluster_id)
        out[0:2] = flags.to_bytes(2, "big")
        return bytes(out)


def _write_shortstr(out: bytearray, value: str) -> None:
    try:
        octets = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Unencodable(f"{value!r} is not valid Unicode") from None
    if len(octets) > 255:
        raise Unencodable(f"a short string carries at most 255 octets, not {len(octets)}")
    out.append(len(octets))
    out += octets


def _write_unsigned(out: bytearray, value: int, size: int) -> None:
    try:
        out += value.to_bytes(size, "big")
    except OverflowError:
        raise Unencodable(f"{value} does not fit an unsigned {size * 8}-bit field") from None


class _Reader:
    """Takes one value after another from properties that `scan_properties` found well formed."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def shortstr(self) -> str:
        start = self.at + 1
        self.at = start + self.data[self.at]
        return self.data[start : self.at].decode("utf-8", "surrogateescape")

    def unsigned(self, size: int) -> int:
        start = self.at
        self.at = start + size
        return int.from_bytes(self.data[start : self.at], "big")

    def table(self) -> Table:
        size = self.unsigned(4)
        start = self.at
        self.at = start + size
        return decode_table(self.data, start, self.at, taken=True)


def decode_properties(data: bytes, start: int, end: int) -> Properties:
    """The properties of a message that has been taken, in `data[start:end]`; raises as
    `scan_properties` does."""
    scan_properties(data, start, end, taken=True)
    reader = _Reader(data, start)
    flags = reader.unsigned(2)
    properties = Properties()
    if flags & FLAG_CONTENT_TYPE:
        properties.content_type = reader.shortstr()
    if flags & FLAG_CONTENT_ENCODING:
        properties.content_encoding = reader.shortstr()
    if flags & FLAG_HEADERS:
        properties.headers = reader.table()
    if flags & FLAG_DELIVERY_MODE:
        properties.delivery_mode = reader.unsigned(1)
    if flags & FLAG_PRIORITY:
        properties.priority = reader.unsigned(1)
    if flags & FLAG_CORRELATION_ID:
        properties.correlation_id = reader.shortstr()
    if flags & FLAG_REPLY_TO:
        properties.reply_to = reader.shortstr()
    if flags & FLAG_EXPIRATION:
        properties.expiration = reader.shortstr()
    if flags & FLAG_MESSAGE_ID:
        properties.message_id = reader.shortstr()
    if flags & FLAG_TIMESTAMP:
        properties.timestamp = reader.unsigned(8)
    if flags & FLAG_TYPE:
        properties.type = reader.shortstr()
    if flags & FLAG_USER_ID:
        properties.user_id = reader.shortstr()
    if flags & FLAG_APP_ID:
        properties.app_id = reader.shortstr()
    if flags & FLAG_CLUSTER_ID:
        properties.cluster_id = reader.shortstr()
    return properties
