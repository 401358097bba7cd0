"""Long answers, worked out in slices, so that the loop serves everybody else in between."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

Thing = TypeVar("Thing")

# A slice ends at the first look at the clock after this; what is done between two looks comes on
# top of it, and both together stay below 5 ms.
SLICE_SECONDS: Final = 0.003
# What is looked at between two looks at the clock where one alone is not worth a look.
BATCH: Final = 500
# What is sorted in one go.
RUN: Final = 2000


def batches(things: list[Thing], size: int = BATCH) -> Iterator[list[Thing]]:
    """The things, some at a time."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


class Pace:
    """Of one request. `now` tells the time in seconds, `let_others` gives the loop away once."""

    def __init__(
        self,
        now: Callable[[], float] = time.perf_counter,
        let_others: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0),
    ) -> None:
        self._now = now
        self._let_others = let_others
        self._until = now() + SLICE_SECONDS

    def used_up(self) -> bool:
        """Whether this slice has been long enough."""
        return self._now() >= self._until

    async def rest(self) -> None:
        """Let the others go first, and begin another slice."""
        await self._let_others()
        self._until = self._now() + SLICE_SECONDS

    async def rest_if_used_up(self) -> None:
        """To be called often."""
        if self._now() >= self._until:
            await self.rest()

    async def sorted(self, things: list[Any], key: Callable[[Any], Any] | None = None) -> list[Any]:
        """The things in order, equals as they came: small parts are sorted and then merged, two by
        two, which Python's own sort does in one pass over both."""
        runs: list[list[Any]] = []
        for some in batches(things, RUN):
            await self.rest_if_used_up()
            runs.append(sorted(some, key=key))
        while len(runs) > 1:
            merged: list[list[Any]] = []
            for place in range(0, len(runs), 2):
                pair = runs[place : place + 2]
                # A long merge has a slice of its own.
                if self.used_up() or len(pair[0]) > RUN:
                    await self.rest()
                merged.append(sorted(pair[0] + pair[1], key=key) if len(pair) == 2 else pair[0])
            runs = merged
        await self.rest_if_used_up()
        return runs[0] if runs else []
