"""Field tables (AMQP 0-9-1, 4.2.5.5) from fields and from Python's own values to bytes.

The limits of what is read hold here too: whatever this writes, `decode_table` reads, told the same
of `taken`.
"""

import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from leveret.wire.errors import Unencodable
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
)

# Octets, and whether signed.
_INTEGERS: Final[dict[int, tuple[int, bool]]] = {
    KIND_BYTE: (1, True),
    KIND_UNSIGNED_BYTE: (1, False),
    KIND_SHORT: (2, True),
    KIND_UNSIGNED_SHORT: (2, False),
    KIND_INT: (4, True),
    KIND_UNSIGNED_INT: (4, False),
    KIND_LONG: (8, True),
    KIND_LONG_QPID: (8, True),
    KIND_TIMESTAMP: (8, False),
}


class _OpenLevel:
    """A table or array being written; `keys` is None for an array."""

    __slots__ = ("keys", "length_at", "place", "values")

    def __init__(self, keys: list[object] | None, values: list[object], length_at: int) -> None:
        self.keys = keys
        self.values = values
        self.length_at = length_at
        self.place = 0


def encode_table(table: Mapping[str, object], taken: bool = False) -> bytes:
    """The table with its length. A `Field` is written with its own type octet, a native value
    with the one that fits it. `taken`: it is the headers of a message that has been taken."""
    elements_max = MAX_TAKEN_ELEMENTS if taken else MAX_TABLE_ELEMENTS
    depth_max = MAX_TAKEN_DEPTH if taken else MAX_TABLE_DEPTH
    out = bytearray(4)
    keys: list[object] = list(table.keys())
    levels: list[_OpenLevel] = [_OpenLevel(keys, list(table.values()), 0)]
    elements = 0
    while levels:
        level = levels[-1]
        place = level.place
        if place == len(level.values):
            _patch_length(out, level.length_at)
            levels.pop()
            continue
        level.place = place + 1
        elements += 1
        if elements > elements_max:
            raise Unencodable(f"a field table holds at most {elements_max} elements")
        if level.keys is not None:
            _write_key(out, level.keys[place])
        field = _field(level.values[place])
        out.append(field.kind)
        value = field.value
        if field.kind != KIND_ARRAY and field.kind != KIND_TABLE:
            _write_value(out, field.kind, value)
            continue
        if len(levels) >= depth_max:
            raise Unencodable(f"a field table is nested at most {depth_max} levels deep")
        length_at = len(out)
        out += bytes(4)
        if field.kind == KIND_ARRAY and isinstance(value, list):
            levels.append(_OpenLevel(None, list(value), length_at))
        elif field.kind == KIND_TABLE and isinstance(value, dict):
            levels.append(_OpenLevel(list(value.keys()), list(value.values()), length_at))
        else:
            raise _unfit(field.kind, value)
    return bytes(out)


def _patch_length(out: bytearray, length_at: int) -> None:
    length = len(out) - length_at - 4
    if length > 0xFFFFFFFF:
        raise Unencodable("a field table holds at most 4294967295 octets")
    out[length_at : length_at + 4] = length.to_bytes(4, "big")


def _write_key(out: bytearray, key: object) -> None:
    if not isinstance(key, str):
        raise Unencodable(f"a field table's key is a string, not {key!r}")
    try:
        octets = key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Unencodable(f"{key!r} is not valid Unicode") from None
    if len(octets) > 255:
        raise Unencodable(f"a field table's key has at most 255 octets, not {len(octets)}")
    out.append(len(octets))
    out += octets


def _field(value: object) -> Field:
    if isinstance(value, Field):
        if value.kind not in KIND_NAMES:
            raise Unencodable(f"no field type has the type octet {value.kind}")
        return value
    if value is None:
        return Field(KIND_VOID, None)
    if isinstance(value, bool):
        return Field(KIND_BOOL, value)
    if isinstance(value, int):
        return Field(KIND_INT if -0x80000000 <= value <= 0x7FFFFFFF else KIND_LONG, value)
    if isinstance(value, str):
        try:
            return Field(KIND_LONGSTR, value.encode("utf-8"))
        except UnicodeEncodeError:
            raise Unencodable(f"{value!r} is not valid Unicode") from None
    if isinstance(value, bytes):
        return Field(KIND_BINARY, value)
    if isinstance(value, float):
        return Field(KIND_DOUBLE, value)
    if isinstance(value, dict):
        return Field(KIND_TABLE, value)
    if isinstance(value, list):
        return Field(KIND_ARRAY, value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return Field(KIND_TIMESTAMP, int(value.timestamp()))
    raise Unencodable(f"no field type carries {value!r}")


def _unfit(kind: int, value: object) -> Unencodable:
    return Unencodable(f"a field of type {KIND_NAMES[kind]} cannot carry {value!r}")


def _write_value(out: bytearray, kind: int, value: object) -> None:
    if kind == KIND_VOID:
        if value is not None:
            raise _unfit(kind, value)
    elif kind == KIND_BOOL:
        if not isinstance(value, bool):
            raise _unfit(kind, value)
        out.append(1 if value else 0)
    elif kind in (KIND_LONGSTR, KIND_BINARY):
        if not isinstance(value, bytes):
            raise _unfit(kind, value)
        out += len(value).to_bytes(4, "big")
        out += value
    elif kind in (KIND_DOUBLE, KIND_FLOAT):
        if not isinstance(value, float) or value - value != 0.0:
            raise _unfit(kind, value)
        try:
            out += struct.pack(">d" if kind == KIND_DOUBLE else ">f", value)
        except OverflowError:
            raise _unfit(kind, value) from None
    elif kind == KIND_DECIMAL:
        if not isinstance(value, tuple) or len(value) != 2:
            raise _unfit(kind, value)
        _write_integer(out, kind, value[0], 1, False)
        _write_integer(out, kind, value[1], 4, False)
    else:
        size, signed = _INTEGERS[kind]
        _write_integer(out, kind, value, size, signed)


def _write_integer(out: bytearray, kind: int, value: object, size: int, signed: bool) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unfit(kind, value)
    try:
        out += value.to_bytes(size, "big", signed=signed)
    except OverflowError:
        raise _unfit(kind, value) from None
