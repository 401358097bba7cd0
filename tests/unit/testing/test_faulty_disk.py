"""The faulty disk fails when told to, and loses what POSIX lets a disk lose."""

import errno
from collections.abc import Callable, Iterable
from itertools import islice
from random import Random
from threading import Thread

import pytest

from leveret.store.disk import Disk, DiskFile
from leveret.testing.faulty_disk import KINDS, FaultyDisk, Operation, PowerCut

SECTOR = 512


def a_disk() -> FaultyDisk:
    """With a folder `log` and in it a file `log/1` of 4 sectors of zeros, all of it durable."""
    disk = FaultyDisk()
    disk.make_folder("log")
    file = disk.open("log/1", create=True)
    file.write(0, bytes(4 * SECTOR))
    file.sync()
    file.close()
    disk.sync_folder("log")
    return disk.at(len(disk.operations))


def states(disk: FaultyDisk, limit: int = 10_000) -> list[FaultyDisk]:
    return list(disk.crash_states(Random(1), limit))


def contents(disks: Iterable[FaultyDisk], path: str = "log/1") -> set[bytes]:
    return {disk.content(path) for disk in disks}


def listings(disk: FaultyDisk) -> set[tuple[str, ...]]:
    return {tuple(state.files()) for state in states(disk)}


def lost(disk: FaultyDisk) -> FaultyDisk:
    """The disk after a power cut that took all it could."""
    return next(disk.crash_states(Random(1), 1))


# --- records ---


def test_every_call_is_recorded() -> None:
    disk = FaultyDisk()
    disk.make_folder("log")
    file = disk.open("log/1", create=True)
    file.write(3, b"abc")
    file.read(1, 5)
    file.sync()
    disk.rename("log/1", "log/2")
    disk.list("log")
    disk.remove("log/2")
    disk.sync_folder("log")
    assert disk.operations == [
        Operation("make_folder", "log"),
        Operation("open", "log/1"),
        Operation("write", "log/1", 3, 3),
        Operation("read", "log/1", 1, 5),
        Operation("sync", "log/1"),
        Operation("rename", "log/1"),
        Operation("list", "log"),
        Operation("remove", "log/2"),
        Operation("sync_folder", "log"),
    ]
    assert {each.kind for each in disk.operations} == KINDS


def test_looking_at_the_disk_is_no_operation() -> None:
    disk = a_disk()
    assert disk.files() == ["log/1"]
    assert disk.content("log/1") == bytes(4 * SECTOR)
    states(disk)
    assert disk.operations == []


# --- the power fails ---


def test_the_power_fails_in_the_call_that_was_named_and_stays_off() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    disk.stop_after(3)
    file.write(0, b"first")
    file.sync()
    with pytest.raises(PowerCut):
        file.write(0, b"third")
    assert disk.stopped
    for call in (file.sync, file.size, disk.free_bytes, lambda: disk.list("log")):
        with pytest.raises(PowerCut):
            call()
    assert contents(states(disk)) == {b"first" + bytes(4 * SECTOR - 5)}
    file.close()  # What a `finally` does must not hide the power cut.


def test_no_handler_of_errors_hides_a_power_cut() -> None:
    assert not issubclass(PowerCut, Exception)


def test_a_write_is_torn_where_the_power_fails() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    disk.stop_after(1, written=3)
    with pytest.raises(PowerCut):
        file.write(0, b"third")
    assert disk.content("log/1").startswith(b"thi\0")
    torn = contents(states(disk))
    assert {content[:5] for content in torn} == {
        b"\0\0\0\0\0",
        b"t\0\0\0\0",
        b"th\0\0\0",
        b"thi\0\0",
    }


def test_a_process_that_was_killed_finds_all_it_had_written() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    disk.stop_after(2)
    disk.fail(9, errno.EIO)
    file.write(0, b"first")
    with pytest.raises(PowerCut):
        file.sync()
    disk.restart()
    assert disk.open("log/1").read(0, 5) == b"first"
    for _ in range(20):
        disk.list("log")
    assert lost(disk).content("log/1") == bytes(4 * SECTOR), "it was never synced"


# --- calls fail ---


def make_every_call(disk: FaultyDisk, file: DiskFile) -> None:
    disk.make_folder("more")
    disk.open("log/2", create=True).close()
    file.write(0, b"x")
    file.read(0, 1)
    file.sync()
    disk.list("log")
    disk.rename("log/2", "log/3")
    disk.remove("log/3")
    disk.sync_folder("log")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_named_call_of_a_kind_fails_and_no_other(kind: str) -> None:
    disk = a_disk()
    file = disk.open("log/1")
    disk.fail(2, errno.EIO, kind)
    make_every_call(disk, file)
    with pytest.raises(OSError) as raised:
        make_every_call(disk, file)
    assert raised.value.errno == errno.EIO
    assert [each.kind for each in disk.failures] == [kind]
    assert disk.operations[-1] == disk.failures[0]


def test_any_call_can_be_the_one_that_fails() -> None:
    failed = []
    for number in range(1, 100):
        disk = a_disk()
        file = disk.open("log/1")
        disk.fail(number, errno.EIO)
        try:
            make_every_call(disk, file)
        except OSError:
            failed += disk.failures
        if not disk.failures:
            break
    assert {each.kind for each in failed} == KINDS
    assert len(failed) == len(KINDS)


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("open", lambda disk: disk.open("log/2", create=True)),
        ("write", lambda disk: disk.open("log/1").write(0, b"x")),
        ("make_folder", lambda disk: disk.make_folder("more")),
        ("rename", lambda disk: disk.rename("log/1", "log/2")),
        ("remove", lambda disk: disk.remove("log/1")),
    ],
)
def test_a_call_that_fails_has_done_nothing(kind: str, call: Callable[[Disk], object]) -> None:
    disk = a_disk()
    disk.fail(1, errno.ENOSPC, kind)
    with pytest.raises(OSError):
        call(disk)
    assert disk.list("") == ["log"]
    assert disk.files() == ["log/1"]
    assert disk.content("log/1") == bytes(4 * SECTOR)


def test_names_are_not_durable_when_syncing_their_folder_failed() -> None:
    disk = a_disk()
    disk.remove("log/1")
    disk.fail(1, errno.EIO, "sync_folder")
    with pytest.raises(OSError):
        disk.sync_folder("log")
    assert listings(disk) == {(), ("log/1",)}


def test_an_unknown_kind_of_call_is_refused() -> None:
    with pytest.raises(ValueError, match="fsync"):
        FaultyDisk().fail(1, errno.EIO, "fsync")


def test_a_drive_can_stay_broken() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    disk.fail(1, errno.EIO, "write", times=3)
    for _ in range(3):
        with pytest.raises(OSError):
            file.write(0, b"x")
        assert file.read(0, 1) == b"\0"
    file.write(0, b"x")


def test_a_write_that_fails_may_have_written_some() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    disk.fail(1, errno.EIO, "write", written=2)
    with pytest.raises(OSError):
        file.write(0, b"abc")
    assert file.read(0, 3) == b"ab\0"


def test_what_a_failed_sync_dropped_is_read_but_never_on_disk() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    file.write(0, b"dropped")
    disk.fail(1, errno.EIO, "sync")
    with pytest.raises(OSError):
        file.sync()
    file.write(100, b"written later")
    file.sync()
    assert file.read(0, 7) == b"dropped"
    assert contents(states(disk)) == {bytes(100) + b"written later" + bytes(4 * SECTOR - 113)}


def test_a_kinder_system_writes_it_with_the_next_sync() -> None:
    disk = a_disk()
    disk.failed_sync_drops = False
    file = disk.open("log/1")
    file.write(0, b"kept")
    disk.fail(1, errno.EIO, "sync")
    with pytest.raises(OSError):
        file.sync()
    assert lost(disk).content("log/1").startswith(b"\0")
    file.sync()
    assert lost(disk).content("log/1").startswith(b"kept")


# --- space ---


def test_a_write_beyond_the_capacity_writes_what_fits() -> None:
    disk = FaultyDisk(capacity_bytes=10)
    file = disk.open("file", create=True)
    file.write(0, b"0123456")
    assert disk.free_bytes() == 3
    with pytest.raises(OSError) as raised:
        file.write(5, b"abcdefgh")
    assert raised.value.errno == errno.ENOSPC
    assert disk.content("file") == b"01234abcde"
    assert disk.free_bytes() == 0
    assert [each.kind for each in disk.failures] == ["write"]


def test_a_full_disk_can_be_overwritten_and_has_space_again() -> None:
    disk = FaultyDisk(capacity_bytes=10)
    file = disk.open("file", create=True)
    file.write(0, bytes(10))
    file.write(0, b"0123456789")
    with pytest.raises(OSError):
        file.write(10, b"!")
    disk.capacity_bytes = 11
    file.write(10, b"!")
    assert disk.content("file") == b"0123456789!"
    disk.capacity_bytes = 5
    assert disk.free_bytes() == 0
    file.write(0, b"still")


def test_space_comes_back_once_a_file_is_removed_and_closed() -> None:
    disk = FaultyDisk(capacity_bytes=10)
    file = disk.open("file", create=True)
    file.write(0, bytes(10))
    disk.remove("file")
    assert disk.free_bytes() == 0
    file.close()
    assert disk.free_bytes() == 10


# --- damage ---


def test_a_write_takes_the_octets_as_they_are_at_the_call() -> None:
    disk = a_disk()
    reused = bytearray(b"was")
    disk.open("log/1").write(0, reused)
    reused[:] = b"now"
    assert disk.content("log/1").startswith(b"was")
    assert b"now" not in {content[:3] for content in contents(states(disk))}


def test_bits_can_be_flipped() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    disk.flip("log/1", 700)
    disk.flip("log/1", 701, 0x01)
    assert file.read(699, 4) == b"\x00\xff\x01\x00"
    assert lost(disk).content("log/1")[699:703] == b"\x00\xff\x01\x00"
    disk.flip("log/1", 700)
    assert disk.content("log/1")[700] == 0
    for outside in (-1, 4 * SECTOR):
        with pytest.raises(ValueError):
            disk.flip("log/1", outside)


# --- what a power cut leaves of writes ---


def test_a_disk_without_unsynced_changes_is_found_as_it_is() -> None:
    disk = a_disk()
    [state] = states(disk)
    assert state.files() == ["log/1"]
    assert state.content("log/1") == bytes(4 * SECTOR)
    assert state.list("") == ["log"]


def test_an_unsynced_write_is_lost_whole_or_torn() -> None:
    disk = a_disk()
    disk.open("log/1").write(0, b"n" * 3 * SECTOR)
    found = contents(states(disk))
    sectors = {content[at] for at in range(0, 3 * SECTOR, SECTOR) for content in found}
    assert sectors == {0, ord("n")}
    whole_sectors = {
        bytes(content[at] for at in range(0, 3 * SECTOR, SECTOR))
        for content in found
        if all(len(set(content[at : at + SECTOR])) == 1 for at in range(0, 3 * SECTOR, SECTOR))
    }
    assert len(whole_sectors) == 8, "each sector kept or lost, in all combinations"
    assert len(found) > 8, "and torn inside of sectors"


def test_sectors_are_those_of_the_file_and_not_of_the_write() -> None:
    disk = a_disk()
    disk.open("log/1").write(500, b"n" * SECTOR)
    kept = {content.strip(b"\0") for content in contents(states(disk))}
    assert b"n" * 12 in kept
    assert b"n" * 500 in kept


def test_old_and_new_octets_mix_where_a_write_replaced_others() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    file.write(0, b"o" * 4 * SECTOR)
    file.sync()
    file.write(0, b"n" * 2 * SECTOR)
    found = contents(states(disk))
    assert b"o" * SECTOR + b"n" * SECTOR + b"o" * 2 * SECTOR in found
    assert b"n" * SECTOR + b"o" * 3 * SECTOR in found
    assert {len(content) for content in found} == {4 * SECTOR}


def test_an_earlier_write_may_be_lost_and_a_later_one_kept() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    file.write(0, b"A" * 9)
    file.write(600, b"B" * 9)
    pairs = {(content[:9], content[600:609]) for content in contents(states(disk))}
    nothing = bytes(9)
    assert {(nothing, b"B" * 9), (b"A" * 9, nothing), (nothing, nothing)} <= pairs
    assert (b"A" * 9, b"B" * 9) in pairs


def test_of_two_writes_to_one_place_the_later_one_is_on_top() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    file.write(0, b"AA")
    file.write(0, b"BB")
    assert {content[:2] for content in contents(states(disk))} == {
        *(b"\0\0", b"A\0", b"AA", b"B\0", b"BA", b"BB")
    }


def test_a_file_may_have_grown_without_its_data() -> None:
    disk = FaultyDisk()
    file = disk.open("file", create=True)
    disk.sync_folder("")
    file.write(0, b"abc")
    assert contents(states(disk), "file") == {b"", bytes(3), b"a", b"ab", b"abc"}
    file.sync()
    file.write(5, b"x")
    assert contents(states(disk), "file") == {b"abc", b"abc\0\0\0", b"abc\0\0x"}


def test_the_first_state_has_lost_all_and_the_second_drawn_one_nothing() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    disk.open("log/2", create=True)
    for at in range(0, 4 * SECTOR, 64):
        file.write(at, b"n" * 64)
    first, second, *others = states(disk, 50)
    assert first.content("log/1") == bytes(4 * SECTOR)
    assert first.files() == ["log/1"]
    assert second.content("log/1") == b"n" * 4 * SECTOR
    assert second.files() == ["log/1", "log/2"]
    assert len(others) == 48
    assert len(contents(others)) > 40


def test_the_same_seed_draws_the_same_states() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    for at in range(0, 4 * SECTOR, 64):
        file.write(at, b"n" * 64)

    def drawn(seed: int) -> list[bytes]:
        return [state.content("log/1") for state in disk.crash_states(Random(seed), 20)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_long_write_is_torn_too() -> None:
    disk = FaultyDisk()
    file = disk.open("file", create=True)
    disk.sync_folder("")
    file.write(0, bytes(1 << 20))
    file.sync()
    file.write(1000, b"n" * 500_000)
    found = contents(states(disk), "file")
    assert 10 < len(found) < 50
    drawn = contents(disk.crash_states(Random(1), 10), "file")
    assert len(drawn) > 5


def test_states_are_disks_of_their_own() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    file.write(0, b"new")
    one, other = states(disk)[:2]
    handle = one.open("log/1")
    handle.write(9, b"one")
    handle.sync()
    one.remove("log/1")
    one.sync_folder("log")
    one.make_folder("more")
    assert other.files() == ["log/1"]
    assert other.content("log/1") == b"new" + bytes(4 * SECTOR - 3)
    assert other.list("more") == []
    assert disk.content("log/1") == other.content("log/1")
    file.write(0, b"old")
    assert other.content("log/1").startswith(b"new")
    disk.stop_after(1)
    other.list("log")


# --- what a power cut leaves of names ---


def test_a_new_file_is_there_or_not_until_its_folder_is_synced() -> None:
    disk = a_disk()
    file = disk.open("log/2", create=True)
    file.write(0, b"abc")
    file.sync()
    assert listings(disk) == {("log/1",), ("log/1", "log/2")}
    disk.sync_folder("")
    assert len(listings(disk)) == 2, "another folder was synced"
    disk.sync_folder("log")
    assert listings(disk) == {("log/1", "log/2")}
    assert lost(disk).content("log/2") == b"abc"


def test_a_name_may_be_durable_and_the_data_not() -> None:
    disk = a_disk()
    disk.open("log/2", create=True).write(0, b"abc")
    disk.sync_folder("log")
    assert lost(disk).content("log/2") == b""


def test_a_removed_file_is_gone_or_back_until_its_folder_is_synced() -> None:
    disk = a_disk()
    disk.remove("log/1")
    assert listings(disk) == {(), ("log/1",)}
    assert lost(disk).content("log/1") == bytes(4 * SECTOR)
    disk.sync_folder("log")
    assert listings(disk) == {()}


def test_a_rename_has_happened_or_not() -> None:
    disk = a_disk()
    disk.rename("log/1", "log/2")
    assert listings(disk) == {("log/1",), ("log/2",)}
    disk.sync_folder("log")
    assert listings(disk) == {("log/2",)}


def test_a_rename_replaces_in_one_step() -> None:
    disk = a_disk()
    file = disk.open("log/new", create=True)
    file.write(0, b"new")
    file.sync()
    disk.sync_folder("log")
    disk.rename("log/new", "log/1")
    assert listings(disk) == {("log/1", "log/new"), ("log/1",)}
    assert contents(states(disk)) == {b"new", bytes(4 * SECTOR)}


def test_names_change_independently() -> None:
    disk = a_disk()
    disk.open("log/2", create=True)
    disk.sync_folder("log")
    disk.remove("log/1")
    disk.remove("log/2")
    disk.open("log/3", create=True)
    assert len(listings(disk)) == 8


def test_a_file_never_has_two_names() -> None:
    disk = a_disk()
    disk.rename("log/1", "log/2")
    disk.rename("log/2", "log/3")
    assert listings(disk) == {("log/1",), ("log/2",), ("log/3",)}


def test_a_name_used_again_is_the_old_file_or_the_new_one() -> None:
    disk = a_disk()
    disk.remove("log/1")
    file = disk.open("log/1", create=True)
    file.write(0, b"new")
    file.sync()
    found = {state.content("log/1") if state.files() else None for state in states(disk)}
    assert found == {None, b"new", bytes(4 * SECTOR)}
    disk.sync_folder("log")
    assert contents(states(disk)) == {b"new"}


def test_a_rename_to_another_folder_is_one_step() -> None:
    disk = a_disk()
    disk.make_folder("aside")
    disk.rename("log/1", "aside/1")
    assert listings(disk) == {("log/1",), ("aside/1",)}
    disk.sync_folder("aside")
    assert listings(disk) == {("aside/1",)}
    disk.remove("aside/1")
    disk.sync_folder("aside")
    disk.sync_folder("log")
    assert listings(disk) == {()}


def test_a_late_sync_of_a_folder_brings_nothing_back() -> None:
    disk = a_disk()
    disk.make_folder("aside")
    disk.open("log/2", create=True)
    disk.rename("log/2", "aside/2")
    disk.sync_folder("aside")
    disk.sync_folder("log")
    assert listings(disk) == {("aside/2", "log/1")}


# --- going back ---


def test_a_recorded_run_can_be_cut_after_each_operation() -> None:
    """The disk taken back to a moment is the disk that was seen at that moment."""
    random = Random(7)
    disk = a_disk()
    files = {"log/1": disk.open("log/1")}
    seen = {}
    for number in range(300):
        path, file = random.choice(list(files.items()))
        match random.randrange(10):
            case 0:
                path = f"log/new{number}"
                files[path] = disk.open(path, create=True)
            case 1 if len(files) > 2:
                disk.remove(path)
                del files[path]
            case 2:
                files[f"log/moved{number}"] = files.pop(path)
                disk.rename(path, f"log/moved{number}")
            case 3:
                disk.sync_folder("log")
            case 4 | 5:
                file.sync()
            case 6:
                disk.fail(1, errno.EIO, "sync")
                with pytest.raises(OSError):
                    file.sync()
            case _:
                file.write(random.randrange(3000), random.randbytes(random.randrange(1, 900)))
        seen[len(disk.operations)] = picture(disk)
    assert len(seen) == 300
    for moment, expected in random.sample(list(seen.items()), 300):
        assert picture(disk.at(moment)) == expected
    assert set(disk.cut_points()) <= {0, *seen}


def picture(disk: FaultyDisk) -> list[dict[str, bytes]]:
    """What is there, and some of what may be found after a power cut."""
    disks = [disk, *islice(disk.crash_states(Random(3), 3), 3)]
    return [{path: each.content(path) for path in each.files()} for each in disks]


def test_a_flipped_bit_belongs_to_the_moment_after_the_operation_before_it() -> None:
    disk = a_disk()
    file = disk.open("log/1")
    file.write(0, b"a")
    disk.flip("log/1", 9)
    file.write(1, b"b")
    assert disk.at(1).content("log/1")[9] == 0
    assert disk.at(2).content("log/1")[:10] == b"a" + bytes(8) + b"\xff"
    assert [state.content("log/1")[:2] for state in disk.states_at(2, Random(1), 9)] == [
        b"\0\0",
        b"a\0",
    ]


def test_only_what_changes_the_disk_is_a_cut_point() -> None:
    disk = FaultyDisk()
    file = disk.open("file", create=True)
    file.read(0, 9)
    disk.list("")
    file.write(0, b"x")
    disk.open("file")
    file.sync()
    assert disk.cut_points() == [0, 1, 4, 6]


# --- size and threads ---


def test_a_large_file_is_cheap_to_keep_in_many_states() -> None:
    disk = FaultyDisk()
    file = disk.open("large", create=True)
    disk.sync_folder("")
    for at in range(0, 16 << 20, 1 << 20):
        file.write(at, bytes(1 << 20))
    file.sync()
    for number in range(200):
        file.write(number * 1100, b"x" * 1100)
    found = states(disk, 200)
    assert len(found) == 200
    assert all(state.open("large").size() == 16 << 20 for state in found)


def test_threads_may_share_the_disk() -> None:
    disk = FaultyDisk()

    def work(name: str) -> None:
        file = disk.open(name, create=True)
        for at in range(500):
            file.write(at, b"x")
            file.sync()

    threads = [Thread(target=work, args=(f"{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [disk.content(name) for name in disk.files()] == [b"x" * 500] * 4
    assert len(disk.operations) == 4 * 1001
    assert disk.at(len(disk.operations)).files() == ["0", "1", "2", "3"]
