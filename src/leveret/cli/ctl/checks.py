"""Health checks and what else rabbitmq-diagnostics tells of a node."""

import socket
from typing import Any, Final

import click

from leveret.cli.ctl.answers import Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import Refused
from leveret.cli.ctl.exits import UNAVAILABLE, CtlError
from leveret.cli.ctl.status import UNITS, alarms_of, amount, listener_lines, listeners_of
from leveret.cli.ctl.verb import argument, verb

# What a check may call a protocol, and what its listener calls it.
PROTOCOLS: Final = {
    "amqp0-9-1": "amqp",
    "amqp091": "amqp",
    "amqps": "amqp/ssl",
}
EVERYWHERE: Final = {"[::]": "localhost", "0.0.0.0": "127.0.0.1"}


@verb()
def check_running(call: Call) -> Said:
    """Say whether the broker runs."""
    call.announce(f"Checking if RabbitMQ is running on node {call.node} ...")
    call.client.get("x", "ping")
    return _message(f"RabbitMQ on node {call.node} is fully booted and running")


@verb()
def check_local_alarms(call: Call) -> Said:
    """Fail while there is an alarm on the node."""
    call.announce(f"Asking node {call.node} to report any local resource alarms ...")
    return _no_alarms(call, f"Node {call.node} reported no local alarms")


@verb()
def check_alarms(call: Call) -> Said:
    """Fail while there is an alarm."""
    call.announce(f"Asking node {call.node} to report any local resource alarms ...")
    return _no_alarms(call, f"Node {call.node} reported no alarms, local or clusterwide")


@verb()
def alarms(call: Call) -> Said:
    """Say which alarms there are."""
    call.announce(f"Asking node {call.node} to report any known resource alarms ...")
    found = call.client.get("x", "status")
    text = (
        "\n".join(alarms_of(found)) or f"Node {call.node} reported no alarms, local or clusterwide"
    )
    return Said(text, {"alarms": found["alarms"], "node": call.node, "result": "ok"})


@verb()
def check_port_connectivity(call: Call) -> Said:
    """Connect to every port of the broker."""
    call.announce(f"Testing TCP connections to all active listeners on node {call.node} ...")
    ports: list[int] = []
    for each in _listeners(call):
        here = EVERYWHERE.get(each["interface"], each["interface"].strip("[]"))
        try:
            address = (call.client.address.host or here, each["port"])
            socket.create_connection(address, call.timeout_seconds).close()
        except OSError as error:
            raise CtlError(
                f"port {each['port']} of {call.node} cannot be connected to "
                f"({error.strerror or error}): see the firewall and the broker's log",
                UNAVAILABLE,
            ) from error
        ports.append(each["port"])
    return _message(f"Successfully connected to ports {_joined(ports)} on node {call.node}.")


@verb(argument("port", type=click.IntRange(0, 65535)))
def check_port_listener(call: Call, port: int) -> Said:
    """Say whether the broker listens on a port."""
    call.announce(f"Asking node {call.node} if there's an active listener on port {port} ...")
    ports = [each["port"] for each in _listeners(call)]
    if port not in ports:
        raise CtlError(
            f"No listener for port {port} is active on node {call.node}. "
            f"Found listeners that use the following ports: {_joined(ports)}",
            UNAVAILABLE,
        )
    return Said(
        f"A listener for port {port} is running on node {call.node}.",
        {"port": port, "result": "ok"},
    )


@verb(argument("protocol"))
def check_protocol_listener(call: Call, protocol: str) -> Said:
    """Say whether the broker listens for a protocol: amqp, http."""
    call.announce(
        f"Asking node {call.node} if there's an active listener for protocol {protocol} ..."
    )
    protocols = [each["protocol"] for each in _listeners(call)]
    name = PROTOCOLS.get(protocol.lower(), protocol.lower())
    if name not in protocols:
        raise CtlError(
            f"No listener for protocol {protocol} is active on node {call.node}. "
            f"Found listeners for the following protocols: {_joined(protocols)}",
            UNAVAILABLE,
        )
    return Said(
        f"A listener for protocol {name} is running on node {call.node}.",
        {"protocol": protocol, "result": "ok"},
    )


@verb()
def check_virtual_hosts(call: Call) -> Said:
    """Say whether all vhosts work."""
    call.announce(f"Checking if all vhosts are running on node {call.node} ...")
    _check(call, "virtual-hosts")
    return _message(f"Node {call.node} reported all vhosts as running")


@verb(
    click.Option(["--within"], metavar="NUMBER", type=click.IntRange(min=0), default=4),
    click.Option(
        ["--unit"], type=click.Choice(["days", "weeks", "months", "years"]), default="weeks"
    ),
)
def check_certificate_expiration(call: Call, within: int, unit: str) -> Said:
    """Fail if a certificate of the broker's expires soon."""
    call.announce(f"Checking certificate expiration on node {call.node} ...")
    _check(call, "certificate-expiration", str(within), unit)
    return _message(f"No certificates are expiring within {within} {unit}.")


@verb()
def listeners(call: Call) -> Said:
    """Say where clients connect."""
    call.announce(f"Asking node {call.node} to report its protocol listeners ...")
    found = call.client.get("x", "status")
    return Said(
        "\n".join(listener_lines(found)),
        {"listeners": listeners_of(found), "node": call.node, "result": "ok"},
    )


@verb(
    click.Option(
        ["--unit"],
        type=click.Choice(list(UNITS), case_sensitive=False),
        default="gb",
        help="Of memory.",
    )
)
def memory_breakdown(call: Call, unit: str) -> Said:
    """Say what memory is used for, as far as it is known."""
    call.announce(f"Reporting memory breakdown on node {call.node}...")
    memory = call.client.get("nodes", call.client.get("x", "status")["node"], "memory")["memory"]
    whole = memory["total"]["rss"]
    parts = {name: size for name, size in memory.items() if name not in ("total", "strategy")}
    lines = [
        f"{name}: {amount(size, unit)} ({round(100 * size / whole, 2) if whole else 0.0}%)"
        for name, size in sorted(parts.items(), key=lambda part: -part[1])
    ]
    return Said("\n".join(lines) + "\n", parts)


@verb()
def server_version(call: Call) -> Said:
    """Say which RabbitMQ release the broker is compatible with."""
    call.announce(f"Asking node {call.node} for its RabbitMQ version...")
    version = str(call.client.get("version"))
    return Said(version, {"node": call.node, "result": "ok", "value": version})


def _no_alarms(call: Call, text: str) -> Said:
    found = alarms_of(call.client.get("x", "status"))
    if found:
        raise CtlError(
            f"{'; '.join(found)}: publishers wait until there is room again", UNAVAILABLE
        )
    return _message(text)


def _check(call: Call, *path: str) -> None:
    try:
        call.client.get("health", "checks", *path)
    except Refused as refused:
        if refused.status != 503:
            raise
        raise CtlError(f"the check failed: {refused.reason}", UNAVAILABLE) from refused


def _listeners(call: Call) -> list[dict[str, Any]]:
    return listeners_of(call.client.get("x", "status"))


def _message(text: str) -> Said:
    return Said(text, {"message": text})


def _joined(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values)


VERBS = (
    alarms,
    check_alarms,
    check_certificate_expiration,
    check_local_alarms,
    check_port_connectivity,
    check_port_listener,
    check_protocol_listener,
    check_running,
    check_virtual_hosts,
    listeners,
    memory_breakdown,
    server_version,
)
