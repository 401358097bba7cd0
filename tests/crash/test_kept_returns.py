"""How often messages have come back is kept with them: over power cuts, and wherever compaction
takes them."""

from collections import Counter
from random import Random

import pytest

from crash.small_store import SmallStore
from effort import effort
from leveret.store.log.format import OFFSET_BITS, unpacked
from leveret.store.log.recovery import Recovery
from leveret.testing import FaultyDisk

QUEUES = (11, 12)
Counts = dict[tuple[int, int], tuple[int, int]]


class Life:
    """A store whose messages come and go, and come back. `counts` are those of the messages that
    are there, by queue and ticket; `known` what was on disk by which of the disk's calls."""

    def __init__(self, seed: int) -> None:
        self.disk = FaultyDisk()
        self.dice = Random(seed)
        self.small = SmallStore(self.disk).open(*QUEUES)
        self.counts: Counts = {}
        self.living: list[tuple[int, int]] = []
        self.known: list[tuple[int, Counts]] = []
        # Where those with counts have been, as far as it was seen, and what was copied forward.
        self.places: dict[int, int] = {}
        self.copied: set[int] = set()

    def publish(self) -> None:
        queues = self.dice.choice([(11,), (12,), QUEUES])
        ticket = self.small.publish(b"m" * self.dice.randrange(300), *queues)
        self.living.extend((queue_id, ticket) for queue_id in queues)

    def settle(self, key: tuple[int, int]) -> None:
        self.living.remove(key)
        self.counts.pop(key, None)
        self.small.settle(*key)

    def come_back(self, key: tuple[int, int]) -> None:
        acquired, failed = self.counts.get(key, (0, 0))
        acquired, failed = acquired + 1, failed + self.dice.randrange(2)
        self.counts[key] = acquired, failed
        self.small.store.returned(self.small.queues[key[0]], key[1], acquired, failed)

    def step(self) -> None:
        what = self.dice.random()
        if not self.living or what < 0.35:
            self.publish()
        elif what < 0.5:
            self.come_back(self.dice.choice(self.living))
        elif what < 0.9:
            # A few stay for long, in segments where little else does.
            self.settle(self.dice.choice(self.living[5:] or self.living))
        else:
            self.turn()

    def turn(self) -> None:
        self.small.turn()
        self.known.append((len(self.disk.operations), dict(self.counts)))
        for _, ticket in self.counts:
            place = int(self.small.store.log.places.find(ticket))
            if self.places.setdefault(ticket, place) != place:
                self.copied.add(ticket)


def found_on(disk: FaultyDisk) -> tuple[Counts, set[tuple[int, int]]]:
    """The counts that a start finds, and the messages."""
    recovery = Recovery(disk, "log")
    recovery.run()
    assert recovery.damage == []
    counts: Counts = {}
    there: set[tuple[int, int]] = set()
    for queue_id, queue in recovery.queues.items():
        there.update((queue_id, int(ticket)) for ticket in queue.tickets)
        for ticket, packed in queue.returned.items():
            counts[queue_id, ticket] = unpacked(packed)
    assert {key: unpacked(packed) for key, packed in recovery.returns.counts.items()} == counts
    assert set(counts) <= there
    return counts, there


def segments_hold_what_is_needed(small: SmallStore) -> None:
    """Records, and what is said last of each return; no more, or a segment would never go."""
    log = small.store.log
    held = Counter(int(log.places.find(ticket) >> OFFSET_BITS) for ticket in log.places.tickets())
    for key in log.returns.counts:
        held.update(
            number
            for number, segment in log.space.segments.items()
            if log.returns.is_said_in(key, segment)
        )
    for number, segment in log.space.segments.items():
        assert segment.live_count == held[number]


@pytest.mark.parametrize("seed", range(effort(4)))
def test_counts_are_there_after_a_power_cut_at_any_moment(seed: int) -> None:
    life = Life(seed)
    for _ in range(1200):
        life.step()
    life.turn()
    assert life.copied, "nothing was compacted"
    last: Counts = {}
    known = iter([*life.known, (len(life.disk.operations) + 1, life.counts)])
    moment, following = next(known)
    for cut in range(0, len(life.disk.operations) + 1, 13):
        while moment <= cut:
            last = following
            moment, following = next(known)
        counts, there = found_on(life.disk.at(cut))
        for key in last:
            # What has been settled since may be gone.
            assert key not in there or counts.get(key, (0, 0)) >= last[key]
        for key, count in counts.items():
            assert count <= following.get(key, (1 << 31, 0))


@pytest.mark.parametrize("seed", range(effort(4)))
def test_counts_are_exact_once_they_are_written_and_over_many_starts(seed: int) -> None:
    life = Life(seed)
    for round_number in range(8):
        for _ in range(150):
            life.step()
        life.turn()
        segments_hold_what_is_needed(life.small)
        expected = dict(life.counts), set(life.living)
        assert found_on(life.disk.at(len(life.disk.operations))) == expected
        if round_number % 2:
            life.small.stop()
        life.disk = life.disk.at(len(life.disk.operations))
        life.small = SmallStore(life.disk).open(*QUEUES)
        assert found_on(life.disk) == expected
        segments_hold_what_is_needed(life.small)


def test_a_message_that_comes_back_for_ever_does_not_fill_the_disk() -> None:
    life = Life(0)
    life.publish()
    (key, *_) = life.living
    for _ in range(3000):
        life.come_back(key)
        life.small.clock.advance(0.06)
    life.turn()
    assert len(life.small.store.log.space.segments) < 10
    assert found_on(life.disk.at(len(life.disk.operations)))[0] == life.counts


def test_what_is_settled_is_counted_no_more() -> None:
    life = Life(1)
    life.publish()
    life.turn()
    for key in list(life.living):
        life.come_back(key)
        life.turn()
        life.settle(key)
    life.turn()
    assert life.small.store.log.returns.counts == {}
    assert found_on(life.disk.at(len(life.disk.operations))) == ({}, set())


def test_a_message_that_is_not_written_yet_may_come_back_too() -> None:
    life = Life(2)
    life.publish()
    for key in life.living:
        life.come_back(key)
    life.turn()
    assert found_on(life.disk.at(len(life.disk.operations)))[0] == life.counts
