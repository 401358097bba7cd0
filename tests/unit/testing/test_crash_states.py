"""A power cut loses what POSIX lets a disk lose, in every combination."""

from random import Random

from leveret.testing.faulty_disk import FaultyDisk
from unit.testing.disks import SECTOR, a_disk, contents, listings, lost, states

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
    assert 30 < len(found) < 100
    assert {len(content) for content in found} == {1 << 20}
    written = {content[1000:501_000] for content in found}
    assert any(content.strip(b"\0") == b"n" * 500_000 for content in written)
    ends_only = [content for content in written if content[:1] == content[-1:] == b"n"]
    assert SECTOR in {content.count(0) for content in ends_only}, "one sector inside is missing"
    assert max(content.count(0) for content in ends_only) > 100 * SECTOR, "and many of them"
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
