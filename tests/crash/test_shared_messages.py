"""A message of several queues stays with each of them until that one has settled it, wherever
compaction takes the record and the acknowledgements, and however often the broker starts."""

from random import Random

import pytest

from crash.small_store import SmallStore
from effort import effort
from leveret.store.log.recovery import Recovery
from leveret.testing import FaultyDisk

QUEUES = (11, 12)
Key = tuple[int, int]


def found_on(disk: FaultyDisk) -> set[Key]:
    """The messages that a start finds, by queue and ticket."""
    recovery = Recovery(disk, "log")
    recovery.run()
    return {
        (queue_id, int(ticket))
        for queue_id, queue in recovery.queues.items()
        for ticket in queue.tickets
    }


@pytest.mark.parametrize("seed", range(effort(40)))
def test_each_queue_keeps_what_it_has_not_settled(seed: int) -> None:
    dice = Random(seed)
    disk = FaultyDisk()
    small = SmallStore(disk).open(*QUEUES)
    living: list[Key] = []
    for life in range(8):
        for _ in range(150):
            what = dice.random()
            if not living or what < 0.4:
                queues = dice.choice([(11,), (12,), QUEUES])
                ticket = small.publish(b"m" * dice.randrange(300), *queues)
                living.extend((queue_id, ticket) for queue_id in queues)
            elif what < 0.9:
                # A few stay for long, in segments where little else does.
                small.settle(*living.pop(dice.randrange(5 if len(living) > 5 else 0, len(living))))
            else:
                small.turn()
        small.turn()
        assert found_on(disk) == set(living), f"in life {life}"
        if life % 2:
            small.stop()
        disk = disk.at(len(disk.operations))
        small = SmallStore(disk).open(*QUEUES)
