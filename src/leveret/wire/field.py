"""A field of a table: a value with the type octet it has on the wire.

The specification's own list of types and what implementations do differ; RabbitMQ's list is the
one that clients follow. Keeping the type octet lets a table pass through as the same bytes.
"""

from typing import Final

# Of what a client sends. RabbitMQ sets no limits here; no honest table comes near these.
MAX_TABLE_DEPTH: Final = 128
MAX_TABLE_ELEMENTS: Final = 16384
# Of the headers of a message that has been taken: what the broker adds to them has room. A death
# and the firehose name all the keys of CC once more, a headers table within others is deeper.
MAX_TAKEN_DEPTH: Final = 144
MAX_TAKEN_ELEMENTS: Final = 2 * 16384

KIND_BOOL: Final = 0x74
KIND_BYTE: Final = 0x62
KIND_UNSIGNED_BYTE: Final = 0x42
KIND_SHORT: Final = 0x73
KIND_UNSIGNED_SHORT: Final = 0x75
KIND_INT: Final = 0x49
KIND_UNSIGNED_INT: Final = 0x69
KIND_LONG: Final = 0x6C
KIND_LONG_QPID: Final = 0x4C
KIND_FLOAT: Final = 0x66
KIND_DOUBLE: Final = 0x64
KIND_DECIMAL: Final = 0x44
KIND_LONGSTR: Final = 0x53
KIND_ARRAY: Final = 0x41
KIND_TIMESTAMP: Final = 0x54
KIND_TABLE: Final = 0x46
KIND_VOID: Final = 0x56
KIND_BINARY: Final = 0x78
# The most that a `KIND_LONG` carries.
LONG_MAX: Final = (1 << 63) - 1

# The words by which RabbitMQ's error texts call the types.
KIND_NAMES: Final[dict[int, str]] = {
    KIND_BOOL: "bool",
    KIND_BYTE: "byte",
    KIND_UNSIGNED_BYTE: "unsignedbyte",
    KIND_SHORT: "short",
    KIND_UNSIGNED_SHORT: "unsignedshort",
    KIND_INT: "signedint",
    KIND_UNSIGNED_INT: "unsignedint",
    KIND_LONG: "long",
    KIND_LONG_QPID: "long",
    KIND_FLOAT: "float",
    KIND_DOUBLE: "double",
    KIND_DECIMAL: "decimal",
    KIND_LONGSTR: "longstr",
    KIND_ARRAY: "array",
    KIND_TIMESTAMP: "timestamp",
    KIND_TABLE: "table",
    KIND_VOID: "void",
    KIND_BINARY: "binary",
}


class Field:
    """A value and its type octet. A decimal's value is `(scale, unscaled)`, a long string's and
    a binary's `bytes`, an array's `list[Field]`, a table's `dict[str, Field]`."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: int, value: object) -> None:
        self.kind = kind
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Field):
            return NotImplemented
        return self.kind == other.kind and self.value == other.value

    # Mutable values compare by content; they are no keys.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Field({chr(self.kind)!r}, {self.value!r})"


Table = dict[str, Field]
