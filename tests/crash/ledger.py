"""What is known of every message that was given to a broker or a store, kept beside it.

Of a copy of a message in a queue one of three things is known: it is certainly there (confirmed and
not settled), it is certainly gone (settled, and that is durable), or neither (not confirmed yet, or
settled without knowing more). After a crash, `check` holds what was recovered against that.

Bodies say who published them and as which of its messages, and prove their own octets, so that
whoever reads one can tell what it should be.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from hashlib import shake_128
from itertools import count

Recovered = Mapping[str, Sequence[tuple[bytes, bool]]]
"""By queue, in its order: bodies, and whether they are marked as redelivered."""


class Knowledge(Enum):
    CERTAIN = "certainly there"
    UNCERTAIN = "there or not"
    GONE = "certainly gone"
    UNPUBLISHED = "never published there"


@lru_cache(maxsize=8192)
def body_of(seed: int, publisher: str, index: int, size: int) -> bytes:
    """The body of a publisher's message: `size` octets, or as many as its own name takes."""
    name = f"{seed} {publisher} {index} {size}\n".encode()
    return name + shake_128(name).digest(max(0, size - len(name)))


def read_body(body: bytes) -> tuple[int, str, int] | None:
    """The seed, publisher and index of a body; None if any octet is not as it should be."""
    fields = body.partition(b"\n")[0].split(b" ")
    try:
        seed, index, size = int(fields[0]), int(fields[2]), int(fields[3])
        publisher = fields[1].decode()
    except (IndexError, ValueError):
        return None
    if size > len(body) or body != body_of(seed, publisher, index, size):
        return None
    return seed, publisher, index


class Copy:
    """What has happened to a message in one queue, and when."""

    __slots__ = ("confirmed", "delivered", "gone", "published", "settled", "unacked")

    def __init__(self, published: int) -> None:
        self.published = published
        self.confirmed: int | None = None
        self.settled: int | None = None
        self.gone: int | None = None
        self.delivered = False
        self.unacked = False

    def knowledge(self, at: int | None) -> Knowledge:
        now = at is None
        if not now and self.published > at:
            return Knowledge.UNPUBLISHED
        if self.gone is not None and (now or self.gone <= at):
            return Knowledge.GONE
        # Settled at this very moment: the power may as well have failed just before.
        unsettled = self.settled is None or (not now and self.settled >= at)
        if unsettled and self.confirmed is not None and (now or self.confirmed <= at):
            return Knowledge.CERTAIN
        return Knowledge.UNCERTAIN


class Ledger:
    """`moment` numbers the present, and never goes back: `lambda: len(disk.operations)` dates what
    is noted by the calls that the disk has had, so that one run can be checked at each of them."""

    def __init__(self, seed: int = 0, moment: Callable[[], int] = lambda: 0) -> None:
        self.seed = seed
        self.moment = moment
        self.queues: dict[str, dict[tuple[str, int], Copy]] = {}
        self._routed: dict[tuple[str, int], list[Copy]] = {}
        self._indexes: dict[str, count[int]] = {}
        self._settled: list[Copy] = []

    # --- what happens ---

    def publish(self, publisher: str, queues: Iterable[str], size: int = 64) -> bytes:
        """The body of the publisher's next message, which is given to these queues now."""
        index = next(self._indexes.setdefault(publisher, count()))
        copies = self._routed[publisher, index] = []
        for queue in queues:
            copy = Copy(self.moment())
            self.queues.setdefault(queue, {})[publisher, index] = copy
            copies.append(copy)
        return body_of(self.seed, publisher, index, size)

    def confirmed(self, body: bytes) -> None:
        """The publisher was told that the message is safe. One settled before may be gone."""
        for copy in self._routed[self._key(body)]:
            if copy.settled is None and copy.confirmed is None:
                copy.confirmed = self.moment()

    def delivered(self, queue: str, body: bytes) -> None:
        copy = self._copy(queue, body)
        copy.delivered = copy.unacked = True

    def requeued(self, queue: str, body: bytes) -> None:
        self._copy(queue, body).unacked = False

    def settled(self, queue: str, body: bytes) -> None:
        """It was acknowledged or discarded; a crash may bring it back."""
        self._settle(self._copy(queue, body))

    def purged(self, queue: str) -> None:
        """All that was ready is settled; what is unacked stays."""
        for copy in self.queues.get(queue, {}).values():
            if not copy.unacked:
                self._settle(copy)

    def dropped(self, queue: str) -> None:
        """The queue was deleted with all that was in it."""
        for copy in self.queues.get(queue, {}).values():
            self._settle(copy)

    def settlings(self) -> int:
        """How many copies were settled so far; for `settlings_durable`."""
        return len(self._settled)

    def settlings_durable(self, up_to: int | None = None) -> None:
        """So many settlings, all if not said, are known to be on disk: those are gone for good."""
        for copy in self._settled[:up_to]:
            if copy.gone is None:
                copy.gone = self.moment()

    def resume(self, recovered: Recovered) -> None:
        """Go on after a crash with what was recovered: that is certain now, all else is gone, and
        moments count from 0 again."""
        there = {
            (queue, self._key(body)): redelivered
            for queue, messages in recovered.items()
            for body, redelivered in messages
        }
        self._settled.clear()
        for queue, copies in self.queues.items():
            for key, copy in copies.items():
                copy.published = 0
                copy.unacked = False
                if (queue, key) in there:
                    copy.confirmed, copy.settled, copy.gone = 0, None, None
                    copy.delivered = there[queue, key]
                else:
                    copy.settled = copy.gone = 0

    # --- what is known ---

    def knowledge(self, queue: str, body: bytes, at: int | None = None) -> Knowledge:
        """What is known of a message in a queue, now or at a moment."""
        copy = self.queues.get(queue, {}).get(self._key(body))
        return Knowledge.UNPUBLISHED if copy is None else copy.knowledge(at)

    def check(self, recovered: Recovered, at: int | None = None, clean: bool = False) -> None:
        """What was recovered is what may be, after a crash now or at a moment; raises
        AssertionError. `clean`: after a clean stop, with exact marks of redelivery."""
        found = self.violations(recovered, at, clean)
        assert not found, "\n".join(found)

    def violations(
        self, recovered: Recovered, at: int | None = None, clean: bool = False
    ) -> list[str]:
        """A sentence for each thing that is wrong with what was recovered."""
        found: list[str] = []
        for queue in {**self.queues, **recovered}:
            copies = self.queues.get(queue, {})
            seen: set[tuple[str, int]] = set()
            last: dict[str, int] = {}
            for place, (body, redelivered) in enumerate(recovered.get(queue, ())):
                identity = read_body(body)
                if identity is None:
                    found.append(f"corrupt: {queue}[{place}] is {body[:60]!r}")
                    continue
                seed, publisher, index = identity
                key = publisher, index
                name = f"{queue}[{place}], number {index} of {publisher},"
                copy = copies.get(key) if seed == self.seed else None
                known = Knowledge.UNPUBLISHED if copy is None else copy.knowledge(at)
                if copy is None or known is Knowledge.UNPUBLISHED:
                    found.append(f"invented: {name} was never published there")
                    continue
                if known is Knowledge.GONE:
                    found.append(f"resurrected: {name} was settled durably")
                if key in seen:
                    found.append(f"duplicate: {name} was there before")
                elif index < last.get(publisher, -1):
                    found.append(f"reordered: {name} comes after number {last[publisher]}")
                if redelivered != (copy.delivered if clean else True):
                    said = "is" if redelivered else "is not"
                    found.append(f"wrong mark: {name} {said} marked as redelivered")
                seen.add(key)
                last[publisher] = max(index, last.get(publisher, -1))
            for key, copy in copies.items():
                if key not in seen and copy.knowledge(at) is Knowledge.CERTAIN:
                    found.append(f"lost: number {key[1]} of {key[0]} was confirmed to {queue}")
        return found

    def _settle(self, copy: Copy) -> None:
        if copy.settled is None:
            copy.settled = self.moment()
            copy.unacked = False
            self._settled.append(copy)

    def _copy(self, queue: str, body: bytes) -> Copy:
        return self.queues[queue][self._key(body)]

    def _key(self, body: bytes) -> tuple[str, int]:
        identity = read_body(body)
        assert identity is not None, f"not a body of a ledger's: {body[:60]!r}"
        _, publisher, index = identity
        return publisher, index
