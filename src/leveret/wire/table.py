"""Field tables (AMQP 0-9-1, 4.2.5.5) to and from bytes.

Nesting is walked with a stack of our own: what a client sends cannot exhaust the interpreter's.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from librt.strings import (
    read_f32_be,
    read_f64_be,
    read_i16_be,
    read_i32_be,
    read_i64_be,
)
from mypy_extensions import i64

from leveret.wire.errors import MalformedFrame
from leveret.wire.field import (
    KIND_ARRAY,
    KIND_BINARY,
    KIND_BOOL,
    KIND_BYTE,
    KIND_DECIMAL,
    KIND_DOUBLE,
    KIND_FLOAT,
    KIND_INT,
    KIND_LONG,
    KIND_LONG_QPID,
    KIND_LONGSTR,
    KIND_NAMES,
    KIND_SHORT,
    KIND_TABLE,
    KIND_TIMESTAMP,
    KIND_UNSIGNED_BYTE,
    KIND_UNSIGNED_INT,
    KIND_UNSIGNED_SHORT,
    KIND_VOID,
    MAX_TABLE_DEPTH,
    MAX_TABLE_ELEMENTS,
    MAX_TAKEN_DEPTH,
    MAX_TAKEN_ELEMENTS,
    Field,
    Table,
)
from leveret.wire.table_encoder import encode_table

__all__ = [
    "KIND_NAMES",
    "MAX_TABLE_DEPTH",
    "MAX_TABLE_ELEMENTS",
    "Field",
    "Table",
    "check_table",
    "decode_table",
    "encode_table",
    "plain",
    "to_table",
]

# Octets that a value of each type occupies, by type octet; the last three are not sizes.
_LENGTH_PREFIXED: Final = 0xFD
_NESTED: Final = 0xFE
_UNKNOWN: Final = 0xFF


def _sizes() -> bytes:
    sizes = bytearray([_UNKNOWN] * 256)
    for kind in (KIND_BOOL, KIND_BYTE, KIND_UNSIGNED_BYTE):
        sizes[kind] = 1
    for kind in (KIND_SHORT, KIND_UNSIGNED_SHORT):
        sizes[kind] = 2
    for kind in (KIND_INT, KIND_UNSIGNED_INT, KIND_FLOAT):
        sizes[kind] = 4
    for kind in (KIND_LONG, KIND_LONG_QPID, KIND_DOUBLE, KIND_TIMESTAMP):
        sizes[kind] = 8
    sizes[KIND_DECIMAL] = 5
    sizes[KIND_VOID] = 0
    sizes[KIND_LONGSTR] = _LENGTH_PREFIXED
    sizes[KIND_BINARY] = _LENGTH_PREFIXED
    sizes[KIND_ARRAY] = _NESTED
    sizes[KIND_TABLE] = _NESTED
    return bytes(sizes)


_SIZES: Final[bytes] = _sizes()


def _truncated() -> MalformedFrame:
    return MalformedFrame("Field table ends inside a field")


def _unknown(kind: int) -> MalformedFrame:
    return MalformedFrame(f"Unknown type octet {kind} in a field table")


def _too_deep(depth_max: i64) -> MalformedFrame:
    return MalformedFrame(f"Field table is nested deeper than {depth_max} levels")


def _too_many(elements_max: i64) -> MalformedFrame:
    return MalformedFrame(f"Field table has more than {elements_max} elements")


def _check_finite(data: bytes, at: i64, kind: i64) -> None:
    # As RabbitMQ: infinities and NaN have all exponent bits set, and it has no such numbers.
    first = i64(read_i16_be(data, at))
    exponent: i64 = 0x7FF0 if kind == KIND_DOUBLE else 0x7F80
    if first & exponent == exponent:
        raise MalformedFrame("Floating point number in a field table is not finite")


def check_table(data: bytes, start: i64, end: i64, taken: bool = False) -> bool:
    """Raise what `decode_table` would raise for these bytes, building nothing; return whether there
    is a key CC or BCC in the table itself."""
    elements_max: i64 = MAX_TAKEN_ELEMENTS if taken else MAX_TABLE_ELEMENTS
    depth_max: i64 = MAX_TAKEN_DEPTH if taken else MAX_TABLE_DEPTH
    if start < 0 or end > len(data) or start > end:
        raise _truncated()
    at: i64 = start
    stop: i64 = end
    in_array: i64 = 0
    # Enclosing levels: where each ends, doubled, plus one if it is an array.
    levels: list[int] | None = None
    depth: i64 = 1
    elements: i64 = 0
    copies = False
    while True:
        while at == stop:
            if levels is None or depth == 1:
                return copies
            outer: i64 = levels.pop()
            in_array = outer & 1
            stop = outer >> 1
            depth -= 1
        elements += 1
        if elements > elements_max:
            raise _too_many(elements_max)
        if in_array == 0:
            length: i64 = data[at]
            at += 1 + length
            if at >= stop:
                raise _truncated()
            if length in (2, 3):
                copies = copies or (depth == 1 and _names_copies(data, at - length, length))
        kind: i64 = data[at]
        at += 1
        size: i64 = _SIZES[kind]
        if size < _LENGTH_PREFIXED:
            if size > stop - at:
                raise _truncated()
            if kind in (KIND_DOUBLE, KIND_FLOAT):
                _check_finite(data, at, kind)
            at += size
            continue
        if size == _UNKNOWN:
            raise _unknown(kind)
        if stop - at < 4:
            raise _truncated()
        length = i64(read_i32_be(data, at)) & 0xFFFFFFFF
        at += 4
        if length > stop - at:
            raise _truncated()
        if size == _LENGTH_PREFIXED:
            at += length
            continue
        depth += 1
        if depth > depth_max:
            raise _too_deep(depth_max)
        if levels is None:
            levels = []
        levels.append((stop << 1) | in_array)
        stop = at + length
        in_array = 1 if kind == KIND_ARRAY else 0


def _names_copies(data: bytes, at: i64, length: i64) -> bool:
    """Whether these two or three octets are the key CC or BCC."""
    if data[at + length - 2] != 0x43 or data[at + length - 1] != 0x43:
        return False
    return length == 2 or data[at] == 0x42


class _Level:
    """A table or array under construction, while one nested in it is read."""

    __slots__ = ("array", "in_array", "stop", "table")

    def __init__(self, table: Table, array: list[Field], in_array: bool, stop: i64) -> None:
        self.table = table
        self.array = array
        self.in_array = in_array
        self.stop = stop


def decode_table(data: bytes, start: i64, end: i64, taken: bool = False) -> Table:
    """The table whose content, without its length, is `data[start:end]`.

    As in RabbitMQ, of equal keys the first counts, and keys that are not UTF-8 are accepted: they
    keep their octets as lone surrogates. `taken`: it is the headers of a message that has been
    taken, to which the broker may have added some.
    """
    elements_max: i64 = MAX_TAKEN_ELEMENTS if taken else MAX_TABLE_ELEMENTS
    depth_max: i64 = MAX_TAKEN_DEPTH if taken else MAX_TABLE_DEPTH
    if start < 0 or end > len(data) or start > end:
        raise _truncated()
    root: Table = {}
    table: Table = root
    array: list[Field] = []
    in_array = False
    levels: list[_Level] = []
    key = ""
    at: i64 = start
    stop: i64 = end
    elements: i64 = 0
    while True:
        while at == stop:
            if not levels:
                return root
            outer = levels.pop()
            table = outer.table
            array = outer.array
            in_array = outer.in_array
            stop = outer.stop
        elements += 1
        if elements > elements_max:
            raise _too_many(elements_max)
        if not in_array:
            key_end: i64 = at + 1 + i64(data[at])
            if key_end >= stop:
                raise _truncated()
            key = data[at + 1 : key_end].decode("utf-8", "surrogateescape")
            at = key_end
        kind: i64 = data[at]
        at += 1
        size: i64 = _SIZES[kind]
        field: Field
        if size < _LENGTH_PREFIXED:
            if size > stop - at:
                raise _truncated()
            field = Field(kind, _scalar(data, at, kind))
            at += size
        else:
            if size == _UNKNOWN:
                raise _unknown(kind)
            if stop - at < 4:
                raise _truncated()
            length: i64 = i64(read_i32_be(data, at)) & 0xFFFFFFFF
            at += 4
            if length > stop - at:
                raise _truncated()
            if size == _LENGTH_PREFIXED:
                field = Field(kind, data[at : at + length])
                at += length
            else:
                if len(levels) + 2 > depth_max:
                    raise _too_deep(depth_max)
                level = _Level(table, array, in_array, stop)
                levels.append(level)
                stop = at + length
                if kind == KIND_ARRAY:
                    array = []
                    in_array = True
                    field = Field(kind, array)
                else:
                    table = {}
                    in_array = False
                    field = Field(kind, table)
                if level.in_array:
                    level.array.append(field)
                else:
                    level.table.setdefault(key, field)
                continue
        if in_array:
            array.append(field)
        else:
            table.setdefault(key, field)


def _scalar(data: bytes, at: i64, kind: i64) -> object:
    number: i64
    if kind in (KIND_INT, KIND_UNSIGNED_INT):
        number = i64(read_i32_be(data, at))
        return number if kind == KIND_INT else number & 0xFFFFFFFF
    if kind in (KIND_LONG, KIND_LONG_QPID):
        return i64(read_i64_be(data, at))
    if kind == KIND_BOOL:
        return data[at] != 0
    if kind == KIND_TIMESTAMP:
        seconds: int = i64(read_i64_be(data, at))
        return seconds if seconds >= 0 else seconds + (1 << 64)
    if kind == KIND_DOUBLE:
        _check_finite(data, at, kind)
        return read_f64_be(data, at)
    if kind == KIND_FLOAT:
        _check_finite(data, at, kind)
        return read_f32_be(data, at)
    if kind == KIND_VOID:
        return None
    if kind in (KIND_BYTE, KIND_UNSIGNED_BYTE):
        number = data[at]
        return number - 256 if kind == KIND_BYTE and number > 127 else number
    if kind in (KIND_SHORT, KIND_UNSIGNED_SHORT):
        number = i64(read_i16_be(data, at))
        return number if kind == KIND_SHORT else number & 0xFFFF
    scale: int = data[at]
    unscaled: int = i64(read_i32_be(data, at + 1)) & 0xFFFFFFFF
    return (scale, unscaled)


def to_table(natives: Mapping[str, object]) -> Table:
    """The fields that natives (or a mix of natives and fields) become on the wire."""
    encoded = encode_table(natives)
    return decode_table(encoded, 4, len(encoded))


def plain(table: Table) -> dict[str, object]:
    """The table as natives, for people and for JSON: what is not UTF-8 shows as `\\xff`."""
    return {_text(key.encode("utf-8", "surrogateescape")): _plain(table[key]) for key in table}


def _plain(field: Field) -> object:
    value = field.value
    if field.kind == KIND_DECIMAL and isinstance(value, tuple):
        return Decimal(value[1]).scaleb(-value[0])
    if field.kind == KIND_LONGSTR and isinstance(value, bytes):
        return _text(value)
    if isinstance(value, dict):
        return plain(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")
