"""What the disk does not give is asked for again; what it never gives is all that is lost."""

import logging

import pytest

from crash.disks import BadSector
from crash.ledger import Ledger
from crash.small_store import SmallStore
from crash.world import Definition, World, everything_in
from leveret.store.log.recovery import Recovery
from leveret.testing import FaultyDisk


def twenty_messages(faulty: FaultyDisk) -> tuple[World, list[bytes]]:
    """They are in the queue `q`, and on disk."""
    world = World(faulty, Ledger(), segment_bytes=1 << 16)
    world.open()
    world.create("q")
    bodies = [world.publish("p", ["q"], 400) for _ in range(20)]
    world.settle_down()
    return world, bodies


def test_a_bad_sector_costs_the_message_that_is_on_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    faulty = FaultyDisk()
    world, bodies = twenty_messages(faulty)
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


@pytest.mark.parametrize("end", ["purge", "drop"])
def test_a_message_on_a_bad_sector_goes_with_its_queue_or_a_purge_of_it(end: str) -> None:
    faulty = FaultyDisk()
    world, bodies = twenty_messages(faulty)
    world.stop()
    path = "log/0000000000000001.segment"
    at = faulty.content(path).index(bodies[7])
    bad = BadSector(faulty, path, at + 100)
    again = World(faulty, Ledger(), 1, 1 << 16, disk=bad)
    again.open([Definition("q", 1, 0)])
    assert len(everything_in(again)["q"]) == 19
    while again.held_by_clients:
        held = again.held_by_clients.pop()
        held.queue.settle(held.entry)
    again.settle_down()
    assert again.store.log.places.count == 1
    queue = again.queues["q"]
    assert queue.purge() == 0 if end == "purge" else queue.mark_deleted() == 0
    again.settle_down()
    assert again.store.log.places.count == 0
    again.stop()
    recovery = Recovery(faulty, "log")
    recovery.run()
    assert recovery.places.count == 0


def test_a_segment_that_cannot_be_read_keeps_no_others_from_being_copied(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    bad = BadSector(FaultyDisk(), "log/0000000000000001.segment", 500)
    store = SmallStore(bad).open(11)
    for number in range(120):
        tickets = [store.publish(b"y" * 100, 11) for _ in range(8)]
        store.turn()
        # One of each eight stays: all segments are sparse, and the first is as good as any.
        for ticket in tickets[1:] if number < 40 else tickets:
            store.settle(11, ticket)
        store.turn()
    assert len(store.store.log.space.segments) < 15
    assert [each.message for each in caplog.records if "compacted" in each.message] == [
        "segment 1 of the message log cannot be read: [Errno 5] Input/output error: "
        "'log/0000000000000001.segment'; it keeps its space until nobody needs what is in it, and "
        "others are compacted"
    ]
