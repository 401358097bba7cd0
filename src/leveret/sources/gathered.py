"""What the sources say: values, where each comes from, and what is to be said about them."""

from collections.abc import Collection
from difflib import get_close_matches


class ConfigError(Exception):
    """A setting that cannot be used; the text names it and says what is possible."""


class NotObeyedError(Exception):
    """A value that asks for what is not there; the text says why, and no more."""


class Note:
    """A sentence for the log. `unknown`: nobody knows the name, which is likely a typing error."""

    def __init__(self, text: str, unknown: bool) -> None:
        self.text = text
        self.unknown = unknown


class Gathered:
    """The sources are read into it one after the other, and a later one wins. `known` are the names
    of the settings."""

    def __init__(self, known: Collection[str]) -> None:
        self.known = known
        self.values: dict[str, object] = {}
        # `file:line`, a variable, or "command line".
        self.origins: dict[str, str] = {}
        self.notes: list[Note] = []

    def give(self, setting: str, value: object, origin: str) -> None:
        """A source has a value for a setting."""
        self.values[setting] = value
        self.origins[setting] = origin

    def not_obeyed(self, what: str, why: str, origin: str) -> None:
        """A name is RabbitMQ's and means nothing here."""
        self.notes.append(Note(f"{origin}: {what} is not obeyed: {why}", False))

    def unknown(self, what: str, origin: str, names: Collection[str]) -> None:
        """Nobody knows this name; the nearest of those that there are is named."""
        near = get_close_matches(what, names, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]}?" if near else ""
        self.notes.append(Note(f"{origin}: {what} is unknown and not obeyed{hint}", True))
