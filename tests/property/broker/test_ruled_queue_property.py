"""A queue with rules does what a plain list would do that is cleared at its head: times to live,
limits, priorities, dead letters, single active consumers and delivery limits, all at once and with
messages that leave memory while they are delivered. Nothing is lost, and each message ends once:
it was acknowledged, or it is a dead letter for the right reason."""

from bisect import insort
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.broker.message import Entry
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.enqueueing import enqueue
from leveret.broker.queues.paging import NO_LIMIT, Paging
from leveret.broker.rules import DROP_HEAD, REJECT_PUBLISH, REJECT_PUBLISH_DLX, QueueRules
from leveret.testing import ManualClock
from leveret.wire.properties import Properties
from property.sequences import stories
from unit.doubles import Graveyard, KeepingStore, LimitedConsumer, a_message

NUMBER = st.integers(0, 30)
LIFE = st.sampled_from([None, None, 0, 2, 5])
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.tuples(st.integers(0, 4), LIFE, st.integers(0, 5))),
    st.tuples(st.just("get"), NUMBER),
    st.tuples(st.just("acknowledge"), NUMBER),
    st.tuples(st.just("requeue"), NUMBER),
    st.tuples(st.just("reject"), NUMBER),
    st.tuples(st.just("join"), st.tuples(st.integers(0, 3), st.integers(-1, 1))),
    st.tuples(st.just("leave"), NUMBER),
    st.tuples(st.just("wait"), st.integers(1, 4)),
)


@st.composite
def all_rules(draw: st.DrawFn) -> QueueRules:
    rules = QueueRules()
    rules.message_ttl_ms = draw(st.sampled_from([-1, 0, 3000]))
    rules.max_length = draw(st.sampled_from([-1, 0, 1, 3]))
    rules.max_length_bytes = draw(st.sampled_from([-1, 4, 12]))
    rules.overflow = draw(st.sampled_from([DROP_HEAD, REJECT_PUBLISH, REJECT_PUBLISH_DLX]))
    rules.max_priority = draw(st.sampled_from([-1, 2]))
    rules.single_active_consumer = draw(st.booleans())
    rules.delivery_limit = draw(st.sampled_from([-1, 0, 2]))
    rules.dead_letter_exchange = "anywhere"
    return rules


@dataclass(order=True)
class Item:
    """The order is that of the queue: highest priority first, then by age."""

    below_highest: int
    number: int
    size: int = field(compare=False)
    expires_at: float | None = field(compare=False)
    returns: int = field(default=0, compare=False)

    @property
    def body(self) -> bytes:
        return b"%d" % self.number + b"." * self.size


@dataclass
class Taker:
    name: str
    limit: int
    priority: int
    unacked: list[Item] = field(default_factory=list)


class Reference:
    """The slow model."""

    def __init__(self, rules: QueueRules) -> None:
        self.rules = rules
        self.now = 1000.0
        self.published = 0
        self.ready: list[Item] = []
        self.by_get = Taker("", 0, 0)
        self.takers: list[Taker] = []
        self.rotation: list[Taker] = []
        self.active: Taker | None = None
        self.dead: list[tuple[bytes, str]] = []
        self.log: list[tuple[str, bytes]] = []
        self.refused = 0

    def beyond(self, items: list[Item]) -> bool:
        size = sum(len(item.body) for item in items)
        length, octets = self.rules.max_length, self.rules.max_length_bytes
        return (length >= 0 and len(items) > length) or (octets >= 0 and size > octets)

    def new(self, priority: int, life: int | None, size: int) -> Item:
        highest = max(self.rules.max_priority, 0)
        lives = [each for each in (life, self.rules.message_ttl_ms / 1000) if each is not None]
        lives = [each for each in lives if each >= 0]
        expires_at = self.now + min(lives) if lives else None
        self.published += 1
        return Item(highest - min(priority, highest), self.published, size, expires_at)

    def publish(self, item: Item) -> None:
        if self.rules.overflow != DROP_HEAD and self.beyond([*self.ready, item]):
            self.refused += 1
            if self.rules.overflow == REJECT_PUBLISH_DLX:
                self.dead.append((item.body, "maxlen"))
            return
        taker = None if self.ready else self.next_taker()
        if taker is not None:
            self.take(taker, item)
        else:
            insort(self.ready, item)
        self.clear_front()

    def clear_front(self) -> None:
        while self.ready:
            head = self.ready[0]
            if self.rules.overflow == DROP_HEAD and self.beyond(self.ready):
                reason = "maxlen"
            elif head.expires_at is not None and head.expires_at <= self.now:
                reason = "expired"
            else:
                return
            self.dead.append((self.ready.pop(0).body, reason))

    def next_taker(self) -> Taker | None:
        while self.rotation:
            # The first of those of the highest priority.
            taker = max(self.rotation, key=lambda each: each.priority)
            self.rotation.remove(taker)
            if len(taker.unacked) < taker.limit:
                self.rotation.append(taker)
                return taker
        return None

    def take(self, taker: Taker, item: Item) -> None:
        taker.unacked.append(item)
        self.log.append((taker.name, item.body))

    def deliver(self) -> None:
        while True:
            self.clear_front()
            taker = self.next_taker() if self.ready else None
            if taker is None:
                return
            self.take(taker, self.ready.pop(0))

    def requeue(self, item: Item) -> None:
        item.returns += 1
        if 0 <= self.rules.delivery_limit < item.returns:
            self.dead.append((item.body, "delivery_limit"))
        else:
            insort(self.ready, item)
            if self.rules.limits_length():
                self.clear_front()

    def activate(self, taker: Taker) -> None:
        if taker in self.takers and taker not in self.rotation:
            if self.active is None:
                self.active = taker
            if not self.rules.single_active_consumer or self.active is taker:
                self.rotation.append(taker)

    def leave(self, taker: Taker) -> None:
        self.takers.remove(taker)
        if taker in self.rotation:
            self.rotation.remove(taker)
        if taker is self.active:
            self.active = None
            if self.rules.single_active_consumer and self.takers:
                self.activate(max(self.takers, key=lambda each: each.priority))


class Listener(LimitedConsumer):
    def __init__(self, name: str, limit: int, priority: int, heard: list[object]) -> None:
        super().__init__(name, limit)
        self.priority = priority
        self.heard = heard

    def _got(self, message: object, redelivered: bool) -> None:
        super()._got(message, redelivered)  # type: ignore[arg-type]
        self.heard.append((self.tag, self.got[-1]))

    def deliver(self, entry: Entry) -> None:
        super().deliver(entry)
        self.by_body = {**getattr(self, "by_body", {}), self.got[-1]: entry}


class World:
    """The queue and its reference, side by side."""

    def __init__(self, rules: QueueRules, memory: int) -> None:
        self.clock = ManualClock(1000.0)
        self.store = KeepingStore()
        self.graveyard = Graveyard()
        self.queue = ClassicQueue(
            "q", True, None, False, {}, self.store, self.clock, Paging(memory), self.graveyard
        )
        self.queue.obey(rules)
        self.reference = Reference(rules)
        self.log: list[object] = []
        self.listeners: dict[str, Listener] = {}
        self.asked_for: dict[bytes, Entry] = {}
        self.gone: list[Taker] = []
        self.refused = 0

    def perform(self, step: str, value: object) -> None:
        match step, value:
            case "publish", (priority, life, size):
                self.publish(priority, life, size)
            case "get", _:
                self.get()
            case "join", (limit, priority):
                self.join(limit, priority)
            case "leave", int(number) if self.reference.takers:
                taker = self.reference.takers[number % len(self.reference.takers)]
                self.reference.leave(taker)
                self.gone.append(taker)
                self.queue.remove_consumer(self.listeners[taker.name])
                self.deliver()
            case "wait", int(seconds):
                self.reference.now += seconds
                self.clock.advance(seconds)
                self.reference.clear_front()
            case "acknowledge" | "requeue" | "reject", int(number) if self.unacked():
                self.settle(step, *self.unacked()[number % len(self.unacked())])

    def publish(self, priority: int, life: int | None, size: int) -> None:
        item = self.reference.new(priority, life, size)
        expiration = None if life is None else str(life * 1000)
        properties = Properties(priority=priority, expiration=expiration, delivery_mode=2)
        message = a_message(item.body, properties=properties)
        self.reference.publish(item)
        enqueue(self.store, message, [self.queue])
        self.refused += message.refused

    def get(self) -> None:
        assert self.queue.when_at_hand().done
        self.reference.clear_front()
        entry = self.queue.get(False)
        assert (entry is None) == (not self.reference.ready)
        if entry is not None:
            item = self.reference.ready.pop(0)
            assert entry.message.body() == item.body
            self.reference.by_get.unacked.append(item)
            self.reference.clear_front()
            self.asked_for[item.body] = entry

    def unacked(self) -> list[tuple[Taker, Item]]:
        takers = [self.reference.by_get, *self.reference.takers, *self.gone]
        return [(taker, item) for taker in takers for item in taker.unacked]

    def settle(self, how: str, taker: Taker, item: Item) -> None:
        taker.unacked.remove(item)
        if taker.name:
            listener = self.listeners[taker.name]
            entry = listener.by_body.pop(item.body)
            listener.unacked.remove(entry)
        else:
            entry = self.asked_for.pop(item.body)
        if how == "acknowledge":
            self.queue.settle(entry)
        elif how == "requeue":
            self.reference.requeue(item)
            self.queue.requeue(entry)
        else:
            self.reference.dead.append((item.body, "rejected"))
            self.queue.reject(entry)
        if taker.name and taker in self.reference.takers:
            self.reference.activate(taker)
            self.queue.activate(self.listeners[taker.name])
        self.deliver()

    def join(self, limit: int, priority: int) -> None:
        name = f"c{len(self.listeners)}"
        self.listeners[name] = Listener(name, limit, priority, self.log)
        taker = Taker(name, limit, priority)
        self.reference.takers.append(taker)
        self.reference.activate(taker)
        self.queue.add_consumer(self.listeners[name])
        self.deliver()

    def deliver(self) -> None:
        self.reference.deliver()
        self.queue.deliver()

    def compare(self) -> None:
        reference, queue = self.reference, self.queue
        assert self.log == reference.log
        assert self.graveyard.letters == reference.dead
        assert self.refused == reference.refused
        assert queue.ready_count == len(reference.ready)
        assert queue.ready.body_bytes == sum(len(item.body) for item in reference.ready)
        assert queue.unacked_count == len(self.unacked())
        assert queue.unacked_bytes == sum(len(item.body) for _, item in self.unacked())
        for stored, count, body_bytes in (
            (queue.ready.stored, queue.ready_count, queue.ready.body_bytes),
            (queue.unacked_stored, queue.unacked_count, queue.unacked_bytes),
        ):
            assert stored.persistent_count == count
            assert stored.persistent_bytes == body_bytes
            assert 0 <= stored.absent_count <= count
            assert 0 <= stored.absent_bytes <= body_bytes
        assert len(set(self.store.settled)) == len(self.store.settled)
        living = len(reference.ready) + len(self.unacked())
        assert self.store.last_ticket - len(self.store.settled) == living


@settings(max_examples=effort(60), deadline=None)
@given(all_rules(), st.sampled_from([NO_LIMIT, 0]), stories(STEPS, 40))
def test_a_queue_with_rules_is_a_list_that_is_cleared_at_its_head(
    rules: QueueRules, memory: int, steps: list[tuple[str, object]]
) -> None:
    world = World(rules, memory)
    for step, value in steps:
        world.perform(step, value)
        world.compare()
    world.queue.mark_deleted()
    world.queue.finish()
    assert world.clock.pending() == 0
