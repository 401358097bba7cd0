"""Segments of the log come and go, and nothing that is under way notices."""

import errno

import pytest

from crash.ledger import Ledger
from crash.world import World
from leveret.testing import FaultyDisk


@pytest.fixture
def world() -> World:
    world = World(FaultyDisk(), Ledger(), segment_bytes=4096)
    world.open()
    world.create("q")
    world.settle_down()
    return world


def publish_and_settle(world: World, count: int) -> None:
    """Messages that have been on disk and are gone again, for good."""
    for _ in range(count):
        world.publish("p", ["q"], 1000)
    world.settle_down()
    for _ in range(count):
        held = world.get("q")
        assert held is not None
        world.settle(held)
    world.settle_down()


def test_a_segment_stays_until_its_seal_is_written(world: World) -> None:
    publish_and_settle(world, 3)
    world.publish("p", ["q"], 1000)
    world.turn()  # The commit goes to the next segment, and seals the empty one first.
    world.store.log.space.attend()
    world.chores.run()
    world.settle_down()
    assert world.failure == ""
    assert world.confirms == 4


def test_a_segment_stays_until_its_acknowledgements_are_on_disk(world: World) -> None:
    for _ in range(4):
        world.publish("p", ["q"], 1000)
        world.settle_down()
    first = min(world.store.log.space.segments)
    for _ in range(3):
        held = world.get("q")
        assert held is not None
        world.settle(held)
    world.chores.run()
    world.turn()
    world.chores.run()
    assert first in world.store.log.space.segments
    world.settle_down()
    assert first not in world.store.log.space.segments


def test_a_refusal_to_let_a_segment_go_keeps_no_others(world: World) -> None:
    world.faulty.fail(1, errno.EIO, "remove", times=3)
    for _ in range(20):
        publish_and_settle_before_chores(world)
    assert len(world.faulty.failures) == 3
    assert len(world.store.log.space.segments) < 5


def test_a_recycled_segment_that_cannot_be_used_is_gone_all_the_same(world: World) -> None:
    for number in range(20):
        world.faulty.fail(1 + number % 3, errno.EIO, "open")
        publish_and_settle_before_chores(world)
    assert len(world.faulty.failures) > 5
    assert len(world.store.log.space.segments) < 5


def publish_and_settle_before_chores(world: World) -> None:
    """So that there is a segment to let go of when there is a spare wanted."""
    for _ in range(3):
        world.publish("p", ["q"], 1000)
        world.turn()
        world.commits.run()
    while (held := world.get("q")) is not None:
        world.settle(held)
    world.clock.advance(0.06)
    world.commits.run()
    world.chores.run()
    world.settle_down()


@pytest.mark.parametrize("commit_under_way", [False, True])
def test_a_folder_that_cannot_be_synced_once_a_segment_is_gone_ends_it(
    world: World, commit_under_way: bool
) -> None:
    for _ in range(5):
        world.publish("p", ["q"], 1000)
        world.settle_down()
    while (held := world.get("q")) is not None:
        world.settle(held)
    world.clock.advance(0.06)
    world.commits.run()
    world.faulty.fail(1, errno.EIO, "sync_folder")
    if commit_under_way:
        world.publish("p", ["q"], 100)
        world.turn()
    confirms = world.confirms
    world.chores.run()
    world.settle_down()
    assert "cannot be synced" in world.failure
    assert world.confirms == confirms
