"""A steady state: what is written and what lies on the disk, while acks come late and anyhow."""

import time
from pathlib import Path

import pytest

from effort import effort

from .broker_process import BrokerProcess
from .steady import BODY, MIB, SteadyQueue, everything_ready

MESSAGES = effort(400_000, soak=10_000_000)
LAG = 10_000
POINTS = 10
# Segments are cut and reclaimed whole, and one or two lie ready ahead.
SEGMENTS_BYTES = 3 * 16 * MIB

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts bytes in /proc"),
    pytest.mark.timeout(60 + MESSAGES // 5000),
]


@pytest.fixture
def broker(tmp_path):
    broker = BrokerProcess(tmp_path)
    broker.start()
    yield broker
    broker.close()


@pytest.mark.parametrize("keeps_first", [False, True], ids=["all acked", "the first never acked"])
def test_with_late_acks_in_random_order_all_is_written_and_disk_use_is_flat(
    broker, say, keeps_first
):
    queue = SteadyQueue(broker, LAG, keeps_first)
    began = time.perf_counter()
    queue.run(MESSAGES, POINTS)
    rate = MESSAGES / (time.perf_counter() - began)
    say(f"{MESSAGES:,} cycles, {LAG:,} behind, first kept: {keeps_first}: {rate:,.0f} a second")
    for sample in queue.samples:
        say(f"  {sample}")
    assert queue.samples[-1].written >= 0.9 * MESSAGES * BODY
    first, second = queue.samples[: POINTS // 2], queue.samples[POINTS // 2 :]
    flat = 1.2 * max(sample.disk for sample in first) + SEGMENTS_BYTES
    assert max(sample.disk for sample in second) <= flat

    broker.kill()
    broker.start()
    ready = everything_ready(broker)
    assert queue.unacknowledged() <= ready
    undone = len(ready - queue.unacknowledged())
    say(f"  after kill -9 {len(ready):,} messages are back, {undone:,} acks were undone")


def test_what_is_settled_as_it_leaves_is_hardly_written(broker, say):
    queue = SteadyQueue(broker, lag=None)
    queue.run(MESSAGES, POINTS)
    say(f"{MESSAGES:,} cycles with automatic acks: {queue.samples[-1]}")
    # Segments are filled with zeros ahead.
    assert queue.samples[-1].written <= 0.05 * MESSAGES * BODY + SEGMENTS_BYTES


def test_what_is_acked_at_once_is_written_in_part(broker, say):
    queue = SteadyQueue(broker, lag=0)
    queue.run(MESSAGES, POINTS)
    say(f"{MESSAGES:,} cycles with acks at once: {queue.samples[-1]}")
