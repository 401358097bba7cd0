"""x-delayed-message: a message whose header `x-delay` is a number of milliseconds waits so long.

Then it is routed as the exchange type would that the argument `x-delayed-type` names; messages
without a delay are at once. The contract is that of RabbitMQ's plugin. Where messages wait is
`leveret.broker.queues.holding`: as far as routing is concerned, one more destination.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from mypy_extensions import mypyc_attr

from leveret.broker.arguments import printed
from leveret.broker.delay import delay_ms, properties_of
from leveret.broker.seams import Binding, Destination, Exchange, Queue
from leveret.errors import PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.message import Message
    from leveret.wire.properties import Properties
    from leveret.wire.table import Table

DELAYED_TYPE: Final = "x-delayed-type"
# The types that can be delayed, by name: all others.
INNER_TYPES: Final[dict[str, type[Exchange]]] = {}


@mypyc_attr(allow_interpreted_subclasses=True)
class DelayedExchange(Exchange):
    """`inner` has the bindings; `holding` is where messages wait, set by the vhost."""

    type_name: ClassVar[str] = "x-delayed-message"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        named = arguments.get(DELAYED_TYPE)
        inner_type = None if named is None else INNER_TYPES.get(printed(named))
        if inner_type is None:
            raise PreconditionFailed(
                f"Invalid argument, '{DELAYED_TYPE}' must be an existing exchange type"
            )
        self.inner: Exchange = inner_type(name, durable, auto_delete, internal, arguments)
        self.per_message = True
        self.routes_each_key = self.inner.routes_each_key
        self.holding: Queue | None = None

    def removed(self) -> None:
        if self.holding is not None:
            self.holding.purge()

    def passed(self, message: Message) -> None:
        if self.holding is None or delay_ms(properties_of(message).headers or {}) <= 0:
            self.inner.passed(message)

    def check_binding(self, routing_key: str, arguments: Table) -> None:
        self.inner.check_binding(routing_key, arguments)

    def bind(self, binding: Binding) -> None:
        self.inner.bind(binding)

    def unbind(self, binding: Binding) -> None:
        self.inner.unbind(binding)

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        if self.holding is not None and delay_ms(properties().headers or {}) > 0:
            return [self.holding]
        return self.inner.route(routing_key, properties)
