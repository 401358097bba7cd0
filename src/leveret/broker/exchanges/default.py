"""The default exchange: every queue is bound to it by its own name, for good (spec §3.1.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from leveret.broker.seams import Binding, Destination, Exchange, Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leveret.wire.properties import Properties


class DefaultExchange(Exchange):
    """Looks queues up where the vhost keeps them: the bindings are implied, not stored."""

    type_name: ClassVar[str] = "direct"

    def __init__(self, queues: Mapping[str, Queue], reply_queues: Mapping[str, Queue]) -> None:
        super().__init__("", True, False, False, {})
        self._queues = queues
        self._reply_queues = reply_queues

    def bind(self, binding: Binding) -> None:
        raise ValueError("the default exchange takes no bindings")

    def unbind(self, binding: Binding) -> None:
        raise ValueError("the default exchange has no bindings")

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        queue = self._queues.get(routing_key) or self._reply_queues.get(routing_key)
        return [] if queue is None else [queue]
