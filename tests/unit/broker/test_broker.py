"""The broker: its vhosts, and what it passes on from the store."""

from itertools import count

from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.seams import MessageStore, Pending, Queue, Session
from leveret.errors import InternalError
from leveret.store.memory import MemoryDefinitions, MemoryStore
from leveret.testing import ManualClock
from unit.doubles import TicketStore, a_message, a_queue, answer_of


class SlowDefinitions(MemoryDefinitions):
    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Pending] = []

    def put(self, kind: str, key: str, value: object) -> Pending:
        self.waiting.append(Pending())
        return self.waiting[-1]


def a_broker(definitions: MemoryDefinitions, store: MessageStore | None = None) -> Broker:
    clock = ManualClock()
    ids = count(1)
    return Broker(
        clock,
        store or MemoryStore(),
        definitions,
        Compat(),
        lambda prefix: prefix,
        lambda: next(ids),
    )


def test_a_vhost_is_there_once_it_is_committed() -> None:
    definitions = SlowDefinitions()
    broker = a_broker(definitions)
    first, second = broker.add_vhost("lab"), broker.add_vhost("lab")
    assert broker.vhosts == {}
    for pending in definitions.waiting:
        pending.complete(1)
    assert answer_of(first) is answer_of(second) is broker.vhosts["lab"]


def test_a_vhost_that_could_not_be_committed_is_not_there() -> None:
    definitions = SlowDefinitions()
    broker = a_broker(definitions)
    answer = broker.add_vhost("lab")
    definitions.waiting[0].fail(OSError("no space left on device"))
    assert isinstance(answer.error, OSError)
    assert broker.vhosts == {}


def test_vhosts_are_there_after_a_restart() -> None:
    definitions = MemoryDefinitions()
    answer_of(a_broker(definitions).add_vhost("lab"))
    definitions.put("user", "somebody", {})
    again = a_broker(definitions)
    again.load()
    assert list(again.vhosts) == ["lab"]


def test_a_vhost_is_made_once() -> None:
    broker = a_broker(MemoryDefinitions())
    first, second = answer_of(broker.add_vhost("lab")), answer_of(broker.add_vhost("lab"))
    assert first is second


def test_what_the_store_has_taken_is_in_the_queues() -> None:
    broker = a_broker(MemoryDefinitions())
    queues: list[Queue] = [a_queue(name="a"), a_queue(name="b")]
    broker.enqueued(a_message(b"m"), queues, 7)
    entries = [queue.get(False) for queue in queues]  # type: ignore[attr-defined]
    assert [(entry.message.body(), entry.ticket) for entry in entries] == [(b"m", 7)] * 2


class Listening(Session):
    def __init__(self, broker: Broker, again: bool) -> None:
        self.broker = broker
        self.again = again
        self.told = 0

    def confirm(self) -> None:
        self.told += 1
        if self.again:
            self.broker.unconfirmed[self] = None


def test_a_commit_is_told_to_those_who_wait_for_one() -> None:
    broker = a_broker(MemoryDefinitions())
    once, still, never = (Listening(broker, again) for again in (False, True, False))
    broker.unconfirmed = {once: None, still: None}
    for ticket in (1, 2):
        broker.durable(0, ticket)
    assert (once.told, still.told, never.told) == (1, 2, 0)


def test_who_waits_for_a_ticket_hears_when_it_is_durable() -> None:
    store = TicketStore()
    broker = a_broker(MemoryDefinitions(), store)
    early, late = broker.when_durable(3), broker.when_durable(5)
    store.durable_tickets.add(3)
    broker.durable(0, 3)
    assert (early.done, late.done) == (True, False)
    store.durable_tickets.add(5)
    broker.durable(0, 5)
    assert late.done
    assert late.error is None


def test_nobody_waits_for_what_is_durable_already() -> None:
    store = TicketStore()
    store.durable_tickets.add(1)
    broker = a_broker(MemoryDefinitions(), store)
    assert broker.when_durable(0).done
    assert broker.when_durable(1).done


def test_who_waits_when_the_store_fails_hears_of_it() -> None:
    store = TicketStore()
    broker = a_broker(MemoryDefinitions(), store)
    kept, lost = broker.when_durable(1), broker.when_durable(2)
    store.durable_tickets.add(1)
    broker.failed(0, "no space left on device")
    later = broker.when_durable(3)
    assert kept.error is None
    for answer in (lost, later):
        assert isinstance(answer.error, InternalError)
        assert "no space left on device" in answer.error.remedy


def test_a_failed_store_is_told_to_those_who_wait_for_it() -> None:
    broker = a_broker(MemoryDefinitions())
    waiting, never = (Listening(broker, False) for _ in range(2))
    broker.unconfirmed = {waiting: None}
    broker.failed(0, "")
    assert (waiting.told, never.told) == (1, 0)
    assert broker.store_failure
