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
# `regex` writes counted repeats out: nested ones could take all memory while they are compiled.
EXPANSION_MAX: Final = 10_000
_PARTS: Final = regex.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d*)(?:,(\d*))?\}|.", regex.DOTALL
)


class PatternError(ValueError):
    """A pattern that is no regular expression; the text says where."""


def check_pattern(pattern: str) -> None:
    """Raise `PatternError` for a pattern that cannot be used."""
    if _expansion(pattern) > EXPANSION_MAX:
        raise PatternError(f"'{pattern}' repeats too much: its counts come to over {EXPANSION_MAX}")
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise PatternError(
            f"'{pattern}' is not a regular expression: {error}; '.*' matches every name"
        ) from error


def _expansion(pattern: str) -> int:
    """How many parts a pattern has once its counted repeats are written out."""
    # For each open group, the parts before the last one and the parts of the last one.
    levels = [[0, 0]]
    for part in _PARTS.finditer(pattern):
        text = part.group()
        before, last = levels[-1]
        if text == "(":
            levels.append([0, 0])
        elif text == ")" and len(levels) > 1:
            levels.pop()
            outer = levels[-1]
            outer[0] += outer[1]
            outer[1] = before + last
        elif text[0] == "{" and (part.group(1) or part.group(2)):
            counts = [int(count[:9]) for count in (part.group(1), part.group(2)) if count]
            levels[-1][1] = last * max(1, *counts)
        else:
            levels[-1] = [before + last, 1]
    return sum(before + last for before, last in levels)


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
