"""Permission patterns, checked as RabbitMQ does: an unanchored search, an empty pattern meaning ^$.

A pattern that takes too long refuses everything: one that cannot be decided grants nothing.
Decisions are kept, so a search happens once for a name.
"""

from typing import Final

from leveret.broker.patterns import Pattern, PatternError, check_pattern

__all__ = ["DECISIONS_MAX", "PatternError", "Permissions", "check_pattern"]

DECISIONS_MAX: Final = 10_000


class Permissions:
    """The three patterns of one user in one vhost."""

    def __init__(self, configure: str, write: str, read: str) -> None:
        self.patterns = {"configure": configure, "write": write, "read": read}
        self._searched = {
            permission: Pattern(pattern, permission, "refuses everything")
            for permission, pattern in self.patterns.items()
        }
        self._decisions: dict[tuple[str, str], bool] = {}

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
        pattern = self._searched[permission]
        return name == "" if pattern.text == "" else pattern.matches(name)
