"""Arguments of declares and binds: JSON to field tables, with the types that RabbitMQ's API gives.

A whole number is a 64-bit integer whatever its size, so that a binding made here is the one that
RabbitMQ's own API would have made.
"""

from typing import Any

from leveret.errors import SHORT_STRING_MAX
from leveret.management.refusals import Refusal, bad_request
from leveret.wire.field import (
    KIND_ARRAY,
    KIND_BOOL,
    KIND_DOUBLE,
    KIND_LONG,
    KIND_LONGSTR,
    KIND_TABLE,
    MAX_TABLE_DEPTH,
    MAX_TABLE_ELEMENTS,
    Field,
    Table,
)


def table_of(arguments: dict[str, Any] | list[Any]) -> Table:
    """The field table of a JSON object; clients in Erlang write an empty one as `[]`."""
    if isinstance(arguments, list):
        if arguments:
            raise bad_request("arguments are an object, not an array")
        return {}
    return _Conversion().table(arguments, 0)


class _Conversion:
    def __init__(self) -> None:
        self._elements = 0

    def table(self, value: dict[str, Any], depth: int) -> Table:
        for key in value:
            if len(key.encode()) > SHORT_STRING_MAX:
                raise bad_request(f"the name of an argument has at most {SHORT_STRING_MAX} octets")
        return {key: self._field(item, depth) for key, item in value.items()}

    def _field(self, value: Any, depth: int) -> Field:
        self._elements += 1
        if self._elements > MAX_TABLE_ELEMENTS or depth >= MAX_TABLE_DEPTH:
            raise bad_request("arguments are too many, or nested too deeply")
        if isinstance(value, bool):
            return Field(KIND_BOOL, value)
        if isinstance(value, int):
            if not -(1 << 63) <= value < 1 << 63:
                raise bad_request(f"{value} does not fit into 64 bits")
            return Field(KIND_LONG, value)
        if isinstance(value, float):
            return Field(KIND_DOUBLE, value)
        if isinstance(value, str):
            return Field(KIND_LONGSTR, value.encode())
        if isinstance(value, list):
            return Field(KIND_ARRAY, [self._field(item, depth + 1) for item in value])
        if isinstance(value, dict):
            return Field(KIND_TABLE, self.table(value, depth + 1))
        raise _null()


def _null() -> Refusal:
    return bad_request("null_not_allowed")
