"""The patterns of a file's policies are searched for in names before anything obeys them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import regex

from leveret.broker.patterns import OutOfTimeError, PatternError, SearchBudget, check_pattern
from leveret.broker.policies import OPERATOR_POLICY
from leveret.management.definitions.format import DefinitionsError, arguments_of
from leveret.management.pace import Pace
from leveret.management.searches import searched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leveret.broker.broker import Broker
    from leveret.management.definitions.format import Definitions


async def check_search_times(broker: Broker, definitions: Definitions) -> None:
    """Raise `DefinitionsError` for policies that cannot be searched for in the names of their
    vhosts, those that are there and those that the file brings, within the time that one request
    has for all of it."""
    pace = Pace()
    budget = SearchBudget(None)
    names: dict[str, list[str]] = {}
    for place, vhost, pattern in _patterns(definitions):
        try:
            check_pattern(pattern)
        except PatternError:
            # The policy will say what is wrong, in RabbitMQ's words.
            continue
        if vhost not in names:
            names[vhost] = _names(broker, definitions, vhost)
        budget.turn_to(regex.compile(pattern))
        try:
            await searched(budget, names[vhost], str, pace)
        except OutOfTimeError as error:
            raise DefinitionsError(f"{place}: {error}") from None


def _patterns(definitions: Definitions) -> Iterator[tuple[str, str, str]]:
    """Each with its place and its vhost."""
    for number, policy in enumerate(definitions.policies):
        yield f"policies[{number}].pattern", str(policy.vhost), policy.pattern
    for number, parameter in enumerate(definitions.parameters):
        pattern = arguments_of(parameter.value).get("pattern")
        if parameter.component == OPERATOR_POLICY and isinstance(pattern, str):
            yield f"parameters[{number}].value.pattern", str(parameter.vhost), pattern


def _names(broker: Broker, definitions: Definitions, vhost: str) -> list[str]:
    there = broker.vhosts.get(vhost)
    names = {} if there is None else dict.fromkeys([*there.queues, *there.exchanges])
    names |= {each.name: None for each in definitions.queues if each.vhost == vhost}
    names |= {each.name: None for each in definitions.exchanges if each.vhost == vhost}
    return list(names)
