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
# How often an entry came back in all, and how often of those it failed, as one number: thousands
# come back at once, and an object for each would cost several times as much.
ONE_ACQUIRED: Final = 1 << 32
FAILED_MASK: Final = ONE_ACQUIRED - 1


class Deliveries:
    """The entries of a queue that have come back, and how often each. `told` is whether the
    messages say so."""

    def __init__(self, queue: ClassicQueue, told: bool) -> None:
        self.limit = NONE
        self._queue = queue
        self._told = told
        self._returns: dict[Entry, int] = {}
        # From before the start, by ticket, until they leave.
        self._recovered: dict[int, int] = {}

    def counted(self) -> bool:
        """Whether anybody wants to know."""
        return self._told or self.limit >= 0

    def any(self) -> bool:
        """Whether there are such entries."""
        return bool(self._returns or self._recovered)

    def count(self, entry: Entry) -> int:
        """The delivery count of an entry."""
        return self._counted(self._returns.get(entry, 0))

    def recover(self, returns: dict[int, tuple[int, int]]) -> None:
        """Messages of these tickets have come back before the start: so often in all, and so often
        because they failed."""
        self._recovered = {
            ticket: acquired * ONE_ACQUIRED + failed
            for ticket, (acquired, failed) in returns.items()
        }

    def returned(self, entry: Entry, failed: bool) -> bool:
        """An entry comes back; whether it may be delivered again. If so, the store keeps how often
        that was."""
        returns = self._returns.get(entry, 0) + ONE_ACQUIRED
        if failed:
            returns += 1
        self._returns[entry] = returns
        if self.limit >= 0 and self._counted(returns) > self.limit:
            return False
        if entry.ticket != 0:
            queue = self._queue
            queue.store.returned(
                queue, entry.ticket, returns // ONE_ACQUIRED, returns & FAILED_MASK
            )
        return True

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
        count = self._counted(returns)
        if count:
            headers[HEADER] = Field(KIND_LONG, count)
        if self._failures_only():
            headers[ACQUIRED] = Field(KIND_LONG, returns // ONE_ACQUIRED)
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

    def _counted(self, returns: int) -> int:
        return returns & FAILED_MASK if self._failures_only() else returns // ONE_ACQUIRED

    def _failures_only(self) -> bool:
        """Whether only what failed counts."""
        vhost = self._queue.vhost
        return vhost is not None and vhost.compat.nack_is_no_failure
