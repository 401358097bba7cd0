"""The patterns that a file's names meet, and those that it brings, are searched for before anything
obeys them.

Each thing that is declared is searched for at once, and an import has many of them declared in one
turn of the loop: a pattern that takes some milliseconds for a name would hold it for seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import regex

from leveret.broker.patterns import OutOfTimeError, PatternError, SearchBudget, check_pattern
from leveret.broker.policies import KINDS, OPERATOR_POLICY, POLICY
from leveret.management.definitions.format import DefinitionsError, arguments_of
from leveret.management.pace import batches
from leveret.management.searches import searched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from leveret.broker.broker import Broker
    from leveret.broker.vhost import VHost
    from leveret.management.definitions.format import (
        Definitions,
        ExchangeDefinition,
        QueueDefinition,
    )
    from leveret.management.pace import Pace

    # The names of queues and exchanges that a file brings, by vhost.
    Brought = dict[str, dict[str, None]]
    # Where a pattern is written, the pattern, and what it is searched for in.
    Search = tuple[str, str, list[str]]


async def check_search_times(broker: Broker, definitions: Definitions, pace: Pace) -> None:
    """Raise `DefinitionsError` for policies that cannot be searched for in time, which is what one
    request has for all of it: those of the file in the names of their vhosts, those that are there
    and those that the file brings; those of the vhosts, or that new ones begin with, in the names
    that the file brings."""
    brought: Brought = {}
    things: list[QueueDefinition | ExchangeDefinition] = [
        *definitions.queues,
        *definitions.exchanges,
    ]
    for thing in things:
        brought.setdefault(str(thing.vhost), {})[thing.name] = None
        await pace.rest_if_used_up()
    budget = SearchBudget(None)
    async for place, pattern, names in _searches(broker, definitions, brought, pace):
        await pace.rest_if_used_up()
        try:
            check_pattern(pattern)
        except PatternError:
            # The policy will say what is wrong, in RabbitMQ's words.
            continue
        budget.turn_to(regex.compile(pattern))
        try:
            await searched(budget, names, str, pace)
        except OutOfTimeError as error:
            raise DefinitionsError(f"{place}: {error}") from None


async def _searches(
    broker: Broker, definitions: Definitions, brought: Brought, pace: Pace
) -> AsyncIterator[Search]:
    for search in _of_file(broker, definitions, brought):
        yield search
    async for search in _of_vhosts(broker, definitions, brought, pace):
        yield search


def _of_file(broker: Broker, definitions: Definitions, brought: Brought) -> Iterator[Search]:
    found: dict[str, list[str]] = {}
    for place, vhost, pattern in _patterns(definitions):
        if vhost not in found:
            there = broker.vhosts.get(vhost)
            names = {} if there is None else dict.fromkeys([*there.queues, *there.exchanges])
            found[vhost] = list(names | brought.get(vhost, {}))
        yield place, pattern, found[vhost]


def _patterns(definitions: Definitions) -> Iterator[tuple[str, str, str]]:
    """Each with its place and its vhost."""
    for number, policy in enumerate(definitions.policies):
        yield f"policies[{number}].pattern", str(policy.vhost), policy.pattern
    for number, parameter in enumerate(definitions.parameters):
        pattern = arguments_of(parameter.value).get("pattern")
        if parameter.component == OPERATOR_POLICY and isinstance(pattern, str):
            yield f"parameters[{number}].value.pattern", str(parameter.vhost), pattern


async def _of_vhosts(
    broker: Broker, definitions: Definitions, brought: Brought, pace: Pace
) -> AsyncIterator[Search]:
    """Without those that the file replaces, and those that are not searched for any more."""
    replaced = {(POLICY, each.vhost, each.name) for each in definitions.policies}
    replaced |= {(each.component, each.vhost, each.name) for each in definitions.parameters}
    for vhost, names in brought.items():
        there = broker.vhosts.get(vhost)
        if there is None:
            policies = broker.default_policies(vhost)
        else:
            policies = [each for kind in KINDS for each in there.policies.of(kind).values()]
        searched_for = [
            each
            for each in policies
            if (each.kind, vhost, each.name) not in replaced and not each.is_useless()
        ]
        new = await _new_names(there, names, pace) if searched_for else []
        for policy in searched_for:
            yield f"{policy.kind} '{policy.name}' of vhost '{vhost}'", policy.pattern, new


async def _new_names(there: VHost | None, names: dict[str, None], pace: Pace) -> list[str]:
    """Those that nothing in the vhost has, if it is there."""
    if there is None:
        return list(names)
    new: list[str] = []
    for some in batches(list(names)):
        await pace.rest_if_used_up()
        new += [name for name in some if name not in there.queues and name not in there.exchanges]
    return new
