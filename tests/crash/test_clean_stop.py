"""A clean stop writes what waits, and waits for what that takes."""

from crash.ledger import Ledger
from crash.world import World
from leveret.testing import FaultyDisk


def test_a_stop_waits_for_the_segment_that_it_needs() -> None:
    world = World(FaultyDisk(), Ledger(), segment_bytes=4096)
    world.open()
    world.create("q")
    for _ in range(10):
        world.publish("p", ["q"], 1000)
    world.turn()
    for _ in range(10):
        world.publish("p", ["q"], 1000)
    world.stop()  # It checks that all went well.
    assert world.confirms == 20
    again = World(world.faulty, Ledger(), segment_bytes=4096)
    again.open()
    assert again.recovery.clean


def test_a_stop_during_a_commit_waits_for_the_segment_that_it_needs() -> None:
    world = World(FaultyDisk(), Ledger(), segment_bytes=4096)
    world.open()
    world.create("q")
    for _ in range(10):
        world.publish("p", ["q"], 1000)
    world.turn()
    world.commits.work()
    world.publish("p", ["q"], 1000)
    answer = world.store.stop()
    world.commits.run()
    assert not answer.done
    world.settle_down()
    assert answer.value is True
    again = World(world.faulty, Ledger(), segment_bytes=4096)
    again.open()
    assert again.recovery.clean


def test_a_stop_during_a_commit_waits_for_the_next_one() -> None:
    world = World(FaultyDisk(), Ledger())
    world.open()
    world.create("q")
    world.publish("p", ["q"], 100)
    world.turn()
    world.publish("p", ["q"], 100)
    answer = world.store.stop()
    world.commits.work()
    world.commits.tell()
    assert not answer.done
    world.settle_down()
    assert answer.value is True
    assert world.confirms == 2
