"""What clients do to a store, drawn at random: each workload dwells on something else."""

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from crash.ledger import Ledger
from crash.world import Held, World
from leveret.broker.queues.paging import NO_LIMIT
from leveret.broker.queues.ready import FRONT
from leveret.store.disk import Disk
from leveret.testing import FaultyDisk


class Workload(NamedTuple):
    """How often each kind of step comes, and with what the log and its clients are set up. `lag`
    is how many messages clients have at a time before they settle them, and `sticky` the share of
    them that stays for long; `share` is its part of the states."""

    weights: Mapping[str, int]
    sizes: tuple[int, ...] = (60, 300, 900)
    queues: int = 2
    segment_bytes: int = 8192
    limit_bytes: int = NO_LIMIT
    lag: int = 12
    sticky: float = 0.0
    steps: int = 260
    share: int = 4


# No more than what a queue keeps in memory whatever the limit, when its messages are small.
PAGING_BYTES = 105_000
STICKY_MAX = 24
TIME = {"turn": 30, "work": 30, "tell": 30, "chore": 25, "read": 10, "wait": 6, "calm": 2}

WORKLOADS: Mapping[str, Workload] = {
    "confirms": Workload(
        {**TIME, "publish": 60, "get": 15, "settle": 12, "barrier": 3}, segment_bytes=16384
    ),
    "acks out of order": Workload(
        {**TIME, "publish": 60, "get": 70, "settle": 60, "requeue": 3, "barrier": 5}, lag=40
    ),
    "compaction": Workload(
        {**TIME, "publish": 80, "get": 80, "settle": 70, "barrier": 2, "calm": 12},
        sizes=(400, 900),
        queues=1,
        segment_bytes=4096,
        lag=44,
        sticky=0.3,
        steps=500,
    ),
    "fan-out": Workload(
        {**TIME, "publish": 20, "fan out": 50, "get": 80, "settle": 60, "barrier": 4, "calm": 6},
        queues=3,
        segment_bytes=4096,
        lag=44,
        sticky=0.3,
        steps=420,
    ),
    "transactions": Workload(
        {**TIME, "publish": 15, "transact": 35, "get": 60, "settle": 10, "barrier": 3}, lag=20
    ),
    "purge": Workload(
        {**TIME, "publish": 70, "fan out": 20, "get": 20, "settle": 10, "purge": 5, "barrier": 5}
    ),
    "queues come and go": Workload(
        {**TIME, "publish": 60, "fan out": 30, "get": 30, "settle": 15, "drop": 4, "create": 5},
        queues=3,
    ),
    "paging": Workload(
        {**TIME, "flood": 3, "drain": 3, "publish": 50, "get": 60, "settle": 50}
        | {"requeue": 12, "barrier": 3},
        limit_bytes=PAGING_BYTES,
        sizes=(40, 60),
        queues=1,
        share=1,  # Its states hold hundreds of messages.
    ),
    "spilling": Workload(
        {**TIME, "transient flood": 3, "drain": 3, "publish": 40, "transient": 10, "get": 70}
        | {"settle": 60, "requeue": 4, "purge": 1},
        limit_bytes=PAGING_BYTES,
        sizes=(40, 60),
        queues=1,
    ),
    "large messages": Workload(
        {**TIME, "publish": 40, "fan out": 10, "get": 40, "settle": 30, "barrier": 3, "calm": 8},
        sizes=(60, 3000, 9000),
        segment_bytes=8192,
        steps=200,
    ),
}


def run(workload: Workload, seed: int, faulty: FaultyDisk, disk: Disk) -> World:
    """A world that has gone through a workload and was stopped, or not. `disk` is what it uses, on
    top of `faulty` if it is another."""
    random = Random(seed)
    ledger = Ledger(seed)
    world = World(faulty, ledger, seed, workload.segment_bytes, workload.limit_bytes, disk)
    world.open()
    for number in range(workload.queues):
        world.create(f"q{number}")
    go_on(world, workload, random, workload.steps)
    return world


def go_on(world: World, workload: Workload, random: Random, steps: int) -> None:
    """So many steps more, and then a clean stop, or a crash in the midst of it all."""
    actor = Actor(world, workload, random)
    kinds = list(workload.weights)
    for kind in random.choices(kinds, list(workload.weights.values()), k=steps):
        actor.step(kind)
        if world.failure:
            return
    if random.random() < 0.5:
        world.settle_down()
        if not world.reason:
            world.stop()


class Actor:
    """Does the steps of a workload."""

    def __init__(self, world: World, workload: Workload, random: Random) -> None:
        self.world = world
        self.random = random
        self.workload = workload
        self.sticky: list[Held] = []

    def step(self, kind: str) -> None:
        getattr(self, kind.replace(" ", "_"))()

    def name(self) -> str:
        return self.random.choice(list(self.world.queues))

    def size(self) -> int:
        return self.random.choice(self.workload.sizes)

    # --- clients ---

    def publish(self) -> None:
        for _ in range(self.random.choice((1, 1, 1, 4))):
            self.world.publish(self.random.choice("pq"), [self.name()], self.size())

    def flood(self) -> None:
        """More than what a queue keeps in memory whatever the limit."""
        name = self.name()
        for _ in range(FRONT + 40):
            self.world.publish("p", [name], 40)

    def transient_flood(self) -> None:
        name = self.name()
        for _ in range(FRONT + 40):
            self.world.publish_transient("t", name, 40)

    def transient(self) -> None:
        for _ in range(self.random.choice((1, 20))):
            self.world.publish_transient("t", self.name(), self.size())

    def fan_out(self) -> None:
        names = list(self.world.queues)
        self.random.shuffle(names)
        names = names[: self.random.randint(1, len(names))]
        self.world.publish(self.random.choice("pq"), names, self.size())

    def get(self) -> None:
        for _ in range(self.random.choice((1, 1, 3))):
            if len(self.world.held_by_clients) < self.workload.lag:
                held = self.world.get(self.name())
                if held is not None and self.random.random() < self.workload.sticky:
                    self.sticky.append(held)

    def settle(self) -> None:
        for _ in range(self.random.choice((1, 2, 5))):
            if len(self.sticky) > STICKY_MAX:
                self.sticky.pop(self.random.randrange(STICKY_MAX))
            held = [held for held in self.world.held_by_clients if held not in self.sticky]
            if held:
                self.world.settle(self.random.choice(held))

    def drain(self) -> None:
        """So much of a queue that what is not in memory must come back."""
        name = self.name()
        for _ in range(FRONT):
            held = self.world.get(name)
            if held is None:
                return
            self.world.settle(held)

    def requeue(self) -> None:
        held = self.world.held_by_clients
        if held:
            self.world.requeue(self.random.choice(held))

    def purge(self) -> None:
        self.world.purge(self.name())

    def transact(self) -> None:
        held = self.world.held_by_clients
        settles = self.random.sample(held, min(len(held), self.random.randint(0, 4)))
        publishes = [
            (self.random.choice("pq"), self.name(), self.size())
            for _ in range(self.random.randint(0, 4))
        ]
        self.world.transact(publishes, settles)

    def drop(self) -> None:
        if len(self.world.queues) > 1:
            self.world.drop(self.name())

    def create(self) -> None:
        if len(self.world.queues) < self.workload.queues:
            self.world.create(f"q{self.random.getrandbits(64):x}")

    def barrier(self) -> None:
        self.world.wait_for_settles()

    # --- time ---

    def turn(self) -> None:
        self.world.turn()

    def work(self) -> None:
        self.world.commits.work()

    def tell(self) -> None:
        self.world.commits.tell()
        self.world.turn()

    def chore(self) -> None:
        if not self.world.chores.work():
            self.world.chores.tell()
        self.world.spills.run()

    def read(self) -> None:
        self.world.reads.run()

    def wait(self) -> None:
        self.world.clock.advance(self.random.choice((0.01, 0.06)))

    def calm(self) -> None:
        self.world.settle_down(0.06)
