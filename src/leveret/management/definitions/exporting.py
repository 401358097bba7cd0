"""An export: everything that an import makes again, in RabbitMQ's file format.

Exclusive queues are left out with their bindings: they end with their connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.policies import OPERATOR_POLICY, POLICY
from leveret.broker.queues.classic import ClassicQueue
from leveret.management.pace import Pace
from leveret.management.views import (
    binding_view,
    permissions_view,
    policy_view,
    user_view,
)
from leveret.wire.table import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leveret.access.users import Users
    from leveret.broker.seams import Binding, Exchange
    from leveret.broker.vhost import VHost
    from leveret.management.context import Management

View = dict[str, object]


async def export_definitions(management: Management) -> View:
    """Of the whole broker."""
    broker, users, version = management.broker, management.users, management.rabbitmq_version()
    vhosts = [broker.vhosts[name] for name in sorted(broker.vhosts)]
    return {
        "rabbit_version": version,
        "rabbitmq_version": version,
        "product_name": "RabbitMQ" if management.node.as_rabbitmq else "Leveret",
        "product_version": version,
        "users": [
            user_view(users.users[name], users.limits.get(name, {})) for name in sorted(users.users)
        ],
        "vhosts": [_vhost(vhost) for vhost in vhosts],
        "permissions": [
            permissions_view(user, vhost, users.permissions[user, vhost])
            for user, vhost in sorted(users.permissions)
        ],
        "topic_permissions": list(_topic_permissions(users)),
        "global_parameters": [
            {"name": name, "value": value}
            for name, value in sorted(broker.global_parameters.values.items())
        ],
        **await _in_vhosts(vhosts),
    }


async def export_vhost(management: Management, vhost: VHost) -> View:
    """Of one vhost, which is not named in it: it may be imported into another."""
    found = await _in_vhosts([vhost])
    for kind, things in found.items():
        # RabbitMQ keeps the names where they are part of a parameter or of a policy.
        if kind not in ("parameters", "policies"):
            for thing in things:
                del thing["vhost"]
    return {"rabbit_version": management.rabbitmq_version(), **found}


async def _in_vhosts(vhosts: list[VHost]) -> dict[str, list[View]]:
    found: dict[str, list[View]] = {
        "parameters": [],
        "policies": [],
        "queues": [],
        "exchanges": [],
        "bindings": [],
    }
    pace = Pace()
    for vhost in vhosts:
        found["parameters"].extend(_parameters(vhost))
        policies = vhost.policies.of(POLICY)
        found["policies"].extend(policy_view(vhost, policies[name]) for name in sorted(policies))
        for queue in list(vhost.queues.values()):
            if pace.used_up():
                await pace.rest()
            found["queues"].extend(_queue(vhost, queue))
        for exchange in list(vhost.exchanges.values()):
            found["exchanges"].extend(_exchange(vhost, exchange))
            for binding in vhost.bindings.leaving(exchange):
                if pace.used_up():
                    await pace.rest()
                found["bindings"].extend(_binding(vhost, binding))
    return found


def _vhost(vhost: VHost) -> View:
    metadata: View = {"description": vhost.description, "tags": vhost.tags}
    if vhost.own_queue_type:
        metadata["default_queue_type"] = vhost.own_queue_type
    if vhost.own_compat:
        metadata["compat"] = vhost.compat.level
    return {
        "name": vhost.name,
        "description": vhost.description,
        "tags": vhost.tags,
        "metadata": metadata,
    }


def _topic_permissions(users: Users) -> Iterable[View]:
    for user, vhost in sorted(users.topic_permissions):
        by_exchange = users.topic_permissions[user, vhost]
        for exchange in sorted(by_exchange):
            patterns = by_exchange[exchange].patterns
            yield {"user": user, "vhost": vhost, "exchange": exchange, **patterns}


def _parameters(vhost: VHost) -> Iterable[View]:
    if vhost.limits:
        yield {
            "value": vhost.limits,
            "vhost": vhost.name,
            "component": "vhost-limits",
            "name": "limits",
        }
    operator_policies = vhost.policies.of(OPERATOR_POLICY)
    for name in sorted(operator_policies):
        yield {
            "value": operator_policies[name].value(),
            "vhost": vhost.name,
            "component": OPERATOR_POLICY,
            "name": name,
        }


def _queue(vhost: VHost, queue: ClassicQueue) -> Iterable[View]:
    if queue.exclusive_owner is None:
        yield {
            "name": queue.name,
            "vhost": vhost.name,
            "durable": queue.durable,
            "auto_delete": queue.auto_delete,
            "arguments": plain(queue.arguments),
        }


def _exchange(vhost: VHost, exchange: Exchange) -> Iterable[View]:
    # Those that every vhost has.
    if exchange.name != "" and not exchange.name.startswith("amq."):
        yield {
            "name": exchange.name,
            "vhost": vhost.name,
            "type": exchange.type_name,
            "durable": exchange.durable,
            "auto_delete": exchange.auto_delete,
            "internal": exchange.internal,
            "arguments": plain(exchange.arguments),
        }


def _binding(vhost: VHost, binding: Binding) -> Iterable[View]:
    destination = binding.destination
    if isinstance(destination, ClassicQueue) and destination.exclusive_owner is not None:
        return
    view = binding_view(vhost, binding)
    del view["properties_key"]
    yield view
