"""Long answers, worked out in slices, so that the loop serves everybody else in between.

In each turn of the loop one request has a slice, however many there are: ten of them would hold up
messages for ten slices otherwise. Those that have had few go first, so a page is not kept waiting
by lists of everything; whoever has waited for as many turns as it has had slices more is first too.
"""

from __future__ import annotations

import asyncio
import time
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

Thing = TypeVar("Thing")

# A slice ends at the first look at the clock after this; what is done between two looks comes on
# top of it, and both together stay below 5 ms.
SLICE_SECONDS: Final = 0.003
# What is looked at between two looks at the clock where one alone is not worth a look.
BATCH: Final = 500
# What is sorted in one go, and what is merged at the end of a slice: either takes 0.8 ms.
RUN: Final = 5000
MERGED: Final = 20_000


def batches(things: list[Thing], size: int = BATCH) -> Iterator[list[Thing]]:
    """The things, some at a time."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


class Turns:
    """Who goes on in the next turn of a loop."""

    def __init__(self) -> None:
        self._number = 0
        self._order = count()
        # Whether somebody goes on in the next turn.
        self._taken = False
        # By the turn by which they are to go on.
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    async def wait(self, slices: int) -> None:
        """Until whoever has had so many slices may go on: in the next turn, if it is free."""
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._next)
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = loop.create_future()
        heappush(self._waiting, (self._number + slices, next(self._order), future))
        await future

    def _next(self) -> None:
        self._number += 1
        self._taken = False
        while self._waiting and not self._taken:
            future = heappop(self._waiting)[-1]
            # Whoever has gone away has no turn.
            if not future.done():
                # It runs in the next turn, and before this does: so one goes on in each.
                future.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                self._taken = True


_TURNS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Turns]] = WeakKeyDictionary()


async def next_turn(slices: int) -> None:
    """Wait for the turn of a request that has had so many slices."""
    loop = asyncio.get_running_loop()
    await _TURNS.setdefault(loop, Turns()).wait(slices)


class Pace:
    """Of one request. `now` tells the time in seconds; `let_others` gives the loop away once, and
    is told how many slices there have been."""

    def __init__(
        self,
        now: Callable[[], float] = time.perf_counter,
        let_others: Callable[[int], Awaitable[object]] = next_turn,
    ) -> None:
        self._slices = 0
        self._now = now
        self._let_others = let_others
        self._until = now() + SLICE_SECONDS

    def used_up(self) -> bool:
        """Whether this slice has been long enough."""
        return self._now() >= self._until

    async def rest(self) -> None:
        """Let the others go first, and begin another slice."""
        self._slices += 1
        await self._let_others(self._slices)
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
                if self.used_up() or sum(map(len, pair)) > MERGED:
                    await self.rest()
                merged.append(sorted(pair[0] + pair[1], key=key) if len(pair) == 2 else pair[0])
            runs = merged
        await self.rest_if_used_up()
        return runs[0] if runs else []
