"""The classic queue does what a plain list of messages and a plain list of consumers would do:
first in, first out, strictly in turn, requeued messages at their old places, nothing lost, nothing
twice, and the store told of each end once."""

from bisect import insort
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.broker.message import Entry
from property.sequences import stories
from unit.doubles import LimitedConsumer, TicketStore, a_message, a_queue

NUMBER = st.integers(0, 30)
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, 4)),
    st.tuples(st.just("publish stored"), st.integers(1, 4)),
    st.tuples(st.just("get"), NUMBER),
    st.tuples(st.just("get without acknowledgement"), NUMBER),
    st.tuples(st.just("acknowledge"), NUMBER),
    st.tuples(st.just("requeue"), NUMBER),
    st.tuples(st.just("requeue all, newest first"), NUMBER),
    st.tuples(st.just("join"), st.integers(0, 3)),
    st.tuples(st.just("join without acknowledgement"), st.integers(1, 6)),
    st.tuples(st.just("leave"), NUMBER),
    st.tuples(st.just("more credit"), NUMBER),
    st.tuples(st.just("purge"), NUMBER),
)


@dataclass(order=True)
class Item:
    position: int
    ticket: int = field(compare=False)
    redelivered: bool = field(default=False, compare=False)

    @property
    def body(self) -> bytes:
        return b"%d" % self.position


def size_of(items: list[Item]) -> int:
    return sum(len(item.body) for item in items)


@dataclass
class Taker:
    """A consumer, or those who use basic.get (then without a name)."""

    limit: int
    no_ack: bool = False
    unacked: list[Item] = field(default_factory=list)
    taken: int = 0

    def credit(self) -> bool:
        return (self.taken if self.no_ack else len(self.unacked)) < self.limit


class Reference:
    """The slow model."""

    def __init__(self) -> None:
        self.published = 0
        self.ready: list[Item] = []
        self.takers: dict[str, Taker] = {"": Taker(0)}
        self.rotation: list[str] = []
        self.log: list[tuple[str, bytes, bool]] = []
        self.settled: list[int] = []

    def publish(self, ticket: int) -> bytes:
        self.ready.append(Item(self.published, ticket))
        self.published += 1
        body = self.ready[-1].body
        self.deliver()
        return body

    def deliver(self) -> None:
        while self.ready and self.rotation:
            name = self.rotation.pop(0)
            if self.takers[name].credit():
                self.rotation.append(name)
                self.take(name, self.takers[name].no_ack)

    def take(self, name: str, settled: bool) -> None:
        item = self.ready.pop(0)
        taker = self.takers[name]
        taker.taken += 1
        self.log.append((name, item.body, item.redelivered))
        if settled:
            self.settle(item)
        else:
            taker.unacked.append(item)

    def settle(self, item: Item) -> None:
        if item.ticket:
            self.settled.append(item.ticket)

    def requeue(self, item: Item) -> None:
        item.redelivered = True
        insort(self.ready, item)

    def activate(self, name: str) -> None:
        if name and name in self.takers and name not in self.rotation:
            self.rotation.append(name)


class Listener(LimitedConsumer):
    def __init__(self, name: str, limit: int, no_ack: bool, log: list[object]) -> None:
        super().__init__(name, limit, no_ack)
        self.heard = log

    def _got(self, message: object, redelivered: bool) -> None:
        super()._got(message, redelivered)  # type: ignore[arg-type]
        self.heard.append((self.tag, self.got[-1], redelivered))


class World:
    """The queue and its reference, side by side."""

    def __init__(self) -> None:
        self.store = TicketStore()
        self.queue = a_queue(self.store)
        self.reference = Reference()
        self.log: list[object] = []
        self.consumers: dict[str, Listener] = {}
        self.entries: dict[bytes, Entry] = {}
        self.gone: dict[str, Taker] = {}

    def perform(self, step: str, number: int) -> None:
        match step:
            case "publish" | "publish stored":
                for _ in range(number):
                    self.publish(stored=step == "publish stored")
            case "get" | "get without acknowledgement":
                self.get(step != "get")
            case "acknowledge":
                self.acknowledge(number)
            case "requeue":
                self.requeue(self.unacked()[number % len(self.unacked()) :][:1])
            case "requeue all, newest first":
                self.requeue(sorted(self.unacked(), key=lambda each: each[1], reverse=True))
            case "join" | "join without acknowledgement":
                self.join(number, step != "join")
            case "leave":
                self.leave(number)
            case "more credit":
                self.more_credit(number)
            case "purge":
                self.reference.settled += [item.ticket for item in self.reference.ready]
                self.reference.settled = [ticket for ticket in self.reference.settled if ticket]
                assert self.queue.purge() == len(self.reference.ready)
                self.reference.ready.clear()

    def publish(self, stored: bool) -> None:
        ticket = self.store.ticket() if stored else 0
        body = b"%d" % self.reference.published
        self.queue.publish(a_message(body), ticket)
        assert self.reference.publish(ticket) == body

    def get(self, no_ack: bool) -> None:
        entry = self.queue.get(no_ack)
        assert (entry is None) == (not self.reference.ready)
        if entry is not None:
            self.log.append(("", entry.message.body(), entry.redelivered))
            self.reference.take("", no_ack)
            self.entries[entry.message.body()] = entry

    def unacked(self) -> list[tuple[str, Item]]:
        takers = {**self.reference.takers, **self.gone}
        return [(name, item) for name, taker in takers.items() for item in taker.unacked] or [
            ("", Item(-1, 0))
        ]

    def give_up(self, name: str, item: Item) -> Entry:
        taker = self.reference.takers.get(name) or self.gone[name]
        taker.unacked.remove(item)
        if name == "":
            return self.entries.pop(item.body)
        consumer = self.consumers[name]
        (entry,) = [each for each in consumer.unacked if each.message.body() == item.body]
        consumer.unacked.remove(entry)
        return entry

    def activate(self, name: str) -> None:
        if name in self.reference.takers and name:
            self.queue.activate(self.consumers[name])
            self.reference.activate(name)

    def deliver(self) -> None:
        self.queue.deliver()
        self.reference.deliver()

    def acknowledge(self, number: int) -> None:
        unacked = self.unacked()
        name, item = unacked[number % len(unacked)]
        if item.position >= 0:
            self.queue.settle(self.give_up(name, item))
            self.reference.settle(item)
            self.activate(name)
            self.deliver()

    def requeue(self, unacked: list[tuple[str, Item]]) -> None:
        for name, item in unacked:
            if item.position >= 0:
                self.queue.requeue(self.give_up(name, item))
                self.reference.requeue(item)
        for name, _ in unacked:
            self.activate(name)
        self.deliver()

    def join(self, limit: int, no_ack: bool) -> None:
        name = f"c{len(self.consumers)}"
        self.consumers[name] = Listener(name, limit, no_ack, self.log)
        self.reference.takers[name] = Taker(limit, no_ack)
        self.queue.add_consumer(self.consumers[name])
        self.reference.activate(name)
        self.deliver()

    def leave(self, number: int) -> None:
        present = [name for name in self.reference.takers if name]
        if present:
            name = present[number % len(present)]
            self.queue.remove_consumer(self.consumers[name])
            self.gone[name] = self.reference.takers.pop(name)
            if name in self.reference.rotation:
                self.reference.rotation.remove(name)

    def more_credit(self, number: int) -> None:
        present = [name for name in self.reference.takers if name]
        if present:
            name = present[number % len(present)]
            self.consumers[name].limit += 1
            self.reference.takers[name].limit += 1
            self.activate(name)
            self.deliver()

    def compare(self) -> None:
        reference = self.reference
        takers = (*reference.takers.values(), *self.gone.values())
        assert self.log == reference.log
        assert self.queue.ready_count == len(reference.ready)
        unacked = [item for taker in takers for item in taker.unacked]
        assert self.queue.unacked_count == len(unacked)
        assert self.queue.ready.body_bytes == size_of(reference.ready)
        assert self.queue.unacked_bytes == size_of(unacked)
        for found, items in (
            (self.queue.ready.stored, reference.ready),
            (self.queue.unacked_stored, unacked),
        ):
            stored = [item for item in items if item.ticket]
            assert found.persistent_count == len(stored)
            assert found.persistent_bytes == size_of(stored)
        assert self.store.settled == reference.settled
        assert len(set(self.store.settled)) == len(self.store.settled)


@settings(max_examples=effort(200), deadline=None)
@given(stories(STEPS))
def test_a_queue_is_a_list_and_its_consumers_a_round(steps: list[tuple[str, int]]) -> None:
    world = World()
    for step, number in steps:
        world.perform(step, number)
        world.compare()
    for name in [name for name in world.reference.takers if name]:
        world.queue.remove_consumer(world.consumers[name])
        world.gone[name] = world.reference.takers.pop(name)
    world.reference.rotation.clear()
    world.requeue(world.unacked())
    while world.reference.ready:
        world.get(True)
    world.compare()
    everything = set(range(1, world.store.last_ticket + 1))
    assert set(world.store.settled) == everything
    assert world.queue.get(True) is None
