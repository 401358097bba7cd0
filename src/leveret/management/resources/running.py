"""/api/x: what is changed of a broker while it runs, and changed back by a restart."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leveret.config import ConfigError, shown
from leveret.management.answers import LogTail
from leveret.management.authorisation import ADMINISTER
from leveret.management.calls import Call, changed
from leveret.management.refusals import bad_request
from leveret.management.routing import Route

if TYPE_CHECKING:
    from starlette.responses import Response

# Of a log, so much of its end.
LOG_TAIL_BYTES: Final = 256 * 1024
BYTES_MAX: Final = (1 << 63) - 1

Ratio = Annotated[float, Meta(ge=0)] | UnsetType
Bytes = Annotated[int, Meta(ge=0, le=BYTES_MAX)] | UnsetType


class SettingsBody(msgspec.Struct):
    """The settings that may be changed this way, by their names; those left out stay."""

    memory_high_watermark_ratio: Ratio = UNSET
    memory_high_watermark_bytes: Bytes = UNSET
    disk_free_limit_ratio: Ratio = UNSET
    disk_free_limit_bytes: Bytes = UNSET
    log_level: str | UnsetType = UNSET


async def settings(call: Call) -> Response:
    """The settings that hold; passwords are not shown."""
    try:
        values = msgspec.structs.asdict(call.management.reloading.config)
    except ConfigError as error:
        raise bad_request(str(error)) from None
    return call.found({name: shown(name, value) for name, value in values.items()})


async def change_settings(call: Call) -> Response:
    """Have other values until the settings are read again, or the broker starts again."""
    body = await call.body(SettingsBody)
    values = {
        name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET
    }
    try:
        call.management.reloading.change(values)
    except ConfigError as error:
        raise bad_request(str(error)) from None
    return changed()


async def suspend_listeners(call: Call) -> Response:
    """Take no more AMQP connections. Those that there are stay."""
    if call.management.amqp is not None:
        await call.management.amqp.stop_accepting()
    return changed()


async def resume_listeners(call: Call) -> Response:
    """Take AMQP connections again."""
    if call.management.amqp is not None:
        try:
            await call.management.amqp.resume_accepting()
        except OSError as error:
            reason = error.strerror or error
            raise bad_request(f"the ports cannot be opened again: {reason}") from None
    return changed()


async def log_tail(call: Call) -> Response:
    """The last lines of the log's file; without a file there are none to be read."""
    try:
        name = call.management.reloading.config.log_file
        lines = await asyncio.to_thread(_tail, name) if name else []
    except (ConfigError, OSError) as error:
        raise bad_request(str(error)) from None
    return call.found({"file": name or None, "lines": lines})


def _tail(name: str) -> list[str]:
    with Path(name).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - LOG_TAIL_BYTES)
        file.seek(start)
        octets = file.read(LOG_TAIL_BYTES)
    if start:
        # What is left of a line.
        octets = octets.partition(b"\n")[2]
    return octets.decode(errors="replace").splitlines()


ROUTES: Final = (
    Route("GET", "/x/settings", ADMINISTER, settings, answer=dict[str, Any]),
    Route("PUT", "/x/settings", ADMINISTER, change_settings, body=SettingsBody, statuses=(204,)),
    Route("POST", "/x/listeners/suspend", ADMINISTER, suspend_listeners, statuses=(204,)),
    Route("POST", "/x/listeners/resume", ADMINISTER, resume_listeners, statuses=(204,)),
    Route("GET", "/x/log", ADMINISTER, log_tail, answer=LogTail),
)
