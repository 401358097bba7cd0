"""Verbs that change a running broker, and those that say what it is like."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest

from .conftest import START_SECONDS, Ctl, Served, serve


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "leveret.log"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[Served]:
    """With a log, and settings in a file that may be changed."""
    folder = tmp_path_factory.mktemp("broker")
    settings = folder / "leveret.toml"
    settings.write_text(f"log_file = {json.dumps(str(log))}\nmemory_total_bytes = 1000000000000\n")
    served = serve(folder / "data", "--config", str(settings))
    yield served
    served.process.terminate()
    served.process.wait(START_SECONDS)


def status(ctl: Ctl) -> dict:
    return json.loads(ctl.run("status", "--formatter", "json"))


def test_a_watermark_is_a_fraction_or_octets(ctl: Ctl) -> None:
    ctl.run("set_vm_memory_high_watermark", "0.25")
    assert status(ctl)["vm_memory_high_watermark_limit"] == 250_000_000_000
    ctl.run("set_vm_memory_high_watermark", "absolute", "512MiB")
    assert status(ctl)["vm_memory_high_watermark_setting"] == {"absolute": 512 << 20}
    ctl.run("set_vm_memory_high_watermark", "0.5")
    assert status(ctl)["vm_memory_high_watermark_setting"] == {"relative": 0.5}


@pytest.mark.parametrize("nothing", [["0"], ["0.0"], ["absolute", "0"]])
def test_with_a_watermark_of_nothing_nobody_publishes(ctl: Ctl, nothing: list[str]) -> None:
    ctl.run("set_vm_memory_high_watermark", *nothing)
    assert ctl("check_local_alarms").exit_code == 69
    ctl.run("set_vm_memory_high_watermark", "0.5")
    assert ctl("check_local_alarms").exit_code == 0


def test_a_disk_limit_is_octets_or_a_multiple_of_memory(ctl: Ctl) -> None:
    ctl.run("set_disk_free_limit", "1000TB")
    assert "Free disk space alarm" in ctl.run("alarms")
    ctl.run("set_disk_free_limit", "mem_relative", "0.000001")
    assert status(ctl)["disk_free_limit"] == 1_000_000
    ctl.run("set_disk_free_limit", "0")
    assert (status(ctl)["disk_free_limit"], status(ctl)["alarms"]) == (0, [])


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
def test_no_number_is_no_limit(ctl: Ctl, value: str) -> None:
    before = status(ctl)["vm_memory_high_watermark_setting"]
    for words in (["set_vm_memory_high_watermark"], ["set_disk_free_limit", "mem_relative"]):
        assert ctl(*words, "--", value).exit_code == 65
    assert status(ctl)["vm_memory_high_watermark_setting"] == before


def test_settings_read_again_hold_again(ctl: Ctl) -> None:
    before = json.loads(ctl.run("environment", "--formatter", "json"))
    ctl.run("set_disk_free_limit", "7")
    assert "disk_free_limit_bytes = 7\n" in ctl.run("environment")
    assert "disk_free_limit_bytes" in ctl.run("reload").splitlines()[1]
    after = json.loads(ctl.run("environment", "--formatter", "json"))["leveret"]
    assert after["disk_free_limit_bytes"] == 50_000_000
    assert before["leveret"].keys() == after.keys()
    assert json.loads(ctl.run("reload", "--formatter", "json")) == {
        "applied": [],
        "needs_restart": [],
    }


def test_more_is_logged_or_less(ctl: Ctl, log: Path) -> None:
    ctl.run("set_log_level", "none")
    silent = log.read_text()
    ctl.run("set_disk_free_limit", "8")
    assert log.read_text() == silent
    ctl.run("set_log_level", "info")
    ctl.run("set_disk_free_limit", "9")
    logged = log.read_text().splitlines()
    assert "disk_free_limit_bytes = 9" in logged[-2]
    assert ctl.run("-q", "log_tail", "-N", "2").splitlines() == logged[-2:]
    assert json.loads(ctl.run("log_tail", "-N", "0", "--formatter", "json")) == {"lines": []}
    assert ctl.run("-q", "log_location") == f"{log}\n"


def test_suspended_listeners_take_nobody(ctl: Ctl, served: Served) -> None:
    port = served.port("amqp")
    there = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
    ctl.run("suspend_listeners")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert ctl("check_port_connectivity").exit_code == 69
    there.channel().queue_declare("still here", exclusive=True)
    ctl.run("resume_listeners")
    assert ctl("check_port_connectivity").exit_code == 0
    there.close()


def test_a_report_has_all_of_it(ctl: Ctl) -> None:
    ctl.run("add_vhost", "course")
    text = ctl.run("report")
    found = json.loads(ctl.run("report", "--formatter", "json"))
    ctl.run("delete_vhost", "course")
    assert found.keys() >= {"status", "cluster_status", "environment", "list_connections"}
    for vhost in ("/", "course"):
        assert f"list_queues of vhost {vhost}" in text
        exchanges = found[f"list_exchanges of vhost {vhost}"]
        assert {"name": "amq.topic", "type": "topic"} in exchanges
    assert found["status"]["product_name"] == "Leveret"
    assert "amq.topic\ttopic\n" in text


def test_a_log_that_goes_to_standard_error_is_not_shown(tmp_path: Path) -> None:
    served = serve(tmp_path / "data")
    outcomes = [served.ctl(verb) for verb in ("log_tail", "log_location")]
    served.process.terminate()
    served.process.wait(START_SECONDS)
    for outcome in outcomes:
        assert outcome.exit_code == 69
        assert "the log goes to standard error" in outcome.stderr
