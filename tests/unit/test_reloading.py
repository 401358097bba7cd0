"""A running broker takes new values of its settings: all that can change, or none."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from leveret.broker.alarms import MEMORY
from leveret.config import Config, ConfigError, Settings
from leveret.monitor import Monitor
from leveret.obedience import Obedience
from leveret.reloading import Reloading
from leveret.testing import MemoryServer


class Sources:
    """Settings as a test writes them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def read(self) -> Settings:
        return Settings(msgspec.convert(self.values, Config), {}, [])


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def reloading(sources: Sources) -> Reloading:
    return Reloading(Config(), sources.read)


def test_what_can_change_is_applied_and_the_rest_needs_a_restart(
    reloading: Reloading, sources: Sources
) -> None:
    applied: list[Config] = []
    reloading.appliers.append(lambda config: lambda: applied.append(config))
    sources.values = {"heartbeat_seconds": 7, "amqp_port": 1}
    reloaded = reloading.reload()
    assert (reloaded.applied, reloaded.restart) == (["heartbeat_seconds"], ["amqp_port"])
    assert applied == [Config(heartbeat_seconds=7)]
    # It still does, as long as it has not been.
    assert reloading.reload().restart == ["amqp_port"]


def test_if_one_refuses_nothing_changes(reloading: Reloading, sources: Sources) -> None:
    held: list[int] = []

    def refuse(config: Config) -> Callable[[], object]:
        raise ConfigError("no")

    reloading.appliers += [lambda config: lambda: held.append(config.heartbeat_seconds), refuse]
    sources.values = {"heartbeat_seconds": 7}
    with pytest.raises(ConfigError, match="no"):
        reloading.reload()
    assert held == []
    assert reloading.config == Config()


def test_appliers_are_asked_without_a_new_value_too(reloading: Reloading) -> None:
    asked: list[Config] = []
    reloading.appliers.append(lambda config: lambda: asked.append(config))
    assert reloading.reload().applied == []
    assert asked == [Config()]


def test_the_log_says_what_came_of_it(
    reloading: Reloading, sources: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    sources.values = {
        "heartbeat_seconds": 7,
        "amqp_port": 1,
        "default_pass": "canary",
        "default_users": [{"name": "ada", "password": "canary"}],
    }
    with caplog.at_level(logging.INFO, "leveret"):
        described = reloading.reload().described()
    assert caplog.messages == [f"settings read again: {described}"]
    assert "heartbeat_seconds = 7" in described
    assert described.endswith("; amqp_port, default_pass need a restart")
    assert "canary" not in described


# --- what a broker does with new values ---


class Watched:
    """A broker, and the reloading of its settings."""

    def __init__(self, sources: Sources) -> None:
        self.memory_bytes = 100
        self.server = MemoryServer()
        broker = self.server.broker
        self.monitor = Monitor(
            broker.alarms,
            self.server.clock,
            Config(memory_total_bytes=1000),
            broker.compat,
            None,
            lambda: self.memory_bytes,
        )
        self.monitor.start()
        self.reloading = Reloading(Config(memory_total_bytes=1000), sources.read)
        obedience = Obedience(broker, self.server.users, self.server.limits, self.monitor)
        self.reloading.appliers += obedience.appliers


@pytest.fixture
def watched(sources: Sources) -> Watched:
    return Watched(sources)


def test_limits_hold_from_then_on(watched: Watched, sources: Sources) -> None:
    sources.values = {
        "memory_total_bytes": 1000,
        "heartbeat_seconds": 7,
        "consumer_timeout_seconds": 9,
        "connection_max": 3,
        "vhost_max": 5,
        "queue_max": 6,
        "loopback_users": ["ada"],
        "password_min_length": 8,
    }
    watched.reloading.reload()
    limits, broker = watched.server.limits, watched.server.broker
    assert (limits.heartbeat_seconds, limits.consumer_timeout_seconds) == (7, 9)
    assert (limits.connection_max, broker.limits.vhost_max, broker.limits.queue_max) == (3, 5, 6)
    assert watched.server.users.loopback_users == {"ada"}
    with pytest.raises(ValueError, match="minimum required"):
        watched.server.users.add_user("bob", "short")


def test_a_lower_watermark_raises_its_alarm_at_once(watched: Watched, sources: Sources) -> None:
    alarms = watched.server.broker.alarms
    sources.values = {"memory_total_bytes": 1000, "memory_high_watermark_bytes": 50}
    watched.reloading.reload()
    assert alarms.resources() == [MEMORY]
    sources.values = {"memory_total_bytes": 1000, "memory_high_watermark_bytes": 500}
    watched.reloading.reload()
    assert alarms.resources() == []


@pytest.mark.parametrize(
    "values",
    [
        {"password_pattern": "("},
        {"default_users": [{"name": "a", "write": "("}]},
        {"heartbeat_seconds": 7, "default_vhost_limits": [{"name": "a", "pattern": "("}]},
    ],
)
def test_what_cannot_be_used_changes_nothing(
    watched: Watched, sources: Sources, values: dict[str, Any]
) -> None:
    sources.values = {"memory_high_watermark_bytes": 50, **values}
    with pytest.raises(ConfigError):
        watched.reloading.reload()
    assert watched.server.limits.heartbeat_seconds == 60
    assert watched.monitor.memory_limit_bytes == 400


def test_a_change_holds_until_the_settings_are_read_again(
    reloading: Reloading, sources: Sources
) -> None:
    applied: list[Config] = []
    reloading.appliers.append(lambda config: lambda: applied.append(config))
    sources.values = {"disk_free_limit_bytes": 5}
    reloading.reload()
    reloading.change({"disk_free_limit_ratio": 0.5})
    assert applied[-1] == Config(disk_free_limit_bytes=5, disk_free_limit_ratio=0.5)
    with pytest.raises(ConfigError, match="log_level"):
        reloading.change({"disk_free_limit_bytes": 6, "log_level": "loud"})
    assert reloading.config == applied[-1]
    reloading.reload()
    assert applied[-1] == Config(disk_free_limit_bytes=5)
