"""When alarms are raised and cleared, by which limits, and how often is looked."""

from pathlib import Path

import pytest

from leveret.broker.alarms import Alarms
from leveret.broker.compat import Compat
from leveret.config import Config
from leveret.monitor import Monitor, disk_free_limit_bytes, memory_limit_bytes
from leveret.testing import ManualClock

MB = 10**6
GB = 10**9
SETTINGS = {"memory_total_bytes": 10 * GB, "memory_high_watermark_ratio": 0.4}


class Machine:
    """A machine whose readings the test sets, with its monitor running."""

    def __init__(self, **settings: object) -> None:
        self.memory_used: int | None = 0
        self.disk_free: int | OSError = 100 * GB
        self.kept = 0
        self.given_back = 0
        self.give_back_seconds = 0.0
        self.looks = 0
        self.clock = ManualClock()
        self.alarms = Alarms()
        config = Config(**(SETTINGS | settings))  # type: ignore[arg-type]
        self.monitor = Monitor(
            self.alarms,
            self.clock,
            config,
            Compat(),
            Path("/data"),
            self.read_memory,
            self.read_disk,
            self.give_back,
        )

    def read_memory(self) -> int | None:
        self.looks += 1
        return self.memory_used

    def give_back(self) -> None:
        self.given_back += 1
        self.clock.advance(self.give_back_seconds)
        if self.memory_used is not None:
            self.memory_used -= self.kept
        self.kept = 0

    def read_disk(self, folder: Path) -> int:
        assert folder == Path("/data")
        if isinstance(self.disk_free, OSError):
            raise self.disk_free
        return self.disk_free


@pytest.fixture
def machine() -> Machine:
    machine = Machine()
    machine.monitor.start()
    return machine


def test_memory_past_the_watermark_raises_an_alarm_that_ends_below_it(machine: Machine) -> None:
    machine.memory_used = 4 * GB
    machine.clock.advance(2.5)
    assert machine.alarms.resources() == []
    machine.memory_used = 4 * GB + 1
    machine.clock.advance(2.5)
    assert machine.alarms.reason == "low on memory"
    machine.memory_used = 4 * GB
    machine.clock.advance(2.5)
    assert not machine.alarms.on


def test_what_the_allocator_keeps_is_given_back_before_it_counts(machine: Machine) -> None:
    machine.memory_used, machine.kept = 5 * GB, 2 * GB
    machine.clock.advance(2.5)
    assert (machine.memory_used, machine.alarms.on) == (3 * GB, False)
    machine.memory_used = 5 * GB
    machine.clock.advance(2.5)
    assert machine.alarms.on
    machine.kept = 4 * GB
    machine.clock.advance(2.5)
    assert not machine.alarms.on


def test_disk_space_below_the_limit_raises_an_alarm_that_ends_with_the_limit(
    machine: Machine,
) -> None:
    machine.disk_free = 50 * MB
    machine.clock.advance(10)
    assert machine.alarms.resources() == []
    machine.disk_free = 50 * MB - 1
    machine.clock.advance(10)
    assert machine.alarms.reason == "low on disk"
    machine.disk_free = 50 * MB
    machine.clock.advance(10)
    assert not machine.alarms.on


def test_an_alarm_may_be_on_from_the_start() -> None:
    machine = Machine()
    machine.memory_used = 5 * GB
    machine.disk_free = 0
    machine.monitor.start()
    assert machine.alarms.resources() == ["disk", "memory"]


def test_near_the_limit_it_looks_as_often_as_it_could_be_reached(machine: Machine) -> None:
    """A gigabyte a second is filled by nobody; half of one is left here."""
    machine.memory_used = 3 * GB + 500 * MB
    machine.clock.advance(2.5)
    machine.memory_used = 4 * GB + 1
    machine.clock.advance(0.49)
    assert not machine.alarms.on
    machine.clock.advance(0.02)
    assert machine.alarms.on


def test_giving_back_takes_a_twentieth_of_the_time_at_most(machine: Machine) -> None:
    machine.give_back_seconds = 1.0
    machine.memory_used = 5 * GB
    machine.clock.advance(2.5)
    assert machine.given_back == 1
    machine.clock.advance(210)
    assert 9 <= machine.given_back <= 11


def test_it_looks_fifty_times_a_second_at_most_and_during_an_alarm_seldom(machine: Machine) -> None:
    machine.memory_used = 4 * GB
    machine.clock.advance(2.5)
    machine.looks = 0
    machine.clock.advance(10)
    assert 490 <= machine.looks <= 501
    machine.memory_used = 4 * GB + 1
    machine.clock.advance(0.1)
    machine.looks = 0
    machine.clock.advance(10)
    assert machine.looks == 2 * 4, "each time once more after giving back"


@pytest.mark.parametrize("interval", [0.0, 2.5])
def test_the_intervals_are_settings(interval: float) -> None:
    machine = Machine(memory_monitor_interval_seconds=interval)
    machine.monitor.start()
    machine.looks = 0
    machine.clock.advance(10)
    assert machine.looks == pytest.approx(10 / max(interval, 0.02), rel=0.02, abs=2)


def test_the_log_says_how_much_there_is_and_what_to_do(machine: Machine, caplog) -> None:
    machine.memory_used = 5 * GB
    machine.disk_free = 20 * MB
    machine.clock.advance(10)
    machine.memory_used = GB
    machine.disk_free = GB
    machine.clock.advance(10)
    assert caplog.messages == [
        "memory alarm: 5,000 MB of memory are used and 4,000 MB are allowed; publishers are "
        "blocked until the limit is kept (consume or purge what waits in queues, or raise "
        "memory_high_watermark_ratio)",
        "disk alarm: 20 MB are free for /data and 50 MB have to be; publishers are blocked until "
        "the limit is kept (make room on that disk, consume or purge what waits in queues, or "
        "lower disk_free_limit_bytes)",
        "memory alarm cleared: 1,000 MB of memory are used and 4,000 MB are allowed; "
        "publishers go on",
        "disk alarm cleared: 1,000 MB are free for /data and 50 MB have to be; publishers go on",
    ]


def test_a_disk_that_cannot_be_read_leaves_the_alarm_as_it_is(machine: Machine, caplog) -> None:
    machine.disk_free = 0
    machine.clock.advance(10)
    machine.disk_free = OSError(5, "Input/output error")
    caplog.clear()
    machine.clock.advance(100)
    assert machine.alarms.resources() == ["disk"]
    assert caplog.messages == [
        "the free space of /data cannot be read: Input/output error; the disk alarm stays as it is"
    ]
    machine.disk_free = GB
    machine.clock.advance(10)
    assert not machine.alarms.on


def test_memory_that_nobody_tells_is_not_watched(caplog) -> None:
    machine = Machine()
    machine.memory_used = None
    machine.monitor.start()
    assert (machine.monitor.memory_used_bytes(), machine.clock.pending()) == (0, 1)
    assert "there is no memory alarm" in caplog.text


def test_an_alarm_of_somebody_else_is_left_alone(machine: Machine) -> None:
    machine.alarms.raise_alarm("memory")
    machine.clock.advance(60)
    assert machine.alarms.resources() == ["memory"]


def test_without_a_folder_there_is_no_disk_to_watch() -> None:
    clock = ManualClock()
    monitor = Monitor(Alarms(), clock, Config(ephemeral=True), Compat(), None)
    monitor.start()
    assert monitor.disk_free_bytes() is None
    monitor.stop()
    assert clock.pending() == 0


def test_after_its_end_nothing_is_looked_at(machine: Machine) -> None:
    machine.monitor.stop()
    assert machine.clock.pending() == 0


@pytest.mark.parametrize(
    ("settings", "level", "limit"),
    [
        ({}, "3.13", 4 * GB),
        ({}, "4.2", 6 * GB),
        ({"memory_high_watermark_ratio": 0.1}, "4.3", GB),
        ({"memory_high_watermark_bytes": 7 * GB}, "3.13", 7 * GB),
        (
            {"memory_high_watermark_bytes": 7 * GB, "memory_high_watermark_ratio": 1.0},
            "4.2",
            7 * GB,
        ),
        ({"memory_high_watermark_bytes": 70 * GB}, "3.13", 10 * GB),
    ],
)
def test_the_memory_limit_is_rabbitmq_s(
    settings: dict[str, object], level: str, limit: int
) -> None:
    config = Config(memory_total_bytes=10 * GB, **settings)  # type: ignore[arg-type]
    assert memory_limit_bytes(config, Compat(level)) == limit


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({}, 50 * MB),
        ({"disk_free_limit_bytes": GB}, GB),
        ({"disk_free_limit_ratio": 1.5}, 15 * GB),
        ({"disk_free_limit_bytes": GB, "disk_free_limit_ratio": 0.5}, 5 * GB),
    ],
)
def test_the_disk_limit_is_rabbitmq_s(settings: dict[str, object], limit: int) -> None:
    config = Config(memory_total_bytes=10 * GB, **settings)  # type: ignore[arg-type]
    assert disk_free_limit_bytes(config) == limit
