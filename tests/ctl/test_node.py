"""status, await_startup and stop."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .chapters import STATUS, steps
from .conftest import CLEAN, START_SECONDS, Ctl, Served, serve
from .test_recorded import RECORDED, facts

SECTIONS = ["Runtime", "Data directory", "Alarms", "Memory", "Free Disk Space"]
SECTIONS += ["Totals", "Listeners"]


def test_status_has_rabbitmqs_sections_that_mean_something_here(served: Served, ctl: Ctl) -> None:
    *tables, as_json = [facts(ctl, step, served.node) for step in steps(STATUS)]
    *recorded_tables, recorded_json = RECORDED["what status says"]
    for here, there in zip(tables, recorded_tables, strict=True):
        assert here["first"] == there["first"]
        assert here["sections"] == SECTIONS
        assert here["sections"] == [name for name in there["sections"] if name in here["sections"]]
    assert set(as_json["keys"]) < set(recorded_json["keys"])


def test_status_knows_the_process_and_where_it_listens(served: Served, ctl: Ctl) -> None:
    text = ctl.run("status")
    assert f"OS PID: {served.process.pid}\n" in text
    assert f"Node data directory: {served.data}\n" in text
    amqp = served.port("amqp")
    line = f"Interface: 127.0.0.1, port: {amqp}, protocol: amqp, purpose: AMQP 0-9-1\n"
    assert line in text


@pytest.mark.parametrize("unit", ["bytes", "mb", "MB", "gb"])
def test_status_tells_memory_in_a_unit(unit: str, ctl: Ctl) -> None:
    lines = ctl.run("status", "--unit", unit).splitlines()
    (line,) = [each for each in lines if each.startswith("Total memory used: ")]
    amount = float(line.removeprefix("Total memory used: ").removesuffix(f" {unit.lower()}"))
    in_bytes = amount * {"bytes": 1, "mb": 10**6, "gb": 10**9}[unit.lower()]
    assert 10**7 < in_bytes < 10**9


def test_await_startup_waits_for_a_broker_that_starts_later(tmp_path: Path) -> None:
    data = tmp_path / "data"
    waiting = subprocess.Popen(
        [sys.executable, "-m", "leveret", "ctl", "--data", str(data), "await_startup"],
        env=CLEAN,
    )
    served = serve(data)
    assert waiting.wait(START_SECONDS) == 0
    served.ctl.run("stop")
    served.process.wait(START_SECONDS)


def test_await_startup_gives_up_in_time(nobody: Ctl) -> None:
    outcome = nobody("await_startup", "--timeout", "0")
    assert outcome.exit_code == 69
    assert "no broker answers on" in outcome.stderr


def test_a_stopped_broker_leaves_a_folder_for_the_next(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for _ in range(2):
        served = serve(data)
        served.ctl.run("stop")
        # It ended before `stop` did.
        assert served.process.wait(timeout=0) == 0


def test_stop_with_the_brokers_pidfile_stops_it(tmp_path: Path) -> None:
    served = serve(tmp_path / "data")
    pidfile = tmp_path / "pid"
    pidfile.write_text(f"{served.process.pid}\n")
    served.ctl.run("stop", str(pidfile))
    assert served.process.wait(timeout=0) == 0


@pytest.mark.parametrize("content", [None, "", "x", "1"])
def test_stop_with_another_pidfile_stops_nothing(
    content: str | None, tmp_path: Path, ctl: Ctl
) -> None:
    pidfile = tmp_path / "pid"
    if content is not None:
        pidfile.write_text(content)
    outcome = ctl("stop", str(pidfile))
    assert outcome.exit_code == (65 if content == "1" else 66)
    assert str(pidfile) in outcome.stderr
    ctl.run("ping")


def test_stop_over_a_url_waits_until_nobody_answers(tmp_path: Path) -> None:
    served = serve(tmp_path / "data")
    url = f"http://guest:guest@127.0.0.1:{served.port('http')}"
    remote = Ctl(["--url", url])
    remote.run("-q", "stop")
    assert remote("ping").exit_code == 69
    assert served.process.wait(START_SECONDS) == 0


def test_the_json_of_status_is_readable_over_a_url(served: Served) -> None:
    remote = Ctl(["--url", f"http://guest:guest@127.0.0.1:{served.port('http')}"])
    assert json.loads(remote.run("status", "--formatter", "json"))["pid"] == served.process.pid
