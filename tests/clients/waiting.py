"""Waits for what another process or thread brings about, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.02

Answer = TypeVar("Answer")


def eventually(question: Callable[[], Answer], what: str) -> Answer:
    """Ask until the answer is not false, and return it."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not (answer := question()):
        assert time.monotonic() < give_up_at, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(_PAUSE_SECONDS)
    return answer
