"""Regular expressions of requests, searched for in many names within the time that one has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from leveret.broker.patterns import OutOfTimeError, SearchBudget
from leveret.management.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leveret.management.pace import Pace

Thing = TypeVar("Thing")


async def matching(
    pattern: Any, things: Sequence[Thing], name: Callable[[Thing], str], pace: Pace
) -> list[Thing]:
    """Those things in whose name the compiled pattern is found; 400 if that takes too long."""
    budget = SearchBudget(pattern)
    found: list[Thing] = []
    for thing in things:
        try:
            if budget.finds(name(thing)):
                found.append(thing)
        except OutOfTimeError as error:
            raise bad_request(str(error)) from None
        if pace.used_up():
            await pace.rest()
            budget.resume()
    return found
