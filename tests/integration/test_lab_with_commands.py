"""The lab from the teacher's terminal to the students': the commands and the shipped scripts."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest

from integration.program import Program, shipped
from integration.test_serve import Served, served

pytestmark = pytest.mark.timeout(120)

STUDENTS = ("alice", "bob")
Ctl = Callable[..., str]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, "--data", str(tmp_path / "data")) as broker:
        yield broker


@pytest.fixture
def ctl(broker: Served) -> Ctl:
    """`leveret ctl -q` on this broker's data folder: what it puts out."""

    def ctl(*arguments: str) -> str:
        command = [sys.executable, "-m", "leveret", "ctl", "--data", broker.ready["data"]]
        result = subprocess.run(
            [*command, *arguments, "-q"],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        return result.stdout

    return ctl


@pytest.fixture
def run(broker: Served) -> Iterator[Callable[..., Program]]:
    """Runs a shipped script as a student would."""
    programs: list[Program] = []

    def run(script: str, student: str, *arguments: str) -> Program:
        port = str(urlparse(broker.ready["amqp"]).port)
        access = ["--port", port, "--vhost", student, "--username", student, "--password", "wonder"]
        program = Program("-u", shipped(script), *access, "--queue", "hello", *arguments)
        programs.append(program)
        return program

    yield run
    for program in programs:
        program.close()


def rows(table: str) -> list[list[str]]:
    return [line.split("\t") for line in table.splitlines()[1:]]


def test_the_lab_from_the_teacher_s_terminal_to_the_students(ctl: Ctl, run) -> None:
    for student in STUDENTS:
        ctl("add_user", student, "wonder")
        ctl("add_vhost", student)
        ctl("set_permissions", "-p", student, student, ".*", ".*", ".*")
    assert {name for (name,) in rows(ctl("list_vhosts", "name"))} == {"/", *STUDENTS}

    # Somebody else's vhost is closed.
    trespasser = run("send.py", "alice", "--vhost", "bob", "let me in")
    assert trespasser.ends(1)[-1].startswith("There is no vhost 'bob'")

    # Two workers share; a third, added while they run, shares too.
    opening = run("send.py", "alice")
    opening.types("")  # sends nothing, and has made the queue
    opening.ends(0)
    workers = []
    for count in (1, 2, 3):
        worker = run("qprocessor.py", "alice", "--acknowledge", "--seconds-per-character", "0")
        worker.skips_to("Waiting")
        workers.append(worker)
        bodies = [f"{count}.{n}" for n in range(count)]
        run("send.py", "alice", *bodies).ends(0)
        got = sorted(worker.skips_to("Received").split("'")[1] for worker in workers)
        assert got == bodies
    assert rows(ctl("list_queues", "-p", "alice", "name", "messages", "consumers")) == [
        ["hello", "0", "3"]
    ]
    assert {user for (user,) in rows(ctl("list_connections", "user"))} == {"alice"}
    for worker in workers:
        worker.interrupt()
        worker.ends(0)

    # One is killed at work: what it had is there again, and the next worker gets it.
    doomed = run("qprocessor.py", "alice", "--acknowledge", "--seconds-per-character", "3600")
    doomed.skips_to("Waiting")
    run("send.py", "alice", "precious").ends(0)
    doomed.skips_to("Received 'precious'")
    assert rows(ctl("list_queues", "-p", "alice", "messages_ready", "messages_unacknowledged")) == [
        ["0", "1"]
    ]
    doomed.kill()
    heir = run("qprocessor.py", "alice", "--acknowledge", "--seconds-per-character", "0")
    heir.skips_to("Received 'precious' again")
    heir.skips_to("Done with 'precious'")

    # Every third is lost, exactly those.
    heir.interrupt()
    heir.ends(0)
    loser = run("qprocessor.py", "alice", "--lose-every", "3", "--seconds-per-character", "0")
    loser.skips_to("Waiting")
    run("send.py", "alice", *"abcdefg").ends(0)
    loser.skips_to("Done with 'g'")
    loser.interrupt()
    assert loser.ends(0) == ["Stopped: 5 done, 2 dropped."]

    # The queue goes, and a worker hears of it.
    last = run("qprocessor.py", "alice")
    last.skips_to("Waiting")
    ctl("delete_queue", "-p", "alice", "hello")
    assert last.ends(1)[-1].startswith("Queue 'hello' was deleted")
    assert rows(ctl("list_queues", "-p", "alice", "name")) == []
