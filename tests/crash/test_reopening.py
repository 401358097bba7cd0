"""Logs that are opened again: after clean stops, after damage, from copies."""

import pytest

from crash.small_store import SmallStore
from leveret.store.check import StoredData, check_log
from leveret.store.log.format import batch_header, segment_header, segment_name
from leveret.store.log.recovery import WINDOW, Recovery
from leveret.testing import FaultyDisk


def killed(small: SmallStore) -> FaultyDisk:
    disk = small.disk
    assert isinstance(disk, FaultyDisk)
    return disk.at(len(disk.operations))


def shortened(small: SmallStore, extra: int = 0) -> FaultyDisk:
    """A disk with the active segment, up to where it was written and `extra` octets more."""
    active = small.store.log.active
    assert active is not None
    copy = FaultyDisk()
    copy.make_folder("log")
    file = copy.open(f"log/{active.name()}", create=True)
    file.write(0, small.disk.open(f"log/{active.name()}").read(0, int(active.end) + extra))
    return copy


def test_a_clean_stop_says_what_was_delivered_and_a_crash_after_it_says_nothing() -> None:
    small = SmallStore(FaultyDisk()).open(11)
    first, second = small.publish(b"one", 11), small.publish(b"two", 11)
    small.turn()
    small.store.mark(small.queues[11], [second])
    small.stop()
    again = SmallStore(small.disk).open(11)
    assert again.queues[11].recovered == [first, second]
    assert again.queues[11].marked == {second: None}
    # Delivering writes nothing: both may have been delivered by now.
    assert SmallStore(killed(again)).open(11).queues[11].marked is None


def test_a_clean_stop_after_another_counts_again() -> None:
    small = SmallStore(FaultyDisk()).open(11)
    ticket = small.publish(b"one", 11)
    small.turn()
    for _ in range(3):
        small.stop()
        small = SmallStore(small.disk).open(11)
        assert (small.queues[11].recovered, small.queues[11].marked) == ([ticket], {})


def test_what_was_set_aside_keeps_its_name() -> None:
    small = SmallStore(FaultyDisk()).open(11)
    small.publish(b"one", 11)
    small.turn()
    disk = killed(small)
    spare = max(name for name in disk.list("log"))
    for _ in range(2):
        disk.flip(f"log/{spare}", 0, 0xFF)
        SmallStore(disk).open(11)
        spare = max(name for name in disk.list("log"))
    assert len(disk.list("set-aside")) == 2


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 65, 500])
def test_a_log_whose_last_file_ends_with_what_was_stored_goes_on(cut: int) -> None:
    """As a backup has it, which copies no more than was on disk."""
    small = SmallStore(FaultyDisk()).open(11)
    kept = [small.publish(b"body %d" % number, 11) for number in range(3)]
    small.turn()
    copy = shortened(small, cut)
    again = SmallStore(copy).open(11)
    assert again.queues[11].recovered == kept
    assert again.found.torn is None
    again.messages = small.messages
    for number in range(40):
        kept.append(again.publish(b"later %d" % number, 11))
        again.turn()
    again.stop()
    last = SmallStore(copy).open(11)
    assert last.found.damage == []
    assert last.served()[11] == {ticket: again.messages[ticket] for ticket in kept}
    assert len(last.found.segments) > 1


def test_a_restored_log_that_is_stopped_at_once_was_stopped_cleanly() -> None:
    small = SmallStore(FaultyDisk()).open(11)
    small.publish(b"one", 11)
    small.turn()
    small.store.stop()
    again = SmallStore(shortened(small)).open(11)
    again.stop()
    assert SmallStore(again.disk).open(11).found.clean


def spoilt(small: SmallStore, number: int, start: int, octets: bytes) -> FaultyDisk:
    """The disk after a crash, with other octets in a segment."""
    disk = killed(small)
    disk.open(f"log/{segment_name(number)}").write(start, octets)
    return disk


def filled(bodies: int) -> tuple[SmallStore, list[int]]:
    small = SmallStore(FaultyDisk()).open(11)
    tickets = []
    for number in range(bodies):
        tickets.append(small.publish(b"body %d" % number * 5, 11))
        small.turn()
    return small, tickets


@pytest.mark.parametrize("junk", [bytes(300), b"\xa5" * 300, b"LEVERET\n" + bytes(292)])
@pytest.mark.parametrize("place", ["first", "middle", "active"])
def test_a_lost_beginning_costs_the_commits_in_it_and_no_more(junk: bytes, place: str) -> None:
    small, tickets = filled(40)
    used = sorted(small.store.log.space.segments)
    assert len(used) >= 3
    number = {"first": used[0], "middle": used[1], "active": used[-1]}[place]
    disk = spoilt(small, number, 0, junk)
    findings = check_log(StoredData(disk, {}))
    opened = SmallStore(disk).open(11)
    lost = sorted(set(tickets) - set(opened.queues[11].recovered))
    assert 0 < len(lost) <= 300 // 64
    commits = [(each.first_commit, each.commits) for each in findings.problems if each.commits]
    assert len(commits) == 1
    assert commits[0][1] == len(lost)
    assert segment_name(number) in disk.list("log")


@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_used_file_is_not_taken_for_a_spare_when_its_commits_are_gone_too(place: int) -> None:
    small, _ = filled(40)
    number = sorted(small.store.log.space.segments)[place]
    again = SmallStore(spoilt(small, number, 0, b"\xa5" * 2048)).open(11)
    assert [each.segment for each in again.found.damage] == [number]
    assert again.disk.list("set-aside") == [segment_name(number)]


def test_a_first_commit_that_was_cut_off_in_its_header_is_a_torn_tail() -> None:
    small, tickets = filled(1)
    while len(small.store.log.space.segments) == 1:
        disk = killed(small)
        tickets.append(small.publish(b"body" * 8, 11))
        small.turn()
    header = small.disk.open("log/" + segment_name(2)).read(0, 30)
    seal = small.disk.open("log/" + segment_name(1)).read(0, 2048)
    disk.open("log/" + segment_name(1)).write(0, seal)
    disk.open("log/" + segment_name(2)).write(0, header)
    again = SmallStore(disk).open(11)
    assert (again.found.damage, again.queues[11].recovered) == ([], tickets[:-1])
    assert again.found.torn is not None
    assert again.found.torn.segment == 2
    again.publish(b"later", 11)
    again.turn()
    assert len(SmallStore(killed(again)).open(11).queues[11].recovered) == len(tickets)


def test_commits_of_segments_that_are_gone_are_not_called_lost() -> None:
    small, tickets = filled(40)
    for ticket in tickets[:20]:
        small.settle(11, ticket)
    for _ in range(5):
        small.turn()
    first = min(small.store.log.space.segments)
    assert first > 1
    disk = killed(small)
    disk.flip("log/" + segment_name(first), 64 + 20)
    (damage,) = SmallStore(disk).open(11).found.damage
    assert 1 <= damage.batches <= 3


def test_an_index_that_makes_no_sense_is_told_of() -> None:
    salt, place, index = b"saltsalt", (1 << 32) + 64, b"\x09" + bytes(15)
    first = batch_header(salt, place, 1, place, 0, 0, index, 0) + index
    second = batch_header(salt, place + len(first), 2, place, 0, 0, b"", 0)
    disk = FaultyDisk()
    disk.make_folder("log")
    file = disk.open("log/" + segment_name(1), create=True)
    file.write(0, segment_header(1, salt) + first + second)
    (problem,) = check_log(StoredData(disk, {})).problems
    assert problem.what.startswith("octet 64: commit 1 makes no sense")
    assert SmallStore(disk).open(11).found.batches == 2


@pytest.mark.parametrize(
    "name",
    [
        "ffffffffffffffff.segment",
        "0000000080000000.segment",
        "000000000000000A.segment",
        "+00000000000000a.segment",
        "00000000_000000a.segment",
        "0000000000000000.segment",
        "000000000000000a.segment.old",
        "notes.txt",
    ],
)
def test_names_that_are_none_of_the_log_s_are_left_alone(name: str) -> None:
    small, tickets = filled(3)
    disk = killed(small)
    disk.open(f"log/{name}", create=True).write(0, b"mine")
    again = SmallStore(disk).open(11)
    assert (again.found.strangers, again.queues[11].recovered) == ([name], tickets)
    assert disk.content(f"log/{name}") == b"mine"


def test_a_commit_far_behind_a_lost_beginning_is_found_wherever_it_begins() -> None:
    salt = b"saltsalt"
    for offset in (WINDOW - 3, WINDOW + 64 - 9, WINDOW + 64, 2 * WINDOW - 20, 3 * WINDOW - 64):
        place = (1 << 32) + offset
        disk = FaultyDisk()
        disk.make_folder("log")
        file = disk.open("log/" + segment_name(1), create=True)
        file.write(offset, batch_header(salt, place, 7, place, 3, 0, b"", 0))
        found = Recovery(disk, "log")
        found.run()
        assert (found.batches, found.batch_number, found.last_ticket) == (1, 7, 3), offset
