"""The broker's clock: a call that it makes is made at a moment that the broker knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.seams import Clock, Timer

if TYPE_CHECKING:
    from collections.abc import Callable


class BrokerClock(Clock):
    """The clock that the broker was `given`, but for `wake`, which it calls before every call that
    is due: nobody who sets a timer need tell the broker how late it is."""

    def __init__(self, given: Clock, wake: Callable[[], object]) -> None:
        self.given = given
        self._wake = wake

    def now(self) -> float:
        return self.given.now()

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        def due() -> None:
            self._wake()
            callback()

        return self.given.call_at(when, due)
