"""The bindings of a vhost, found by either end.

Exchanges keep only what they need for routing; who is bound to what, in order of creation, is
kept here, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.wire.field import KIND_LONG, KIND_LONG_QPID, Field
from leveret.wire.table import encode_table

if TYPE_CHECKING:
    from leveret.broker.seams import Binding, Destination, Exchange
    from leveret.wire.table import Table


class Bindings:
    """A binding is one of its kind for its source, destination, routing key and arguments."""

    def __init__(self) -> None:
        self._from: dict[Exchange, dict[tuple[object, ...], Binding]] = {}
        self._to: dict[Destination, dict[Binding, None]] = {}

    def find(
        self, source: Exchange, destination: Destination, routing_key: str, arguments: Table
    ) -> Binding | None:
        """The binding with exactly these four, if there is one."""
        key = _identity(destination, routing_key, arguments)
        return self._from.get(source, {}).get(key)

    def add(self, binding: Binding) -> None:
        """Keep it; the exchange routes by it from now on."""
        binding.source.bind(binding)
        self._from.setdefault(binding.source, {})[_key(binding)] = binding
        self._to.setdefault(binding.destination, {})[binding] = None

    def remove(self, binding: Binding) -> None:
        """Forget it; the exchange no longer routes by it."""
        binding.source.unbind(binding)
        outgoing = self._from[binding.source]
        del outgoing[_key(binding)]
        if not outgoing:
            del self._from[binding.source]
        incoming = self._to[binding.destination]
        del incoming[binding]
        if not incoming:
            del self._to[binding.destination]

    def leaving(self, source: Exchange) -> list[Binding]:
        """Every binding with this source, in order of creation."""
        return list(self._from.get(source, {}).values())

    def reaching(self, destination: Destination) -> list[Binding]:
        """Every binding with this destination, in order of creation."""
        return list(self._to.get(destination, {}))


def _key(binding: Binding) -> tuple[object, ...]:
    return _identity(binding.destination, binding.routing_key, binding.arguments)


def _identity(destination: Destination, routing_key: str, arguments: Table) -> tuple[object, ...]:
    return (destination, routing_key, canonical_arguments(arguments))


def canonical_arguments(arguments: Table) -> bytes:
    """The encoded arguments, the same for all that RabbitMQ takes for the same: types count, but
    `l` and `L` are one; the order of the outermost keys does not count."""
    ordered: dict[str, object] = {}
    for name in sorted(arguments):
        field = arguments[name]
        same = field.kind == KIND_LONG_QPID
        ordered[name] = Field(KIND_LONG, field.value) if same else field
    return encode_table(ordered)
