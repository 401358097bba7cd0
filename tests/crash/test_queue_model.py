"""A durable queue and its log against a model, in any order of steps, crashes among them: messages
that are certainly there, certainly gone, or of which nobody can know."""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crash.ledger import Knowledge, Ledger
from crash.world import World, everything_in
from effort import effort
from leveret.broker.queues.paging import NO_LIMIT
from leveret.testing import FaultyDisk

SEGMENT_BYTES = 4096
SIZES = st.sampled_from([40, 300, 1200, 5000])
LIMITS = st.sampled_from([1, 3000, 110_000, NO_LIMIT])


class QueueWithLog(RuleBasedStateMachine):
    """Queues `q` and `r`; one disk after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.lives = 0

    @initialize()
    def start(self) -> None:
        self.world = World(FaultyDisk(), self.ledger, segment_bytes=SEGMENT_BYTES)
        self.world.open()
        self.world.create("q")
        self.world.create("r")

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.leave()

    # --- clients ---

    @rule(names=st.sampled_from([["q"], ["r"], ["q", "r"]]), size=SIZES)
    def publish(self, names: list[str], size: int) -> None:
        self.world.publish("p", names, size)

    @rule()
    def publish_many(self) -> None:
        for _ in range(300):
            self.world.publish("p", ["q"], 40)

    @rule(size=SIZES)
    def publish_transient(self, size: int) -> None:
        self.world.publish_transient("t", "q", size)

    @rule(name=st.sampled_from("qr"), count=st.integers(1, 40))
    def get(self, name: str, count: int) -> None:
        for _ in range(count):
            self.world.get(name)

    @precondition(lambda self: self.world.held_by_clients)
    @rule(data=st.data(), count=st.integers(1, 20))
    def acknowledge(self, data: st.DataObject, count: int) -> None:
        held = self.world.held_by_clients
        at = data.draw(st.integers(0, len(held) - 1))
        for each in held[at : at + count]:
            self.world.settle(each)

    @precondition(lambda self: self.world.held_by_clients)
    @rule(data=st.data())
    def requeue(self, data: st.DataObject) -> None:
        held = self.world.held_by_clients
        self.world.requeue(held[data.draw(st.integers(0, len(held) - 1))])

    @rule(name=st.sampled_from("qr"))
    def purge(self, name: str) -> None:
        self.world.purge(name)

    @rule()
    def commit(self) -> None:
        self.world.wait_for_settles()

    @rule(limit_bytes=LIMITS)
    def allow_memory(self, limit_bytes: int) -> None:
        self.world.paging.set_limit(limit_bytes)

    # --- time ---

    @rule(what=st.sampled_from(["commits", "chores", "reads", "spills"]))
    def work(self, what: str) -> None:
        worker = getattr(self.world, what)
        if not worker.work():
            worker.tell()

    @rule(seconds=st.sampled_from([0.0, 0.06, 1.0]))
    def wait(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @rule()
    def calm(self) -> None:
        self.world.settle_down()
        self.world.wait_for_settles()
        self.world.settle_down()

    # --- lives ---

    @rule()
    def stop_and_start(self) -> None:
        self.world.stop()
        self.go_on_with(self.world.faulty.at(self.world.moment()), clean=True)

    @rule(seed=st.integers(0, 1 << 16), number=st.integers(0, 7))
    def crash(self, seed: int, number: int) -> None:
        states = list(self.world.faulty.crash_states(Random(seed), 8))
        self.go_on_with(states[number % len(states)], clean=False)

    @rule()
    def kill(self) -> None:
        """The process ends; what it has written is there."""
        self.go_on_with(self.world.faulty.at(self.world.moment()), clean=False)

    def go_on_with(self, disk: FaultyDisk, clean: bool) -> None:
        old = self.world
        self.lives += 1
        self.world = World(disk, self.ledger, self.lives, SEGMENT_BYTES)
        self.world.open(old.definitions)
        self.world.next_id = old.next_id
        found = everything_in(self.world)
        assert self.world.recovery.clean or not clean
        self.ledger.moment = old.moment
        self.ledger.check(found, clean=clean)
        self.ledger.moment = self.world.moment
        self.ledger.resume(found)
        for held in list(self.world.held_by_clients):
            self.ledger.delivered(held.queue.name, held.body)
        for held in list(self.world.held_by_clients):
            self.world.requeue(held)
        old.leave()

    @invariant()
    def nothing_has_failed(self) -> None:
        if hasattr(self, "world"):
            assert self.world.failure == ""

    @invariant()
    def what_is_certain_is_counted(self) -> None:
        """A queue has at least what is certainly in it, held by clients or ready."""
        if not hasattr(self, "world"):
            return
        for name, queue in self.world.queues.items():
            copies = self.ledger.queues.get(name, {}).values()
            certain = sum(copy.knowledge(None) is Knowledge.CERTAIN for copy in copies)
            assert certain <= queue.ready_count + queue.unacked_count


TestQueueWithLog = QueueWithLog.TestCase
TestQueueWithLog.settings = settings(
    max_examples=effort(100), stateful_step_count=50, deadline=None, print_blob=True
)
