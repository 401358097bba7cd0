"""A commit that cannot be made or written: nothing in it is confirmed, now or later."""

import errno

import pytest

from crash.small_store import SmallStore
from leveret.testing import FaultyDisk


@pytest.fixture
def small() -> SmallStore:
    return SmallStore(FaultyDisk()).open(11)


def no_memory() -> float:
    raise MemoryError


def fail_a_commit(small: SmallStore) -> int:
    """A message is published, and there is no memory for its commit; then there is some again."""
    small.store.log._wall_clock = no_memory
    ticket = small.publish(b"one", 11)
    small.turn()
    small.store.log._wall_clock = small.clock.now
    return ticket


def test_a_commit_that_cannot_be_made_fails_the_log(small: SmallStore) -> None:
    fail_a_commit(small)
    (reason,) = small.events.failures
    assert "cannot make a commit" in reason


def test_the_next_commit_does_not_confirm_what_was_in_one_that_failed(small: SmallStore) -> None:
    ticket = fail_a_commit(small)
    small.publish(b"two", 11)
    small.turn()
    assert not small.store.is_durable(ticket)
    assert small.events.up_to == 0
    assert SmallStore(small.disk).open(11).queues[11].recovered == []


def test_no_transaction_counts_as_durable_after_a_failure(small: SmallStore) -> None:
    fail_a_commit(small)
    barrier = small.store.barrier()
    small.turn()
    assert not small.store.is_durable(barrier)
    assert barrier > 0


def test_acknowledgements_that_cannot_be_written_fail_the_log_too(small: SmallStore) -> None:
    kept = small.publish(b"kept", 11)
    small.turn()
    small.store.log._wall_clock = no_memory
    small.settle(11, kept)
    small.turn()
    assert len(small.events.failures) == 1


def test_a_stop_during_which_a_commit_fails_says_so(small: SmallStore) -> None:
    small.store.log._wall_clock = no_memory
    small.publish(b"one", 11)
    answer = small.store.stop()
    small.turn()
    assert answer.value is False


def test_a_stop_does_not_wait_for_a_full_disk(
    small: SmallStore, caplog: pytest.LogCaptureFixture
) -> None:
    kept = small.publish(b"kept", 11)
    small.turn()
    disk = small.disk
    assert isinstance(disk, FaultyDisk)
    disk.fail(1, errno.ENOSPC, "write", times=1000)
    small.settle(11, kept)
    answer = small.store.stop()
    for _ in range(10):
        small.turn()
    assert answer.value is False
    assert "the disk is full" in caplog.text
    disk.restart()
    assert SmallStore(disk).open(11).queues[11].recovered == [kept]


def test_a_stop_that_comes_while_a_commit_is_tried_again_ends(small: SmallStore) -> None:
    disk = small.disk
    assert isinstance(disk, FaultyDisk)
    disk.fail(1, errno.ENOSPC, "write", times=1000)
    ticket = small.publish(b"one", 11)
    for _ in range(20):
        small.turn()
    answer = small.store.stop()
    for _ in range(10):
        small.turn()
    assert answer.value is False
    assert not small.store.is_durable(ticket)


def test_a_stop_is_a_clean_one_if_there_is_space_at_the_next_try(small: SmallStore) -> None:
    ticket = small.publish(b"one", 11)
    disk = small.disk
    assert isinstance(disk, FaultyDisk)
    disk.fail(1, errno.ENOSPC, "write", times=2)
    answer = small.store.stop()
    for _ in range(10):
        small.turn()
    assert answer.value is True
    assert small.store.is_durable(ticket)
