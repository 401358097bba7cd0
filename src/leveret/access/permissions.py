"""Permission patterns, checked as RabbitMQ does: an unanchored search, an empty pattern meaning ^$.

Patterns come from operators, names from anybody. The `regex` package stops a search that takes too
long (the standard library was measured at seconds for 26 characters); a pattern that did so once
refuses from then on, since a pattern that cannot be decided grants nothing. Decisions are kept,
so a search happens once for a name.
"""

import logging
from typing import Final

import regex

log = logging.getLogger("leveret.access")

SEARCH_TIMEOUT_SECONDS: Final = 0.02
DECISIONS_MAX: Final = 10_000


class PatternError(ValueError):
    """A pattern that is no regular expression; the text says where."""


def check_pattern(pattern: str) -> None:
    """Raise `PatternError` for a pattern that cannot be used."""
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise PatternError(
            f"'{pattern}' is not a regular expression: {error}; '.*' matches every name"
        ) from error


class Permissions:
    """The three patterns of one user in one vhost."""

    def __init__(self, configure: str, write: str, read: str) -> None:
        self.patterns = {"configure": configure, "write": write, "read": read}
        self._decisions: dict[tuple[str, str], bool] = {}
        self._too_slow: set[str] = set()

    def cover(self, permission: str, name: str) -> bool:
        """Whether the pattern for configure, write or read matches the name of a resource."""
        decision = self._decisions.get((permission, name))
        if decision is None:
            decision = self._search(permission, name)
            if len(self._decisions) >= DECISIONS_MAX:
                self._decisions.clear()
            self._decisions[permission, name] = decision
        return decision

    def _search(self, permission: str, name: str) -> bool:
        pattern = self.patterns[permission]
        if pattern == "":
            return name == ""
        if permission in self._too_slow:
            return False
        try:
            return regex.search(pattern, name, timeout=SEARCH_TIMEOUT_SECONDS) is not None
        except TimeoutError:
            self._too_slow.add(permission)
            log.error(
                "the %s pattern '%s' takes too long to match and refuses everything from now on: "
                "write it without nested repetition",
                permission,
                pattern,
            )
            return False
        except regex.error as error:
            log.error(
                "the %s pattern '%s' is no regular expression: %s", permission, pattern, error
            )
            return False
