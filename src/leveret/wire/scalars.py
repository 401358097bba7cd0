"""The wire types that method arguments are made of (AMQP 0-9-1, 4.2.5).

A reader takes a whole method payload and an offset, and gives the value and the offset after it.
A payload that cannot be read is refused with the text that RabbitMQ gives for it.
"""

from collections.abc import Mapping
from typing import Final

from leveret.wire.errors import MalformedFrame, MalformedString, Unencodable
from leveret.wire.table import Table, decode_table, encode_table

ARGUMENTS_OFFSET: Final = 4
# RabbitMQ cuts a reply text at 255 octets; more than this many octets can never show in it.
_SHOWN_OCTETS: Final = 256


def cannot_decode(payload: bytes) -> MalformedFrame:
    shown = payload[ARGUMENTS_OFFSET : ARGUMENTS_OFFSET + _SHOWN_OCTETS]
    return MalformedFrame(f"cannot decode <<{','.join(map(str, shown))}>>")


def finish(payload: bytes, offset: int) -> None:
    """Refuse a payload that ends before or goes on after its last field."""
    if offset != len(payload):
        raise cannot_decode(payload)


def _read_unsigned(payload: bytes, offset: int, size: int) -> tuple[int, int]:
    end = offset + size
    if end > len(payload):
        raise cannot_decode(payload)
    return int.from_bytes(payload[offset:end], "big"), end


def read_octet(payload: bytes, offset: int) -> tuple[int, int]:
    return _read_unsigned(payload, offset, 1)


def read_short(payload: bytes, offset: int) -> tuple[int, int]:
    return _read_unsigned(payload, offset, 2)


def read_long(payload: bytes, offset: int) -> tuple[int, int]:
    return _read_unsigned(payload, offset, 4)


def read_longlong(payload: bytes, offset: int) -> tuple[int, int]:
    return _read_unsigned(payload, offset, 8)


def read_shortstr(payload: bytes, offset: int) -> tuple[str, int]:
    size, start = _read_unsigned(payload, offset, 1)
    end = start + size
    if end > len(payload):
        raise cannot_decode(payload)
    try:
        return payload[start:end].decode("utf-8"), end
    except UnicodeDecodeError:
        raise MalformedString("Malformed UTF-8 in shortstr") from None


def read_longstr(payload: bytes, offset: int) -> tuple[bytes, int]:
    size, start = _read_unsigned(payload, offset, 4)
    end = start + size
    if end > len(payload):
        raise cannot_decode(payload)
    return payload[start:end], end


def read_table(payload: bytes, offset: int) -> tuple[Table, int]:
    size, start = _read_unsigned(payload, offset, 4)
    end = start + size
    if end > len(payload):
        raise cannot_decode(payload)
    return decode_table(payload, start, end), end


def _unsigned(value: int, size: int) -> bytes:
    try:
        return value.to_bytes(size, "big")
    except OverflowError:
        raise Unencodable(f"{value} does not fit an unsigned {size * 8}-bit field") from None


def octet(value: int) -> bytes:
    return _unsigned(value, 1)


def short(value: int) -> bytes:
    return _unsigned(value, 2)


def long(value: int) -> bytes:
    return _unsigned(value, 4)


def longlong(value: int) -> bytes:
    return _unsigned(value, 8)


def shortstr(value: str) -> bytes:
    try:
        encoded = value.encode("utf-8")
    except UnicodeEncodeError:
        raise Unencodable(f"{value!r} is not valid Unicode") from None
    if len(encoded) > 255:
        raise Unencodable(f"a short string carries at most 255 octets, not {len(encoded)}")
    return bytes((len(encoded),)) + encoded


def longstr(value: bytes) -> bytes:
    return _unsigned(len(value), 4) + value


def table(value: Mapping[str, object]) -> bytes:
    return encode_table(value)


def bits(*flags: bool) -> bytes:
    """Consecutive bit fields share an octet, the first in its lowest bit (4.2.5.2)."""
    return bytes((sum(1 << place for place, flag in enumerate(flags) if flag),))
