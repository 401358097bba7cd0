"""Watches memory and disk, and raises and clears their alarms, by RabbitMQ's settings.

The nearer a limit, the sooner the next look: between two looks no more can be filled than there
was room for. During an alarm it is looked at least often, so that publishers do not go and stop
many times a second where a limit is only just kept.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from leveret.allocation import give_back_memory
from leveret.broker.alarms import DISK, MEMORY, Alarms
from leveret.broker.compat import Compat
from leveret.broker.seams import Clock, Timer
from leveret.config import Config
from leveret.system import free_disk_bytes, resident_bytes, total_memory_bytes

log = logging.getLogger("leveret.alarms")

# Faster than a broker fills anything.
FILLED_PER_SECOND_BYTES: Final = 1_000_000_000
SHORTEST_INTERVAL_SECONDS: Final = 0.02
# Giving memory back was measured at 0.2 s for two gigabytes in fragments: it may take a twentieth
# of the time.
GIVE_BACK_PAUSES: Final = 20


def memory_limit_bytes(config: Config, compat: Compat) -> int:
    """The resident memory past which publishers are blocked; 0 where nobody knows what there is,
    and the settings do not say so either."""
    total = config.memory_total_bytes or total_memory_bytes() or 0
    wanted = config.memory_high_watermark_bytes
    if wanted == 0:
        return int(_ratio(config, compat) * total)
    return min(wanted, total) if total else wanted


def disk_free_limit_bytes(config: Config) -> int:
    """The free space below which publishers are blocked."""
    total = config.memory_total_bytes or total_memory_bytes() or 0
    return int(config.disk_free_limit_ratio * total) or config.disk_free_limit_bytes


def _ratio(config: Config, compat: Compat) -> float:
    return config.memory_high_watermark_ratio or compat.memory_high_watermark_ratio


class Monitor:
    """Runs from `start` to `stop`. Without a folder there is no disk to watch. The readings are
    the system's unless others are given; None is one that could not be had."""

    def __init__(
        self,
        alarms: Alarms,
        clock: Clock,
        config: Config,
        compat: Compat,
        folder: Path | None,
        memory_used: Callable[[], int | None] = resident_bytes,
        disk_free: Callable[[Path], int] = free_disk_bytes,
        give_back: Callable[[], None] = give_back_memory,
    ) -> None:
        self.folder = folder
        self._alarms = alarms
        self._clock = clock
        self._read_memory = memory_used
        self._read_disk = disk_free
        self._give_back = give_back
        self._give_back_at = clock.now()
        self._disk_is_readable = True
        # By this monitor; an alarm of somebody else's is not its to clear.
        self._raised: set[str] = set()
        self._room_bytes: dict[str, int | None] = {}
        self._timers: dict[str, Timer] = {}
        self.obey(config, compat)

    def obey(self, config: Config, compat: Compat) -> None:
        """Have the limits that the settings say; if it runs, it looks at once."""
        self.memory_limit_bytes = memory_limit_bytes(config, compat)
        absolute = config.memory_high_watermark_bytes
        # How it was set, in RabbitMQ's words.
        self.memory_high_watermark: dict[str, float] = (
            {"absolute": absolute} if absolute else {"relative": _ratio(config, compat)}
        )
        self.disk_free_limit_bytes = disk_free_limit_bytes(config)
        self._memory_interval_seconds = config.memory_monitor_interval_seconds
        self._disk_interval_seconds = config.disk_monitor_interval_seconds
        if self._timers:
            self.stop()
            self.start()

    def start(self) -> None:
        """Look now, and from time to time."""
        if self._read_memory() is not None and self.memory_limit_bytes:
            self._check_memory()
        else:
            log.warning(
                "the system does not tell how much memory is used: there is no memory alarm"
            )
        if self.folder is not None:
            self._check_disk()

    def stop(self) -> None:
        """Look no more."""
        for timer in self._timers.values():
            timer.cancel()

    def memory_used_bytes(self) -> int:
        """Resident memory; 0 where the system does not tell."""
        return self._read_memory() or 0

    def disk_free_bytes(self) -> int | None:
        """Free space for the data folder; None without one, or where the system does not tell."""
        if self.folder is None:
            return None
        try:
            free = self._read_disk(self.folder)
        except OSError as error:
            if self._disk_is_readable:
                self._disk_is_readable = False
                log.warning(
                    "the free space of %s cannot be read: %s; the disk alarm stays as it is",
                    self.folder,
                    error.strerror or error,
                )
            return None
        self._disk_is_readable = True
        return free

    def _check_memory(self) -> None:
        used, limit = self._read_memory(), self.memory_limit_bytes
        if used is not None and used > limit:
            # What was freed counts as used as long as the allocator keeps it.
            self._give_back_memory()
            used = self._read_memory()
        self._judge(
            MEMORY,
            None if used is None else limit - used,
            f"{_megabytes(used)} of memory are used and {_megabytes(limit)} are allowed",
            "consume or purge what waits in queues, or raise memory_high_watermark_ratio",
        )
        self._look_again(MEMORY, self._memory_interval_seconds, self._check_memory)

    def _give_back_memory(self) -> None:
        began = self._clock.now()
        if began >= self._give_back_at:
            self._give_back()
            ended = self._clock.now()
            self._give_back_at = ended + GIVE_BACK_PAUSES * (ended - began)

    def _check_disk(self) -> None:
        free, limit = self.disk_free_bytes(), self.disk_free_limit_bytes
        self._judge(
            DISK,
            None if free is None else free - limit,
            f"{_megabytes(free)} are free for {self.folder} and {_megabytes(limit)} have to be",
            "make room on that disk, consume or purge what waits in queues, or lower "
            "disk_free_limit_bytes",
        )
        self._look_again(DISK, self._disk_interval_seconds, self._check_disk)

    def _judge(self, resource: str, room_bytes: int | None, reading: str, remedy: str) -> None:
        """Have the alarm be as the reading says; without one it stays as it is."""
        self._room_bytes[resource] = room_bytes
        if room_bytes is None:
            return
        if room_bytes < 0 and resource not in self._raised:
            self._raised.add(resource)
            log.warning(
                "%s alarm: %s; publishers are blocked until the limit is kept (%s)",
                resource,
                reading,
                remedy,
            )
            self._alarms.raise_alarm(resource)
        elif room_bytes >= 0 and resource in self._raised:
            self._raised.remove(resource)
            log.warning("%s alarm cleared: %s; publishers go on", resource, reading)
            self._alarms.clear_alarm(resource)

    def _look_again(
        self, resource: str, interval_seconds: float, check: Callable[[], None]
    ) -> None:
        seconds, room_bytes = interval_seconds, self._room_bytes[resource]
        if room_bytes is not None and room_bytes >= 0:
            seconds = min(seconds, room_bytes / FILLED_PER_SECOND_BYTES)
        seconds = max(seconds, SHORTEST_INTERVAL_SECONDS)
        self._timers[resource] = self._clock.call_at(self._clock.now() + seconds, check)


def _megabytes(size_bytes: int | None) -> str:
    return "?" if size_bytes is None else f"{size_bytes / 1e6:,.0f} MB"
