"""`leveret store check` and `dump`: what is in a data folder, and what is wrong with it."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crash.small_store import SmallStore
from leveret.cli import main
from leveret.store.data_folder import FORMAT_VERSION, DataFolder
from leveret.store.definitions import SqliteDefinitions
from leveret.store.disk import SystemDisk

ALIVE, TASKS, GONE, LATER = 11, 12, 13, 14


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two queues, one that is no more; five messages, of which one is settled; killed."""
    path = tmp_path / "data"
    held = DataFolder(path)
    definitions = SqliteDefinitions(str(held.definitions), lambda call: call())
    definitions.put("vhost", "lab", {})
    definitions.put("queue", json.dumps(["lab", "alive"]), {"id": ALIVE})
    definitions.put("queue", json.dumps(["/", "tasks"]), {"id": TASKS})
    definitions.close()
    small = SmallStore(SystemDisk(path)).open(ALIVE, TASKS, GONE)
    for number in range(4):
        small.publish(b"body %d" % number, ALIVE, TASKS)
        small.turn()
    small.publish(b"\xff\x00", GONE)
    small.settle(ALIVE, 2)
    small.turn()
    small.store.close()
    held.release()
    return path


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["store", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def check(folder: Path, exit_code: int) -> dict:
    result = run("check", folder, "--json")
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def dumped(*arguments: str | Path) -> list[dict]:
    return [json.loads(line) for line in run("dump", *arguments).stdout.splitlines()]


def flip(folder: Path, offset: int) -> None:
    with open(folder / "log" / "0000000000000001.segment", "rb+") as file:
        file.seek(offset)
        octet = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([octet ^ 1]))


def place_of(folder: Path, key: str, value: int) -> int:
    """The offset of the commit or record that has this."""
    lines = dumped(folder, "--records")
    return next(int(line["offset"]) for line in lines if line.get(key) == value)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


# --- check ---


def test_a_sound_folder_is_told_of_in_plain_words(folder: Path) -> None:
    result = run("check", folder)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{folder}, a data folder of format {FORMAT_VERSION}",
        "definitions: queue 2, vhost 1",
        "log: segments 1, spare 2, 2.0 KiB; commits 5",
        "the last stop was not a clean one: every message counts as redelivered",
        "queue 'tasks' in vhost '/': messages 4, 320 octets, redelivered 4",
        "queue 'alive' in vhost 'lab': messages 3, 240 octets, redelivered 3",
        "a queue that is no more (id 13): messages 1, 76 octets, redelivered 1",
        "note: 1 message of queues that are no more: the next start drops them",
        "nothing is wrong",
    ]


def test_what_waits_in_a_delayed_exchange_goes_by_its_name(folder: Path) -> None:
    definitions = SqliteDefinitions(str(folder / "definitions.sqlite"), lambda call: call())
    definitions.put("exchange", json.dumps(["lab", "later"]), {"id": GONE})
    definitions.put("exchange", json.dumps(["lab", "at once"]), {})
    definitions.close()
    lines = run("check", folder).stdout.splitlines()
    assert "queue 'later' in vhost 'lab': messages 1, 76 octets, redelivered 1" in lines
    assert not [line for line in lines if "no more" in line]


def test_nothing_is_changed(folder: Path) -> None:
    before = snapshot(folder)
    check(folder, 0)
    dumped(folder)
    assert snapshot(folder) == before


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_copy_that_cannot_be_written_can_be_read(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("lock"))
    for path in [*copy.rglob("*"), copy]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        assert check(copy, 0)["commits"] == 5
    finally:
        for path in [copy, *copy.rglob("*")]:
            path.chmod(0o700)


def test_a_damaged_body_is_a_message_lost_of_each_of_its_queues(folder: Path) -> None:
    flip(folder, place_of(folder, "publish", 3) + 40)
    (problem,) = check(folder, 1)["problems"]
    assert [(each["queue"]["name"], each["tickets"]) for each in problem["messages"]] == [
        ("alive", [3]),
        ("tasks", [3]),
    ]
    told = run("check", folder).stdout
    assert "lost: 1 message of queue 'alive' in vhost 'lab', 1 message of queue 'tasks'" in told
    assert "queue 'alive' in vhost 'lab': messages 2," in told


def test_of_a_settled_message_only_the_copy_that_is_left_is_lost(folder: Path) -> None:
    flip(folder, place_of(folder, "publish", 2) + 40)
    (problem,) = check(folder, 1)["problems"]
    assert [each["queue"]["name"] for each in problem["messages"]] == ["tasks"]


@pytest.mark.parametrize("inside", [20, 64], ids=["header", "index"])
def test_of_a_commit_that_cannot_be_read_its_number_is_told(folder: Path, inside: int) -> None:
    flip(folder, place_of(folder, "commit", 3) + inside)
    (problem,) = check(folder, 1)["problems"]
    assert (problem["first_commit"], problem["commits"]) == (3, 1)
    assert "commit 3 is lost" in problem["what"]


def test_a_torn_tail_is_not_wrong(folder: Path) -> None:
    flip(folder, place_of(folder, "commit", 5) + 20)
    found = check(folder, 0)
    assert found["problems"] == []
    assert "a commit that was cut off" in " ".join(found["notes"])


def test_files_of_others_and_files_set_aside_are_told_of(folder: Path) -> None:
    (folder / "log" / "notes.txt").write_text("mine")
    (folder / "set-aside").mkdir()
    (folder / "set-aside" / "0000000000000009.segment").write_bytes(b"old")
    notes = check(folder, 0)["notes"]
    assert "log/notes.txt is none of the log's files" in notes
    assert any(note.startswith("set-aside/0000000000000009.segment was damaged") for note in notes)


def test_damaged_definitions_are_wrong_and_queues_go_by_their_ids(folder: Path) -> None:
    (folder / "definitions.sqlite").write_bytes(b"no database" * 100)
    found = check(folder, 1)
    assert [problem["file"] for problem in found["problems"]] == ["definitions.sqlite"]
    assert [queue["id"] for queue in found["queues"]] == [ALIVE, TASKS, GONE]
    assert found["notes"] == []
    assert "a queue whose definition cannot be read, or that is no more (id 11)" in (
        run("check", folder).stdout
    )


def test_one_damaged_definition_is_named(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "definitions.sqlite")) as database:
        database.execute("UPDATE definition SET value = '{' WHERE key LIKE '%tasks%'")
        database.commit()
    (problem,) = check(folder, 1)["problems"]
    assert problem["what"].startswith('the definition of queue ["/", "tasks"] is damaged')


# --- folders that cannot be read ---


def refused(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


def test_a_folder_in_use_is_refused_with_a_remedy(folder: Path) -> None:
    held = DataFolder(folder)
    for command in ("check", "dump"):
        assert f"in use by a broker (process {os.getpid()}): stop it first" in refused(
            command, folder
        )
    held.release()


def test_what_is_no_data_folder_is_refused(tmp_path: Path) -> None:
    assert "is no data folder of leveret's" in refused("check", tmp_path)
    assert "there is no folder" in refused("check", tmp_path / "nowhere")


def test_a_newer_format_is_refused(folder: Path) -> None:
    (folder / "version").write_text(f"{FORMAT_VERSION + 1}\n")
    assert "is of format" in refused("check", folder)


def test_newer_definitions_are_refused(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "definitions.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")
    assert "are of version 99" in refused("check", folder)


def test_a_folder_of_the_first_format_has_no_messages(folder: Path) -> None:
    shutil.rmtree(folder / "log")
    (folder / "version").write_text("1\n")
    found = check(folder, 0)
    assert (found["format"], found["queues"], found["commits"]) == (1, [], 0)


# --- dump ---


def test_a_line_for_each_message_of_each_queue(folder: Path) -> None:
    assert [(line["queue"], line["ticket"]) for line in dumped(folder)] == [
        *(("tasks", ticket) for ticket in (1, 2, 3, 4)),
        *(("alive", ticket) for ticket in (1, 3, 4)),
        (None, 5),
    ]


def test_a_message_is_told_of_without_its_body(folder: Path) -> None:
    assert dumped(folder, "--queue", "alive", "--vhost", "lab")[0] == {
        "vhost": "lab",
        "queue": "alive",
        "queue_id": ALIVE,
        "ticket": 1,
        "redelivered": True,
        "exchange": "",
        "routing_key": "q",
        "properties": {"delivery_mode": 2},
        "body_bytes": 6,
    }


def test_bodies_are_text_or_base64(folder: Path) -> None:
    lines = dumped(folder, "--bodies")
    assert (lines[0]["body"], lines[-1]["body_base64"]) == ("body 0", "/wA=")


def test_a_damaged_message_is_a_line_that_says_so(folder: Path) -> None:
    flip(folder, place_of(folder, "publish", 3) + 40)
    line = dumped(folder, "--queue", "alive")[1]
    assert (line["ticket"], line["damaged"]) == (3, True)


def test_the_records_are_the_log_as_it_was_written(folder: Path) -> None:
    lines = dumped(folder, "--records")
    assert lines[0]["segment"] == "0000000000000001.segment"
    assert [line["commit"] for line in lines if "commit" in line] == [1, 2, 3, 4, 5]
    assert lines[2]["queue_ids"] == [ALIVE, TASKS]
    assert {"settle": [2], "queue_id": ALIVE} in lines


def test_a_record_of_a_delayed_message_says_when_it_is_due(folder: Path) -> None:
    small = SmallStore(SystemDisk(folder)).open(LATER)
    small.store.due(small.publish(b"later", LATER), 1_700_000_000_000)
    small.turn()
    small.store.close()
    lines = dumped(folder, "--records")
    dues = {line["publish"]: line.get("due_ms") for line in lines if "publish" in line}
    assert (dues[1], dues[max(dues)]) == (None, 1_700_000_000_000)


def test_records_stand_alone(folder: Path) -> None:
    assert run("dump", folder, "--records", "--bodies").exit_code == 2
