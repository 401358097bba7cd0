"""Policies and operator policies of a vhost: which of them each queue and each exchange has.

Of the policies that match, the one of the highest priority wins; among equals, where RabbitMQ's
choice is anybody's guess, the first by name. The same goes for operator policies, on their own.
A change is answered once it is on disk and every queue and exchange has heard of it.
"""

from __future__ import annotations

import json
import logging
from bisect import insort
from typing import TYPE_CHECKING, Final

from leveret.broker.applying import obey
from leveret.broker.patterns import Pattern, PatternError, check_pattern
from leveret.broker.policy_settings import check_definition, suits
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.seams import Exchange, Pending
from leveret.broker.terms import term

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leveret.broker.durable import DefinitionKey
    from leveret.broker.seams import Clock, DefinitionStore
    from leveret.broker.vhost import VHost

log = logging.getLogger("leveret.vhost")

POLICY: Final = "policy"
OPERATOR_POLICY: Final = "operator_policy"
KINDS: Final = (POLICY, OPERATOR_POLICY)

# What a policy applies to, by the type of a queue; of other types it is their name in the plural.
_QUEUE_TYPES: Final = {"stream": "streams"}
APPLY_TO: Final = ("all", "queues", "classic_queues", "quorum_queues", "streams", "exchanges")

# Queues and exchanges that hear of a change in one turn of the loop, and how long that may take.
APPLIED_PER_TURN: Final = 1000
TURN_SECONDS: Final = 0.003

# PCRE's words for what `regex` calls otherwise; RabbitMQ's text has the former.
_PCRE: Final = {
    "missing )": "missing )",
    "unbalanced parenthesis": "unmatched parentheses",
    "nothing to repeat": "nothing to repeat",
    "unterminated character set": "missing terminating ] for character class",
    "missing >": "syntax error in subpattern name (missing terminator)",
    "bad escape (end of pattern)": "\\\\ at end of pattern",
    "bad character range": "range out of order in character class",
    "min repeat greater than max repeat": "numbers out of order in {} quantifier",
    "unknown extension": "unrecognized character after (? or (?-",
}
_TEXT_COLUMNS: Final = 80


class PolicyError(ValueError):
    """A policy that cannot be used; the text is RabbitMQ's."""


class Policy:
    """`kind` is POLICY or OPERATOR_POLICY. Raises `PolicyError` for values that RabbitMQ refuses,
    all of them named, in the order in which RabbitMQ looks at them."""

    def __init__(
        self,
        kind: str,
        name: str,
        pattern: object,
        definition: Mapping[str, object],
        priority: object = 0,
        apply_to: object = "all",
    ) -> None:
        reasons = (
            check_definition(definition, kind == OPERATOR_POLICY),
            _check_apply_to(apply_to),
            _check_pattern(pattern),
            _check_priority(priority),
        )
        if any(reasons):
            lines = "".join(f"{reason}\n" for reason in reasons if reason)
            raise PolicyError(f"Validation failed\n\n{lines}")
        assert isinstance(pattern, str)
        assert isinstance(priority, int | float)
        self.kind = kind
        self.name = name
        self.pattern = pattern
        self.definition = dict(definition)
        self.priority = priority
        self.apply_to = str(apply_to)
        self._pattern = Pattern(pattern, f"{kind} '{name}'", "matches nothing")

    def value(self) -> dict[str, object]:
        """What is stored, and what the API shows."""
        return {
            "pattern": self.pattern,
            "apply-to": self.apply_to,
            "definition": self.definition,
            "priority": self.priority,
        }

    def is_useless(self) -> bool:
        """Whether its pattern has taken too long to match: it is not searched for any more."""
        return self._pattern.useless

    def covers(self, thing: ClassicQueue | Exchange) -> bool:
        """Whether it is a policy for this queue or exchange."""
        if isinstance(thing, ClassicQueue):
            queue_type = thing.type_name
            of_type = _QUEUE_TYPES.get(queue_type, f"{queue_type}_queues")
            if self.apply_to not in ("all", "queues", of_type):
                return False
            if not suits(self.definition, queue_type):
                return False
        elif self.apply_to not in ("all", "exchanges"):
            return False
        return self._pattern.matches(thing.name)


def stored_policy(kind: str, name: str, value: Mapping[str, object]) -> Policy:
    """A policy out of its value; LookupError or ValueError if that is damaged."""
    definition = value["definition"]
    if not isinstance(definition, dict):
        raise ValueError("its definition is damaged")
    return Policy(kind, name, value["pattern"], definition, value["priority"], value["apply-to"])


def effective_definition(
    policy: Policy | None, operator_policy: Policy | None
) -> dict[str, object]:
    """Both together: of two numbers the lower. What operator policies may hold is all numbers."""
    merged: dict[str, object] = {} if policy is None else dict(policy.definition)
    for name, value in {} if operator_policy is None else operator_policy.definition.items():
        other = merged.get(name)
        assert isinstance(value, int)
        merged[name] = min(value, other) if isinstance(other, int) else value
    return dict(sorted(merged.items()))


class Policies:
    """Of one vhost, which is `topology`."""

    def __init__(self, topology: VHost, definitions: DefinitionStore, clock: Clock) -> None:
        self._topology = topology
        self._definitions = definitions
        self._clock = clock
        self._named: dict[str, dict[str, Policy]] = {kind: {} for kind in KINDS}
        # The same, the winner of two first.
        self._ranked: dict[str, list[Policy]] = {kind: [] for kind in KINDS}
        # What the definition store holds or is about to.
        self._keys: dict[DefinitionKey, None] = {}
        # Who has not heard of the last change yet, and who waits for all having done so.
        self._left: list[ClassicQueue | Exchange] = []
        self._waiting: list[tuple[Pending, object]] = []
        self._continues = False

    def of(self, kind: str) -> dict[str, Policy]:
        """The policies of a kind, by name."""
        return self._named[kind]

    def keys(self) -> list[DefinitionKey]:
        """The definitions that go with the vhost."""
        return list(self._keys)

    # --- changes ---

    def put(self, policy: Policy) -> Pending:
        """Add a policy, or replace the one of its kind and name; answers with it."""
        key = self._key(policy.kind, policy.name)
        self._keys[key] = None
        answer = Pending()
        told = self._topology.events.policy_set(self._topology.name, policy)

        def committed(_revision: object) -> None:
            told()
            self._replace(policy.kind, policy.name, policy)
            self._changed(answer, policy)

        self._definitions.put(*key, policy.value()).then(committed, answer.fail)
        return answer

    def clear(self, kind: str, name: str) -> Pending:
        """Take a policy away; answers with whether there was one."""
        key = self._key(kind, name)
        answer = Pending()
        told = self._topology.events.policy_cleared(self._topology.name, kind, name)

        def committed(_was_there: object) -> None:
            known = self._replace(kind, name, None)
            if known:
                told()
            self._keys.pop(key, None)
            self._changed(answer, known)

        self._definitions.delete(*key).then(committed, answer.fail)
        return answer

    def load(self, policy: Policy) -> None:
        """Add a policy that is stored already."""
        self._keys[self._key(policy.kind, policy.name)] = None
        self._replace(policy.kind, policy.name, policy)
        self._changed(Pending(), None)

    def _key(self, kind: str, name: str) -> DefinitionKey:
        return kind, json.dumps([self._topology.name, name])

    def _replace(self, kind: str, name: str, policy: Policy | None) -> bool:
        """Whether there was one of the name."""
        named, ranked = self._named[kind], self._ranked[kind]
        old = named.pop(name, None)
        if old is not None:
            ranked.remove(old)
        if policy is not None:
            named[name] = policy
            insort(ranked, policy, key=_rank)
        return old is not None

    def _changed(self, answer: Pending, value: object) -> None:
        topology = self._topology
        self._left = [*topology.queues.values(), *topology.exchanges.values()]
        self._waiting.append((answer, value))
        if not self._continues:
            self._go_on()

    def _go_on(self) -> None:
        """Have some of those who are left hear of the change, and come back for the others."""
        self._continues = False
        until = self._clock.now() + TURN_SECONDS
        left = self._left
        count = 0
        while left:
            if count == APPLIED_PER_TURN or self._clock.now() > until:
                self._continues = True
                self._clock.call_at(self._clock.now(), self._go_on)
                return
            thing = left.pop()
            if self._topology.is_there(thing):
                self.apply_to(thing)
            count += 1
        waiting, self._waiting = self._waiting, []
        for answer, value in waiting:
            answer.complete(value)

    # --- applying ---

    def apply_to(self, thing: ClassicQueue | Exchange) -> None:
        """Have a queue or an exchange obey those of the policies that are its own now."""
        policy = self._winner(POLICY, thing)
        operator_policy = self._winner(OPERATOR_POLICY, thing)
        if policy is thing.policy and operator_policy is thing.operator_policy:
            return
        thing.policy = policy
        thing.operator_policy = operator_policy
        if isinstance(thing, ClassicQueue):
            obey(thing, definition_of(policy), definition_of(operator_policy))
        else:
            # It may have another alternate exchange now.
            self._topology.generation.number += 1

    def _winner(self, kind: str, thing: ClassicQueue | Exchange) -> Policy | None:
        for policy in self._ranked[kind]:
            if policy.covers(thing):
                return policy
        return None


def _rank(policy: Policy) -> tuple[float, str]:
    return -policy.priority, policy.name


def definition_of(policy: Policy | None) -> Mapping[str, object]:
    """What a policy says; nothing where there is none."""
    return {} if policy is None else policy.definition


def _check_apply_to(apply_to: object) -> str:
    if apply_to in APPLY_TO:
        return ""
    shown = apply_to if isinstance(apply_to, str) else term(apply_to)
    return (
        f"apply-to '{shown}' unrecognised; should be one of: 'queues', 'classic_queues',  "
        "'quorum_queues', 'streams', 'exchanges', or 'all'"
    )


def _check_pattern(pattern: object) -> str:
    if not isinstance(pattern, str):
        return f"pattern should be a binary but was {term(pattern)}"
    try:
        check_pattern(pattern)
    except PatternError as error:
        return _no_pattern(pattern, error)
    return ""


def _no_pattern(pattern: str, error: PatternError) -> str:
    start = "pattern should be regular expression but is invalid: {"
    cause = error.__cause__
    said = str(getattr(cause, "msg", error))
    reason = _PCRE.get(said, said)
    position = getattr(cause, "pos", None)
    if said.startswith(("missing", "unterminated")) or position is None:
        # PCRE finds at the end that something is missing, and counts in octets.
        position = len(pattern.encode())
    line = f'{start}"{reason}",{position}}}'
    if len(line) <= _TEXT_COLUMNS:
        return line
    return f'{start}"{reason}",\n{" " * len(start)}{position}}}'


def _check_priority(priority: object) -> str:
    if isinstance(priority, int | float) and not isinstance(priority, bool):
        return ""
    return f"priority should be a number, actually was {term(priority)}"
