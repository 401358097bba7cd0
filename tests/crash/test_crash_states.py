"""Whatever moment the power fails at, and whatever of the unsynced writes it leaves: what was
confirmed is there, what was settled durably is not, order is kept, and a transaction is whole."""

import os

import pytest

from crash.states import enumerate_states
from crash.workloads import WORKLOADS

# 20,000 states in all; a million of them in the soak.
STATES = 1_000_000 if os.environ.get("LEVERET_SOAK") else 20_000


@pytest.mark.timeout(STATES // 100)
@pytest.mark.parametrize("name", WORKLOADS)
def test_every_state_that_a_crash_can_leave(name: str) -> None:
    workload = WORKLOADS[name]
    shares = sum(each.share for each in WORKLOADS.values())
    enumerate_states(name, workload, -(-STATES * workload.share // shares))
