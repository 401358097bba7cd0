"""What the disk does not give is asked for again; what it never gives is all that is lost."""

import logging

import pytest

from crash.disks import BadSector
from crash.ledger import Ledger
from crash.world import Definition, World, everything_in
from leveret.testing import FaultyDisk


def test_a_bad_sector_costs_the_message_that_is_on_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    faulty = FaultyDisk()
    world = World(faulty, Ledger(), segment_bytes=1 << 16)
    world.open()
    world.create("q")
    bodies = [world.publish("p", ["q"], 400) for _ in range(20)]
    world.settle_down()
    world.publish("p", ["q"], 400)  # Proves the commit before it, so that nobody reads its bodies.
    world.settle_down()
    path = "log/0000000000000001.segment"
    at = faulty.content(path).index(bodies[7])
    again = World(
        faulty.at(world.moment()), Ledger(), 1, 1 << 16, disk=BadSector(faulty, path, at + 100)
    )
    again.open([Definition("q", 1, 0)])
    found = [body for body, _ in everything_in(again)["q"]]
    assert found[:20] == bodies[:7] + bodies[8:] + found[19:20]
    assert "1 messages cannot be read" in caplog.text
