"""A definition store whose commits are made by hand."""

from collections.abc import Sequence

from leveret.broker.seams import DefinitionStore, Pending
from leveret.errors import NotStored

Row = tuple[str, str, object]


class LateDefinitions(DefinitionStore):
    """Commits when told to, at once until it is `late`; `kept` is what a restart would find, and
    `commits` how often something was committed. A row without a value is deleted."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], object] = {}
        self.late = False
        self.commits = 0
        self._revisions: dict[tuple[str, str], int] = {}
        self._waiting: list[tuple[list[Row], Pending]] = []

    def load(self) -> list[tuple[str, str, object, int]]:
        return [(*key, value, self._revisions[key]) for key, value in self.kept.items()]

    def put(self, kind: str, key: str, value: object) -> Pending:
        return self._ask([(kind, key, value)])

    def delete(self, kind: str, key: str) -> Pending:
        return self._ask([(kind, key, None)])

    def delete_all(self, definitions: Sequence[tuple[str, str]]) -> Pending:
        return self._ask([(*key, None) for key in definitions])

    def waiting(self) -> int:
        """How many changes are not committed."""
        return len(self._waiting)

    def commit(self, count: int = -1) -> None:
        """Commit and answer so many changes, or all, also what the answers lead to."""
        while self._waiting and count != 0:
            count -= 1
            rows, answer = self._waiting.pop(0)
            self.commits += 1
            known = False
            for kind, key, value in rows:
                known = (kind, key) in self.kept
                if value is None:
                    self.kept.pop((kind, key), None)
                    continue
                self.kept[kind, key] = value
                self._revisions[kind, key] = self.commits
            answer.complete(self.commits if rows[-1][2] is not None else known)

    def fail(self, reason: str = "the definitions could not be written: disk full") -> None:
        """The oldest change cannot be committed."""
        self._waiting.pop(0)[1].fail(NotStored(reason))

    def of(self, kind: str) -> list[str]:
        """The keys of a kind."""
        return [key for each, key in self.kept if each == kind]

    def _ask(self, rows: list[Row]) -> Pending:
        answer = Pending()
        self._waiting.append((rows, answer))
        if not self.late:
            self.commit()
        return answer
