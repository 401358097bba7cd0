"""kill -9 while dead letters move: at least once is at least once."""

import os
import random

import pytest

from effort import effort

from .broker_process import BrokerProcess
from .kill_ledger import summary
from .kill_letters import KillLetters

LIVES = effort(6, soak=600)
COUNTED = ["kills", "confirmed", "rejected", "arrived", "twice", "found in their queue", "half way"]


@pytest.mark.timeout(60 + LIVES * 5)
def test_no_dead_letter_is_lost_at_least_once_when_the_process_is_killed(tmp_path, say):
    """Feature: dead-letter strategy."""
    # LEVERET_SEED repeats a run's decisions, though not its moments.
    seed = int(os.environ.get("LEVERET_SEED", random.SystemRandom().randrange(1 << 32)))
    letters = KillLetters(BrokerProcess(tmp_path), seed)
    try:
        letters.run(LIVES)
    finally:
        letters.broker.close()
        say(f"kill -9 among dead letters, seed {seed}: {summary(letters.counts, COUNTED)}")
    assert not letters.violations, "\n".join(letters.violations[:20])
    assert letters.counts["arrived"] > 0
    assert letters.counts["found in their queue"] > 0


def test_a_queue_that_drops_what_is_refused_is_found_out(tmp_path):
    letters = KillLetters(BrokerProcess(tmp_path), seed=1, strategy={}, patience_seconds=0.5)
    try:
        letters.run(20)
    finally:
        letters.broker.close()
    assert letters.violations
