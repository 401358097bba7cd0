"""Dead letters on their way: what is not in memory, and what the store is told."""

import pytest

from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.dead_letter import DeadLetters
from leveret.broker.queues.paging import Paging
from leveret.broker.queues.stored import is_absent
from leveret.broker.rules import QueueRules
from leveret.broker.topology import Topology
from leveret.testing import ManualClock
from leveret.wire.properties import Properties
from unit.doubles import KeepingStore, LimitedConsumer, a_message


class World:
    """Two durable queues; what dies in `q` goes to `dead`. Memory is short."""

    def __init__(self, at_once: bool) -> None:
        self.store = KeepingStore(at_once)
        self.topology = Topology("/")
        self.churn = self.topology.churn
        clock = ManualClock()
        self.dead_letters = DeadLetters(self.topology, self.store, clock, lambda: 1234.5)
        rules = QueueRules()
        rules.dead_letter_exchange = ""
        rules.dead_letter_routing_key = "dead"
        for name in ("q", "dead"):
            queue = ClassicQueue(
                name, True, None, False, {}, self.store, clock, Paging(0), vhost=self
            )
            self.topology.add_queue(queue)
        self.q, self.dead = (self.topology.queues[name] for name in ("q", "dead"))
        self.q.obey(rules)
        self.consumer = LimitedConsumer()
        self.q.add_consumer(self.consumer)

    def publish(self, *bodies: bytes) -> None:
        for body in bodies:
            message = a_message(body, properties=Properties(delivery_mode=2))
            self.store.append(message, [self.q])

    def reject_all(self) -> None:
        for entry in self.consumer.unacked:
            self.q.reject(entry)


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_not_in_memory_is_fetched_and_keeps_its_order(at_once):
    world = World(at_once)
    world.publish(b"1", b"2", b"3")
    world.reject_all()
    if not at_once:
        assert world.dead.ready_count == 0
        assert world.store.settled == []
        while world.store.asked:
            world.store.give()
    assert [world.dead.get(True).message.body() for _ in range(3)] == [b"1", b"2", b"3"]


def test_the_letter_is_stored_before_the_message_is_settled():
    world = World(True)
    world.publish(b"a")
    world.store.given.clear()
    world.reject_all()
    assert world.store.given == ["append a", "settle 1"]


def at_least_once(world):
    rules = world.q.rules
    rules.dead_letter_strategy = "at-least-once"
    rules.overflow = "reject-publish"
    world.q.obey(rules)


def test_at_least_once_a_barrier_holds_the_letter_and_the_end_of_the_message_together():
    world = World(True)
    at_least_once(world)
    world.publish(b"a")
    world.store.given.clear()
    world.reject_all()
    assert world.store.given == ["append a", "settle 1", "barrier"]


def test_a_letter_that_is_kept_is_not_settled_and_leaves_memory():
    world = World(True)
    at_least_once(world)
    world.publish(b"a")
    world.topology.take_queue(world.dead)
    world.store.given.clear()
    world.reject_all()
    assert (world.store.given, world.q.waiting_count) == ([], 1)
    assert world.q.delivered_before() == [1]
    assert [is_absent(letter.message) for letter in world.q.ruled.letters._letters] == [True]
    world.topology.add_queue(world.dead)
    world.q.ruled.letters.retry()
    assert world.store.given == ["append a", "settle 1", "barrier"]
    assert world.q.waiting_count == 0


def test_a_letter_that_nobody_takes_is_settled_all_the_same():
    world = World(True)
    world.publish(b"a")
    world.topology.take_queue(world.dead)
    world.reject_all()
    assert world.store.settled == [1]


def test_a_letter_whose_content_is_damaged_is_nobody_s():
    world = World(True)
    world.publish(b"a", b"b")
    del world.store.kept[1]
    world.reject_all()
    assert world.dead.get(True).message.body() == b"b"
    assert set(world.store.settled) >= {1, 2}


def test_a_long_chain_of_deaths_does_not_nest():
    world = World(True)
    clock = ManualClock()
    length = 300
    for number in range(length):
        queue = ClassicQueue(
            f"c{number}", False, None, False, {}, world.store, clock, Paging(), vhost=world
        )
        rules = QueueRules()
        rules.dead_letter_exchange = ""
        rules.dead_letter_routing_key = f"c{number + 1}" if number + 1 < length else "dead"
        rules.max_length = 0
        queue.obey(rules)
        world.topology.add_queue(queue)
    first = world.topology.queues["c0"]
    first.publish(a_message(b"x"), 0)
    assert world.dead.ready_count == 1
