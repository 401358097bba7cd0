"""A full disk holds publishers and nobody else, and all resumes by itself."""

import errno
import logging
from random import Random

import pytest

from crash.disks import DiskBetween
from crash.ledger import Ledger
from crash.small_store import SEGMENT_BYTES, SmallStore
from crash.world import World, everything_in
from effort import effort
from leveret.store.disk import DiskFile
from leveret.testing import FaultyDisk

SEGMENT = 8192


class Uncreative(DiskBetween):
    """Makes no new file, but raises `error`, if that is set."""

    error: Exception | None = None

    def open(self, path: str, create: bool = False) -> DiskFile:
        if create and self.error is not None:
            raise self.error
        return super().open(path, create)


@pytest.fixture
def world() -> World:
    """Publishers are held: the disk has no room for another segment."""
    world = World(FaultyDisk(capacity_bytes=12 * SEGMENT), Ledger(), segment_bytes=SEGMENT)
    world.open()
    world.create("q")
    fill(world)
    return world


def fill(world: World) -> None:
    for _ in range(200):
        if world.reason:
            return
        world.publish("p", ["q"], 900)
        world.settle_down(0.1)
    raise AssertionError("the disk is never full")


def drain(world: World) -> None:
    """Settle everything, a few at a time, as a consumer does."""
    while True:
        held = world.get("q")
        if held is None:
            return
        world.settle(held)
        world.settle_down(0.1)


def check_restart(world: World) -> None:
    """Whether the process is killed or the power fails now, what is promised is there."""
    for state in (world.faulty.at(world.moment()), *crashes(world)):
        again = World(state, world.ledger, 1, SEGMENT)
        again.open(world.definitions)
        found = everything_in(again)
        world.ledger.moment = world.moment
        world.ledger.check(found, clean=again.recovery.clean)


def crashes(world: World) -> list[FaultyDisk]:
    return list(world.faulty.crash_states(Random(1), 20))


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "no space"), ValueError("a mistake")], ids=["full", "mistake"]
)
def test_the_log_tells_once_why_there_is_no_space(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again every second."""
    caplog.set_level(logging.ERROR)
    disk = Uncreative(FaultyDisk())
    small = SmallStore(disk, SEGMENT_BYTES).open(1)
    disk.error = error
    for _ in range(60):
        small.publish(bytes(SEGMENT_BYTES // 8), 1)
        small.turn()
    assert [each.getMessage().partition(":")[0] for each in caplog.records] == [
        "the message log cannot get more space"
    ]
    assert (caplog.records[0].exc_info is None) == isinstance(error, OSError)
    disk.error = None
    small.publish(b"", 1)
    for _ in range(60):
        small.turn()
    assert small.events.up_to > 60


def test_publishers_are_told_that_the_disk_is_full(world: World) -> None:
    assert "full" in world.reason
    assert world.failure == ""
    check_restart(world)


def test_a_full_disk_is_drained_to_the_last_message(world: World) -> None:
    drain(world)
    assert world.queues["q"].ready_count == 0
    world.wait_for_settles()
    world.settle_down(5.0)
    assert world.ledger._settled
    assert all(copy.gone is not None for copy in world.ledger._settled)
    check_restart(world)


def test_draining_gives_publishers_room(world: World) -> None:
    drain(world)
    world.settle_down(5.0)
    assert world.reason == ""
    before = world.confirms
    for _ in range(20):
        world.publish("p", ["q"], 900)
        world.settle_down(0.1)
    assert world.confirms == before + 20
    check_restart(world)


def test_publishers_go_on_once_there_is_space(world: World) -> None:
    waiting = world.publish("p", ["q"], 900)
    world.settle_down(5.0)
    assert world.reason
    world.faulty.capacity_bytes *= 2
    world.settle_down(5.0)
    assert world.reason == ""
    assert world.ledger._routed[world.ledger._key(waiting)][0].confirmed is not None
    check_restart(world)


def test_publishers_go_on_after_somebody_else_had_filled_the_disk() -> None:
    """The log has nothing to give back, and nothing waits any more; the space comes back."""
    world = World(FaultyDisk(), Ledger(), segment_bytes=SEGMENT)
    world.open()
    world.create("q")
    world.settle_down()
    world.faulty.capacity_bytes = 1
    fill(world)
    for _ in range(world.queues["q"].ready_count):
        world.get("q")
    world.settle(world.held_by_clients[-1])  # The one that waits for space.
    for _ in range(40):
        world.settle_down(0.25)
    world.faulty.capacity_bytes = 1 << 40
    world.settle_down(5.0)
    assert world.reason == ""
    before = world.confirms
    world.publish("p", ["q"], 900)
    world.settle_down()
    assert world.confirms == before + 1


def test_the_log_looks_for_space_once_a_second(world: World) -> None:
    for _ in range(50):
        world.publish("p", ["q"], 10)
        world.settle_down(0.02)
    before = sum(operation.kind == "open" for operation in world.faulty.operations)
    for _ in range(200):
        world.settle_down(0.1)
    tries = sum(operation.kind == "open" for operation in world.faulty.operations) - before
    assert tries <= 25


def test_acknowledgements_pass_a_transaction_that_waits_for_space(world: World) -> None:
    held = [world.get("q") for _ in range(4)]
    world.transact([("t", "q", 900)], [])
    world.settle_down(2.0)
    for each in held:
        assert each is not None
        world.settle(each)
    world.settle_down(2.0)
    assert world.store.log._batch.settled == 0, "the acknowledgements wait"
    check_restart(world)


def test_a_stop_with_a_full_disk_loses_nothing_that_was_confirmed(world: World) -> None:
    world.publish("p", ["q"], 900)
    answer = world.store.stop()
    world.settle_down(5.0)
    assert answer.done
    check_restart(world)


class FullBeforeLarge:
    """Messages are in the queue, and one larger than a segment waits: there is no room for it."""

    def __init__(self, kept: int, spare_bytes: int) -> None:
        self.disk = FaultyDisk()
        self.small = SmallStore(self.disk).open(11)
        self.kept: list[int] = []
        for _ in range(kept):
            self.kept.append(self.small.publish(b"z" * 300, 11))
            self.small.turn()
        self.disk.capacity_bytes = self.disk._used_bytes() + spare_bytes
        self.large = self.small.publish(b"B" * 6000, 11)
        for _ in range(3):
            self.small.turn()
        assert not self.small.store.is_durable(self.large), "there was room for it"

    def come_back(self) -> set[int]:
        """What a start finds if the process is killed now."""
        disk = FaultyDisk(image=self.disk.image.copy())
        return set(SmallStore(disk).open(11).queues[11].recovered)


@pytest.mark.parametrize("spare_bytes", [0, 500, 3000])
@pytest.mark.parametrize("kept", [1, 5, 9, 40])
def test_a_large_message_does_not_keep_a_full_disk_from_being_drained(
    kept: int, spare_bytes: int
) -> None:
    full = FullBeforeLarge(kept, spare_bytes)
    for ticket in full.kept:
        full.small.settle(11, ticket)
        full.small.turn()
    for _ in range(5):
        full.small.turn()
    assert not full.come_back() & set(full.kept), "acknowledgements are not on disk"


@pytest.mark.parametrize("seed", range(effort(20)))
def test_it_is_drained_in_whatever_order_messages_are_acknowledged(seed: int) -> None:
    dice = Random(seed)
    full = FullBeforeLarge(dice.randrange(1, 60), dice.randrange(3000))
    left = list(full.kept)
    while left:
        full.small.settle(11, left.pop(dice.randrange(len(left))))
        full.small.clock.advance(dice.choice([0.0, 0.02, 1.0]))
    for _ in range(20):
        full.small.turn()
    assert not full.come_back() & set(full.kept), "acknowledgements are not on disk"


def test_a_large_message_is_written_once_draining_has_made_room() -> None:
    full = FullBeforeLarge(40, 500)
    for ticket in full.kept:
        full.small.settle(11, ticket)
    for _ in range(20):
        full.small.turn()
    assert full.small.store.is_durable(full.large)
    assert full.come_back() == {full.large}


@pytest.mark.parametrize("kept", [0, 1, 9])
def test_a_large_message_is_written_once_somebody_else_has_made_room(kept: int) -> None:
    full = FullBeforeLarge(kept, 500)
    full.disk.capacity_bytes = 1 << 40
    for _ in range(3):
        full.small.turn()
    assert full.small.store.is_durable(full.large)
    assert full.come_back() == {*full.kept, full.large}


@pytest.mark.parametrize("kept", [0, 1, 9])
def test_a_stop_does_not_wait_for_a_large_message(
    kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    full = FullBeforeLarge(kept, 500)
    for ticket in full.kept:
        full.small.settle(11, ticket)
    answer = full.small.store.stop()
    for _ in range(5):
        full.small.turn()
    assert answer.value is False
    assert caplog.text.count("stops without its last commit: the disk is full") == 1
    assert full.come_back() == set()


def test_a_large_message_leaves_the_space_it_had_for_others() -> None:
    """What grew for it is removed, not made a spare: there each would be as large."""
    small = SmallStore(disk := FaultyDisk()).open(11)
    for _ in range(10):
        large = small.publish(b"B" * 6000, 11)
        small.turn()
        assert small.store.is_durable(large)
        small.settle(11, large)
        small.turn()
    for _ in range(10):
        ticket = small.publish(b"z" * 300, 11)
        small.turn()
        small.settle(11, ticket)
        small.turn()
    assert disk._used_bytes() <= 5 * SEGMENT_BYTES
