"""Lives of one broker, each ended by SIGKILL while dead letters move from queues to others.

Two queues dead-letter at least once: `rejected`, whose messages a consumer rejects, to a wide queue
and to a narrow one, which refuses what is too much for it; and `faded`, where messages wait for a
moment only, to the wide one. A confirmed message is in its queue or in each of those where its
letter goes. Each life begins with a look whether that is true; what has arrived is taken away then.
"""

import random
import threading
import time
from collections import Counter
from contextlib import suppress

from pamqp.commands import Basic, Confirm, Exchange, Queue

from peer import Silence

from .broker_process import BrokerProcess

REJECTED, FADED, WIDE, NARROW = "rejected", "faded", "wide", "narrow"
LEADS_TO = {REJECTED: (WIDE, NARROW), FADED: (WIDE,)}
LETTERS = "letters"
NARROW_MAX, FADES_MS = 20, 20
LIFE_SECONDS = 0.3
PERSISTENT = Basic.Properties(delivery_mode=2)
SOURCES, TARGETS = 1, 2
AT_LEAST_ONCE: dict[str, object] = {
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


class KillLetters:
    """`strategy` are the arguments of the queues that dead-letter; what is not found is looked for
    until patience ends. A message is its body: the queue it was published to, and its number."""

    def __init__(
        self,
        broker: BrokerProcess,
        seed: int,
        strategy: dict[str, object] = AT_LEAST_ONCE,
        patience_seconds: float = 20.0,
    ) -> None:
        self.broker = broker
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self._strategy = strategy
        self._patience_seconds = patience_seconds
        self._dice = random.Random(seed)
        self._number = 0
        # What was confirmed and has not arrived everywhere, and where its letter has been taken.
        self._taken: dict[bytes, set[str]] = {}

    def run(self, lives: int) -> None:
        """So many lives, and a last look; once something is wrong, that is the end."""
        for _ in range(lives):
            self.broker.start()
            self._declare()
            self._look()
            if self.violations:
                return
            killing = threading.Timer(self._dice.uniform(0, LIFE_SECONDS), self.broker.kill)
            killing.start()
            try:
                with suppress(EOFError, OSError, Silence):
                    self._work()
            finally:
                killing.join()
            self.counts["kills"] += 1
        self.broker.start()
        self._look()

    def _declare(self) -> None:
        peer = self.broker.connect()
        peer.call(Exchange.Declare(exchange=LETTERS, exchange_type="fanout", durable=True))
        narrow = {"x-max-length": NARROW_MAX, "x-overflow": "reject-publish"}
        for queue, arguments in ((WIDE, {}), (NARROW, narrow)):
            peer.call(Queue.Declare(queue=queue, durable=True, arguments=arguments))
            peer.call(Queue.Bind(queue=queue, exchange=LETTERS, routing_key=""))
        given: dict[str, object] = {"x-queue-type": "quorum", **self._strategy}
        there = given | {"x-dead-letter-exchange": LETTERS}
        peer.call(Queue.Declare(queue=REJECTED, durable=True, arguments=there))
        there = given | {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": WIDE}
        there["x-message-ttl"] = FADES_MS
        peer.call(Queue.Declare(queue=FADED, durable=True, arguments=there))
        peer.close()

    def _work(self) -> None:
        """Publish, and reject what comes, until the broker is gone."""
        dice = self._dice
        peer = self.broker.connect()
        peer.call(Confirm.Select())
        peer.call(Basic.Qos(prefetch_count=dice.choice([1, 10, 100])))
        peer.call(Basic.Consume(queue=REJECTED))
        waiting: dict[int, bytes] = {}
        tag = 0
        while True:
            for _ in range(dice.randint(1, 40)):
                queue = dice.choice([REJECTED, FADED])
                tag, self._number = tag + 1, self._number + 1
                waiting[tag] = f"{queue} {self._number}".encode() + bytes(dice.randrange(500))
                peer.publish(1, "", queue, waiting[tag], PERSISTENT)
            while waiting:
                told = peer.next()
                if isinstance(told.method, Basic.Ack):
                    first = told.delivery_tag if not told.multiple else min(waiting)
                    for each in range(first, told.delivery_tag + 1):
                        self._taken[waiting.pop(each)] = set()
                        self.counts["confirmed"] += 1
                elif isinstance(told.method, Basic.Deliver):
                    again = dice.random() < 0.1
                    self.counts["rejected"] += not again
                    peer.send_method(1, Basic.Reject(told.delivery_tag, requeue=again))

    def _look(self) -> None:
        """Whether each message is where it must be; then take away what has arrived."""
        peer = self.broker.connect().open_channels([TARGETS])
        found: dict[str, Counter[bytes]] = {queue: Counter() for queue in (*LEADS_TO, WIDE, NARROW)}
        deadline = time.monotonic() + self._patience_seconds
        while True:
            # What leaves a queue meanwhile is found where it goes.
            for queue in found:
                channel = SOURCES if queue in LEADS_TO else TARGETS
                while (got := peer.call(Basic.Get(queue=queue), channel)).header:
                    found[queue][got.body] += 1
            missing = [message for message in self._taken if not self._is_kept(message, found)]
            if not missing or time.monotonic() > deadline:
                break
        self.violations += [
            f"{message!r} is neither in its queue nor wherever its letter goes"
            for message in missing
        ]
        self._count(found)
        peer.send_method(TARGETS, Basic.Ack(0, multiple=True))
        peer.call(Basic.Qos(), TARGETS)
        for message, taken in list(self._taken.items()):
            taken.update(target for target in (WIDE, NARROW) if found[target][message])
            source = message.split()[0].decode()
            if not found[source][message] and taken.issuperset(LEADS_TO[source]):
                del self._taken[message]
        peer.close()

    def _is_kept(self, message: bytes, found: dict[str, Counter[bytes]]) -> bool:
        source = message.split()[0].decode()
        taken = self._taken[message]
        return found[source][message] > 0 or all(
            target in taken or found[target][message] for target in LEADS_TO[source]
        )

    def _count(self, found: dict[str, Counter[bytes]]) -> None:
        for target in (WIDE, NARROW):
            self.counts["arrived"] += found[target].total()
            self.counts["twice"] += sum(
                number - 1 + (target in self._taken.get(message, ()))
                for message, number in found[target].items()
            )
        self.counts["found in their queue"] += sum(found[queue].total() for queue in LEADS_TO)
        # Their letter had reached the one queue, and not the other.
        self.counts["half way"] += len(found[REJECTED].keys() & found[WIDE].keys())
