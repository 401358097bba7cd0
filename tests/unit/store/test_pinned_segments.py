"""What a backup copies: the log as it is on disk at one moment, and its files stay until then."""

from crash.small_store import SEGMENT_BYTES, SmallStore
from leveret.store.backup import Pins
from leveret.testing import FaultyDisk


def opened() -> SmallStore:
    return SmallStore(FaultyDisk()).open(11)


def copied(small: SmallStore, pins: Pins) -> FaultyDisk:
    """The octets of the pinned files, as they are now."""
    disk = FaultyDisk()
    disk.make_folder("log")
    for name, size in pins.files:
        octets = small.disk.open(f"log/{name}").read(0, size)
        assert len(octets) == size, name
        disk.open(f"log/{name}", create=True).write(0, octets)
    return disk


def restored(small: SmallStore, pins: Pins) -> dict[int, bytes]:
    again = SmallStore(copied(small, pins)).open(11)
    assert (again.found.damage, again.found.torn) == ([], None)
    return again.served()[11]


def test_a_store_where_nothing_was_published_has_nothing_to_copy() -> None:
    assert Pins(opened().store).files == []


def test_what_comes_later_is_not_in_it() -> None:
    small = opened()
    kept = {small.publish(b"one", 11): b"one"}
    small.turn()
    pins = Pins(small.store)
    for number in range(60):
        small.publish(b"later %d" % number, 11)
        small.turn()
    assert restored(small, pins) == kept


def test_a_commit_that_is_under_way_is_not_in_it() -> None:
    small = opened()
    kept = {small.publish(b"one", 11): b"one"}
    small.turn()
    small.worker.idle = True
    small.publish(b"two", 11)
    small.turn()
    assert len(small.worker.waiting) >= 1
    pins = Pins(small.store)
    small.worker.resume()
    small.turn()
    assert restored(small, pins) == kept


def test_the_first_commit_of_a_segment_is_not_in_it_while_under_way() -> None:
    small = opened()
    kept = {small.publish(b"one", 11): b"one"}
    small.turn()
    small.worker.idle = True
    # Too large for what is left of the first one.
    small.publish(bytes(SEGMENT_BYTES - 300), 11)
    small.turn()
    pins = Pins(small.store)
    assert len(small.store.log.space.segments) == 2
    assert [name for name, _ in pins.files] == ["0000000000000001.segment"]
    small.worker.resume()
    small.turn()
    assert restored(small, pins) == kept


def test_files_stay_until_they_are_copied_whatever_happens_meanwhile() -> None:
    small = opened()
    for number in range(60):
        small.publish(b"body %d" % number * 4, 11)
        small.turn()
    pins = Pins(small.store)
    assert len(pins.files) > 3
    for ticket in list(small.messages):
        small.settle(11, ticket)
    for number in range(20):
        small.settle(11, small.publish(b"later %d" % number, 11))
        small.turn()
    assert restored(small, pins) == {
        ticket: body for ticket, body in small.messages.items() if body.startswith(b"body")
    }
    before = len(small.store.log.space.segments)
    pins.release()
    for _ in range(10):
        small.turn()
    assert len(small.store.log.space.segments) < before


def test_a_file_that_is_being_removed_is_not_in_it() -> None:
    small = opened()
    for number in range(60):
        small.publish(b"body %d" % number * 4, 11)
        small.turn()
    first = small.store.log.space.segments[1]
    kept = {
        ticket: body for ticket, body in small.messages.items() if ticket > int(first.last_ticket)
    }
    for ticket in small.messages.keys() - kept:
        small.settle(11, ticket)
    # Whether the job is done yet or not, its outcome has not been told.
    small.chores.idle = True
    first.leaving = True
    small.turn()
    pins = Pins(small.store)
    assert first.name() not in [name for name, _ in pins.files]
    assert restored(small, pins) == kept
