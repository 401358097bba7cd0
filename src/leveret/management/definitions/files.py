"""Definitions that are imported when the broker starts: a file, or a folder of them."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leveret.management.definitions.format import DefinitionsError, parse_definitions
from leveret.management.definitions.importing import import_definitions
from leveret.management.pending import answered

if TYPE_CHECKING:
    from leveret.access.users import Users
    from leveret.broker.broker import Broker

log = logging.getLogger("leveret")

# What the definition store remembers of an import.
IMPORTED: Final = "imported_definitions"
SHA256: Final = "sha256"


async def load_definitions(
    broker: Broker, users: Users, path: str, skip_if_unchanged: bool = False
) -> None:
    """Import a file, or all `*.json` of a folder in the order of their names; on request not, if
    they are what was imported last. Raises `DefinitionsError`."""
    files = _files(Path(path))
    digest = hashlib.sha256()
    for octets in files.values():
        digest.update(hashlib.sha256(octets).digest())
    imported = digest.hexdigest()
    if skip_if_unchanged and _last_import(broker) == imported:
        log.info("definitions of %s are those imported before: skipped", path)
        return
    parsed = {}
    for name, octets in files.items():
        try:
            parsed[name] = parse_definitions(octets)
        except DefinitionsError as error:
            raise DefinitionsError(f"{name} cannot be imported: {error}") from None
    for name, definitions in parsed.items():
        try:
            left_alone = await import_definitions(broker, users, definitions)
        except DefinitionsError as error:
            raise DefinitionsError(f"{name} cannot be imported: {error}") from None
        for sentence in left_alone:
            log.warning("%s: left alone: %s", name, sentence)
        log.info("definitions imported from %s", name)
    await answered(broker.definitions.put(IMPORTED, SHA256, imported))


def _files(path: Path) -> dict[str, bytes]:
    try:
        paths = sorted(path.glob("*.json")) if path.is_dir() else [path]
        files = {str(each): each.read_bytes() for each in paths}
    except OSError as error:
        raise DefinitionsError(f"cannot read {error.filename or path}: {error.strerror}") from error
    if not files:
        raise DefinitionsError(f"there is no *.json in the folder {path}")
    return files


def _last_import(broker: Broker) -> object:
    for kind, key, value, _revision in broker.definitions.load():
        if (kind, key) == (IMPORTED, SHA256):
            return value
    return None
