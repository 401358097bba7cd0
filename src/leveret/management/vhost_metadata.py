"""What a vhost says of itself, as it is given: in a request, or in a file of definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.compat import LEVELS
from leveret.broker.queues import QUEUE_TYPES, queue_type_named

if TYPE_CHECKING:
    from collections.abc import Iterable


def tag_names(given: str | Iterable[object]) -> list[str]:
    """Tags, as a list or with commas."""
    tags = given.split(",") if isinstance(given, str) else given
    return [str(tag).strip() for tag in tags if str(tag).strip()]


def default_queue_type(given: str | None, *unobeyed: str) -> str:
    """The type that this names; empty for none. The `unobeyed` may be named as well. Raises
    ValueError."""
    if not given or given == "undefined":
        return ""
    named = queue_type_named(given)
    if named not in QUEUE_TYPES and named not in unobeyed:
        raise ValueError(f"default_queue_type is one of {', '.join(QUEUE_TYPES)}")
    return named


def compat_level(given: str | None) -> str:
    """The level of compatibility; empty for none. Raises ValueError."""
    if given and given not in LEVELS:
        raise ValueError(f"compat is one of {', '.join(LEVELS)}")
    return given or ""
