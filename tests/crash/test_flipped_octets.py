"""Octets that change on the medium: nothing wrong is ever served, nothing is removed, and what was
lost is exactly what `leveret store check` says."""

import os
from collections.abc import Iterator

import pytest

from crash.small_store import SEGMENT_BYTES, SmallStore, filled_disk
from leveret.store.check import Findings, StoredData, check_log
from leveret.store.log.format import segment_name
from leveret.store.log.walk import commits
from leveret.store.log_store import LOG_FOLDER
from leveret.testing import FaultyDisk

QUEUES = (11, 12, 13)
MASKS = (0xFF, 0x01)
# Every octet in `make soak`; otherwise some, by a prime that hits every place of a header in time.
STRIDE = 1 if os.environ.get("LEVERET_SOAK") else 59

Served = dict[int, dict[int, bytes]]


def looked_at(disk: FaultyDisk) -> Findings:
    return check_log(StoredData(disk, {}))


class Undamaged:
    """The store as it was written: what it serves, and which commit each message came with."""

    def __init__(self, clean: bool, used_before: bool) -> None:
        self.clean = clean
        self.disk, self.bodies = filled_disk(clean, used_before)
        self.served: Served = {}
        self.commit_of: dict[int, int] = {}
        self.at: dict[tuple[str, int], int] = {}
        data = StoredData(self.disk, {})
        for commit in commits(self.disk, LOG_FOLDER, data.recovery):
            number = int(commit.header.number)
            self.at[segment_name(commit.segment), commit.offset] = number
            for entry in commit.entries():
                if entry.kind == "publish":
                    self.commit_of[entry.tickets[0]] = number
        opened = SmallStore(self.copy()).open(*QUEUES)
        self.served = opened.served()

    def copy(self) -> FaultyDisk:
        return self.disk.at(len(self.disk.operations))

    def lost(self, findings: Findings, torn_at: tuple[str, int] | None) -> set[tuple[int, int]]:
        """The copies (queue, ticket) that are lost by what `store check` says."""
        lost = {
            (each.queue.id, ticket)
            for problem in findings.problems
            for each in problem.messages
            for ticket in each.tickets
        }
        gone: set[int] = set()
        for problem in findings.problems:
            assert problem.commits >= 0, "this many are always known here"
            gone.update(range(problem.first_commit, problem.first_commit + problem.commits))
        if torn_at is not None:
            gone.add(self.at[torn_at])
        for queue_id, messages in self.served.items():
            lost |= {(queue_id, ticket) for ticket in messages if self.commit_of[ticket] in gone}
        return lost


@pytest.fixture(
    scope="module",
    params=[(True, False), (False, False), (False, True)],
    ids=["stopped", "killed", "in used files"],
)
def undamaged(request: pytest.FixtureRequest) -> Undamaged:
    return Undamaged(*request.param)


def copies(served: Served) -> set[tuple[int, int]]:
    return {(queue_id, ticket) for queue_id, messages in served.items() for ticket in messages}


def flips(disk: FaultyDisk) -> Iterator[tuple[str, int, int]]:
    number = 0
    for path in disk.files():
        for offset in range(len(disk.content(path))):
            for mask in MASKS:
                number += 1
                if number % STRIDE == 0:
                    yield path, offset, mask


def test_the_store_has_what_the_test_is_about(undamaged: Undamaged) -> None:
    findings = looked_at(undamaged.disk)
    assert (findings.problems, findings.clean_stop) == ([], undamaged.clean)
    assert findings.segments >= 3
    assert {queue.id for queue in findings.queues} == set(QUEUES)
    assert sum(queue.messages for queue in findings.queues) == len(copies(undamaged.served)) > 30


def test_what_a_flipped_octet_costs_is_what_check_says(undamaged: Undamaged) -> None:
    tried = 0
    for path, offset, mask in flips(undamaged.disk):
        tried += 1
        where = f"{path}, octet {offset} ^ {mask:#x}"
        disk = undamaged.copy()
        disk.flip(path, offset, mask)
        before = disk.content(path)
        findings = looked_at(disk)
        opened = SmallStore(disk).open(*QUEUES)
        torn = opened.found.torn
        torn_at = None if torn is None else (segment_name(torn.segment), torn.start)
        served = opened.served()
        for queue_id, messages in served.items():
            for ticket, body in messages.items():
                assert body == undamaged.bodies[ticket], where
                told = next(each for each in findings.queues if each.id == queue_id)
                assert told.messages == len(messages), where
        missing = copies(undamaged.served) - copies(served)
        assert missing == undamaged.lost(findings, torn_at), where
        if opened.found.damage or (missing and torn is None):
            check_kept(opened, path, before, where)
    print(f"{tried} flipped octets")


def check_kept(opened: SmallStore, path: str, before: bytes, where: str) -> None:
    """With every message gone, the damaged file is in the log or set aside, not removed."""
    disk = opened.disk
    assert isinstance(disk, FaultyDisk)
    for queue_id, queue in opened.queues.items():
        for ticket in queue.recovered:
            opened.settle(queue_id, ticket)
    for _ in range(5):
        opened.turn()
        # Something must be written for space to be looked after.
        opened.settle(11, opened.publish(bytes(SEGMENT_BYTES // 2), 11))
        opened.publish(bytes(SEGMENT_BYTES // 2), 11)
        opened.turn()
    aside = path.replace("log/", "set-aside/")
    kept = [disk.content(name) for name in (path, aside) if name in disk.files()]
    assert kept, where
    # A file that was being filled is filled up.
    end = len(before.rstrip(b"\0"))
    assert any(content[: end - 200] == before[: end - 200] for content in kept), where
