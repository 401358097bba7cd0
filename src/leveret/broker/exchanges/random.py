"""x-random: one of the bindings by chance, whatever its key (RabbitMQ's plugin of that name)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mypy_extensions import mypyc_attr

from leveret.broker.seams import Binding, Destination, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class RandomExchange(Exchange):
    type_name: ClassVar[str] = "x-random"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self.routes_each_key = False
        self.per_message = True
        self._bindings: list[Binding] = []

    def bind(self, binding: Binding) -> None:
        self._bindings.append(binding)

    def unbind(self, binding: Binding) -> None:
        self._bindings.remove(binding)

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        bindings = self._bindings
        if not bindings:
            return []
        return [bindings[self.choose(len(bindings))].destination]
