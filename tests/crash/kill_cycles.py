"""Lives of one broker on one data folder, nearly all ended by SIGKILL at a random moment: while it
works, while it starts, while it stops.

In each life clients publish, confirm, acknowledge, requeue, purge and commit; what is left is there
for the next. Every few lives the queues are drained first, and the ledger is balanced. The loop
that drives the clients runs in the thread of the test; only the killing comes from another, at a
moment that has nothing to do with what the clients do.
"""

import random
import selectors
import threading
import time

from pamqp.commands import Channel, Exchange, Queue, Tx

from .broker_process import BrokerProcess
from .kill_clients import Consumer, Getter, Publisher, Transactor
from .kill_ledger import Ledger
from .kill_link import Link

# orders go through a consumer or through transactions, which make invoices of them.
ORDERS, INVOICES, PLAIN, PURGED, NEWS = "orders", "invoices", "plain", "purged", "news"
SUBSCRIBERS = ["news.local", "news.foreign"]
QUEUES = [ORDERS, INVOICES, PLAIN, PURGED, *SUBSCRIBERS]

DRAIN_EVERY = 5
TRAFFIC_SECONDS = 0.3
PATIENCE_SECONDS = 60


class Stuck(AssertionError):
    """The broker does not answer, or does not die."""


class KillCycles:
    """`seed` decides what clients do and how long each life lasts."""

    def __init__(self, broker: BrokerProcess, seed: int) -> None:
        self.broker = broker
        self.ledger = Ledger()
        self._seed = seed
        self._killed = False
        self._transactions: bool | None = None
        self._links: list[Link] = []

    def run(self, cycles: int) -> None:
        """So many lives; the last one drains the queues. Once something is wrong, that is soon."""
        for cycle in range(1, cycles + 1):
            dice = random.Random(f"{self._seed} {cycle}")
            drains = cycle % DRAIN_EVERY == 0 or cycle == cycles
            if not drains and dice.random() < 0.1:
                self._die_starting(dice)
            else:
                self._live(dice, drains)
            self.ledger.counts["cycles"] += 1
            if self.ledger.violations and drains:
                return

    def _die_starting(self, dice: random.Random) -> None:
        self.broker.begin()
        time.sleep(dice.uniform(0, TRAFFIC_SECONDS))  # another process: its state cannot be seen
        self.broker.kill()
        self.ledger.counts["killed while starting"] += 1

    def _live(self, dice: random.Random, drains: bool) -> None:
        ledger = self.ledger
        self.broker.start()
        ledger.life_begins()
        self._killed = False
        self._declare()
        self._connect(dice)
        lasts = dice.uniform(0, TRAFFIC_SECONDS)
        if drains:
            self._turn_until(time.monotonic() + lasts)
            self._drain()
            ledger.drained(ORDERS, INVOICES)
            ledger.counts["drained"] += 1
            lasts = dice.uniform(0, 0.06)
        killing = threading.Timer(lasts, self._end, [dice.random(), dice.uniform(0, 0.03)])
        killing.start()
        try:
            self._turn_until(None)
        finally:
            killing.join()
            for link in self._links:
                link.close()
        ledger.life_ends()
        _, traceback, text = self.broker.said().partition("Traceback")
        if traceback:
            ledger.wrong(f"a traceback in the broker's log: {text[:3000]}")

    def _end(self, how: float, stopping_seconds: float) -> None:
        self._killed = True
        if self.broker.ended():
            self.ledger.wrong("the broker ended by itself:\n" + self.broker.last_words())
            return
        if how < 0.1:
            if code := self.broker.stop():
                self.ledger.wrong(f"a stop with exit code {code}:\n" + self.broker.last_words())
            self.ledger.counts["stopped"] += 1
            return
        if how < 0.2:
            self.broker.ask_to_stop()
            time.sleep(stopping_seconds)  # another process: its state cannot be seen
            self.ledger.counts["killed while stopping"] += 1
        self.broker.kill()

    def _declare(self) -> None:
        control = self.broker.connect()
        if self._transactions is None:
            control.send_method(1, Tx.Select())
            self._transactions = isinstance(control.next().method, Tx.SelectOk)
            control.close()
            control = self.broker.connect()
        if self.ledger.life > 1:
            for number, queue in enumerate(QUEUES, 2):
                control.open_channels([number])
                control.send_method(number, Queue.Declare(queue=queue, passive=True))
                if isinstance(control.next(number).method, Channel.Close):
                    self.ledger.wrong(f"the durable queue {queue} is gone")
        for queue in QUEUES:
            control.call(Queue.Declare(queue=queue, durable=True))
        control.call(Exchange.Declare(exchange=NEWS, exchange_type="fanout", durable=True))
        for queue in SUBSCRIBERS:
            control.call(Queue.Bind(queue=queue, exchange=NEWS, routing_key=""))
        control.close()

    def _connect(self, dice: random.Random) -> None:
        ledger, links = self.ledger, list[Link]()
        connect = self.broker.connect
        for queue in [PLAIN, INVOICES, *SUBSCRIBERS]:
            links.append(Consumer(connect(), ledger, dice, queue))
        if self._transactions:
            transacting = connect()
            transacting.call(Tx.Select())
            links.append(Transactor(transacting, ledger, dice, ORDERS, INVOICES, stream=4))
        else:
            links.append(Consumer(connect(), ledger, dice, ORDERS))
        links.append(Getter(connect(), ledger, dice, PURGED))
        publishers: list[tuple[int, str, dict[str, list[str]], float]] = [
            (1, "", {ORDERS: [ORDERS], PLAIN: [PLAIN]}, 0.0),
            (2, NEWS, {"": SUBSCRIBERS}, 0.2),
            (3, "", {PURGED: [PURGED], PLAIN: [PLAIN]}, 0.1),
        ]
        for stream, exchange, routes, transient_share in publishers:
            publisher = Publisher(
                connect(), ledger, dice, stream, exchange, routes, transient_share
            )
            links.append(publisher)
        for link in links:
            link.begin()
        self._links = links

    def _turn_until(self, moment: float | None) -> None:
        """Let the clients work until then, or until the broker is dead and all it said is read."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with selectors.DefaultSelector() as selector:
            for link in self._links:
                selector.register(link.socket, selectors.EVENT_READ, link)
            while moment is None or time.monotonic() < moment:
                self._turn(selector)
                if all(not link.alive for link in self._links):
                    return
                if time.monotonic() > deadline:
                    raise Stuck(f"clients go on after {PATIENCE_SECONDS} s")

    def _turn(self, selector: selectors.BaseSelector) -> None:
        for link in self._links:
            if link.alive:
                link.pump()
                link.flush()
        for key, _ in selector.select(0.001):
            link = key.data
            link.read()
            if not link.alive:
                selector.unregister(link.socket)
                if not self._killed:
                    self.ledger.wrong("a connection ended although nobody killed the broker")

    def _drain(self) -> None:
        """Publish no more and take what is there, until every queue is empty."""
        for link in self._links:
            link.draining = True
        control = self.broker.connect()
        deadline = time.monotonic() + PATIENCE_SECONDS
        quiet = 0
        with selectors.DefaultSelector() as selector:
            for link in self._links:
                selector.register(link.socket, selectors.EVENT_READ, link)
            # Twice in turn: what a first look set in motion is seen by the second.
            while quiet < 2:
                received = sum(link.received for link in self._links)
                for link in self._links:
                    if isinstance(link, Consumer):
                        link.ask_barrier()
                    elif isinstance(link, Getter):
                        link.look_again()
                while not all(link.idle() for link in self._links):
                    self._turn(selector)
                    if time.monotonic() > deadline or not all(link.alive for link in self._links):
                        busy = [type(link).__name__ for link in self._links if not link.idle()]
                        raise Stuck(f"a drain does not end for {busy}; {self.ledger.violations}")
                ready = [
                    control.call(Queue.Declare(queue=queue, passive=True)).message_count
                    for queue in QUEUES
                ]
                same = received == sum(link.received for link in self._links)
                quiet = quiet + 1 if same and not any(ready) else 0
                if time.monotonic() > deadline:
                    raise Stuck(f"after a drain there are still ready messages: {ready}")
        control.close()
