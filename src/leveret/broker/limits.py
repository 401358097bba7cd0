"""Limits that operators set for a vhost or a user: how many of a thing there may be.

A negative number is no limit. What is there when a limit is set stays; no more may come.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from leveret.broker.terms import pairs, term
from leveret.errors import PreconditionFailed

MAX_CONNECTIONS: Final = "max-connections"
MAX_QUEUES: Final = "max-queues"
MAX_CHANNELS: Final = "max-channels"
OF_VHOSTS: Final = (MAX_CONNECTIONS, MAX_QUEUES)
OF_USERS: Final = (MAX_CONNECTIONS, MAX_CHANNELS)

NO_LIMIT: Final = -1


class LimitError(ValueError):
    """A limit that cannot be set; the text is RabbitMQ's."""


class NodeLimits:
    """How many vhosts there may be, and how many queues in all of them, which `count_queues`
    counts; a negative number of vhosts and 0 queues are no limit."""

    def __init__(self, count_queues: Callable[[], int]) -> None:
        self.vhost_max = NO_LIMIT
        self.queue_max = 0
        self._count_queues = count_queues

    def check_vhost(self, name: str, count: int) -> None:
        """Refuse a vhost beside so many others."""
        if is_reached(self.vhost_max, count):
            raise PreconditionFailed(
                f"cannot create vhost '{name}': vhost limit of {self.vhost_max} is reached",
                remedy="the setting vhost_max raises it",
            )

    def check_queue(self, name: str) -> None:
        """Refuse, with 406, a queue beyond what there may be."""
        if self.queue_max and is_reached(self.queue_max, self._count_queues()):
            raise PreconditionFailed(
                f"cannot declare queue '{name}': queue limit in cluster ({self.queue_max}) "
                "is reached",
                remedy="the setting queue_max raises it",
            )


def vhost_limits(values: Mapping[str, object]) -> dict[str, int]:
    """The limits of a vhost; `LimitError` if they are none."""
    reasons = _reasons(values, OF_VHOSTS, "limits")
    if reasons:
        raise LimitError("".join(f"{line}\n" for line in ("Validation failed", "", *reasons)))
    return _numbers(values)


def user_limits(values: Mapping[str, object]) -> dict[str, int]:
    """The limits of a user; `LimitError` if they are none."""
    for reason in _reasons(values, OF_USERS, "user-limits"):
        raise LimitError(reason)
    return _numbers(values)


def limit_of(limits: Mapping[str, int], name: str) -> int:
    """A limit; -1 if there is none."""
    return max(limits.get(name, NO_LIMIT), NO_LIMIT)


def is_reached(limit: int, count: int) -> bool:
    """Whether there are so many already that no more may come."""
    return 0 <= limit <= count


def _reasons(values: Mapping[str, object], known: Iterable[str], what: str) -> list[str]:
    reasons = [
        f"{name} should be a number, actually was {term(values[name])}"
        for name in known
        if name in values and type(values[name]) is not int
    ]
    unknown = {name: value for name, value in values.items() if name not in known}
    if unknown:
        reasons.append(f"Unrecognised terms {pairs(unknown)} in {what}")
    return reasons


def _numbers(values: Mapping[str, object]) -> dict[str, int]:
    return {name: value for name, value in values.items() if isinstance(value, int)}
