"""A full disk holds publishers and nobody else, and all resumes by itself."""

import pytest

from crash.ledger import Ledger
from crash.world import World, everything_in
from leveret.testing import FaultyDisk

SEGMENT = 8192


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
    from random import Random

    return list(world.faulty.crash_states(Random(1), 20))


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
