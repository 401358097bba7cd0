"""Record what rabbitmqctl does with every step, for the tests to compare with.

    python -m tests.ctl.record RABBITMQCTL NODE PORT [CHAPTER]...

Beside RABBITMQCTL is rabbitmq-diagnostics. NODE is a RabbitMQ of one's own with nothing in it, PORT
its AMQP port on this machine. Without chapters all are recorded, and it is stopped at the end,
which is recorded too.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .chapters import ALONE, CHAPTERS, OF_DIAGNOSTICS, STATUS, THE_END, Step, steps
from .reading import read
from .world import world

RECORDED = Path(__file__).parent / "recorded.json"
TIMEOUT_SECONDS = 60


class Rabbitmqctl:
    """The command, for one node."""

    def __init__(self, path: str, node: str) -> None:
        self._path = path
        self.node = node

    def run(self, *arguments: str, stdin: str = "") -> str:
        return self._run(list(arguments), stdin).stdout

    def record(self, step: Step) -> dict[str, Any]:
        connection = ""
        if "{connection}" in step.line:
            pids = self.run("-s", "list_connections", "pid").splitlines()
            # After it was closed, the other one has gone with the world's.
            connection = self._connection = getattr(self, "_connection", None) or pids[0]
        arguments = [word.replace("{connection}", connection) for word in step.arguments]
        done = self._run(arguments, step.stdin)
        facts = read(step.arguments, done.stdout, self.node)
        return {"step": step.line, "exit": done.returncode, **facts}

    def _run(self, arguments: list[str], stdin: str) -> subprocess.CompletedProcess[str]:
        diagnostics = arguments and arguments[0] in OF_DIAGNOSTICS
        path = Path(self._path).with_name("rabbitmq-diagnostics") if diagnostics else self._path
        return subprocess.run(
            [path, "-n", self.node, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )


def main(path: str, node: str, port: str, *only: str) -> None:
    control = Rabbitmqctl(path, node)
    alone = Rabbitmqctl(path, "nowhere@localhost")
    recorded = json.loads(RECORDED.read_text()) if only else {}
    for chapter, text in CHAPTERS.items():
        if not only or chapter in only:
            with world(control.run, int(port)):
                recorded[chapter] = [control.record(step) for step in steps(text)]
            print(chapter)
    if not only or "what status says" in only:
        recorded["what status says"] = [control.record(step) for step in steps(STATUS)]
    if not only:
        recorded["no broker"] = [alone.record(step) for step in steps(ALONE)]
        recorded["the end"] = [control.record(step) for step in steps(THE_END)]
    RECORDED.write_text(_text(recorded))


def _text(recorded: dict[str, list[Any]]) -> str:
    """A line for each step, so that a difference is a line."""
    chapters = []
    for chapter, entries in recorded.items():
        lines = ",\n".join(f"  {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
        chapters.append(f" {json.dumps(chapter)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(chapters) + "\n}\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
