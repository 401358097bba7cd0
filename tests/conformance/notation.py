"""Frames as JSON that a person can read, and back again to the very same octets.

A method is `["Basic.Qos", channel, {argument: value}]`; arguments that are zero, empty or false are
left out. A content header is `["header", channel, size, {property: value}]`, a body
`["body", channel, text]`. In field tables `true`, `1`, `"a"`, `{}`, `[]` and `null` are the types
t, I (l where 32 bits are too few), S, F, A and V; any other is spelt out: `{"s": 1}`, or with its
octets in hexadecimal. What does not survive the way back is `["raw", hexadecimal]`.
"""

import struct
from typing import Any

from pamqp import commands
from pamqp.commands import Basic

from peer import BODY, FRAME_END, HEADER, HEARTBEAT, METHOD, frame, longstr, shortstr

Notation = list[Any]
KINDS = {method.name: method for method in commands.INDEX_MAPPING.values()}
SCALARS = {"octet": ">B", "short": ">H", "long": ">I", "longlong": ">Q", "timestamp": ">Q"}
INTEGERS = {"b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q", "L": ">q"}
INTEGERS["T"] = ">Q"
OTHERS = {"f": 4, "d": 8, "D": 5}
# A body of one piece over and over is written as the piece and the body's size.
LONGEST_PIECE, REPEATED_FROM = 256, 600


class Unreadable(ValueError):
    """Octets that have no notation."""


def split_frames(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole frames at the start, each with its octets, and what is left."""
    frames: list[bytes] = []
    while len(data) >= 8 and data[0] in (METHOD, HEADER, BODY, HEARTBEAT):
        end = 8 + struct.unpack_from(">I", data, 3)[0]
        if len(data) < end or data[end - 1] != FRAME_END:
            break
        frames.append(data[:end])
        data = data[end:]
    return frames, data


def written(data: bytes) -> list[Notation]:
    """The notation of any octets."""
    frames, rest = split_frames(data)
    notations = [_checked(each) for each in frames]
    return [*notations, ["raw", rest.hex()]] if rest else notations


def octets(notation: Notation) -> bytes:
    kind, *values = notation
    if kind == "raw":
        return bytes.fromhex(values[0])
    if kind == "heartbeat":
        return frame(HEARTBEAT, values[0], b"")
    if kind == "body":
        return frame(BODY, values[0], body_octets(values[1]))
    if kind == "header":
        channel, size, properties = values
        return frame(HEADER, channel, struct.pack(">HHQ", 60, 0, size) + _properties(properties))
    channel, arguments = values
    return frame(METHOD, channel, _method(KINDS[kind], arguments))


def _checked(data: bytes) -> Notation:
    try:
        notation = _frame(data)
    except (Unreadable, UnicodeDecodeError, struct.error, IndexError, KeyError):
        return ["raw", data.hex()]
    return notation if octets(notation) == data else ["raw", data.hex()]


def _frame(data: bytes) -> Notation:
    kind, channel = data[0], struct.unpack_from(">H", data, 1)[0]
    reader = Reader(data[7:-1])
    if kind == HEARTBEAT:
        return ["heartbeat", channel]
    if kind == BODY:
        return ["body", channel, body_notation(reader.data)]
    if kind == HEADER:
        _, _, size = reader.unpack(">HHQ")
        return ["header", channel, size, reader.properties()]
    method = commands.INDEX_MAPPING[reader.unpack(">I")[0]]
    return [method.name, channel, reader.arguments(method)]


class Reader:
    """Takes values off the front of a payload."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise Unreadable
        self.at += size
        return self.data[self.at - size : self.at]

    def unpack(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def value(self, kind: str) -> Any:
        if kind in SCALARS:
            return self.unpack(SCALARS[kind])[0]
        if kind == "shortstr":
            return self.take(self.unpack(">B")[0]).decode()
        if kind == "longstr":
            return self.take(self.unpack(">I")[0]).decode()
        return self.table()

    def arguments(self, method: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        bits, used = 0, 8
        for name in method.attributes():
            kind = method.amqp_type(name)
            if kind != "bit":
                used = 8
                value = self.value(kind)
            else:
                if used == 8:
                    bits, used = self.unpack(">B")[0], 0
                value = bool(bits >> used & 1)
                used += 1
            if value:
                found[name] = value
        return found

    def properties(self) -> dict[str, Any]:
        flags = self.unpack(">H")[0]
        names = Basic.Properties.attributes()
        return {
            name: self.value(Basic.Properties.amqp_type(name))
            for name in names
            if flags & Basic.Properties.flags[name]
        }

    def table(self) -> dict[str, Any]:
        inner = Reader(self.take(self.unpack(">I")[0]))
        found: dict[str, Any] = {}
        while inner.at < len(inner.data):
            name = inner.value("shortstr")
            if name in found:
                raise Unreadable(name)
            found[name] = inner.field()
        return found

    def field(self) -> Any:
        code = self.take(1).decode()
        if code == "t":
            return self.unpack(">B")[0] == 1
        if code in INTEGERS:
            number = self.unpack(INTEGERS[code])[0]
            return number if code == _integer_code(number) else {code: number}
        if code == "F":
            return {"F": self.table()}
        if code == "A":
            inner, values = Reader(self.take(self.unpack(">I")[0])), []
            while inner.at < len(inner.data):
                values.append(inner.field())
            return values
        if code == "V":
            return None
        if code in OTHERS:
            return {code: self.take(OTHERS[code]).hex()}
        if code not in "Sx":
            raise Unreadable(code)
        data = self.take(self.unpack(">I")[0])
        if code == "S":
            try:
                return data.decode()
            except UnicodeDecodeError:
                pass
        return {code: data.hex()}


def _integer_code(number: int) -> str:
    return "I" if -(2**31) <= number < 2**31 else "l"


def _value(kind: str, value: Any) -> bytes:
    if kind in SCALARS:
        return struct.pack(SCALARS[kind], value or 0)
    if kind == "shortstr":
        return shortstr(value or "")
    if kind == "longstr":
        return longstr(value or "")
    return _table(value or {})


def _method(method: Any, arguments: dict[str, Any]) -> bytes:
    out, bits = struct.pack(">I", method.index), list[int]()
    for name in method.attributes():
        value = arguments.get(name)
        if (kind := method.amqp_type(name)) == "bit":
            bits.append(bool(value) << len(bits))
            continue
        if bits:
            out, bits = out + bytes([sum(bits)]), []
        out += _value(kind, value)
    return out + (bytes([sum(bits)]) if bits else b"")


def _properties(values: dict[str, Any]) -> bytes:
    flags = struct.pack(">H", sum(Basic.Properties.flags[name] for name in values))
    kinds = Basic.Properties.amqp_type
    return flags + b"".join(_value(kinds(name), value) for name, value in values.items())


def _table(values: dict[str, Any]) -> bytes:
    return longstr(b"".join(shortstr(name) + _field(value) for name, value in values.items()))


def _field(value: Any) -> bytes:
    if value is None:
        return b"V"
    if isinstance(value, bool):
        return b"t" + bytes([value])
    if isinstance(value, int):
        code = _integer_code(value)
        return code.encode() + struct.pack(INTEGERS[code], value)
    if isinstance(value, str):
        return b"S" + longstr(value)
    if isinstance(value, list):
        return b"A" + longstr(b"".join(map(_field, value)))
    ((code, inner),) = value.items()
    if code == "F":
        return b"F" + _table(inner)
    if code in INTEGERS:
        return str(code).encode() + struct.pack(INTEGERS[code], inner)
    data = bytes.fromhex(inner)
    return str(code).encode() + (data if code in OTHERS else longstr(data))


def body_notation(data: bytes) -> Any:
    if len(data) >= REPEATED_FROM:
        for size in range(1, LONGEST_PIECE + 1):
            piece = data[:size]
            if (piece * (len(data) // size + 1))[: len(data)] == data:
                return {"repeated": piece.hex(), "size": len(data)}
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def body_octets(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    piece = bytes.fromhex(value["repeated"])
    return (piece * (value["size"] // len(piece) + 1))[: value["size"]]
