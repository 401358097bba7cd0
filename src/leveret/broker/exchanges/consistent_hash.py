"""x-consistent-hash: equal keys go to one destination, each gets a share by its weight.

The binding key is the weight. What is hashed is the routing key, the header that the argument
`hash-header` names, or the property that `hash-property` names.

Every destination draws a number for the key from both their hashes, shortened by its weight, and
the smallest wins (rendezvous hashing). The winner depends on nothing else: neither on the order of
the bindings nor on a restart. A destination that comes takes its share from all others, one that
goes leaves only its own keys to others. A destination that is bound twice has its larger weight.
"""

from __future__ import annotations

import re
from math import log
from typing import TYPE_CHECKING, ClassVar, Final

from mypy_extensions import mypyc_attr

from leveret.broker.arguments import kind_name, printed, text_of
from leveret.broker.exchanges.hashing import hash_of
from leveret.broker.names import erlang_binary
from leveret.broker.seams import Binding, Destination, Exchange
from leveret.errors import PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table

HASH_HEADER: Final = "hash-header"
HASH_PROPERTY: Final = "hash-property"
PROPERTIES: Final = ("correlation_id", "message_id", "timestamp")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_MASK: Final = (1 << 64) - 1


@mypyc_attr(allow_interpreted_subclasses=True)
class ConsistentHashExchange(Exchange):
    type_name: ClassVar[str] = "x-consistent-hash"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self.routes_each_key = False
        self._header = _named_by(arguments, HASH_HEADER)
        self._property = _named_by(arguments, HASH_PROPERTY)
        if self._header is not None and self._property is not None:
            raise PreconditionFailed("hash-header and hash-property are mutually exclusive")
        if self._property is not None and self._property not in PROPERTIES:
            raise PreconditionFailed(
                f"Unsupported property: {self._property}",
                remedy=f"hash-property is one of {', '.join(PROPERTIES)}",
            )
        self.per_message = self._header is not None or self._property is not None
        # The hash of the destination's name, and the weight.
        self._bindings: dict[Binding, tuple[int, float]] = {}

    def check_binding(self, routing_key: str, arguments: Table) -> None:
        if _INTEGER.fullmatch(routing_key) is None:
            octets = routing_key.encode("utf-8", "surrogateescape")
            raise PreconditionFailed(
                f"The binding key must be an integer: {erlang_binary(octets)}",
                remedy="the binding key is the weight of the destination",
            )
        if int(routing_key) < 1:
            raise PreconditionFailed("The binding key must be greater than 0")

    def bind(self, binding: Binding) -> None:
        end = binding.destination
        kind = "exchange" if isinstance(end, Exchange) else "queue"
        self._bindings[binding] = (hash_of(f"{kind} {end.name}"), float(binding.routing_key))

    def unbind(self, binding: Binding) -> None:
        del self._bindings[binding]

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        if not self._bindings:
            return []
        key = hash_of(self._hashed(properties()) if self.per_message else routing_key)
        nearest: Destination | None = None
        least = 0.0
        for binding, (destination, weight) in self._bindings.items():
            drawn = -log(_fraction(key ^ destination)) / weight
            if nearest is None or drawn < least:
                nearest, least = binding.destination, drawn
        assert nearest is not None
        return [nearest]

    def _hashed(self, properties: Properties) -> str:
        """What is hashed of a message; all that lack it go the same way."""
        if self._header is not None:
            field = (properties.headers or {}).get(self._header)
            return "" if field is None else printed(field)
        if self._property == "timestamp":
            return "" if properties.timestamp is None else str(properties.timestamp)
        if self._property == "message_id":
            return properties.message_id or ""
        return properties.correlation_id or ""


def _named_by(arguments: Table, argument: str) -> str | None:
    field = arguments.get(argument)
    if field is None:
        return None
    if not isinstance(field.value, bytes):
        raise PreconditionFailed(f"{argument} must be a string, not {kind_name(field)}")
    return text_of(field)


def _fraction(mixed: int) -> float:
    """A number between 0 and 1, neither of them, in which every bit of `mixed` has had its say
    (the finalizer of splitmix64)."""
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    mixed ^= mixed >> 31
    return ((mixed >> 12) + 0.5) / (1 << 52)
