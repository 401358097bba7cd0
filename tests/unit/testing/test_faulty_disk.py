"""The faulty disk fails when told to, and can be taken back to any moment."""

import errno
from collections.abc import Callable
from itertools import islice
from random import Random
from threading import Thread

import pytest

from leveret.store.disk import Disk, DiskFile
from leveret.testing.faulty_disk import KINDS, FaultyDisk, Operation, PowerCut
from unit.testing.disks import SECTOR, a_disk, contents, listings, lost, states

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
