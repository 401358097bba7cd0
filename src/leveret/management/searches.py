"""Regular expressions of requests, searched for in many names within the time that one has."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import regex

from leveret.broker.patterns import OutOfTimeError, SearchBudget
from leveret.management.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leveret.broker.policies import Policy
    from leveret.broker.vhost import VHost
    from leveret.management.pace import Pace

Thing = TypeVar("Thing")

# Names that are searched in one go; if they give no trouble, that takes 50 µs.
TOGETHER: Final = 50


async def matching(
    pattern: Any, things: Sequence[Thing], name: Callable[[Thing], str], pace: Pace
) -> list[Thing]:
    """Those things in whose name the compiled pattern is found; 400 if that takes too long."""
    try:
        return await searched(SearchBudget(pattern), things, name, pace)
    except OutOfTimeError as error:
        raise bad_request(str(error)) from None


async def searched(
    budget: SearchBudget, things: Sequence[Thing], name: Callable[[Thing], str], pace: Pace
) -> list[Thing]:
    """The same within a budget; raises `OutOfTimeError`."""
    found: list[Thing] = []
    for start in range(0, len(things), TOGETHER):
        some = things[start : start + TOGETHER]
        found += compress(some, budget.finds_each([name(thing) for thing in some]))
        await pace.rest_if_used_up()
    return found


async def check_search_time(vhost: VHost, policy: Policy, pace: Pace) -> None:
    """Refuse a policy whose pattern cannot be searched for in the names that there are in time."""
    names = [*vhost.queues, *vhost.exchanges]
    await matching(regex.compile(policy.pattern), names, str, pace)
