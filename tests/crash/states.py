"""Every state in which a power cut may leave the disk of a run, reopened and held to the ledger.

`LEVERET_CRASH_SEED` is the first seed that is tried, 1 if it is not set; a failure says which one
to set to see it again.
"""

import os
from collections.abc import Callable, Iterable
from copy import deepcopy
from random import Random

from crash.workloads import Workload, go_on, run
from crash.world import Definition, Transaction, World, everything_in
from leveret.store.disk import Disk
from leveret.testing import FaultyDisk

FIRST_SEED = int(os.environ.get("LEVERET_CRASH_SEED", "1"))
STATES_PER_CUT = 6
# One reopened store of so many goes on working, crashes or stops, and is opened again.
SAMPLE = 40
LATER_STEPS = 40
LATER_STATES = 10

checked: dict[str, int] = {}
"""How many states were reopened, by workload."""


class Bad(AssertionError):
    """A state that recovery has not made good of."""


Between = Callable[[FaultyDisk], Disk]


def nothing(disk: FaultyDisk) -> Disk:
    return disk


def enumerate_states(
    name: str,
    workload: Workload,
    target: int,
    writing: Between = nothing,
    reading: Between = nothing,
) -> None:
    """Check at least so many states, of as many runs as that takes. What is between the log and
    its disk, `writing` in the runs and `reading` when states are reopened, makes mistakes."""
    seed = FIRST_SEED
    count = 0
    while count < target:
        faulty = FaultyDisk()
        world = run(workload, seed, faulty, writing(faulty))
        try:
            count += check_run(world, workload, Random(seed), target - count, reading)
        except AssertionError as error:
            raise Bad(f"LEVERET_CRASH_SEED={seed}, workload {name!r}, {error}") from error
        world.leave()
        seed += 1
    if writing is nothing and reading is nothing:
        checked[name] = checked.get(name, 0) + count


def check_run(
    world: World,
    workload: Workload,
    random: Random,
    limit: int,
    reading: Between = nothing,
    earlier: tuple[World, int] | None = None,
) -> int:
    """Check states at each cut point of a run, or at `limit` of them if they are more. A cut while
    it was starting is one of the `earlier` run, which was cut off at that moment: nobody has heard
    of what was found until the start is through."""
    points = list(world.faulty.cut_points())
    if limit < len(points):
        points = sorted(random.sample(points, limit))
    count = 0
    for point in points:
        starting = world.first_delivery is None or point < world.first_delivery
        judge, moment = earlier if earlier is not None and starting else (world, point)
        for number, state in enumerate(world.faulty.states_at(point, random, STATES_PER_CUT)):
            try:
                reopened = check_state(judge, state, moment, workload, reading)
                if random.randrange(SAMPLE) == 0:
                    count += go_on_from((judge, moment), reopened, workload, random)
                reopened.leave()
            except Exception as error:
                said = error if isinstance(error, AssertionError) else repr(error)
                raise Bad(f"state {number} after {point} calls, {said}") from error
            count += 1
    return count


def check_state(
    world: World, state: FaultyDisk, point: int, workload: Workload, reading: Between
) -> World:
    """Reopen a disk as it may be after a cut; the world that was found there."""
    reopened = World(
        state,
        world.ledger,
        point,
        workload.segment_bytes,
        workload.limit_bytes,
        reading(state),
    )
    reopened.next_id = world.next_id
    ledger_moment = world.moment
    try:
        reopened.open(definitions_at(world.definitions, point))
        found = everything_in(reopened)
    finally:
        world.ledger.moment = ledger_moment
    recovery = reopened.recovery
    assert not recovery.strangers
    stopping = world.stop_began is not None and point >= world.stop_began
    untouched = world.first_delivery is None or point < world.first_delivery
    wrong = world.ledger.violations(found, at=point, clean=recovery.clean)
    if recovery.clean and untouched and not stopping:
        # Marks of the stop before this life, which the ledger has no dates of.
        wrong = [each for each in wrong if not each.startswith("wrong mark")]
    elif recovery.clean and not stopping:
        wrong.append("a crash is taken for a clean stop")
    assert not wrong, "\n".join(wrong[-5:])
    for transaction in world.transactions:
        check_transaction(world, transaction, found, point)
    return reopened


def definitions_at(definitions: Iterable[Definition], point: int) -> list[Definition]:
    """The queues that there were."""
    return [
        each._replace(dropped=None)
        for each in definitions
        if each.created <= point and (each.dropped is None or each.dropped >= point)
    ]


def check_transaction(
    world: World,
    transaction: Transaction,
    found: dict[str, list[tuple[bytes, bool]]],
    point: int,
) -> None:
    """All of it is there or nothing, as far as nobody has touched it since."""
    if transaction.begun > point:
        return
    bodies = {name: {body for body, _ in messages} for name, messages in found.items()}
    copies = world.ledger.queues
    there: list[bool] = []
    for name, body in transaction.published:
        copy = copies[name][world.ledger._key(body)]
        if name in bodies and (copy.settled is None or copy.settled >= point):
            there.append(body in bodies[name])
    for name, body in transaction.settled:
        copy = copies[name][world.ledger._key(body)]
        if name in bodies and copy.confirmed is not None and copy.confirmed <= transaction.begun:
            there.append(body not in bodies[name])
    assert len(set(there)) < 2, f"half a transaction: {there}"


def go_on_from(
    earlier: tuple[World, int], reopened: World, workload: Workload, random: Random
) -> int:
    """What was found takes new messages, is stopped or crashes, and is opened again."""
    world, _ = earlier
    ledger = reopened.ledger = deepcopy(world.ledger, {id(world): world})
    ledger.moment = reopened.moment
    found: dict[str, list[tuple[bytes, bool]]] = {name: [] for name in reopened.queues}
    for held in reopened.held_by_clients:
        found[held.queue.name].append((held.body, held.entry.redelivered))
    ledger.resume(found)
    for held in reopened.held_by_clients:
        ledger.delivered(held.queue.name, held.body)
    reopened.first_delivery = reopened.moment()
    if not reopened.queues:
        reopened.create("first")
    go_on(reopened, workload, random, LATER_STEPS)
    return check_run(reopened, workload, random, LATER_STATES, earlier=earlier)
