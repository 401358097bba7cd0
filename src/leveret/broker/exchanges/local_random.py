"""x-local-random: x-random among the queues of this node, for bindings without a key.

On one node every queue is local, so only the rule for bindings tells it from x-random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from leveret.broker.exchanges.random import RandomExchange
from leveret.errors import PreconditionFailed

if TYPE_CHECKING:
    from leveret.wire.table import Table


class LocalRandomExchange(RandomExchange):
    type_name: ClassVar[str] = "x-local-random"

    def check_binding(self, routing_key: str, arguments: Table) -> None:
        if routing_key:
            raise PreconditionFailed(f"Non empty binding '{routing_key}' key not permitted")
