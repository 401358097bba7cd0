"""`status`: what a broker says of itself, in rabbitmqctl's sections."""

from typing import Any, Final

import click

from leveret.cli.ctl.answers import Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.verb import verb

# How many bytes a unit has; None: bytes themselves.
UNITS: Final = {"bytes": None, "mb": 10**6, "gb": 10**9}
ALARMS: Final = {"disk": "Free disk space", "memory": "Memory"}
PURPOSES: Final = {
    "amqp": "AMQP 0-9-1",
    "amqp/ssl": "AMQP 0-9-1 over TLS",
    "http": "HTTP API",
    "https": "HTTP API over TLS",
}


@verb(
    click.Option(
        ["--unit"],
        type=click.Choice(list(UNITS), case_sensitive=False),
        default="gb",
        help="Of memory.",
    )
)
def status(call: Call, unit: str) -> Said:
    """Say how the broker is: version, data folder, memory, listeners, and how much there is."""
    call.announce(f"Status of node {call.node} ...")
    found = call.client.get("x", "status")
    sections = {
        "Runtime": _runtime(found),
        "Data directory": [f"Node data directory: {found['data_folder'] or '(none is kept)'}"],
        "Alarms": alarms_of(found) or ["(none)"],
        "Memory": [
            f"Total memory used: {amount(found['memory_bytes'], unit)}",
            "Calculation strategy: rss",
            f"Memory high watermark setting: {_watermark(found, unit)}, "
            f"computed to: {amount(found['memory_limit_bytes'], unit)}",
        ],
        "Free Disk Space": _disk(found, unit),
        "Totals": [f"{name} count: {count}" for name, count in _totals(found).items()],
        "Listeners": listener_lines(found),
    }
    text = "\n\n".join(
        "\n".join([click.style(title, bold=True), "", *lines]) for title, lines in sections.items()
    )
    return Said(text + "\n", _as_json(found))


def _runtime(found: dict[str, Any]) -> list[str]:
    return [
        f"OS PID: {found['pid']}",
        f"Uptime (seconds): {found['uptime_seconds']}",
        f"RabbitMQ version: {found['rabbitmq_version']}",
        f"Leveret version: {found['version']} ({found['build']}, Python {found['python']})",
        f"Node name: {found['node']}",
    ]


def _watermark(found: dict[str, Any], unit: str) -> str:
    setting = found["memory_high_watermark"]
    if "absolute" in setting:
        return amount(setting["absolute"], unit)
    return f"{setting['relative']} of available memory"


def _disk(found: dict[str, Any], unit: str) -> list[str]:
    if found["data_folder"] is None:
        return ["(none is used)"]
    free = found["disk_free_bytes"]
    return [
        f"Low free disk space watermark: {amount(found['disk_free_limit_bytes'], unit)}",
        f"Free disk space: {'(unknown)' if free is None else amount(free, unit)}",
    ]


def _totals(found: dict[str, Any]) -> dict[str, int]:
    counts = found["counts"]
    return {
        "Connection": counts["connections"],
        "Channel": counts["channels"],
        "Consumer": counts["consumers"],
        "Queue": counts["queues"],
        "Message": counts["messages"],
        "Virtual host": counts["vhosts"],
    }


def alarms_of(found: dict[str, Any]) -> list[str]:
    """The alarms that are on, a line each."""
    return [f"{ALARMS[resource]} alarm on node {found['node']}" for resource in found["alarms"]]


def listener_lines(found: dict[str, Any]) -> list[str]:
    """The listeners, a line each."""
    return [
        f"Interface: {each['interface']}, port: {each['port']}, "
        f"protocol: {each['protocol']}, purpose: {each['purpose']}"
        for each in listeners_of(found)
    ]


def listeners_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The listeners in RabbitMQ's form."""
    return [
        {
            "interface": f"[{each['host']}]" if ":" in each["host"] else each["host"],
            "node": found["node"],
            "port": each["port"],
            "protocol": each["protocol"],
            "purpose": PURPOSES.get(each["protocol"], each["protocol"]),
        }
        for each in found["listeners"]
    ]


def _as_json(found: dict[str, Any]) -> dict[str, object]:
    """RabbitMQ's keys for what there is here."""
    counts = found["counts"]
    return {
        "alarms": [
            {"resource": resource, "node": found["node"], "type": "resource_limit"}
            for resource in found["alarms"]
        ],
        "disk_free": found["disk_free_bytes"],
        "disk_free_limit": found["disk_free_limit_bytes"],
        "data_directory": found["data_folder"],
        "listeners": listeners_of(found),
        "memory": {"strategy": "rss", "total": {"rss": found["memory_bytes"]}},
        "pid": found["pid"],
        "product_name": "Leveret",
        "product_version": found["version"],
        "rabbitmq_version": found["rabbitmq_version"],
        "totals": {
            "virtual_host_count": counts["vhosts"],
            "connection_count": counts["connections"],
            "queue_count": counts["queues"],
        },
        "uptime": found["uptime_seconds"],
        "vm_memory_calculation_strategy": "rss",
        "vm_memory_high_watermark_limit": found["memory_limit_bytes"],
        "vm_memory_high_watermark_setting": found["memory_high_watermark"],
    }


def amount(size_bytes: int, unit: str) -> str:
    """A size in a unit."""
    divisor = UNITS[unit]
    return f"{size_bytes if divisor is None else round(size_bytes / divisor, 4)} {unit}"
