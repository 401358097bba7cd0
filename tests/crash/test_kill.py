"""kill -9 of the real process: nothing confirmed is lost, duplicates are marked redelivered."""

import os
import random

import pytest

from effort import effort

from .broker_process import BrokerProcess
from .kill_cycles import KillCycles
from .kill_ledger import summary

CYCLES = effort(30, soak=2000)
COUNTED = [
    *("cycles", "killed while starting", "killed while stopping", "stopped", "drained"),
    *("attempted", "confirmed", "nacked", "received", "redelivered", "requeued", "acked"),
    *("purged", "committed", "lost"),
]


def seed() -> int:
    """LEVERET_SEED repeats a run's decisions, though not its moments."""
    return int(os.environ.get("LEVERET_SEED", random.SystemRandom().randrange(1 << 32)))


@pytest.mark.timeout(60 + CYCLES * 3)
def test_nothing_confirmed_is_lost_when_the_process_is_killed(tmp_path, say):
    cycles = KillCycles(BrokerProcess(tmp_path), chosen := seed())
    try:
        cycles.run(CYCLES)
    finally:
        cycles.broker.close()
        say(f"kill -9, seed {chosen}: {summary(cycles.ledger.counts, COUNTED)}")
    assert not cycles.ledger.violations, "\n".join(cycles.ledger.violations)
    assert cycles.ledger.counts["redelivered"] > 0


def test_a_broker_that_keeps_nothing_is_found_out(tmp_path):
    cycles = KillCycles(BrokerProcess(tmp_path, ephemeral=True), seed=1)
    try:
        cycles.run(5)
    finally:
        cycles.broker.close()
    assert "life 2: the durable queue orders is gone" in cycles.ledger.violations
    assert cycles.ledger.counts["lost"] > 0
