"""What the disk does not give for a while is not lost: the next start has it."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from librt.vecs import vec
from mypy_extensions import i64

from crash.small_store import SmallStore
from leveret.broker.message import Entry
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.dead_letter import DeadLetters
from leveret.broker.queues.paging import Paging
from leveret.broker.queues.ready import Ready
from leveret.broker.queues.stored import is_absent
from leveret.broker.rules import QueueRules
from leveret.broker.topology import Topology
from leveret.testing import FaultyDisk
from leveret.testing.faulty_disk import FaultyFile


@pytest.mark.parametrize(
    ("error", "seconds", "served"),
    [
        (MemoryError(), 0.5, 5),
        (MemoryError(), 6.0, 5),
        (ValueError("of nobody knows what"), 6.0, 0),
        (OSError(errno.ESTALE, os.strerror(errno.ESTALE)), 1.5, 5),
        (OSError(errno.ESTALE, os.strerror(errno.ESTALE)), 60.0, 0),
    ],
)
def test_a_read_that_fails_is_no_end_of_a_message(
    monkeypatch: pytest.MonkeyPatch, error: Exception, seconds: float, served: int
) -> None:
    disk = FaultyDisk()
    store = SmallStore(disk).open(11)
    for number in range(5):
        store.publish(b"%d" % number * 20, 11)
    store.turn()
    store.stop()
    store = SmallStore(disk).open(11)
    ready = Ready(store.queues[11], store.store, store.clock, Paging(), lambda: None)
    for ticket in store.queues[11].recovered:
        ready.recover(i64(ticket), False, 60)
    read, until = FaultyFile.read, store.clock.now() + seconds

    def fail_for_a_while(self: FaultyFile, offset: int, size: int) -> bytes:
        if store.clock.now() < until:
            raise error
        return read(self, offset, size)

    with monkeypatch.context() as patched:
        patched.setattr(FaultyFile, "read", fail_for_a_while)
        ready.head()
        for _ in range(40):
            store.turn()
    assert ready.count == served
    store.stop()
    assert len(SmallStore(disk).open(11).queues[11].recovered) == 5


def test_a_mistake_in_the_broker_is_reported_once_and_not_made_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, tickets = stored_for_two(FaultyDisk())
    read, calls = FaultyFile.read, 0

    def mistaken(self: FaultyFile, offset: int, size: int) -> bytes:
        nonlocal calls
        calls += 1
        raise ValueError("of nobody knows what")

    monkeypatch.setattr(FaultyFile, "read", mistaken)
    answer = store.store.fetch(tickets)
    for _ in range(5):
        store.turn()
    assert (answer.value, calls) == ([None] * 5, 1)
    told, missing = caplog.records
    assert told.exc_info is not None
    assert "missing until the next start" in missing.getMessage()
    monkeypatch.setattr(FaultyFile, "read", read)
    again = store.store.fetch(tickets)
    store.turn()
    assert isinstance(again.value, list)
    assert None not in again.value


def stored_for_two(disk: FaultyDisk) -> tuple[SmallStore, list[int]]:
    """Five messages, each in two queues, after a start; their tickets."""
    store = SmallStore(disk).open(11, 12)
    tickets = [store.publish(b"%d" % number * 20, 11, 12) for number in range(5)]
    store.turn()
    store.stop()
    return SmallStore(disk).open(11, 12), tickets


@contextmanager
def bad_disk() -> Iterator[None]:
    """Meanwhile the disk refuses to read."""

    def fail(_self: FaultyFile, _offset: int, _size: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FaultyFile, "read", fail)
        yield


def fetched_from_a_bad_disk(
    store: SmallStore, tickets: list[int], meanwhile: Callable[[], object] = lambda: None
) -> object:
    """What `fetch` answers while the disk refuses to read."""
    with bad_disk():
        answer = store.store.fetch(tickets)
        meanwhile()
        for _ in range(5):
            store.turn()
    assert answer.done
    return answer.value


def test_what_a_queue_went_without_is_settled_where_it_is_at_hand() -> None:
    disk = FaultyDisk()
    store, tickets = stored_for_two(disk)
    assert fetched_from_a_bad_disk(store, tickets) == [None] * 5
    for ticket in tickets:
        store.store.lose(store.queues[11], i64(ticket))
        store.settle(12, ticket)
    store.turn()
    store.stop()
    again = SmallStore(disk).open(11, 12)
    assert again.queues[11].recovered == tickets
    assert again.queues[12].recovered == []


def test_what_a_queue_went_without_does_not_come_back_once_it_is_purged() -> None:
    disk = FaultyDisk()
    store, tickets = stored_for_two(disk)
    fetched_from_a_bad_disk(store, tickets)
    for ticket in tickets:
        store.store.lose(store.queues[11], i64(ticket))
        store.store.lose(store.queues[12], i64(ticket))
    store.store.settle_lost(store.queues[11])
    store.turn()
    store.stop()
    again = SmallStore(disk).open(11, 12)
    assert again.queues[11].recovered == []
    assert again.queues[12].recovered == tickets


def test_what_could_not_be_read_is_remembered_until_the_last_queue_has_settled_it() -> None:
    store, tickets = stored_for_two(FaultyDisk())
    fetched_from_a_bad_disk(store, tickets)
    for ticket in tickets:
        store.settle(12, ticket)
    assert store.store._out_of_reach == set(tickets)
    for ticket in tickets[:3]:
        store.settle(11, ticket)
    assert store.store._out_of_reach == set(tickets[3:])
    store.queues[11].deleted = True
    for ticket in tickets[3:]:
        store.store.lose(store.queues[11], i64(ticket))
    assert store.store._out_of_reach == set()
    assert store.store._lost == {}


def test_what_is_settled_while_the_disk_is_asked_for_it_is_not_remembered() -> None:
    store, tickets = stored_for_two(FaultyDisk())

    def settle() -> None:
        for ticket in tickets:
            store.settle(11, ticket)
            store.settle(12, ticket)

    fetched_from_a_bad_disk(store, tickets, settle)
    assert store.store._out_of_reach == set()


class DeadLettering:
    """What a queue asks of its vhost: where its dead letters go, to the queue `dead`."""

    def __init__(self, store: SmallStore) -> None:
        self.topology = Topology("/")
        self.churn = self.topology.churn
        self.wall_offset = 0.0
        self.dead_letters = DeadLetters(self.topology, store.store, store.clock)
        paging = Paging(0)
        self.queue, self.dead = (
            ClassicQueue(name, True, None, False, {}, store.store, store.clock, paging, vhost=self)
            for name in ("q", "dead")
        )
        self.queue.id = 11
        self.topology.add_queue(self.dead)
        rules = QueueRules()
        rules.dead_letter_exchange = ""
        rules.dead_letter_routing_key = "dead"
        self.queue.obey(rules)
        self.taken: Entry | None = None

    def wake(self) -> None:
        """Nobody asks how late it is."""

    def take_first(self, store: SmallStore) -> None:
        """Take a message, whose content leaves memory then."""
        self.queue.when_at_hand()
        store.turn()
        self.taken = self.queue.get(False)
        assert self.taken is not None
        self.queue.ready.delivered(self.taken)
        assert is_absent(self.taken.message)

    def reject(self) -> None:
        assert self.taken is not None
        self.queue.reject(self.taken)


@pytest.mark.parametrize("purged", [False, True])
def test_a_dead_letter_that_cannot_be_read_is_in_its_queue_again_after_a_start(
    purged: bool,
) -> None:
    disk = FaultyDisk()
    store = SmallStore(disk).open(11)
    ticket = store.publish(b"dies", 11)
    store.turn()
    store.stop()
    store = SmallStore(disk).open(11)
    dying = DeadLettering(store)
    dying.queue.recover(vec[i64]([ticket]), {}, 60)
    dying.take_first(store)
    with bad_disk():
        dying.reject()
        for _ in range(5):
            store.turn()
    assert (dying.queue.ready_count, dying.dead.ready_count) == (0, 0)
    if purged:
        dying.queue.purge()
    store.turn()
    store.stop()
    again = SmallStore(disk).open(11)
    assert again.queues[11].recovered == ([] if purged else [ticket])
