"""rabbitmq.conf as settings: every line is obeyed, or a note says why not."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from leveret.sources.gathered import ConfigError, Gathered, NotObeyedError
from leveret.sources.keys import KEYS, NOT_OBEYED, Key, Shape
from leveret.sources.rabbitmq_conf import Entry, entries_of

# Of these pairs RabbitMQ obeys the first.
_FIRST_HOLDS: Final = (
    ("disk_free_limit.absolute", "disk_free_limit.relative"),
    ("vm_memory_high_watermark.absolute", "vm_memory_high_watermark.relative"),
)
# This value means something in RabbitMQ only with the other key, or with that key's default.
_NEEDED: Final = (
    (
        "credential_validator.validation_backend",
        "rabbit_credential_validator_min_password_length",
        "credential_validator.min_length",
    ),
    (
        "credential_validator.validation_backend",
        "rabbit_credential_validator_password_regexp",
        "credential_validator.regexp",
    ),
)


def read_rabbitmq_files(
    paths: Iterable[Path], environment: Mapping[str, str], gathered: Gathered
) -> None:
    """Read files, and folders of them, as if they were one. Raises `ConfigError`."""
    # The last line of a key holds, as in RabbitMQ.
    entries = {entry.key: entry for path in paths for entry in entries_of(path, environment)}
    for first, second in _FIRST_HOLDS:
        if first in entries and second in entries:
            entry = entries.pop(second)
            gathered.not_obeyed(second, f"{first} holds", entry.origin)
    for name, value, needed in _NEEDED:
        if name in entries and entries[name].value == value and needed not in entries:
            gathered.not_obeyed(f"{name} = {value}", f"give {needed}", entries[name].origin)
    reading = _Reading(gathered)
    for entry in entries.values():
        reading.add(entry)
    reading.end()


class _Reading:
    """One reading, in which lines come together to lists and tables."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._lists: dict[str, list[str]] = {}
        self._parts: dict[str, dict[str, dict[str, object]]] = {}
        # Where a setting comes from: its first line.
        self._lines: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        parts = entry.parts()
        key, names = _row_of(parts)
        if key is None:
            why = next((why for pattern, why in NOT_OBEYED if _matches(pattern, parts)), None)
            if why is not None:
                self._gathered.not_obeyed(entry.key, why, entry.origin)
            else:
                self._gathered.unknown(entry.key, entry.origin, _names())
            return
        try:
            value = key.convert(entry.value)
        except NotObeyedError as error:
            self._gathered.not_obeyed(f"{entry.key} = {entry.value}", str(error), entry.origin)
            return
        except ValueError as error:
            raise ConfigError(f"{entry.origin}: {entry.key}: {error}") from error
        if key.shape is Shape.WHOLE:
            self._whole(entry, key, value)
        elif key.shape is Shape.FIELD:
            self._lines.setdefault(key.setting, entry)
            part = self._parts.setdefault(key.setting, {}).setdefault(names[0], {"name": names[0]})
            *tables, field = key.field.split(".", 1)
            for table in tables:
                part = _table(part, table)
            part[field] = value
        else:
            self._lines.setdefault(key.setting, entry)
            items = self._lists.setdefault(key.setting, [])
            if key.shape is Shape.ITEM:
                items.append(str(value))
            elif value:
                items.append(names[0])

    def _whole(self, entry: Entry, key: Key, value: object) -> None:
        if key.setting == "":
            return
        settings = key.setting.split()
        before = self._lines.setdefault(settings[-1], entry)
        if before is not entry:
            if "$" in key.pattern:
                self._gathered.not_obeyed(
                    entry.key, f"one address is listened on, that of {before.key}", entry.origin
                )
                return
            if before.value != entry.value:
                self._gathered.not_obeyed(
                    before.key, f"{entry.key} is the same setting and comes later", before.origin
                )
        values: Sequence[object] = value if isinstance(value, tuple) else (value,)
        for setting, each in zip(settings, values, strict=True):
            if each is not None:
                self._gathered.give(setting, each, entry.origin)

    def end(self) -> None:
        """What came together."""
        for setting, items in self._lists.items():
            line = self._lines[setting]
            self._gathered.give(setting, items, line.origin)
        for setting, parts in self._parts.items():
            line = self._lines[setting]
            self._gathered.give(setting, list(parts.values()), line.origin)


def _table(part: dict[str, object], name: str) -> dict[str, object]:
    table = part.setdefault(name, {})
    assert isinstance(table, dict)
    return table


def _row_of(parts: Sequence[str]) -> tuple[Key | None, list[str]]:
    for key in KEYS:
        if _matches(key.pattern, parts):
            places = enumerate(key.pattern.split("."))
            return key, [parts[place] for place, part in places if part == "$"]
    return None, []


def _matches(pattern: str, parts: Sequence[str]) -> bool:
    wanted = pattern.split(".")
    if wanted[-1] == "*":
        wanted.pop()
        parts = parts[: len(wanted)]
    return len(wanted) == len(parts) and all(
        want in ("$", part) for want, part in zip(wanted, parts, strict=True)
    )


def _names() -> list[str]:
    return [
        *(key.shown for key in KEYS),
        *(pattern for pattern, _ in NOT_OBEYED if not pattern.endswith("*")),
    ]
