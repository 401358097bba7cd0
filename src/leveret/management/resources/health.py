"""/api/health/checks and /api/aliveness-test: for probes. 200 when all is well, 503 otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from leveret.broker.alarms import DISK, MEMORY
from leveret.management.answers import Status
from leveret.management.authorisation import CHECK_HEALTH, READ_NODE, READ_OBJECTS, READ_TOTALS
from leveret.management.calls import Call, json_response
from leveret.management.refusals import bad_request
from leveret.management.routing import Handler, Route
from leveret.net.certificates import expiries

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.management.authorisation import Operation
    from leveret.management.context import Listener

# What a probe may call the protocols, and what listeners call them.
PROTOCOLS: Final = {
    "amqp": "amqp",
    "amqp0-9-1": "amqp",
    "amqp091": "amqp",
    "amqps": "amqp/ssl",
    "amqp/ssl": "amqp/ssl",
    "http": "http",
    "https": "https",
}
# What this check calls what there is an alarm for.
RESOURCES: Final = {DISK: "disk space", MEMORY: "memory"}
# In days, of RabbitMQ's months and years.
UNITS: Final = {"days": 1, "weeks": 7, "months": 30, "years": 365}
DAYS_MAX: Final = 365 * 1000


async def all_is_well(call: Call) -> Response:
    """A vhost that is there works, and the only node is in service."""
    return call.found({"status": "ok"})


async def alarms(call: Call) -> Response:
    return _alarms(call, "There are alarms in effect in the cluster")


async def local_alarms(call: Call) -> Response:
    return _alarms(call, "There are alarms in effect on the node")


def _alarms(call: Call, reason: str) -> Response:
    management = call.management
    found = [
        {"node": management.node.name, "resource": RESOURCES[resource]}
        for resource in management.broker.alarms.resources()
    ]
    if not found:
        return call.found({"status": "ok"})
    return json_response(503, {"status": "failed", "reason": reason, "alarms": found})


async def node_is_well(call: Call) -> Response:
    if "node" in call.names:
        call.check_node()
    return call.found({"status": "ok"})


async def below_connection_limit(call: Call) -> Response:
    """There is no limit for the node."""
    connections = len(call.management.administration.connections())
    return call.found({"status": "ok", "limit": "infinity", "connections": connections})


async def single_node(call: Call) -> Response:
    """No other node depends on this one."""
    return call.found({"status": "ok", "reason": "single node cluster"})


async def port_listener(call: Call) -> Response:
    text = call.names["port"]
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise bad_request("Invalid port")
    port = int(text)
    ports = [listener.port for listener in call.management.node.listeners if listener.port]
    if port in ports:
        return call.found({"status": "ok", "port": port})
    return _missing(port, "ports", ports)


async def protocol_listener(call: Call) -> Response:
    asked = call.names["protocol"]
    protocol = PROTOCOLS.get(asked.lower())
    protocols = [listener.protocol for listener in call.management.node.listeners]
    if protocol in protocols:
        # RabbitMQ answers with its own word for what has another by TLS.
        return call.found({"status": "ok", "protocol": protocol if "/" in protocol else asked})
    return _missing(asked, "protocols", protocols)


async def certificate_expiration(call: Call) -> Response:
    """Whether the certificates of listeners, in the files as they are now, last that long."""
    within, unit = call.names["within"], call.names["unit"]
    if not (within.isascii() and within.isdigit()):
        raise bad_request("Invalid expiration value.")
    if unit not in UNITS:
        raise bad_request(f"Time unit not recognised. Supported units: {', '.join(UNITS)}.")
    node = call.management.node
    # Centuries are endless; a date could not hold them.
    days = min(int(within[:6]) * UNITS[unit], DAYS_MAX)
    until = datetime.now(UTC) + timedelta(days=days)
    expired = [
        view
        for listener in node.listeners
        if listener.certificates is not None
        and (view := _expiring(node.name, listener, listener.certificates, until)) is not None
    ]
    if not expired:
        return call.found({"status": "ok"})
    return json_response(
        503, {"status": "failed", "reason": "Certificates expiring", "expired": expired}
    )


def _expiring(
    node: str, listener: Listener, files: tuple[str, str], until: datetime
) -> dict[str, object] | None:
    """A listener as RabbitMQ shows one with a certificate that expires by then; else None."""
    own, authorities = (_expiries(path) for path in files)
    if all(expiry > until for expiry in (*own, *authorities)):
        return None
    return {
        "node": node,
        "protocol": listener.protocol,
        "interface": listener.host,
        "port": listener.port,
        "certfile": files[0],
        "certfile_expires_on": [str(expiry.replace(tzinfo=None)) for expiry in own],
        "cacertfile": files[1],
        "cacertfile_expires_on": [str(expiry.replace(tzinfo=None)) for expiry in authorities],
    }


def _expiries(path: str) -> list[datetime]:
    if not path:
        return []
    try:
        return expiries(path)
    except (OSError, ValueError, IndexError):
        # What cannot be read any more does not count as lasting.
        return [datetime.fromtimestamp(0, UTC)]


def _missing(what: object, key: str, there: object) -> Response:
    return json_response(
        503, {"status": "failed", "reason": "No active listener", "missing": what, key: there}
    )


_CHECKS: Final = "/health/checks/"

_LEADERS: Final = "quorum-queues-without-elected-leaders/"


def _check(path: str, handler: Handler, operation: Operation = CHECK_HEALTH) -> Route:
    return Route("GET", _CHECKS + path, operation, handler, answer=Status)


ROUTES: Final = (
    _check("alarms", alarms),
    _check("local-alarms", local_alarms),
    _check("virtual-hosts", all_is_well),
    _check("is-in-service", all_is_well),
    _check("ready-to-serve-clients", all_is_well),
    _check("metadata-store/initialized", all_is_well),
    _check("metadata-store/initialized/with-data", all_is_well),
    _check("node-is-quorum-critical", single_node),
    _check("node-is-mirror-sync-critical", single_node),
    _check("reached-target-cluster-size", all_is_well),
    _check("below-node-connection-limit", below_connection_limit),
    _check("port-listener/{port}", port_listener),
    _check("protocol-listener/{protocol}", protocol_listener),
    _check("certificate-expiration/{within}/{unit}", certificate_expiration),
    _check(_LEADERS + "all-vhosts", all_is_well, READ_NODE),
    _check(_LEADERS + "all-vhosts/pattern/{pattern}", all_is_well, READ_NODE),
    _check(_LEADERS + "vhost/{vhost}", all_is_well, READ_TOTALS),
    _check(_LEADERS + "vhost/{vhost}/pattern/{pattern}", all_is_well, READ_TOTALS),
    Route("GET", "/aliveness-test/{vhost}", READ_OBJECTS, all_is_well, answer=Status),
    Route("GET", "/healthchecks/node", CHECK_HEALTH, node_is_well, answer=Status),
    Route("GET", "/healthchecks/node/{node}", CHECK_HEALTH, node_is_well, answer=Status),
)
