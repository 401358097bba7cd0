"""A commit that was cut off stays dropped, whatever a second power cut does."""

from random import Random

from crash.ledger import Ledger
from crash.world import Definition, World, everything_in
from leveret.testing import FaultyDisk

QUEUE = Definition("q", 1, 0)
SECTOR = 512


def started(disk: FaultyDisk, ledger: Ledger) -> World:
    world = World(disk, ledger)
    world.open([QUEUE])
    return world


def bodies_in(disk: FaultyDisk) -> set[bytes]:
    return {body for body, _ in everything_in(started(disk, Ledger()))["q"]}


def test_what_a_start_has_dropped_does_not_come_back() -> None:
    disk = FaultyDisk()
    ledger = Ledger()
    world = started(disk, ledger)
    active = world.store.log.active
    assert active is not None
    # Until the next commit's header lies across the edge of a sector.
    sizes = iter(range(60, 400))
    while not SECTOR - 48 < active.end % SECTOR < SECTOR - 16:
        world.publish("p", ["q"], next(sizes))
        world.settle_down()
    world.publish("p", ["q"], 100)
    world.turn()
    at = len(disk.operations) + 1
    world.commits.run()
    for cut in disk.states_at(at, Random(1), 100):
        before = bodies_in(cut.at(0))
        again = started(cut, ledger)
        published = again.publish("p", ["q"], 500)
        again.turn()
        at_again = len(cut.operations) + 1
        again.commits.run()
        for second_cut in cut.states_at(at_again, Random(1), 100):
            assert bodies_in(second_cut) <= before | {published}
