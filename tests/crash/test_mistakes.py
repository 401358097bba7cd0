"""The enumeration of crash states bites: each mistake that a log could make is caught by it."""

import pytest

from crash.disks import DiskBetween
from crash.mistakes import (
    AcknowledgementsLost,
    ConfirmsBeforeSync,
    FoldersNotSynced,
    LengthsTrusted,
)
from crash.states import Bad, enumerate_states
from crash.workloads import WORKLOADS

# More than one run has, so that a second one is looked at too.
STATES = 5000


def test_a_disk_between_changes_nothing() -> None:
    enumerate_states("", WORKLOADS["compaction"], 300, DiskBetween, DiskBetween)


@pytest.mark.parametrize("name", ["confirms", "acks out of order", "compaction", "transactions"])
@pytest.mark.parametrize(
    ("mistake", "signs"),
    [
        (ConfirmsBeforeSync, ["lost"]),
        (FoldersNotSynced, ["lost"]),
        (AcknowledgementsLost, ["resurrected", "half a transaction"]),
    ],
)
def test_a_mistake_in_writing_is_caught(
    name: str, mistake: type[DiskBetween], signs: list[str]
) -> None:
    with pytest.raises(Bad) as caught:
        enumerate_states(name, WORKLOADS[name], STATES, writing=mistake)
    assert any(sign in str(caught.value) for sign in signs)


@pytest.mark.parametrize("name", ["confirms", "acks out of order", "compaction"])
def test_a_mistake_in_reading_is_caught(name: str) -> None:
    with pytest.raises(Bad) as caught:
        enumerate_states(name, WORKLOADS[name], STATES, reading=LengthsTrusted)
    assert any(sign in str(caught.value) for sign in ["corrupt", "invented", "Error"])
