"""x-modulus-hash: the hash of the routing key, modulo their number, picks one of the bindings.

The bindings are numbered in an order of their own and not as they were made, so a restart changes
nothing. One more or one less moves nearly every key; x-consistent-hash is the type that does not.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, ClassVar

from mypy_extensions import mypyc_attr

from leveret.broker.exchanges.hashing import hash_of
from leveret.broker.seams import Binding, Destination, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class ModulusHashExchange(Exchange):
    type_name: ClassVar[str] = "x-modulus-hash"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self.routes_each_key = False
        self._bindings: list[Binding] = []

    def bind(self, binding: Binding) -> None:
        insort(self._bindings, binding, key=_order)

    def unbind(self, binding: Binding) -> None:
        at = bisect_left(self._bindings, _order(binding), key=_order)
        del self._bindings[self._bindings.index(binding, at)]

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        bindings = self._bindings
        if not bindings:
            return []
        return [bindings[hash_of(routing_key) % len(bindings)].destination]


def _order(binding: Binding) -> tuple[str, str]:
    return (binding.routing_key, binding.destination.name)
