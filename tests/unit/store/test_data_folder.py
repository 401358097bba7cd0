"""The data folder: one broker at a time, nobody else's eyes, and no newer format."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leveret.store.data_folder import FORMAT_VERSION, DataFolder, DataFolderError, at_rest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "where"


def test_the_folder_is_made_for_its_owner_only(path: Path) -> None:
    folder = DataFolder(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    folder.release()


def test_a_folder_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.mkdir(parents=True, mode=0o755)
    DataFolder(path).release()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_second_broker_is_refused_with_a_sentence(path: Path) -> None:
    first = DataFolder(path)
    with pytest.raises(DataFolderError, match=r"in use by another broker \(process \d+\)"):
        DataFolder(path)
    first.release()
    DataFolder(path).release()


def test_a_broker_in_another_process_is_refused_too(path: Path) -> None:
    first = DataFolder(path)
    code = (
        "import sys; from pathlib import Path\n"
        "from leveret.store.data_folder import DataFolder\n"
        "DataFolder(Path(sys.argv[1]))"
    )
    second = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert "in use by another broker" in second.stderr
    first.release()


def test_the_folder_is_free_when_its_broker_died(path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from leveret.store.data_folder import DataFolder\n"
        "folder = DataFolder(Path(sys.argv[1])); os._exit(9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert died.returncode == 9
    DataFolder(path).release()


def test_the_folder_is_stamped_with_its_format(path: Path) -> None:
    DataFolder(path).release()
    assert (path / "version").read_text() == f"{FORMAT_VERSION}\n"
    DataFolder(path).release()


@pytest.mark.parametrize("stamp", [f"{FORMAT_VERSION + 1}\n", "2.0\n", "", "new\n"])
def test_a_folder_of_a_newer_format_is_refused_with_a_sentence(path: Path, stamp: str) -> None:
    path.mkdir(parents=True)
    (path / "version").write_text(stamp)
    for _ in range(2):
        with pytest.raises(DataFolderError, match=r"is of format .* start the version of leveret"):
            DataFolder(path)
    assert (path / "version").read_text() == stamp, "and left alone"


def test_a_stamp_that_cannot_be_read_is_refused_with_a_sentence(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "version").mkdir()
    with pytest.raises(DataFolderError):
        DataFolder(path)


def test_a_file_is_no_folder(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("")
    with pytest.raises(DataFolderError, match=r"choose another with --data"):
        DataFolder(path)


def test_an_older_folder_is_stamped_anew(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "version").write_text("1\n")
    DataFolder(path).release()
    assert (path / "version").read_text() == f"{FORMAT_VERSION}\n"


def test_a_start_that_was_cut_off_at_its_first_stamp_is_begun_again(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "version.new").write_text("")
    DataFolder(path).release()
    assert (path / "version").read_text() == f"{FORMAT_VERSION}\n"


# --- folders that are looked at ---


def test_while_a_folder_is_looked_at_no_broker_can_start_on_it(path: Path) -> None:
    DataFolder(path).release()
    with at_rest(path) as version:
        assert version == FORMAT_VERSION
        with at_rest(path):
            pass
        with pytest.raises(DataFolderError, match="in use"):
            DataFolder(path)
    DataFolder(path).release()


def test_a_folder_that_a_broker_uses_is_not_looked_at(path: Path) -> None:
    folder = DataFolder(path)
    with pytest.raises(DataFolderError, match="stop it first"), at_rest(path):
        pass
    folder.release()
    with at_rest(path):
        pass
