"""What the disk does not give for a while is not lost: the next start has it."""

import errno
import os

import pytest
from mypy_extensions import i64

from crash.small_store import SmallStore
from leveret.broker.queues.paging import Paging
from leveret.broker.queues.ready import Ready
from leveret.testing import FaultyDisk
from leveret.testing.faulty_disk import FaultyFile


@pytest.mark.parametrize(
    ("error", "seconds", "served"),
    [
        (MemoryError(), 0.5, 5),
        (MemoryError(), 6.0, 5),
        (ValueError("of nobody knows what"), 6.0, 5),
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


def test_what_a_queue_went_without_is_settled_where_it_is_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = FaultyDisk()
    store = SmallStore(disk).open(11, 12)
    tickets = [store.publish(b"%d" % number * 20, 11, 12) for number in range(5)]
    store.turn()
    store.stop()
    store = SmallStore(disk).open(11, 12)

    def fail(_self: FaultyFile, _offset: int, _size: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(FaultyFile, "read", fail)
        answer = store.store.fetch(tickets)
        for _ in range(5):
            store.turn()
    assert answer.value == [None] * 5
    for ticket in tickets:
        store.store.lose(store.queues[11], i64(ticket))
        store.settle(12, ticket)
    store.turn()
    store.stop()
    again = SmallStore(disk).open(11, 12)
    assert again.queues[11].recovered == tickets
    assert again.queues[12].recovered == []
