"""A backup, step by step: what must happen on the loop, and what on a thread."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from leveret.management.pending import answered
from leveret.management.refusals import Refusal, bad_request
from leveret.store.backup import (
    BackupError,
    Pins,
    copy_log,
    finish,
    make_definitions_file,
    make_target,
    undo,
)
from leveret.store.definitions import DefinitionStoreError, SqliteDefinitions
from leveret.store.log_store import LogStore

if TYPE_CHECKING:
    from leveret.management.context import Management

log = logging.getLogger("leveret.management")


async def back_up(management: Management, folder: str) -> dict[str, object]:
    """Copy the data to a folder on this machine; tells what was copied. Raises `Refusal`."""
    store, definitions = management.broker.store, management.broker.definitions
    source = management.node.data_folder
    if (
        source is None
        or not isinstance(store, LogStore)
        or not isinstance(definitions, SqliteDefinitions)
    ):
        raise bad_request("this broker keeps nothing on disk, so there is nothing to copy")
    target = Path(folder)
    if not target.is_absolute() or "\0" in folder:
        raise bad_request(f"'{folder}' is no path from the root: name the folder in full")
    started = time.monotonic()
    pins = Pins(store)
    try:
        await asyncio.to_thread(make_target, Path(source), target, pins.size_bytes)
        try:
            await asyncio.to_thread(copy_log, Path(source), target, pins.files)
            path = await asyncio.to_thread(make_definitions_file, target)
            await answered(definitions.copy_to(str(path)))
            await asyncio.to_thread(finish, target)
        except (OSError, DefinitionStoreError) as error:
            await asyncio.to_thread(undo, target)
            log.error("the backup to %s failed: %s", target, error)
            reason = f"the backup to {target} failed: {error}"
            raise Refusal(500, "backup_failed", reason) from error
    except BackupError as error:
        raise bad_request(str(error)) from None
    finally:
        pins.release()
    seconds = time.monotonic() - started
    log.info("backup to %s: %d octets of the log in %.1f s", target, pins.size_bytes, seconds)
    return {
        "folder": str(target),
        "segments": len(pins.files),
        "log_bytes": pins.size_bytes,
        "seconds": round(seconds, 3),
    }
