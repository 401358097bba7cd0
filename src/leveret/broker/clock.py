"""The broker's clock, and the moment of what happens just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.seams import Clock, Timer

if TYPE_CHECKING:
    from collections.abc import Callable


class BrokerClock(Clock):
    """The clock that the broker was `given`. `moment` is that of the event being handled, in the
    clock's seconds: whoever lets an event in sets it, and nobody asks the clock per message. Events
    are what a peer sends, the end of a connection, a timer of this clock, and an answer or a word
    of a store: whoever brings one from another thread calls `wake` first."""

    def __init__(self, given: Clock) -> None:
        self.given = given
        self.moment: float = given.now()

    def wake(self) -> None:
        """An event is about to be handled: it is as late as the clock says."""
        self.moment = self.given.now()

    def now(self) -> float:
        return self.given.now()

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        def due() -> None:
            self.wake()
            callback()

        return self.given.call_at(when, due)
