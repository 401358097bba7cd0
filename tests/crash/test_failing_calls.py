"""Each call on the disk fails once, one run after the other: what was confirmed is there all the
same, nobody's publish or acknowledgement raises, and the broker hears what it has to hear."""

import errno
import os
from random import Random

import pytest

from crash.ledger import Ledger
from crash.workloads import WORKLOADS, Actor, Workload
from crash.world import World, everything_in
from leveret.testing import FaultyDisk

STATES = 4
COMPACTION = WORKLOADS["compaction"]._replace(steps=600)
PAGING = WORKLOADS["paging"]._replace(steps=200)


def run_on(disk: FaultyDisk, workload: Workload, seed: int) -> World:
    """Go through a workload, for as long as the store has not failed."""
    random = Random(seed)
    world = World(disk, Ledger(seed), seed, workload.segment_bytes, workload.limit_bytes)
    try:
        world.open()
    except OSError:
        assert disk.failures, "it does not start on a good disk"
        return world
    for number in range(workload.queues):
        world.create(f"q{number}")
    actor = Actor(world, workload, random)
    kinds = list(workload.weights)
    for kind in random.choices(kinds, list(workload.weights.values()), k=workload.steps):
        actor.step(kind)
    for _ in range(5):
        world.settle_down(1.0)
    return world


def check_what_it_left(world: World, workload: Workload) -> None:
    """After a restart of the process, and after a power cut."""
    now = world.moment()
    states = [world.faulty.at(now), *world.faulty.states_at(now, Random(now), STATES)]
    for state in states:
        again = World(state, world.ledger, now, workload.segment_bytes, workload.limit_bytes)
        again.open(world.definitions)
        found = everything_in(again)
        world.ledger.moment = world.moment
        world.ledger.check(found)
        again.leave()


def check_nothing_is_synced_twice(disk: FaultyDisk) -> None:
    """After a sync that failed, nobody knows what is on disk: asking again would lie."""
    (failed,) = disk.failures
    at = next(at for at, each in enumerate(disk.operations) if each is failed)
    later = disk.operations[at + 1 :]
    again = [each for each in later if (each.kind, each.path) == ("sync", failed.path)]
    assert not again


@pytest.mark.timeout(600)
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize(
    "kind", ["write", "sync", "open", "rename", "remove", "sync_folder", "list", "read"]
)
@pytest.mark.parametrize("workload", [COMPACTION, PAGING], ids=["compaction", "paging"])
def test_every_call_may_fail_once(workload: Workload, kind: str, code: int) -> None:
    seed = int(os.environ.get("LEVERET_CRASH_SEED", "1"))
    number = 0
    while True:
        number += 1
        disk = FaultyDisk()
        disk.fail(number, code, kind, written=number % 700)
        world = run_on(disk, workload, seed)
        try:
            if disk.failures and not world.failure and hasattr(world, "recovery"):
                assert world.reason == "", "publishers are held for good"
                assert not world._unconfirmed, "some wait for good"
            if kind == "sync" and disk.failures:
                check_nothing_is_synced_twice(disk)
            check_what_it_left(world, workload)
        except AssertionError as error:
            raise AssertionError(f"{kind} number {number} fails: {error}") from error
        world.leave()
        if not disk.failures:
            return
