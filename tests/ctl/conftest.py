"""A broker process of one's own for each file of tests, and the command to tell it what to do."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leveret.cli import main

START_SECONDS = 20
SERVE = [sys.executable, "-m", "leveret", "serve", "--host", "127.0.0.1"]
SERVE += ["--port", "0", "--http-port", "0"]
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("RABBITMQ_", "LEVERET_"))
}


@dataclass
class Outcome:
    """What a use of the command came to."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass
class Ctl:
    """`leveret ctl` with options that name a broker. Called in this process, which is fast."""

    options: list[str]

    @property
    def machine(self) -> str:
        return socket.gethostname()

    def __call__(self, *arguments: str, stdin: str | bytes = "") -> Outcome:
        result: Result = CliRunner(env=dict.fromkeys(os.environ.keys() - CLEAN.keys())).invoke(
            main, ["ctl", *self.options, *arguments], input=stdin
        )
        # An exception that click knows ends the process; any other would be a traceback.
        assert result.exception is None or isinstance(result.exception, SystemExit), arguments
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def run(self, *arguments: str) -> str:
        """What a use that succeeds puts out."""
        outcome = self(*arguments)
        assert outcome.exit_code == 0, outcome.stderr
        return outcome.stdout


def leveret(
    *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command as a process."""
    return subprocess.run(
        [sys.executable, "-m", "leveret", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        env=CLEAN | environment,
    )


@dataclass
class Served:
    """A broker process with its data folder."""

    data: Path
    process: subprocess.Popen[bytes]

    @property
    def ctl(self) -> Ctl:
        return Ctl(["--data", str(self.data)])

    @property
    def node(self) -> str:
        return str(self._status()["listeners"][0]["node"])

    def port(self, protocol: str) -> int:
        return next(
            int(each["port"])
            for each in self._status()["listeners"]
            if each["protocol"] == protocol
        )

    def _status(self) -> dict:
        return json.loads(self.ctl.run("status", "--formatter", "json"))


def serve(data: Path, *options: str) -> Served:
    """Start a broker and wait until it answers."""
    process = subprocess.Popen(
        [*SERVE, "--data", str(data), *options],
        env=CLEAN,
        stderr=subprocess.DEVNULL,
    )
    served = Served(data, process)
    served.ctl.run("await_startup", "-t", str(START_SECONDS))
    return served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = serve(tmp_path_factory.mktemp("broker") / "data")
    yield served
    served.process.terminate()
    served.process.wait(START_SECONDS)


@pytest.fixture(scope="module")
def ctl(served: Served) -> Ctl:
    return served.ctl


@pytest.fixture
def nobody(tmp_path: Path) -> Ctl:
    """The command for a folder that no broker uses."""
    return Ctl(["--data", str(tmp_path)])
