"""Whether a declare means what is there already; if not, it is refused with RabbitMQ's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.arguments import (
    inequivalent,
    require_equivalent,
    require_equivalent_arguments,
)
from leveret.broker.names import exchange_resource, queue_resource
from leveret.errors import ResourceLocked

if TYPE_CHECKING:
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Exchange
    from leveret.wire.table import Table


def require_equivalent_queue(
    vhost: str,
    queue: ClassicQueue,
    durable: bool,
    owner: object,
    auto_delete: bool,
    arguments: Table,
) -> None:
    """Refuse, with 405 or 406, a declare that is not this queue's; `owner` is None unless it asks
    for an exclusive one."""
    resource = queue_resource(vhost, queue.name)
    if queue.exclusive_owner is not owner:
        raise locked(vhost, queue.name)
    if queue.durable != durable:
        raise inequivalent("durable", resource, _bool(durable), _bool(queue.durable))
    if queue.auto_delete != auto_delete:
        raise inequivalent("auto_delete", resource, _bool(auto_delete), _bool(queue.auto_delete))
    require_equivalent_arguments(resource, queue.type_name, queue.arguments, arguments)


def require_equivalent_exchange(
    vhost: str,
    exchange: Exchange,
    type_name: str,
    durable: bool,
    auto_delete: bool,
    internal: bool,
    arguments: Table,
) -> None:
    """Refuse, with 406, a declare that is not this exchange's."""
    resource = exchange_resource(vhost, exchange.name)
    if exchange.type_name != type_name:
        raise inequivalent("type", resource, type_name, exchange.type_name)
    for property_name, got, current in (
        ("durable", durable, exchange.durable),
        ("auto_delete", auto_delete, exchange.auto_delete),
        ("internal", internal, exchange.internal),
    ):
        if got != current:
            raise inequivalent(property_name, resource, _bool(got), _bool(current))
    key = "alternate-exchange"
    require_equivalent(resource, key, exchange.arguments.get(key), arguments.get(key))


def locked(vhost: str, queue: str) -> ResourceLocked:
    """The refusal of what another connection's exclusive queue does not allow."""
    return ResourceLocked(
        f"cannot obtain exclusive access to locked {queue_resource(vhost, queue)}. "
        "It could be originally declared on another connection or the exclusive property "
        "value does not match that of the original declaration.",
        remedy="an exclusive queue serves the connection that declared it only",
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"
