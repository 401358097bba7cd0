"""/api/health/checks and /api/aliveness-test: for probes. 200 when all is well, 503 otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from leveret.broker.alarms import DISK, MEMORY
from leveret.management.authorisation import CHECK_HEALTH, READ_OBJECTS
from leveret.management.calls import Call, Route, json_response
from leveret.management.refusals import bad_request
from leveret.net.certificates import expiries

if TYPE_CHECKING:
    from starlette.responses import Response

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
        raise bad_request("Time unit not recognised. Use days, weeks, months, years.")
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

ROUTES: Final = (
    Route("GET", _CHECKS + "alarms", CHECK_HEALTH, alarms),
    Route("GET", _CHECKS + "local-alarms", CHECK_HEALTH, local_alarms),
    Route("GET", _CHECKS + "virtual-hosts", CHECK_HEALTH, all_is_well),
    Route("GET", _CHECKS + "is-in-service", CHECK_HEALTH, all_is_well),
    Route("GET", _CHECKS + "ready-to-serve-clients", CHECK_HEALTH, all_is_well),
    Route("GET", _CHECKS + "node-is-quorum-critical", CHECK_HEALTH, single_node),
    Route("GET", _CHECKS + "node-is-mirror-sync-critical", CHECK_HEALTH, single_node),
    Route("GET", _CHECKS + "port-listener/{port}", CHECK_HEALTH, port_listener),
    Route("GET", _CHECKS + "protocol-listener/{protocol}", CHECK_HEALTH, protocol_listener),
    Route(
        "GET",
        _CHECKS + "certificate-expiration/{within}/{unit}",
        CHECK_HEALTH,
        certificate_expiration,
    ),
    Route("GET", "/aliveness-test/{vhost}", READ_OBJECTS, all_is_well),
)
