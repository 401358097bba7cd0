"""What is changed of a broker while it runs, and changed back when it starts again; its log."""

import json
from typing import Final

import click

from leveret.cli.ctl.answers import Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.exits import DATA, UNAVAILABLE, CtlError, InputError
from leveret.cli.ctl.verb import argument, verb

# RabbitMQ's levels, and what the broker calls them.
LEVELS: Final = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "critical": "error",
    "none": "error",
}
LOG_LINES: Final = 50


@verb(
    argument("fraction", metavar="FRACTION | absolute"),
    argument("size", metavar="[SIZE]", required=False),
)
def set_vm_memory_high_watermark(call: Call, fraction: str, size: str | None) -> None:
    """Have another limit of memory, until settings are read again.

    FRACTION is a share of the memory there is; SIZE is a number of octets, or as 512MiB or 2GB.
    """
    ratio: float = 0
    if fraction == "absolute":
        # With 0 the settings would mean the ratio.
        octets = max(1, _size_bytes(_second(size, "SIZE")))
        call.announce(f"Setting memory threshold on {call.node} to {size} bytes ...")
    else:
        _no_second(size)
        ratio = _number(fraction)
        if not 0 <= ratio <= 1:
            raise InputError(f"{fraction} is no fraction: give one from 0.0 to 1.0", DATA)
        # With 0 they would mean what is usual.
        octets = 0 if ratio else 1
        call.announce(f"Setting memory threshold on {call.node} to {fraction} ...")
    _change(call, memory_high_watermark_ratio=ratio, memory_high_watermark_bytes=octets)


@verb(
    argument("limit", metavar="SIZE | mem_relative"),
    argument("fraction", metavar="[FRACTION]", required=False),
)
def set_disk_free_limit(call: Call, limit: str, fraction: str | None) -> None:
    """Have another limit of free disk space, until settings are read again.

    SIZE is a number of octets, or as 512MiB or 2GB; FRACTION is a multiple of the memory there is.
    """
    ratio: float = 0
    octets = 0
    if limit == "mem_relative":
        fraction = _second(fraction, "FRACTION")
        ratio = _number(fraction)
        if not 0 <= ratio < float("inf"):
            raise InputError(f"{fraction} is no multiple: give a number from 0.0 on", DATA)
        told = f"{fraction} times the total RAM"
    else:
        _no_second(fraction)
        octets = _size_bytes(limit)
        told = f"{limit} bytes"
    call.announce(f"Setting disk free limit on {call.node} to {told} ...")
    _change(call, disk_free_limit_ratio=ratio, disk_free_limit_bytes=octets)


@verb(argument("level"))
def set_log_level(call: Call, level: str) -> None:
    """Log more or less, until settings are read again."""
    if level not in LEVELS:
        raise CtlError(
            f"there is no level '{level}': it is one of {', '.join(LEVELS)}", UNAVAILABLE
        )
    call.announce(f'Setting log level to "{level}" ...')
    _change(call, log_level=LEVELS[level])


@verb()
def suspend_listeners(call: Call) -> None:
    """Take no more AMQP connections; those that there are stay."""
    call.announce(
        f"Will suspend client connection listeners on node {call.node}. "
        "The node will no longer accept client connections!"
    )
    call.client.post("x", "listeners", "suspend")


@verb()
def resume_listeners(call: Call) -> None:
    """Take AMQP connections again."""
    call.announce(
        f"Will resume client connection listeners on node {call.node}. "
        "The node will now accept client connections"
    )
    call.client.post("x", "listeners", "resume")


@verb()
def reload(call: Call) -> Said:
    """Have settings and certificates read again, from where they are kept."""
    call.announce(f"Reloading settings of node {call.node} ...")
    found = call.client.post("x", "reload")
    applied, restart = ", ".join(found["applied"]), ", ".join(found["needs_restart"])
    text = f"New values: {applied or '(none)'}\nAfter a restart: {restart or '(none)'}"
    return Said(text, found)


@verb()
def environment(call: Call) -> Said:
    """Say what the settings are. `leveret config explain` says where they come from."""
    call.announce(f"Application environment of node {call.node} ...")
    found = call.client.get("x", "settings")
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in found.items()]
    return Said("\n".join(lines), {"leveret": found})


@verb(
    click.Option(
        ["-N", "--number"],
        metavar="LINES",
        type=click.IntRange(min=0),
        default=LOG_LINES,
        help=f"How many; {LOG_LINES} if nothing is said, and no more than are in 256 KiB.",
    )
)
def log_tail(call: Call, number: int) -> Said:
    """Print the last lines of the log."""
    call.announce(f"Last {number} log lines on node {call.node} ...")
    found = call.client.get("x", "log")
    _log_file(found["file"])
    lines = found["lines"][-number:] if number else []
    return Said("\n".join(lines), {"lines": lines})


@verb(click.Option(["-a", "--all", "all_files"], is_flag=True, help="Accepted: there is one log."))
def log_location(call: Call, all_files: bool) -> Said:
    """Say which file the log is."""
    call.announce(f"Log file location(s) on node {call.node} ...")
    file = _log_file(call.client.get("x", "log")["file"])
    return Said(file, {"files": [file]})


def _log_file(file: str | None) -> str:
    if file is None:
        raise CtlError(
            "the log goes to standard error, and not to a file: whoever has started the broker has "
            "it (with systemd: journalctl), or set log_file",
            UNAVAILABLE,
        )
    return file


def _change(call: Call, **values: object) -> None:
    call.client.put("x", "settings", body=values)


def _second(word: str | None, name: str) -> str:
    if word is None:
        raise click.UsageError(f"Missing argument '{name}'.")
    return word


def _no_second(word: str | None) -> None:
    if word is not None:
        raise click.UsageError(f"Got unexpected extra argument ({word})")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"'{text}' is no number", DATA) from None


def _size_bytes(text: str) -> int:
    # Imported here: most verbs have no sizes.
    from leveret.sources.values import size_bytes

    try:
        return size_bytes(text)
    except ValueError as error:
        raise InputError(f"'{text}' is no size: {error}", DATA) from None


VERBS = (
    environment,
    log_location,
    log_tail,
    reload,
    resume_listeners,
    set_disk_free_limit,
    set_log_level,
    set_vm_memory_high_watermark,
    suspend_listeners,
)
