"""Logs that are opened again: after clean stops, after damage, from copies."""

import pytest

from crash.small_store import SmallStore
from leveret.testing import FaultyDisk


def killed(small: SmallStore) -> FaultyDisk:
    disk = small.disk
    assert isinstance(disk, FaultyDisk)
    return disk.at(len(disk.operations))


def shortened(small: SmallStore, extra: int = 0) -> FaultyDisk:
    """A disk with the active segment, up to where it was written and `extra` octets more."""
    active = small.store.log.active
    assert active is not None
    copy = FaultyDisk()
    copy.make_folder("log")
    file = copy.open(f"log/{active.name()}", create=True)
    file.write(0, small.disk.open(f"log/{active.name()}").read(0, int(active.end) + extra))
    return copy


def test_a_clean_stop_says_what_was_delivered_and_a_crash_after_it_says_nothing() -> None:
    small = SmallStore(FaultyDisk()).open(11)
    first, second = small.publish(b"one", 11), small.publish(b"two", 11)
    small.turn()
    small.store.mark(small.queues[11], [second])
    small.stop()
    again = SmallStore(small.disk).open(11)
    assert again.queues[11].recovered == [first, second]
    assert again.queues[11].marked == {second: None}
    # Delivering writes nothing: both may have been delivered by now.
    assert SmallStore(killed(again)).open(11).queues[11].marked is None


def test_a_clean_stop_after_another_counts_again() -> None:
    small = SmallStore(FaultyDisk()).open(11)
    ticket = small.publish(b"one", 11)
    small.turn()
    for _ in range(3):
        small.stop()
        small = SmallStore(small.disk).open(11)
        assert (small.queues[11].recovered, small.queues[11].marked) == ([ticket], {})


def test_what_was_set_aside_keeps_its_name() -> None:
    small = SmallStore(FaultyDisk()).open(11)
    small.publish(b"one", 11)
    small.turn()
    disk = killed(small)
    spare = max(name for name in disk.list("log"))
    for _ in range(2):
        disk.flip(f"log/{spare}", 0, 0xFF)
        SmallStore(disk).open(11)
        spare = max(name for name in disk.list("log"))
    assert len(disk.list("set-aside")) == 2


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 65, 500])
def test_a_log_whose_last_file_ends_with_what_was_stored_goes_on(cut: int) -> None:
    """As a backup has it, which copies no more than was on disk."""
    small = SmallStore(FaultyDisk()).open(11)
    kept = [small.publish(b"body %d" % number, 11) for number in range(3)]
    small.turn()
    copy = shortened(small, cut)
    again = SmallStore(copy).open(11)
    assert again.queues[11].recovered == kept
    assert again.found.torn is None
    again.messages = small.messages
    for number in range(40):
        kept.append(again.publish(b"later %d" % number, 11))
        again.turn()
    again.stop()
    last = SmallStore(copy).open(11)
    assert last.found.damage == []
    assert last.served()[11] == {ticket: again.messages[ticket] for ticket in kept}
    assert len(last.found.segments) > 1


def test_a_restored_log_that_is_stopped_at_once_was_stopped_cleanly() -> None:
    small = SmallStore(FaultyDisk()).open(11)
    small.publish(b"one", 11)
    small.turn()
    small.store.stop()
    again = SmallStore(shortened(small)).open(11)
    again.stop()
    assert SmallStore(again.disk).open(11).found.clean
