"""What systemd hears (sd_notify), and the unit that has it listen."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from leveret.cli import main
from leveret.systemd import ServiceManager

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd is Linux's")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """systemd's end, and the address that it puts into the environment."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@leveret-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(name.replace("@", "\0"))
        end.setblocking(False)
        yield end, name


def test_states_go_in_one_datagram(manager: tuple[socket.socket, str]) -> None:
    end, address = manager
    ServiceManager({"NOTIFY_SOCKET": address}).tell("READY=1", "STATUS=fine")
    assert end.recv(4096) == b"READY=1\nSTATUS=fine"


def test_a_reload_says_when_it_began(manager: tuple[socket.socket, str]) -> None:
    end, address = manager
    ServiceManager({"NOTIFY_SOCKET": address}).reloading()
    state, began = end.recv(4096).decode().split("\n")
    assert state == "RELOADING=1"
    assert began.removeprefix("MONOTONIC_USEC=").isdecimal()


class Loop:
    """Remembers what is to be called later."""

    def __init__(self) -> None:
        self.later: list[tuple[float, Callable[..., object], tuple[object, ...]]] = []

    def call_later(self, seconds: float, call: Callable[..., object], *arguments: object) -> None:
        self.later.append((seconds, call, arguments))


def test_the_loop_says_twice_in_systemd_s_time_that_it_turns(
    manager: tuple[socket.socket, str],
) -> None:
    end, address = manager
    loop = Loop()
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"}
    ServiceManager(environment).keep_alive(loop)  # type: ignore[arg-type]
    assert end.recv(4096) == b"WATCHDOG=1"
    ((seconds, call, arguments),) = loop.later
    assert seconds == 15
    call(*arguments)
    assert end.recv(4096) == b"WATCHDOG=1"
    assert len(loop.later) == 2


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}],
)
def test_without_a_watchdog_for_this_process_nothing_is_said(environment: dict[str, str]) -> None:
    loop = Loop()
    ServiceManager(environment).keep_alive(loop)  # type: ignore[arg-type]
    assert loop.later == []


def test_a_manager_that_does_not_listen_is_no_error(tmp_path: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell("READY=1")
    ServiceManager({}).tell("READY=1")


# --- the unit ---


def unit(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["systemd", *arguments])
    assert result.exit_code == 0
    return result.output


def test_the_unit_waits_for_the_broker_and_watches_it() -> None:
    lines = unit("--config", "/etc/leveret/my settings.toml", "--user", "hare").splitlines()
    assert {
        "Type=notify",
        "User=hare",
        "WatchdogSec=30",
        "LimitNOFILE=65536",
        "StateDirectory=leveret",
        "NoNewPrivileges=yes",
        "ExecReload=/bin/kill -HUP $MAINPID",
    } <= set(lines)
    (command,) = [line for line in lines if line.startswith("ExecStart=")]
    assert command.endswith(' serve --data %S/leveret --config "/etc/leveret/my settings.toml"')
    assert command.removeprefix("ExecStart=")[0] == "/"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "leveret.service"
    path.write_text(unit("--config", str(tmp_path / "100% $mine.toml")))
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Of other units on this machine it may complain.
    assert [line for line in checked.stderr.splitlines() if "leveret" in line] == []
