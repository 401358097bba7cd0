"""/api/x: what RabbitMQ's API has no path for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import msgspec

from leveret.broker.seams import Credentials
from leveret.config import ConfigError
from leveret.management.answers import Authenticated, NodeStatus, Status
from leveret.management.authorisation import ADMINISTER, BE_KNOWN, READ_NODE
from leveret.management.backup import back_up
from leveret.management.calls import Call, json_response
from leveret.management.refusals import bad_request
from leveret.management.routing import Route
from leveret.management.totals import totals_of

if TYPE_CHECKING:
    from starlette.responses import Response

THIS_MACHINE: Final = "::1"


class CredentialsBody(msgspec.Struct):
    user: str
    password: str


class BackupBody(msgspec.Struct):
    folder: str


async def status(call: Call) -> Response:
    """What there is to say about this process, for a person."""
    management = call.management
    node = management.node
    vhosts = list(management.broker.vhosts.values())
    totals = await totals_of(vhosts, management.lists.new_pace())
    connections = management.administration.connections()
    return call.found(
        {
            "pid": os.getpid(),
            "node": node.name,
            "version": node.version,
            "rabbitmq_version": management.rabbitmq_version(),
            "build": node.build,
            "python": node.python,
            "uptime_seconds": int(node.uptime_seconds()),
            "alarms": management.broker.alarms.resources(),
            "memory_bytes": node.monitor.memory_used_bytes(),
            "memory_high_watermark": node.monitor.memory_high_watermark,
            "memory_limit_bytes": node.monitor.memory_limit_bytes,
            "disk_free_bytes": node.monitor.disk_free_bytes(),
            "disk_free_limit_bytes": node.monitor.disk_free_limit_bytes,
            "data_folder": node.data_folder,
            "listeners": [
                {"protocol": each.protocol, "host": each.host, "port": each.port}
                for each in node.listeners
            ],
            "counts": {
                "vhosts": len(vhosts),
                "users": len(management.users.users),
                "connections": len(connections),
                "channels": sum(len(each.channels.open) for each in connections),
                "exchanges": sum(len(vhost.exchanges) for vhost in vhosts),
                "queues": sum(len(vhost.queues) for vhost in vhosts),
                "consumers": totals.consumers,
                "messages": totals.messages(),
                "messages_ready": int(totals.lengths.ready),
                "messages_unacknowledged": int(totals.lengths.unacked),
            },
        }
    )


async def ping(call: Call) -> Response:
    return call.found({"status": "ok"})


async def stop(call: Call) -> Response:
    """The answer leaves first; who wants to see the end waits for the process."""
    call.management.request_stop()
    return json_response(202, {"status": "stopping"})


async def reload(call: Call) -> Response:
    """Read the settings again: what holds from now on, and what needs a restart."""
    try:
        reloaded = call.management.reloading.reload()
    except ConfigError as error:
        raise bad_request(str(error)) from None
    return call.found({"applied": reloaded.applied, "needs_restart": reloaded.restart})


async def authenticate(call: Call) -> Response:
    """Whether the two would log in, from this machine."""
    body = await call.body(CredentialsBody)
    credentials = Credentials(body.user, body.password.encode())
    refusal = await call.done(call.management.users.authenticate(credentials, THIS_MACHINE))
    return call.found({"authenticated": not refusal})


async def backup(call: Call) -> Response:
    """A copy of the data, in a folder on this machine."""
    body = await call.body(BackupBody)
    return call.found(await back_up(call.management, body.folder))


ROUTES: Final = (
    Route("GET", "/x/status", READ_NODE, status, answer=NodeStatus),
    Route("GET", "/x/ping", BE_KNOWN, ping, answer=Status),
    Route("POST", "/x/stop", ADMINISTER, stop, answer=Status, statuses=(202,)),
    Route("POST", "/x/reload", ADMINISTER, reload, answer=dict[str, Any]),
    Route(
        "POST",
        "/x/authenticate",
        ADMINISTER,
        authenticate,
        body=CredentialsBody,
        answer=Authenticated,
    ),
    Route("POST", "/x/backup", ADMINISTER, backup, body=BackupBody, answer=dict[str, Any]),
)
