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
from leveret.management.routing import Route
from leveret.management.views import (
    MESSAGE_BYTES,
    QUEUE_BYTES,
    consumers_of,
    totals_view,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.broker.queues.classic import ClassicQueue
    from leveret.management.calls import Call
    from leveret.management.context import Management
    from leveret.management.pace import Pace

    View = dict[str, object]


async def overview(call: Call) -> Response:
    """What a caller may not see is not counted for it."""
    management = call.management
    node = management.node
    vhosts = call.vhosts_of(READ_TOTALS)
    connections = call.sessions(READ_SESSIONS)
    queues = [queue for vhost in vhosts for queue in vhost.queues.values()]
    totals, consumer_count = await _totals(queues, management.lists.new_pace())
    objects: View = {
        "channels": sum(len(connection.channels.open) for connection in connections),
        "connections": len(connections),
        "exchanges": sum(len(vhost.exchanges) for vhost in vhosts),
        "queues": len(queues),
    }
    view: View = {
        "management_version": management.rabbitmq_version(),
        "rabbitmq_version": management.rabbitmq_version(),
        "product_name": "Leveret",
        "product_version": node.version,
        "cluster_name": management.cluster_name(),
        "rates_mode": "none",
        "sample_retention_policies": {"global": [], "basic": [], "detailed": []},
        "exchange_types": _exchange_types(),
        "disable_stats": False,
        "enable_queue_totals": False,
        "message_stats": {},
        "queue_totals": totals,
        "object_totals": objects,
        "statistics_db_event_queue": 0,
    }
    if call.caller.reach(READ_NODE):
        objects["consumers"] = consumer_count
        view |= {"node": node.name, "listeners": _listeners(management), "contexts": []}
    return call.found(view)


async def _totals(queues: list[ClassicQueue], pace: Pace) -> tuple[View, int]:
    """The messages of queues and how many consumers they have."""
    ready = unacknowledged = waiting = consumer_count = 0
    for queue in queues:
        ready += queue.ready_count
        unacknowledged += queue.unacked_count
        waiting += queue.waiting_count
        consumer_count += len(consumers_of(queue)) if queue.consumers else 0
        if pace.used_up():
            await pace.rest()
    return totals_view(ready, unacknowledged, waiting), consumer_count


async def list_nodes(call: Call) -> Response:
    return call.found([_node(call.management)])


async def show_node(call: Call) -> Response:
    call.check_node()
    return call.found(_node(call.management))


async def show_memory(call: Call) -> Response:
    """What the process takes, and how much of that its queues are thought to take. Erlang's
    categories have nothing here that could be measured for them."""
    call.check_node()
    total, parts = _memory(call.management)
    everything = {"erlang": total, "rss": total, "allocated": total}
    return call.found({"memory": {**parts, "strategy": "rss", "total": everything}})


async def show_relative_memory(call: Call) -> Response:
    """The same in per cent."""
    call.check_node()
    total, parts = _memory(call.management)
    shares = {name: math.ceil(part * 100 / total) for name, part in parts.items()} if total else {}
    return call.found({"memory": {"total": 100, **shares}})


def _memory(management: Management) -> tuple[int, dict[str, int]]:
    total = management.node.monitor.memory_used_bytes()
    vhosts = management.broker.vhosts.values()
    queues = [queue for vhost in vhosts for queue in vhost.queues.values()]
    messages = sum(int(queue.ready_count) + int(queue.unacked_count) for queue in queues)
    estimate = min(len(queues) * QUEUE_BYTES + messages * MESSAGE_BYTES, total)
    return total, {"queue_procs": estimate, "other_system": total - estimate}


def _node(management: Management) -> View:
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
        "rates_mode": "none",
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
    return view | _descriptors()


def _descriptors() -> View:
    """File descriptors, where the system tells."""
    try:
        import resource

        total = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        used = len(os.listdir("/proc/self/fd"))
    except (ImportError, OSError):
        return {}
    return {"fd_used": used, "fd_total": total}


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
