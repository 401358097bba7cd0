"""export_definitions and import_definitions."""

import json
from pathlib import Path

from .conftest import Ctl


def test_what_is_exported_to_a_file_is_imported_again(ctl: Ctl, tmp_path: Path) -> None:
    ctl.run("add_vhost", "exported")
    file = tmp_path / "definitions.json"
    assert ctl.run("export_definitions", str(file)) == (
        f'Exporting definitions in JSON to a file at "{file}" ...\n'
    )
    assert "exported" in [each["name"] for each in json.loads(file.read_text())["vhosts"]]
    ctl.run("delete_vhost", "exported")
    assert ctl.run("import_definitions", str(file)) == (
        f'Importing definitions in JSON from a file at "{file}" ...\nDefinitions imported.\n'
    )
    assert "exported" in ctl.run("list_vhosts", "-q")


def test_definitions_go_to_standard_output_and_come_from_standard_input(ctl: Ctl) -> None:
    exported = ctl.run("export_definitions", "-")
    assert "users" in json.loads(exported)
    assert ctl("import_definitions", "-q", stdin=exported).stdout == "Definitions imported.\n"


def test_what_is_left_alone_is_named(ctl: Ctl) -> None:
    queue = {"name": "left_alone", "vhost": "/", "durable": True}
    ctl("import_definitions", stdin=json.dumps({"queues": [queue]}))
    other = json.dumps({"queues": [queue | {"durable": False}]})
    told = ctl("import_definitions", "-q", stdin=other)
    assert told.stdout.startswith("left alone: queue 'left_alone': inequivalent arg 'durable'")


def test_a_file_that_cannot_be_used_changes_nothing_and_is_exit_code_65(
    ctl: Ctl, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"queues": [{"name": "q", "vhost": "nowhere"}]}')
    outcome = ctl("import_definitions", str(bad))
    assert (outcome.exit_code, outcome.stderr) == (
        65,
        "Error: nothing was imported: queues[0]: there is no vhost 'nowhere'\n",
    )
    bad.write_text("{")
    outcome = ctl("import_definitions", str(bad))
    assert outcome.exit_code == 65
    assert "is not JSON" in outcome.stderr


def test_files_that_are_not_there_are_exit_code_65(ctl: Ctl, tmp_path: Path) -> None:
    outcome = ctl("import_definitions", str(tmp_path / "none.json"))
    assert outcome.exit_code == 65
    assert "does not exist" in outcome.stderr
    outcome = ctl("export_definitions", str(tmp_path / "nowhere" / "x.json"))
    assert outcome.exit_code == 65
    assert "there is no folder" in outcome.stderr
