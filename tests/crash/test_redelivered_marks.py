"""Who got a message before is known after a clean stop, and after a crash nobody knows."""

import pytest

from crash.ledger import Ledger
from crash.world import Definition, World, everything_in
from leveret.testing import FaultyDisk

QUEUE = Definition("q", 1, 0)


def started(disk: FaultyDisk, ledger: Ledger) -> World:
    world = World(disk, ledger)
    world.open([QUEUE])
    return world


@pytest.mark.parametrize("fill", [0, 8192 - 64 - 7 * 1000])
def test_a_crash_after_a_clean_stop_is_a_crash(fill: int) -> None:
    disk = FaultyDisk()
    ledger = Ledger()
    world = started(disk, ledger)
    world.publish("p", ["q"], 100)
    world.stop()
    world = started(disk, ledger)
    assert world.recovery.clean
    world.get("q")
    again = started(disk, ledger)
    assert not again.recovery.clean
    assert [redelivered for _, redelivered in everything_in(again)["q"]] == [True]
