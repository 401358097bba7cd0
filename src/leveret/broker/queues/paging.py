"""Which messages leave memory when there are too many: the budget that all queues share.

Only ready messages that are not about to be delivered count and are paged out; a persistent one is
in the log already, a transient one is spilled. The queue that holds most gives first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.broker.queues.ready import Ready

# What a waiting message takes in memory beside its octets.
ENTRY_BYTES: Final = 300
# Messages that one step pages out: the loop has others to serve.
STEP: Final = 2048
# Growth that makes it worth trying again when nothing could be paged out; and when something could,
# but not of the queue that holds most: fewer messages than in a step.
RETRY_BYTES: Final = 1 << 20
MENDED_BYTES: Final = STEP * ENTRY_BYTES
NO_LIMIT: Final = 1 << 62


class Paging:
    """`resident_bytes` are what waiting messages take in memory; past `limit_bytes` some leave."""

    def __init__(self, limit_bytes: i64 = NO_LIMIT) -> None:
        self.limit_bytes: i64 = limit_bytes
        self.resident_bytes: i64 = 0
        self._queues: dict[Ready, None] = {}
        self._threshold: i64 = limit_bytes

    def set_limit(self, limit_bytes: i64) -> None:
        """Allow so much from now on."""
        self.limit_bytes = limit_bytes
        self._threshold = limit_bytes

    def short(self) -> bool:
        """Whether memory is short."""
        return self.resident_bytes >= self.limit_bytes

    def join(self, ready: Ready) -> None:
        """A queue holds messages in memory."""
        self._queues[ready] = None

    def leave(self, ready: Ready) -> None:
        """A queue holds none, or is gone."""
        self._queues.pop(ready, None)

    def took(self, size_bytes: i64) -> None:
        """A queue holds more."""
        self.resident_bytes += size_bytes
        if self.resident_bytes > self._threshold:
            self._relieve()

    def _relieve(self) -> None:
        largest: Ready | None = None
        for ready in self._queues:
            if largest is None or ready.resident_bytes > largest.resident_bytes:
                largest = ready
        self._threshold = self.limit_bytes
        if largest is not None and largest.page_out(STEP) == 0:
            # It may begin with a transient message, and the disk for those refuse.
            self._relieve_by_any()

    def _relieve_by_any(self) -> None:
        left = STEP
        for ready in list(self._queues):
            left -= ready.page_out(left)
            if left == 0:
                break
        growth = RETRY_BYTES if left == STEP else MENDED_BYTES
        self._threshold = max(self.limit_bytes, self.resident_bytes + growth)
