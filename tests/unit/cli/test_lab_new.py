"""`leveret lab new`: the scripts that students adapt."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leveret.cli import main

SCRIPTS = ("qprocessor.py", "send.py")


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs it in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["lab", "new", *arguments])

    return run


def refusal(result: Result) -> str:
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    return result.output


def test_it_writes_both_scripts_into_the_current_folder(
    new: Callable[..., Result], tmp_path: Path
) -> None:
    result = new()
    assert result.exit_code == 0
    assert result.output.splitlines()[:2] == list(SCRIPTS)
    assert {path.name for path in tmp_path.iterdir()} == set(SCRIPTS)


def test_a_folder_that_is_not_there_is_made(new: Callable[..., Result]) -> None:
    assert new("labs/one").exit_code == 0
    assert Path("labs/one/qprocessor.py").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_students_get_needs_pika_alone(new: Callable[..., Result], script: str) -> None:
    new()
    nodes = list(ast.walk(ast.parse(Path(script).read_text())))
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert imported - {"pika"} <= {"argparse", "collections", "os", "signal", "sys"}


def test_a_changed_script_is_kept_and_nothing_is_written(new: Callable[..., Result]) -> None:
    Path("send.py").write_text("mine")
    assert "send.py would be overwritten; nothing was written" in refusal(new())
    assert Path("send.py").read_text() == "mine"
    assert not Path("qprocessor.py").exists()


def test_force_overwrites_a_changed_script(new: Callable[..., Result]) -> None:
    Path("send.py").write_text("mine")
    assert new("--force").exit_code == 0
    assert "pika" in Path("send.py").read_text()


def test_twice_is_as_good_as_once(new: Callable[..., Result]) -> None:
    assert [new().exit_code, new().exit_code] == [0, 0]


def test_a_folder_that_cannot_be_made_is_a_sentence(new: Callable[..., Result]) -> None:
    Path("file").write_text("")
    assert "Cannot write to file: File exists" in refusal(new("file"))
    assert "Cannot write to file/below: Not a directory" in refusal(new("file/below"))
    assert "File name too long" in refusal(new(256 * "x"))


def test_a_folder_in_the_place_of_a_script_is_a_sentence(new: Callable[..., Result]) -> None:
    Path("qprocessor.py").mkdir()
    assert "Cannot write to qprocessor.py: Is a directory" in refusal(new())
    assert not Path("send.py").exists()


def test_a_folder_may_have_any_name(new: Callable[..., Result]) -> None:
    for name in ("größe 世界", "\udcff", "--", "-x"):
        assert new("--", name).exit_code == 0
        assert (Path(name) / "send.py").exists()
