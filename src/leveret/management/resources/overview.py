"""/api/overview and /api/nodes: the whole in numbers."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Final

from leveret.access.mechanisms import MECHANISMS
from leveret.broker.alarms import DISK, MEMORY
from leveret.broker.exchanges import EXCHANGE_TYPES
from leveret.management.answers import MemoryAnswer, NodeAnswer, OverviewAnswer
from leveret.management.authorisation import (
    READ_NODE,
    READ_SESSIONS,
    READ_TOTALS,
)
from leveret.management.calls import Call
from leveret.management.history import KEPT_MS, TOTALS_KEPT_MS
from leveret.management.routing import Route
from leveret.management.totals import totals_of
from leveret.management.views import MESSAGE_BYTES, QUEUE_BYTES
from leveret.system import descriptors

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.management.calls import Call
    from leveret.management.context import Management

    View = dict[str, object]


async def overview(call: Call) -> Response:
    """What a caller may not see is not counted for it."""
    management = call.management
    node = management.node
    vhosts = call.vhosts_of(READ_TOTALS)
    connections = call.sessions(READ_SESSIONS)
    totals = await totals_of(vhosts, management.lists.new_pace())
    objects: View = {
        "channels": sum(len(connection.channels.open) for connection in connections),
        "connections": len(connections),
        "exchanges": sum(len(vhost.exchanges) for vhost in vhosts),
        "queues": sum(len(vhost.queues) for vhost in vhosts),
    }
    everything = len(vhosts) == len(management.broker.vhosts)
    view: View = {
        "management_version": management.rabbitmq_version(),
        "rabbitmq_version": management.rabbitmq_version(),
        "product_name": "Leveret",
        "product_version": node.version,
        "cluster_name": management.cluster_name(),
        "rates_mode": "basic",
        "sample_retention_policies": {
            "global": [TOTALS_KEPT_MS // 1000],
            "basic": [KEPT_MS // 1000],
            "detailed": [KEPT_MS // 1000],
        },
        "exchange_types": _exchange_types(),
        "disable_stats": False,
        "enable_queue_totals": False,
        **call.statistics.overview(vhosts, totals, everything),
        "churn_rates": call.statistics.churn(),
        "object_totals": objects,
        "statistics_db_event_queue": 0,
    }
    if call.caller.reach(READ_NODE):
        objects["consumers"] = totals.consumers
        view |= {"node": node.name, "listeners": _listeners(management), "contexts": []}
    return call.found(view)


async def list_nodes(call: Call) -> Response:
    return call.found([_node(call)])


async def show_node(call: Call) -> Response:
    call.check_node()
    return call.found(_node(call))


async def show_memory(call: Call) -> Response:
    """What the process takes, and how much of that its queues are thought to take. Erlang's
    categories have nothing here that could be measured for them."""
    call.check_node()
    total, parts = await _memory(call.management)
    everything = {"erlang": total, "rss": total, "allocated": total}
    return call.found({"memory": {**parts, "strategy": "rss", "total": everything}})


async def show_relative_memory(call: Call) -> Response:
    """The same in per cent."""
    call.check_node()
    total, parts = await _memory(call.management)
    shares = {name: math.ceil(part * 100 / total) for name, part in parts.items()} if total else {}
    return call.found({"memory": {"total": 100, **shares}})


async def _memory(management: Management) -> tuple[int, dict[str, int]]:
    total = management.node.monitor.memory_used_bytes()
    vhosts = list(management.broker.vhosts.values())
    totals = await totals_of(vhosts, management.lists.new_pace())
    queues = sum(len(vhost.queues) for vhost in vhosts)
    estimate = min(queues * QUEUE_BYTES + totals.messages() * MESSAGE_BYTES, total)
    return total, {"queue_procs": estimate, "other_system": total - estimate}


def _node(call: Call) -> View:
    management = call.management
    node = management.node
    monitor = node.monitor
    alarms = management.broker.alarms.resources()
    view: View = {
        "name": node.name,
        "type": "disc",
        "running": True,
        "os_pid": str(os.getpid()),
        "uptime": int(node.uptime_seconds() * 1000),
        "processors": os.cpu_count() or 1,
        "run_queue": 0,
        "mem_used": monitor.memory_used_bytes(),
        "mem_limit": monitor.memory_limit_bytes,
        "mem_alarm": MEMORY in alarms,
        "disk_free_limit": monitor.disk_free_limit_bytes,
        "disk_free_alarm": DISK in alarms,
        "sockets_used": len(management.administration.connections()),
        "partitions": [],
        "rates_mode": "basic",
        "exchange_types": _exchange_types(),
        "auth_mechanisms": [
            {
                "name": name,
                "description": f"SASL {name}",
                "enabled": name in node.auth_mechanisms,
            }
            for name in MECHANISMS
        ],
        "applications": [
            {
                "name": "leveret",
                "description": "A message broker that speaks AMQP 0-9-1 as RabbitMQ does",
                "version": node.version,
            }
        ],
        "contexts": [],
        "enabled_plugins": [],
        "log_files": [],
        "config_files": [],
    }
    if node.data_folder is not None:
        view["db_dir"] = node.data_folder
    disk_free = monitor.disk_free_bytes()
    if disk_free is not None:
        view["disk_free"] = disk_free
    found = descriptors()
    if found is not None:
        view |= {"fd_used": found[0], "fd_total": found[1]}
    return view | call.statistics.churn()


def _listeners(management: Management) -> list[View]:
    node = management.node
    return [
        {
            "node": node.name,
            "protocol": listener.protocol,
            "ip_address": listener.host,
            "port": listener.port,
        }
        for listener in node.listeners
    ]


def _exchange_types() -> list[View]:
    return [
        {"name": name, "description": f"The exchange type {name} of AMQP 0-9-1", "enabled": True}
        for name in EXCHANGE_TYPES
    ]


ROUTES: Final = (
    Route("GET", "/overview", READ_TOTALS, overview, answer=OverviewAnswer),
    Route("GET", "/nodes", READ_NODE, list_nodes, answer=list[NodeAnswer]),
    Route("GET", "/nodes/{node}", READ_NODE, show_node, answer=NodeAnswer),
    Route("GET", "/nodes/{node}/memory", READ_NODE, show_memory, answer=MemoryAnswer),
    Route(
        "GET",
        "/nodes/{node}/memory/relative",
        READ_NODE,
        show_relative_memory,
        answer=MemoryAnswer,
    ),
)
