"""fanout: every binding matches (spec §3.1.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mypy_extensions import mypyc_attr

from leveret.broker.seams import Binding, Destination, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class FanoutExchange(Exchange):
    type_name: ClassVar[str] = "fanout"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self.routes_each_key = False
        self._bindings: dict[Binding, None] = {}

    def bind(self, binding: Binding) -> None:
        self._bindings[binding] = None

    def unbind(self, binding: Binding) -> None:
        del self._bindings[binding]

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        return [binding.destination for binding in self._bindings]
