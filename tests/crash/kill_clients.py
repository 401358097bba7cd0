"""The clients of the broker that is killed.

Each tells the ledger what it hands to its socket and what it receives. What it does is drawn by
lot, anew in each life: windows, how many deliveries it keeps, how many it gives back.
"""

import random
import struct
from collections import deque

from pamqp.commands import Basic, Confirm, Tx

from peer import Peer, method_frame, shortstr

from .kill_ledger import Book, Ledger, Transaction
from .kill_link import PIECE, Link, ack, frame, publish, reject

GET_EMPTY, ACK, NACK = (60, 72), (60, 80), (60, 120)
QOS_OK, PURGE_OK, COMMIT_OK, ROLLBACK_OK = (60, 11), (50, 31), (90, 21), (90, 31)


class Publisher(Link):
    """With confirms, and at most `window` of them outstanding."""

    def __init__(
        self,
        peer: Peer,
        ledger: Ledger,
        dice: random.Random,
        stream: int,
        exchange: str,
        routes: dict[str, list[str]],
        transient_share: float,
    ) -> None:
        """`routes`: by routing key, the queues that it leads to."""
        super().__init__(peer, ledger, dice)
        self._stream = stream
        self._exchange = exchange
        self._routes = {key: [ledger.book(q) for q in qs] for key, qs in routes.items()}
        self._keys = list(routes)
        self._transient_share = transient_share
        self._window = dice.choice([1, 10, 100, 500])
        self._budget = dice.choice([50, 500, 2000])
        self._last_tag = 0
        self._outstanding: deque[tuple[int, int, list[Book]]] = deque()
        self._on |= {ACK: self._acked, NACK: self._nacked}
        peer.call(Confirm.Select())

    def pump(self) -> None:
        burst = self.dice.randint(1, 20)
        while burst and self._budget and len(self._outstanding) < self._window:
            if self.draining or len(self._out) > PIECE:
                return
            burst, self._budget = burst - 1, self._budget - 1
            key = self.dice.choice(self._keys)
            transient = self.dice.random() < self._transient_share
            number = self.ledger.number(self._stream)
            for book in self._routes[key]:
                book.attempted(number, transient)
            self.ledger.counts["attempted"] += 1
            self._last_tag += 1
            self._outstanding.append((self._last_tag, number, self._routes[key]))
            self.send(publish(self._exchange, key, number, transient))

    def idle(self) -> bool:
        return not self._outstanding

    def _settled(self, payload: bytes) -> list[tuple[int, int, list[Book]]]:
        tag, multiple = struct.unpack_from(">Q?", payload, 4)
        if multiple:
            settled = []
            while self._outstanding and self._outstanding[0][0] <= tag:
                settled.append(self._outstanding.popleft())
        else:
            settled = [one for one in self._outstanding if one[0] == tag]
            for one in settled:
                self._outstanding.remove(one)
        if not settled:
            self.ledger.wrong(f"a confirm for nothing outstanding: {tag}")
        return settled

    def _acked(self, payload: bytes) -> None:
        for _, number, books in self._settled(payload):
            self.ledger.counts["confirmed"] += 1
            for book in books:
                book.confirmed(number)

    def _nacked(self, payload: bytes) -> None:
        self.ledger.counts["nacked"] += len(self._settled(payload))


class Consumer(Link):
    """Acknowledges late, out of order, one or many at a time; gives some back."""

    def __init__(self, peer: Peer, ledger: Ledger, dice: random.Random, queue: str) -> None:
        super().__init__(peer, ledger, dice)
        self.book = ledger.book(queue)
        self.held: list[tuple[int, int]] = []
        self._keeps = dice.choice([0, 5, 200])
        self._requeues = dice.choice([0.0, 0.05, 0.3])
        self._barriers = 0
        self._on |= {QOS_OK: self._passed}
        # Smaller than what is kept would be the end of the traffic.
        self._qos = Basic.Qos(prefetch_count=self._keeps + dice.choice([1, 10, 1000]))
        peer.call(self._qos)
        peer.send_method(1, Basic.Consume(queue=queue))
        peer.expect(Basic.ConsumeOk)

    def pump(self) -> None:
        keep = 0 if self.draining else self._keeps
        if len(self.held) <= keep:
            return
        self.dice.shuffle(self.held)
        if self.dice.random() < 0.1:
            self._ack_many(self.held[-1][0])
        while len(self.held) > keep:
            tag, number = self.held.pop()
            if not self.draining and self.dice.random() < self._requeues:
                self.ledger.counts["requeued"] += 1
                self.send(reject(tag))
            else:
                self.ledger.counts["acked"] += 1
                self.book.acked(number)
                self.send(ack(tag))

    def ask_barrier(self) -> None:
        """An answer to come once everything that was delivered before is here."""
        self._barriers += 1
        self.send(method_frame(1, self._qos))

    def idle(self) -> bool:
        return not self.held and not self._barriers

    def _ack_many(self, up_to: int) -> None:
        for tag, number in self.held:
            if tag <= up_to:
                self.ledger.counts["acked"] += 1
                self.book.acked(number)
        self.held = [one for one in self.held if one[0] > up_to]
        self.send(ack(up_to, multiple=True))

    def _message(self, number: int, tag: int, redelivered: bool) -> None:
        self.book.received(number, redelivered)
        self.held.append((tag, number))

    def _passed(self, _: bytes) -> None:
        self._barriers -= 1


class Transactor(Consumer):
    """For every message that it takes from one queue it publishes one to another; several such
    steps are one transaction. `peer` is in the transaction mode."""

    def __init__(
        self, peer: Peer, ledger: Ledger, dice: random.Random, queue: str, target: str, stream: int
    ) -> None:
        super().__init__(peer, ledger, dice, queue)
        self._target = ledger.book(target)
        self._stream = stream
        self._now: Transaction | None = None
        self._rolled_back: list[tuple[int, int]] = []
        self._on |= {COMMIT_OK: self._committed, ROLLBACK_OK: self._restored}

    def pump(self) -> None:
        if self._now or self._rolled_back or not self.held:
            return
        self.dice.shuffle(self.held)
        taken, self.held = self.held[:20], self.held[20:]
        published = []
        for tag, _ in taken:
            published.append(self.ledger.number(self._stream))
            self.send(publish("", self._target.queue, published[-1], False) + ack(tag))
        if not self.draining and self.dice.random() < 0.2:
            self._rolled_back = taken
            self.send(method_frame(1, Tx.Rollback()))
            return
        for number in published:
            self._target.attempted(number, False)
        for _, number in taken:
            self.book.acked(number)
        self._now = Transaction(self.ledger.life, [number for _, number in taken], published)
        self.ledger.unanswered.append(self._now)
        self.send(method_frame(1, Tx.Commit()))

    def idle(self) -> bool:
        return super().idle() and not self._now and not self._rolled_back

    def _committed(self, _: bytes) -> None:
        assert self._now is not None
        self.ledger.unanswered.remove(self._now)
        self.ledger.committed(self._now, self.book, self._target)
        self.ledger.counts["committed"] += 1
        self._now = None

    def _restored(self, _: bytes) -> None:
        self.held += self._rolled_back
        self._rolled_back = []


class Getter(Link):
    """One message at a time with basic.get; purges the queue now and then."""

    def __init__(self, peer: Peer, ledger: Ledger, dice: random.Random, queue: str) -> None:
        super().__init__(peer, ledger, dice)
        self._book = ledger.book(queue)
        self._waits = False
        self._empty = False
        self._purges = dice.choice([0.0, 0.01, 0.1])
        self._on |= {GET_EMPTY: self._found_empty, PURGE_OK: self._purged}

    def pump(self) -> None:
        if self._waits or (self.draining and self._empty):
            return
        self._waits = True
        if not self.draining and self.dice.random() < self._purges:
            self._book.purge_sent()
            # Its queue argument: short reserved-1, the name, no-wait.
            payload = struct.pack(">IH", 50 << 16 | 30, 0) + shortstr(self._book.queue) + b"\0"
        else:
            payload = struct.pack(">IH", 60 << 16 | 70, 0) + shortstr(self._book.queue) + b"\0"
        self.send(frame(1, payload))

    def idle(self) -> bool:
        return self._empty and not self._waits

    def look_again(self) -> None:
        self._empty = False

    def _message(self, number: int, tag: int, redelivered: bool) -> None:
        self._waits = False
        self._book.received(number, redelivered)
        if not self.draining and self.dice.random() < 0.1:
            self.ledger.counts["requeued"] += 1
            self.send(reject(tag))
        else:
            self.ledger.counts["acked"] += 1
            self._book.acked(number)
            self.send(ack(tag))

    def _found_empty(self, _: bytes) -> None:
        self._waits = False
        self._empty = True

    def _purged(self, payload: bytes) -> None:
        self._waits = False
        self._book.purging = False
        self.ledger.counts["purged"] += struct.unpack_from(">I", payload, 4)[0]
