"""A running broker takes new values of its settings: of those that can change, all or none.

The sources are read again as they were at the start. Whoever has to do with a setting is an
applier: it is given the new configuration, does what can fail, raising `ConfigError`, and returns
what makes it hold. Only when all of them have agreed does anything change.
"""

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from leveret.config import Config, ConfigError, Settings, is_reloadable, shown

log = logging.getLogger("leveret")

Applier = Callable[[Config], Callable[[], object]]

_NOTHING: Final = "no setting has another value"


class Reloaded:
    """What came of it: the settings that hold now, and those that need a restart."""

    def __init__(self, config: Config, applied: list[str], restart: list[str]) -> None:
        self.config = config
        self.applied = applied
        self.restart = restart

    def described(self) -> str:
        """A sentence for the log."""
        values = msgspec.structs.asdict(self.config)
        parts = [
            ", ".join(f"{name} = {shown(name, values[name])!r}" for name in self.applied)
            or _NOTHING
        ]
        if self.restart:
            verb = "needs" if len(self.restart) == 1 else "need"
            parts.append(f"{', '.join(self.restart)} {verb} a restart")
        return "; ".join(parts)


class Reloading:
    """`config` is what holds now; `read` reads the sources and raises `ConfigError`."""

    def __init__(self, config: Config, read: Callable[[], Settings]) -> None:
        self.config = config
        self.appliers: list[Applier] = []
        self.read = read

    def reload(self) -> Reloaded:
        """Read and apply. Raises `ConfigError`, and then nothing has changed."""
        settings = self.read()
        new = settings.config
        changed = [
            name
            for name in Config.__struct_fields__
            if getattr(new, name) != getattr(self.config, name)
        ]
        applied = [name for name in changed if is_reloadable(name)]
        config = msgspec.structs.replace(
            self.config, **{name: getattr(new, name) for name in applied}
        )
        # Also without another value: what a file of certificates holds may be new.
        self._hold(config)
        reloaded = Reloaded(config, applied, [name for name in changed if name not in applied])
        log.info("settings read again: %s", reloaded.described())
        for note in settings.notes:
            log.warning("%s", note.text)
        return reloaded

    def change(self, values: dict[str, object]) -> None:
        """Have these values of settings that can change, until the settings are read again or the
        broker starts again. Raises `ConfigError`, and then nothing has changed."""
        try:
            given = msgspec.convert(values, Config)
        except msgspec.ValidationError as error:
            raise ConfigError(str(error)) from None
        self._hold(msgspec.structs.replace(self.config, **{n: getattr(given, n) for n in values}))
        log.info(
            "settings changed until they are read again: %s",
            Reloaded(self.config, list(values), []).described(),
        )

    def _hold(self, config: Config) -> None:
        for hold in [applier(config) for applier in self.appliers]:
            hold()
        self.config = config
