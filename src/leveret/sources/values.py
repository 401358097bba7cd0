"""Values as rabbitmq.conf and RabbitMQ's variables write them.

Each function takes the text and returns the value of the setting, in the setting's unit. It raises
ValueError with what is expected, or `NotObeyedError` for what is not there.
"""

import re
from typing import Final

from leveret.sources.gathered import NotObeyedError

UNLIMITED_CHANNELS: Final = 65535
LARGEST_FRAME: Final = 16_777_216

_SIZE: Final = re.compile(r"(\d+)\s*([kmgtp]?)(ib|i|b|)", re.IGNORECASE)
_DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d|w|f)")
_DURATIONS_MS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "f": 1_209_600_000,
}
_LEVELS: Final = {
    "debug": "debug",
    "info": "info",
    "notice": "info",
    "warning": "warning",
    "error": "error",
    "critical": "error",
    "alert": "error",
    "emergency": "error",
    "none": "error",
}


def text(value: str) -> str:
    """As it stands."""
    return value


def integer(value: str) -> int:
    """A whole number."""
    if not re.fullmatch(r"-?\d+", value):
        raise ValueError("a whole number is expected")
    return int(value)


def number(value: str) -> float:
    """A number."""
    try:
        return float(value)
    except ValueError:
        raise ValueError("a number is expected") from None


def truth(value: str) -> bool:
    """true or false, on or off."""
    if value not in ("true", "false", "on", "off"):
        raise ValueError("true or false is expected")
    return value in ("true", "on")


def size_bytes(value: str) -> int:
    """Octets: 2GB is decimal; 2GiB and, as in RabbitMQ, 2G are binary."""
    found = _SIZE.fullmatch(value)
    if found is None:
        raise ValueError("a size is expected, such as 50000000, 512MiB or 2GB")
    digits, prefix, unit = found.groups()
    if prefix == "":
        return int(digits)
    power = "kmgtp".index(prefix.lower()) + 1
    return int(digits) * int((1000 if unit.lower() == "b" else 1024) ** power)


def milliseconds(value: str) -> float:
    """Seconds; written as a number of milliseconds."""
    return integer(value) / 1000


def duration_ms(value: str) -> int:
    """Milliseconds; written as such, or as 30s, 1h or 1h30m."""
    if value.isdecimal():
        return int(value)
    parts = _DURATION.findall(value)
    if "".join(digits + unit for digits, unit in parts) != value or not parts:
        raise ValueError("a duration is expected, such as 500ms, 30s or 1h")
    return sum(int(digits) * _DURATIONS_MS[unit] for digits, unit in parts)


def limit(value: str) -> int:
    """How many; `infinity` is 0, which is any number."""
    return 0 if value == "infinity" else integer(value)


def limit_or_minus_1(value: str) -> int:
    """How many; `infinity` is -1, since 0 means none."""
    return -1 if value == "infinity" else integer(value)


def channels(value: str) -> int:
    """How many; 0 is as many as AMQP has numbers for."""
    return integer(value) or UNLIMITED_CHANNELS


def frame_bytes(value: str) -> int:
    """Octets; 0 is the largest frame there may be."""
    return size_bytes(value) or LARGEST_FRAME


def address(value: str) -> tuple[str | None, int]:
    """Host and port out of `5672`, `127.0.0.1:5672` or `::1:5672`."""
    host, colon, port = value.rpartition(":")
    if not port.isdecimal():
        raise ValueError("a port or an address with a port is expected, such as 127.0.0.1:5672")
    return host.strip("[]") if colon else None, int(port)


def none_listens(value: str) -> bool:
    """`listeners.tcp = none`."""
    if value != "none":
        raise ValueError("none is expected; an address is written listeners.tcp.default = 5672")
    return False


def no_list(value: str) -> list[str]:
    """`loopback_users = none`."""
    if value != "none":
        raise ValueError("none is expected")
    return []


def log_level(value: str) -> str:
    """RabbitMQ's level, or the nearest that there is."""
    if value not in _LEVELS:
        raise ValueError(f"one of {', '.join(_LEVELS)} is expected")
    return _LEVELS[value]


def log_level_of_categories(value: str) -> str:
    """The level for everything in `info,connection=debug`."""
    words = [word for word in value.split(",") if not word.startswith(("+", "-"))]
    levels = [word for word in words if "=" not in word]
    if len(levels) != 1 or len(words) > 1:
        raise NotObeyedError("one level holds for the whole log, set log_level")
    return log_level(levels[0])


def log_format(value: str) -> str:
    """json, or text, which is called plaintext there."""
    if value not in ("json", "plaintext"):
        raise ValueError("json or plaintext is expected")
    return "json" if value == "json" else "text"


def queue_type(value: str) -> str:
    """The type's name, or that of RabbitMQ's module."""
    return value.removeprefix("rabbit_").removesuffix("_queue")


def verify_peer(value: str) -> bool:
    """Whether a client's certificate is checked."""
    if value not in ("verify_peer", "verify_none"):
        raise ValueError("verify_peer or verify_none is expected")
    return value == "verify_peer"


def password_hashing(value: str) -> str:
    """What passwords are hashed with."""
    return value.removeprefix("rabbit_password_hashing_")


def words(value: str) -> list[str]:
    """Words separated by commas."""
    return [word.strip() for word in value.split(",") if word.strip()]


class Only:
    """One of these values is what happens anyway; another is not obeyed, for this reason."""

    def __init__(self, accepted: str, why: str) -> None:
        self.accepted = accepted.split()
        self.why = why

    def __call__(self, value: str) -> None:
        if value not in self.accepted:
            raise NotObeyedError(self.why)
