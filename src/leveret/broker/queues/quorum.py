"""The quorum queue on one node: a durable queue with a quorum queue's rules of declaration."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from leveret.broker.content import properties_of, with_headers
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.delivery import HEADER as DELIVERY_COUNT
from leveret.broker.rules import AT_LEAST_ONCE, NONE
from leveret.wire.field import KIND_LONG, Field

if TYPE_CHECKING:
    from leveret.broker.message import Entry, Message
    from leveret.broker.rules import QueueRules


log = logging.getLogger("leveret.queue")


class QuorumQueue(ClassicQueue):
    """Behaves as a durable classic queue that counts deliveries; what else sets it apart is checked
    when it is declared."""

    @property
    def type_name(self) -> str:
        return "quorum"

    def obey(self, rules: QueueRules) -> None:
        if rules.delivery_limit == NONE and self.vhost is not None:
            rules.delivery_limit = self.vhost.compat.quorum_delivery_limit
        if rules.dead_letter_strategy == AT_LEAST_ONCE and rules.dead_letter_exchange is not None:
            self._check_strategy(rules)
        super().obey(rules)

    def _check_strategy(self, rules: QueueRules) -> None:
        if not rules.keeps_dead_letters():
            log.warning(
                "queue '%s': its dead letters go at-most-once, because at-least-once does not go "
                "together with the overflow %s: set it to reject-publish",
                self.name,
                rules.overflow,
            )

    def counts_returns(self) -> bool:
        return True

    def get(self, no_ack: bool) -> Entry | None:
        """As in RabbitMQ, what basic.get takes says its delivery count also where that is 0."""
        entry = super().get(no_ack)
        # After a crash what has not come back counts as redelivered too.
        if entry is not None and not (entry.redelivered and _tells_count(entry.message)):
            entry.message = with_headers(entry.message, {DELIVERY_COUNT: Field(KIND_LONG, 0)})
        return entry


def _tells_count(message: Message) -> bool:
    return DELIVERY_COUNT in (properties_of(message).headers or {})
