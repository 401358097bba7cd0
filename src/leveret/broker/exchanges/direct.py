"""direct: the binding key equals the routing key (spec §3.1.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mypy_extensions import mypyc_attr

from leveret.broker.seams import Binding, Destination, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class DirectExchange(Exchange):
    type_name: ClassVar[str] = "direct"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._by_key: dict[str, list[Binding]] = {}

    def bind(self, binding: Binding) -> None:
        self._by_key.setdefault(binding.routing_key, []).append(binding)

    def unbind(self, binding: Binding) -> None:
        bindings = self._by_key[binding.routing_key]
        bindings.remove(binding)
        if not bindings:
            del self._by_key[binding.routing_key]

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        return [binding.destination for binding in self._by_key.get(routing_key, [])]
