"""How often a message may come back: `x-delivery-limit`, and the header `x-delivery-count`.

Every return counts, whether its consumer asked for it or went away. A message that has come back
more often than the limit is a dead letter. As in RabbitMQ, the messages of a quorum queue say in a
header how often they have come back. The counts are of this process: after a restart they begin
anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.content import with_headers
from leveret.broker.rules import NONE
from leveret.wire.field import KIND_LONG, Field

if TYPE_CHECKING:
    from leveret.broker.message import Entry

HEADER: Final = "x-delivery-count"


class Deliveries:
    """The entries of a queue that have come back, and how often each. `told` is whether the
    messages say so."""

    def __init__(self, told: bool) -> None:
        self.limit = NONE
        self._told = told
        self._counts: dict[Entry, int] = {}

    def counted(self) -> bool:
        """Whether anybody wants to know."""
        return self._told or self.limit >= 0

    def any(self) -> bool:
        """Whether there are such entries."""
        return bool(self._counts)

    def returned(self, entry: Entry) -> bool:
        """An entry comes back; whether it may be delivered again."""
        count = self._counts.get(entry, 0) + 1
        self._counts[entry] = count
        return self.limit < 0 or count <= self.limit

    def leaving(self, entry: Entry) -> None:
        """An entry is about to be delivered."""
        count = self._counts.get(entry, 0)
        if self._told and count:
            entry.message = with_headers(entry.message, {HEADER: Field(KIND_LONG, count)})

    def gone(self, entry: Entry) -> None:
        """An entry does not come back any more."""
        if self._counts:
            self._counts.pop(entry, None)

    def forget(self) -> None:
        """Nothing comes back any more."""
        self._counts = {}
