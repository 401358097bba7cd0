"""Permission patterns, checked as RabbitMQ does: an unanchored search, an empty pattern meaning ^$.

A pattern that takes too long refuses everything: one that cannot be decided grants nothing.
Decisions are kept, so a search happens once for a name.
"""

from typing import Final

import regex

from leveret.broker.patterns import Pattern, PatternError, check_pattern

__all__ = ["DECISIONS_MAX", "PatternError", "Permissions", "TopicPermissions", "check_pattern"]

DECISIONS_MAX: Final = 10_000


class _Decisions:
    """`patterns` are as they were given, by permission, and `searched` as they are meant."""

    def __init__(self, patterns: dict[str, str], searched: dict[str, str]) -> None:
        self.patterns = patterns
        self._searched = {
            permission: Pattern(pattern, permission, "refuses everything")
            for permission, pattern in searched.items()
        }
        self._decisions: dict[tuple[str, str], bool] = {}

    def cover(self, permission: str, name: str) -> bool:
        """Whether the pattern for a permission matches a name."""
        decision = self._decisions.get((permission, name))
        if decision is None:
            decision = self._search(permission, name)
            if len(self._decisions) >= DECISIONS_MAX:
                self._decisions.clear()
            self._decisions[permission, name] = decision
        return decision

    def _search(self, permission: str, name: str) -> bool:
        pattern = self._searched[permission]
        return name == "" if pattern.text == "" else pattern.matches(name)


class Permissions(_Decisions):
    """The three patterns of one user in one vhost: names of resources."""

    def __init__(self, configure: str, write: str, read: str) -> None:
        patterns = {"configure": configure, "write": write, "read": read}
        super().__init__(patterns, patterns)


class TopicPermissions(_Decisions):
    """The two patterns of one user for one topic exchange: routing keys. `{username}` and `{vhost}`
    in them stand for the names, letter by letter."""

    def __init__(self, user: str, vhost: str, write: str, read: str) -> None:
        patterns = {"write": write, "read": read}
        names = {"{username}": user, "{vhost}": vhost}
        searched = dict(patterns)
        for permission, pattern in patterns.items():
            for variable, name in names.items():
                pattern = pattern.replace(variable, regex.escape(name))
            searched[permission] = pattern
        super().__init__(patterns, searched)

    def check(self) -> None:
        """Raise `PatternError` for a pattern that cannot be used."""
        for pattern in (*self.patterns.values(), *(each.text for each in self._searched.values())):
            check_pattern(pattern)
