"""What is copied forward exists twice for a while, and settling it settles both."""

import pytest

from crash.ledger import Ledger
from crash.world import Held, World, everything_in
from leveret.store.log.format import HEADER_SIZE, OFFSET_BITS, read_batch_header
from leveret.testing import FaultyDisk


@pytest.fixture
def world() -> World:
    world = World(FaultyDisk(), Ledger(), segment_bytes=4096)
    world.open()
    world.create("q")
    world.create("r")
    return world


def all_of(world: World, name: str) -> list[Held]:
    """Everything that is ready in a queue, as one client has it."""
    taken: list[Held] = []
    while True:
        held = world.get(name)
        if held is None:
            return taken
        taken.append(held)


def settle(world: World, held: Held) -> None:
    world.settle(held)
    world.settle_down()


def settle_until_copies_are_written(world: World, settled: list[Held]) -> None:
    """Settle these one by one until a commit with copies is on its way."""
    log = world.store.log
    for held in settled:
        world.settle(held)
        world.clock.advance(0.06)
        world.chores.run()
        while world.commits.busy():
            if log._writing is not None and log._writing.moves:
                return
            world.commits.work()
            world.commits.tell()
            world.turn()
            world.chores.run()
    raise AssertionError("nothing was copied")


def settle_and_let_its_segment_go(world: World, held: Held, checked: bool = True) -> None:
    """Settle it in a segment of its own, where nothing else is that anybody needs."""
    world.settle(held)
    bodies = [world.publish("other", ["r"], 1000) for _ in range(3)]
    world.turn()
    world.settle_down()
    world.wait_for_settles()
    for _ in bodies:
        world.publish("other", ["r"], 1000)
    world.settle_down()
    for each in all_of(world, "r"):
        settle(world, each)
        if checked:
            check_restart(world)


def check_restart(world: World) -> None:
    """A process that is killed now finds what the ledger says."""
    again = World(world.faulty.at(world.moment()), world.ledger, 1, segment_bytes=4096)
    again.open(world.definitions)
    found = everything_in(again)
    world.ledger.moment = world.moment
    world.ledger.check(found)


@pytest.mark.parametrize("queues", [["q"], ["q", "r"]])
def test_what_is_settled_while_its_copy_is_written_is_gone(world: World, queues: list[str]) -> None:
    for _ in range(60):
        world.publish("p", queues, 400)
        world.settle_down()
    taken = all_of(world, "q")
    for each in all_of(world, "r"):
        settle(world, each)
    settle_until_copies_are_written(
        world, [held for number, held in enumerate(taken) if number % 3]
    )
    writing = world.store.log._writing
    assert writing is not None
    moved = {int(move.ticket) for move in writing.moves}
    victim = next(held for held in world.held_by_clients if int(held.entry.ticket) in moved)
    settle_and_let_its_segment_go(world, victim)


def test_what_was_copied_from_a_damaged_segment_can_be_settled(world: World) -> None:
    for _ in range(90):
        world.publish("p", ["q"], 400)
        world.settle_down()
    taken = all_of(world, "q")
    for segment in world.store.log.space.segments.values():
        path = f"log/{segment.name()}"
        content = world.faulty.content(path)
        location = (int(segment.number) << OFFSET_BITS) + HEADER_SIZE
        first = read_batch_header(content, HEADER_SIZE, segment.salt, location)
        assert first is not None
        # The header of the commit after the first: from there on nothing can be copied.
        world.faulty.flip(path, HEADER_SIZE + int(first.size))
    first = {int(segment.first_ticket) for segment in world.store.log.space.segments.values()}
    kept = first | {ticket + 1 for ticket in first}
    settle_until_copies_are_written(
        world, [held for held in taken if int(held.entry.ticket) not in kept]
    )
    writing = world.store.log._writing
    assert writing is not None
    moved = {int(move.ticket) for move in writing.moves}
    world.settle_down()
    copied = next(held for held in world.held_by_clients if int(held.entry.ticket) in moved)
    settle_and_let_its_segment_go(world, copied, checked=False)
    for each in [each for each in world.held_by_clients if each is not world.held_by_clients[0]]:
        settle(world, each)
    again = World(world.faulty.at(world.moment()), world.ledger, 1, segment_bytes=4096)
    again.open(world.definitions)
    assert copied.body not in [body for body, _ in everything_in(again)["q"]]
