"""What clients know of a broker that is killed again and again, and what that knowledge forbids.

The ledger lies in the process that plays the clients, which is never killed. A message in a queue
is *attempted* once it was handed to the socket, *confirmed* once the broker said so, *received*
whenever it was delivered, *acked* once the acknowledgement was handed to the socket: that may or
may not have counted. What is known to be gone is forgotten, so that a long run stays small; should
it come back, its number says that it once was.
"""

from collections import Counter
from collections.abc import Iterable

CONFIRMED, RECEIVED, ACKED, TRANSIENT, MAYBE_PURGED, ACK_COMMITTED = 1, 2, 4, 8, 16, 32
MAY_BE_MISSING = ACKED | MAYBE_PURGED

# A message's number is the publisher's times this, and the place in what that one published.
STREAM = 1 << 40


class Known:
    """One message in one queue; `life` is the broker's life in which it was last received."""

    __slots__ = ("life", "state")

    def __init__(self, state: int) -> None:
        self.state = state
        self.life = 0


class Book:
    """What is known of one queue."""

    def __init__(self, ledger: "Ledger", queue: str) -> None:
        self.queue = queue
        self.known: dict[int, Known] = {}
        self.purging = False
        self._ledger = ledger
        self._last: dict[int, int] = {}

    def attempted(self, number: int, transient: bool) -> None:
        state = (TRANSIENT if transient else 0) | (MAYBE_PURGED if self.purging else 0)
        self.known[number] = Known(state)

    def confirmed(self, number: int) -> None:
        if (known := self.known.get(number)) is not None:
            known.state |= CONFIRMED

    def received(self, number: int, redelivered: bool) -> None:
        ledger, stream = self._ledger, number // STREAM
        ledger.counts["received"] += 1
        ledger.counts["redelivered"] += redelivered
        known = self.known.get(number)
        if known is None:
            once = number % STREAM < ledger.next_number[stream]
            self._wrong("gone or rolled back, and here" if once else "nobody published it", number)
            return
        if known.state & ACK_COMMITTED:
            self._wrong("it was acknowledged in a committed transaction", number)
        if known.state & RECEIVED and not redelivered:
            self._wrong("a duplicate that is not marked redelivered", number)
        if known.life < ledger.life:
            # There is one consumer: what it receives for the first time comes in queue order.
            if self._last.get(stream, -1) > number:
                self._wrong("it came after what was published later", number)
            self._last[stream] = number
        known.state |= RECEIVED
        known.life = ledger.life

    def acked(self, number: int) -> None:
        if (known := self.known.get(number)) is not None:
            known.state |= ACKED

    def purge_sent(self) -> None:
        """Until it is answered, everything in the queue may go, and what is on its way too."""
        self.purging = True
        for known in self.known.values():
            known.state |= MAYBE_PURGED

    def life_ends(self) -> None:
        self.purging = False
        self._last.clear()
        # A crash takes the transient messages with it, so they must not be seen again.
        for number in [n for n, known in self.known.items() if known.state & TRANSIENT]:
            del self.known[number]

    def drained(self) -> None:
        """The queue is empty and nothing is on its way: what has not come will not come."""
        for number, known in self.known.items():
            if known.state & CONFIRMED and not known.state & MAY_BE_MISSING:
                self._ledger.counts["lost"] += 1
                self._wrong("confirmed, never acknowledged, and lost", number)
        # An acknowledgement of this life may be undone by its end; one of an earlier life was on
        # disk when this one began, or its message would have come.
        life = self._ledger.life
        self.known = {n: known for n, known in self.known.items() if known.life == life}

    def _wrong(self, what: str, number: int) -> None:
        self._ledger.wrong(f"{self.queue}: {what}: {divmod(number, STREAM)}")


class Transaction:
    """What a commit that was not answered asked for: all of it has happened, or nothing."""

    def __init__(self, life: int, acks: list[int], published: list[int]) -> None:
        self.life = life
        self.acks = acks
        self.published = published


class Ledger:
    """All queues, what is wrong with them, and counts."""

    def __init__(self) -> None:
        self.life = 0
        self.books: dict[str, Book] = {}
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.next_number: Counter[int] = Counter()
        self.unanswered: list[Transaction] = []

    def book(self, queue: str) -> Book:
        return self.books.setdefault(queue, Book(self, queue))

    def number(self, stream: int) -> int:
        """The number of a publisher's next message."""
        self.next_number[stream] += 1
        return stream * STREAM + self.next_number[stream] - 1

    def life_begins(self) -> None:
        self.life += 1

    def life_ends(self) -> None:
        for book in self.books.values():
            book.life_ends()

    def committed(self, transaction: Transaction, source: Book, target: Book) -> None:
        """The commit was answered."""
        for number in transaction.published:
            target.confirmed(number)
        for number in transaction.acks:
            if (known := source.known.get(number)) is not None:
                known.state |= ACK_COMMITTED

    def drained(self, source: str, target: str) -> None:
        """Every queue is empty; `source` and `target` are those of transactions."""
        for transaction in self.unanswered:
            self._check(transaction, self.book(source), self.book(target))
        self.unanswered.clear()
        for book in self.books.values():
            book.drained()

    def wrong(self, what: str) -> None:
        self.counts["violations"] += 1
        if len(self.violations) < 50:
            self.violations.append(f"life {self.life}: {what}")

    def _check(self, transaction: Transaction, source: Book, target: Book) -> None:
        # What was received in the transaction's own life need not have been on disk.
        there = [_life(target, n) > transaction.life for n in transaction.published]
        back = [_life(source, n) > transaction.life for n in transaction.acks]
        # Whoever acknowledged a message in that life will not see it again in any case.
        expected = [not _was(target, n, ACKED) for n in transaction.published]
        if any(there):
            if any(back):
                self._half(f"its messages are there, its acknowledgements not: {transaction.acks}")
            if any(due and not came for due, came in zip(expected, there, strict=True)):
                self._half(f"half of a transaction's messages: {transaction.published}")
        elif any(expected):
            for number, came in zip(transaction.acks, back, strict=True):
                # One that was never confirmed may have gone with the crash.
                if not came and _was(source, number, CONFIRMED):
                    self._half(f"its acknowledgement is there, its messages are not: {number}")

    def _half(self, what: str) -> None:
        self.wrong(f"transactions: {what}")


def _was(book: Book, number: int, state: int) -> bool:
    known = book.known.get(number)
    return known is not None and bool(known.state & state)


def _life(book: Book, number: int) -> int:
    known = book.known.get(number)
    return 0 if known is None else known.life


def summary(counts: Counter[str], names: Iterable[str]) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in names)
