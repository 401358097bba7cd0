"""Alarms: the broker is short of something, and its publishers have to wait.

An alarm (memory, disk) is announced to clients, as RabbitMQ announces it. A hold is not: whoever
cannot take messages for a moment, as the message log while its buffer is full, has publishers
wait without a word. Consumers never wait: what they acknowledge is what ends an alarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY: Final = "memory"
DISK: Final = "disk"


@mypyc_attr(allow_interpreted_subclasses=True)
class BlockedPublisher:
    """Who waits, in `Alarms.blocked`, from the first publish under an alarm or a hold on."""

    def alarms_changed(self) -> None:
        """Another alarm is on, or one less; once none is, and no hold, this one is forgotten."""
        raise NotImplementedError


class Alarms:
    """`on`: there is an alarm or a hold, and whoever publishes is to be blocked. It may be read
    for each message. `reason` is what clients are told; empty while there is no alarm."""

    def __init__(self) -> None:
        self.on = False
        self.reason = ""
        self.blocked: dict[BlockedPublisher, None] = {}
        self._alarms: dict[str, None] = {}
        # By reason: whether it concerns those only who publish what the store keeps.
        self._holds: dict[str, bool] = {}
        self._for_all = False
        # Hears of each alarm, and whether it is on now.
        self.told: Callable[[str, bool], object] | None = None

    def raise_alarm(self, resource: str) -> None:
        """The broker is low on a resource, `MEMORY` or `DISK`."""
        if resource not in self._alarms:
            self._alarms[resource] = None
            self._changed()
            self._tell(resource, True)

    def clear_alarm(self, resource: str) -> None:
        """There is enough of it again."""
        if resource in self._alarms:
            del self._alarms[resource]
            self._changed()
            self._tell(resource, False)

    def hold(self, reason: str, stored_only: bool = False) -> None:
        """Block publishers without telling them, or those only whose messages the store keeps.
        `reason` is the caller's own: holds of different reasons add up, and one of the same reason
        changes nothing."""
        if reason not in self._holds:
            self._holds[reason] = stored_only
            self._changed()

    def release(self, reason: str) -> None:
        """The hold of this reason is over."""
        if reason in self._holds:
            del self._holds[reason]
            self._changed()

    def concerns(self, stores: bool) -> bool:
        """Whether a publisher has to wait; `stores`: the store keeps some of what it publishes."""
        return self._for_all or (stores and self.on)

    def resources(self) -> list[str]:
        """The resources that an alarm is on for, in RabbitMQ's order."""
        return sorted(self._alarms)

    def holds(self) -> list[str]:
        """The reasons of the holds that are on."""
        return sorted(self._holds)

    def _tell(self, resource: str, on: bool) -> None:
        told = self.told
        if told is not None:
            told(resource, on)

    def _changed(self) -> None:
        self.on = len(self._alarms) != 0 or len(self._holds) != 0
        self._for_all = len(self._alarms) != 0 or False in self._holds.values()
        self.reason = "low on " + " & ".join(self.resources()) if self._alarms else ""
        publishers = list(self.blocked)
        if not self.on:
            self.blocked.clear()
        for publisher in publishers:
            publisher.alarms_changed()
