"""/api/health/checks and /api/aliveness-test: for probes. 200 when all is well, 503 otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.alarms import DISK, MEMORY
from leveret.management.authorisation import CHECK_HEALTH, READ_OBJECTS
from leveret.management.calls import Call, Route, json_response
from leveret.management.refusals import bad_request

if TYPE_CHECKING:
    from starlette.responses import Response

# What a probe may call the protocols, and what listeners call them.
PROTOCOLS: Final = {
    "amqp": "amqp",
    "amqp0-9-1": "amqp",
    "amqp091": "amqp",
    "http": "http",
}
# What this check calls what there is an alarm for.
RESOURCES: Final = {DISK: "disk space", MEMORY: "memory"}
UNITS: Final = ("days", "weeks", "months", "years")


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
    protocol = call.names["protocol"]
    protocols = [listener.protocol for listener in call.management.node.listeners]
    if PROTOCOLS.get(protocol.lower()) in protocols:
        return call.found({"status": "ok", "protocol": protocol})
    return _missing(protocol, "protocols", protocols)


async def certificate_expiration(call: Call) -> Response:
    """There are no certificates, so none expires."""
    within, unit = call.names["within"], call.names["unit"]
    if not (within.isascii() and within.isdigit()):
        raise bad_request("Invalid expiration value.")
    if unit not in UNITS:
        raise bad_request("Time unit not recognised. Use days, weeks, months, years.")
    return call.found({"status": "ok"})


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
