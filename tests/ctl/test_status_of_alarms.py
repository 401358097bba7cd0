"""What the commands say of alarms."""

import json
from collections.abc import Iterator

import pika
import pytest

from leveret.testing import EmbeddedBroker

from .conftest import Ctl


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    limits = {"memory_total_bytes": 8 * 10**12, "memory_high_watermark_ratio": 0.25}
    with EmbeddedBroker(http_enabled=True, **limits) as embedded:
        yield embedded


@pytest.fixture
def ctl(broker: EmbeddedBroker) -> Ctl:
    return Ctl(["--url", broker.http_url.replace("//", "//guest:guest@")])


def test_status_names_the_alarms(broker: EmbeddedBroker, ctl: Ctl) -> None:
    node = json.loads(ctl.run("status", "--formatter", "json"))["listeners"][0]["node"]
    text = ctl.run("status")
    assert "Alarms\n\n(none)\n" in text
    broker.raise_alarm("memory")
    broker.raise_alarm("disk")
    text = ctl.run("status")
    lines = f"Free disk space alarm on node {node}\nMemory alarm on node {node}\n"
    assert f"Alarms\n\n{lines}" in text
    alarms = json.loads(ctl.run("status", "--formatter", "json"))["alarms"]
    assert alarms == [
        {"resource": resource, "node": node, "type": "resource_limit"}
        for resource in ("disk", "memory")
    ]


def test_status_tells_the_limits(ctl: Ctl) -> None:
    text = ctl.run("status")
    setting = "0.25 of available memory, computed to: 2000.0 gb"
    assert f"Memory high watermark setting: {setting}\n" in text
    assert "Free Disk Space\n\n(none is used)\n" in text
    found = json.loads(ctl.run("status", "--formatter", "json"))
    assert found["vm_memory_high_watermark_limit"] == 2 * 10**12
    assert found["vm_memory_high_watermark_setting"] == {"relative": 0.25}
    assert (found["disk_free"], found["disk_free_limit"]) == (None, 50_000_000)


def test_connections_are_blocked_or_may_be(broker: EmbeddedBroker, ctl: Ctl) -> None:
    def states() -> list[str]:
        return ctl.run("list_connections", "state", "-q").split()[1:]

    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    channel = connection.channel()
    assert states() == ["running"]
    broker.raise_alarm("memory")
    assert states() == ["blocking"]
    channel.basic_publish("", "nowhere", b"x")
    connection.process_data_events(0)
    while states() == ["blocking"]:
        pass
    assert states() == ["blocked"]
    broker.clear_alarm("memory")
    assert states() == ["running"]
    connection.close()
