"""What every `Disk` must do; `leveret.testing.kits` offers it with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.store.disk import Disk, DiskFile


def check_disk(
    make: Callable[[], Disk], *, reopen: Callable[[Disk], Disk] = lambda disk: disk
) -> None:
    """`make` makes an empty disk, another one each time; `reopen` gives the same disk as it is
    found after everything that used it is gone, by a power cut if it can."""
    _check_contents(make())
    _check_names(make())
    _check_folders(make())
    _check_open_files_outlive_their_names(make())
    _check_refusals(make())
    _check_what_was_synced_stays(make(), reopen)


def _check_contents(disk: Disk) -> None:
    file = disk.open("file", create=True)
    assert file.size() == 0, "a new file is empty"
    assert file.read(0, 10) == b""
    file.write(0, b"0123456789")
    assert file.size() == 10
    assert file.read(0, 10) == b"0123456789"
    assert file.read(3, 4) == b"3456"
    assert file.read(8, 10) == b"89", "a read is short where the file ends"
    assert file.read(10, 10) == b"", "there is nothing at the end"
    assert file.read(100, 10) == b"", "nor beyond it"
    assert file.read(3, 0) == b""
    file.write(3, b"abc")
    assert file.read(0, 99) == b"012abc6789", "a write replaces what was there, and no more"
    file.write(8, b"tail")
    assert file.read(0, 99) == b"012abc67tail", "a write may cross the end"
    file.write(20, b"far")
    assert file.size() == 23
    assert file.read(10, 99) == b"il" + bytes(8) + b"far", "zeros fill a gap"
    file.write(50, b"")
    assert file.size() == 23, "a write of nothing leaves the size alone"
    large = bytes(range(256)) * 4096
    file.write(1000, large)
    assert file.read(1000, len(large)) == large
    file.write(300_000, b"in the middle")
    expected = bytearray(large)
    expected[299_000 : 299_000 + 13] = b"in the middle"
    assert file.read(1000, len(large) + 1) == expected
    again = disk.open("file")
    again.write(0, b"seen by both")
    assert file.read(0, 12) == b"seen by both", "a file opened twice is one file"
    file.sync()
    file.sync()
    for each in (file, file, again):
        each.close()  # Closing twice is harmless.
    assert _refused(lambda: file.read(0, 1)), "a closed file cannot be read"
    assert _refused(lambda: file.write(0, b"x")), "nor written"


def _check_names(disk: Disk) -> None:
    assert disk.list("") == [], "a new disk is empty"
    for name in ("b", "c", "a"):
        _make_file(disk, name, name.encode())
    assert disk.list("") == ["a", "b", "c"], "names are sorted"
    disk.rename("a", "d")
    assert disk.list("") == ["b", "c", "d"]
    disk.rename("d", "b")
    assert disk.list("") == ["b", "c"], "a rename replaces"
    assert _content(disk, "b") == b"a"
    disk.remove("b")
    assert disk.list("") == ["c"]
    _make_file(disk, "b", b"another")
    assert _content(disk, "b") == b"another", "a name can be used again"
    assert _content(disk, "c") == b"c"
    disk.sync_folder("")


def _check_folders(disk: Disk) -> None:
    assert disk.list("log") == [], "no names where there is no folder"
    disk.make_folder("log")
    disk.make_folder("log")  # It is there; that is fine.
    disk.make_folder("log/old")
    assert disk.list("") == ["log"]
    assert disk.list("log") == ["old"]
    _make_file(disk, "log/1", b"one")
    _make_file(disk, "1", b"at the root")
    assert disk.list("log") == ["1", "old"]
    assert disk.list("") == ["1", "log"]
    assert _content(disk, "log/1") == b"one"
    disk.rename("log/1", "log/old/2")
    assert disk.list("log") == ["old"]
    assert _content(disk, "log/old/2") == b"one"
    for folder in ("", "log", "log/old"):
        disk.sync_folder(folder)


def _check_open_files_outlive_their_names(disk: Disk) -> None:
    renamed = _make_file(disk, "old", b"old")
    disk.rename("old", "new")
    renamed.write(0, b"new")
    assert _content(disk, "new") == b"new"
    replaced = _make_file(disk, "spare", b"spare")
    disk.rename("new", "spare")
    assert replaced.read(0, 9) == b"spare"
    disk.remove("spare")
    for file, expected in ((renamed, b"new, still"), (replaced, b"spare, still")):
        file.write(file.size(), b", still")
        file.sync()
        assert file.read(0, 99) == expected, "a file is there for as long as it is open"
        file.close()
    assert disk.list("") == []
    assert disk.free_bytes() >= 0


def _check_refusals(disk: Disk) -> None:
    _make_file(disk, "there", b"").close()
    disk.make_folder("folder")
    assert _refused(lambda: disk.open("missing"), FileNotFoundError)
    assert _refused(lambda: disk.open("no/such", create=True), FileNotFoundError)
    assert _refused(lambda: disk.open("there", create=True), FileExistsError)
    assert _refused(lambda: disk.rename("missing", "new"), FileNotFoundError)
    assert _refused(lambda: disk.rename("there", "no/such"), FileNotFoundError)
    assert _refused(lambda: disk.remove("missing"), FileNotFoundError)
    assert _refused(lambda: disk.make_folder("no/such"), FileNotFoundError)
    assert _refused(lambda: disk.open("folder"))
    assert _refused(lambda: disk.remove("folder"))
    assert disk.list("") == ["folder", "there"], "what is refused has changed nothing"


def _check_what_was_synced_stays(disk: Disk, reopen: Callable[[Disk], Disk]) -> None:
    disk.make_folder("log")
    for name in ("1", "2", "3"):
        file = _make_file(disk, f"log/{name}", bytes(8192))
        file.sync()
        file.write(700, name.encode() * 3000)
        file.sync()
        file.close()
    disk.rename("log/2", "log/renamed")
    disk.remove("log/3")
    disk.sync_folder("log")
    disk = reopen(disk)
    assert disk.list("") == ["log"], "the name of a folder is on disk once it is made"
    assert disk.list("log") == ["1", "renamed"]
    for name, octet in (("1", b"1"), ("renamed", b"2")):
        expected = bytes(700) + octet * 3000 + bytes(8192 - 3700)
        assert _content(disk, f"log/{name}") == expected


def _make_file(disk: Disk, path: str, content: bytes) -> DiskFile:
    file = disk.open(path, create=True)
    file.write(0, content)
    return file


def _content(disk: Disk, path: str) -> bytes:
    file = disk.open(path)
    content = file.read(0, file.size())
    file.close()
    return content


def _refused(call: Callable[[], object], error: type[OSError] = OSError) -> bool:
    try:
        call()
    except error:
        return True
    return False
