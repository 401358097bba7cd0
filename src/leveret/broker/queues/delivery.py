"""How often a message may come back: `x-delivery-limit`, and the header `x-delivery-count`.

A message that has come back more often than the limit is a dead letter. Up to level 4.2 every
return counts, whether its consumer asked for it or went away; from 4.3 on only what failed does
(basic.reject, or the end of its consumer's channel), and basic.nack may return a message as often
as it likes. As in RabbitMQ, the messages of a quorum queue say in a header how often they have come
back, and from 4.3 on in `x-acquired-count` how often that was in all. The store hears of each
return, and says after a restart how often there were some: what was unacked when the process was
killed has not come back by then, and is not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.content import with_headers
from leveret.broker.rules import NONE
from leveret.wire.field import KIND_LONG, Field

if TYPE_CHECKING:
    from leveret.broker.message import Entry
    from leveret.broker.queues.classic import ClassicQueue

HEADER: Final = "x-delivery-count"
ACQUIRED: Final = "x-acquired-count"


class Returns:
    """How often one entry came back in all, and how often of those it failed."""

    __slots__ = ("acquired", "failed")

    def __init__(self, acquired: int = 0, failed: int = 0) -> None:
        self.acquired = acquired
        self.failed = failed


class Deliveries:
    """The entries of a queue that have come back, and how often each. `told` is whether the
    messages say so; `failures_only` whether only what failed counts."""

    def __init__(self, queue: ClassicQueue, told: bool) -> None:
        self.limit = NONE
        self.failures_only = False
        self._queue = queue
        self._told = told
        self._returns: dict[Entry, Returns] = {}
        # From before the start, by ticket, until they leave.
        self._recovered: dict[int, Returns] = {}

    def counted(self) -> bool:
        """Whether anybody wants to know."""
        return self._told or self.limit >= 0

    def any(self) -> bool:
        """Whether there are such entries."""
        return bool(self._returns or self._recovered)

    def count(self, entry: Entry) -> int:
        """The delivery count of an entry."""
        returns = self._returns.get(entry)
        if returns is None:
            return 0
        return returns.failed if self.failures_only else returns.acquired

    def recover(self, returns: dict[int, tuple[int, int]]) -> None:
        """Messages of these tickets have come back before the start: so often in all, and so often
        because they failed."""
        self._recovered = {ticket: Returns(*counts) for ticket, counts in returns.items()}

    def returned(self, entry: Entry, failed: bool) -> bool:
        """An entry comes back; whether it may be delivered again."""
        returns = self._returns.get(entry)
        if returns is None:
            returns = self._returns[entry] = Returns()
        returns.acquired += 1
        returns.failed += failed
        return self.limit < 0 or self.count(entry) <= self.limit

    def keep(self, entry: Entry) -> None:
        """Have the store keep how often an entry has come back."""
        if entry.ticket != 0:
            returns = self._returns[entry]
            store = self._queue.store
            store.returned(self._queue, entry.ticket, returns.acquired, returns.failed)

    def leaving(self, entry: Entry) -> None:
        """An entry is about to be delivered."""
        if self._recovered and entry.ticket != 0:
            recovered = self._recovered.pop(int(entry.ticket), None)
            if recovered is not None:
                self._returns[entry] = recovered
        returns = self._returns.get(entry)
        if returns is None or not self._told:
            return
        headers: dict[str, Field] = {}
        if self.count(entry):
            headers[HEADER] = Field(KIND_LONG, self.count(entry))
        if self.failures_only:
            headers[ACQUIRED] = Field(KIND_LONG, returns.acquired)
        entry.message = with_headers(entry.message, headers)

    def gone(self, entry: Entry) -> None:
        """An entry does not come back any more."""
        if self._returns:
            self._returns.pop(entry, None)
        if self._recovered and entry.ticket != 0:
            self._recovered.pop(int(entry.ticket), None)

    def purge(self, ready: list[Entry]) -> None:
        """Everything is gone that is ready; of that, these entries have been delivered."""
        self._recovered = {}
        for entry in ready:
            self.gone(entry)

    def forget(self) -> None:
        """Nothing comes back any more."""
        self._returns = {}
        self._recovered = {}
