"""The quorum queue on one node: a durable queue with a quorum queue's rules of declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.rules import NONE

if TYPE_CHECKING:
    from leveret.broker.rules import QueueRules


class QuorumQueue(ClassicQueue):
    """Behaves as a durable classic queue that counts deliveries; what else sets it apart is checked
    when it is declared."""

    @property
    def type_name(self) -> str:
        return "quorum"

    def obey(self, rules: QueueRules) -> None:
        if rules.delivery_limit == NONE and self.vhost is not None:
            rules.delivery_limit = self.vhost.compat.quorum_delivery_limit
        super().obey(rules)

    def counts_returns(self) -> bool:
        return True
