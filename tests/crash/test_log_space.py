"""Segments of the log come and go, and nothing that is under way notices."""

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
