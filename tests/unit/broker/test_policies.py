"""Which policy a queue or an exchange has, and when it hears of another."""

import logging
from collections.abc import Mapping
from itertools import count

import pytest

from leveret.broker.actor import Actor
from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.policies import (
    APPLIED_PER_TURN,
    OPERATOR_POLICY,
    POLICY,
    Policy,
    PolicyError,
    effective_definition,
)
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.seams import DefinitionStore, Exchange
from leveret.broker.vhost import VHost
from leveret.store.memory import MemoryDefinitions
from leveret.testing import ManualClock
from leveret.wire.table import to_table
from unit.doubles import TicketStore, answer_of
from unit.late_definitions import LateDefinitions

SERVER = Actor("server", None)


class World:
    """A vhost, its clock, and what its queues were told to obey."""

    def __init__(self, definitions: DefinitionStore | None = None) -> None:
        self.clock = ManualClock()
        ids = count(1)
        self.definitions = definitions or MemoryDefinitions()
        self.broker = Broker(
            self.clock, TicketStore(), self.definitions, Compat(), str, ids.__next__
        )
        self.broker.load()
        self.broker.add_vhost("/")

    @property
    def vhost(self) -> VHost:
        return self.broker.vhosts["/"]

    def queue(self, name: str, durable: bool = True, **arguments: object) -> ClassicQueue:
        table = to_table({key.replace("_", "-"): value for key, value in arguments.items()})
        queue = answer_of(self.vhost.declare_queue(SERVER, name, durable=durable, arguments=table))
        assert isinstance(queue, ClassicQueue)
        return queue

    def exchange(self, name: str) -> Exchange:
        exchange = answer_of(self.vhost.declare_exchange(SERVER, name, "fanout"))
        assert isinstance(exchange, Exchange)
        return exchange

    def put(self, name: str, *values: object, kind: str = POLICY, **settings: object) -> None:
        self.vhost.policies.put(a_policy(name, *values, kind=kind, **settings))

    def clear(self, name: str, kind: str = POLICY) -> object:
        return answer_of(self.vhost.policies.clear(kind, name))


def a_policy(
    name: str,
    pattern: str = "",
    priority: int = 0,
    apply_to: str = "all",
    kind: str = POLICY,
    **settings: object,
) -> Policy:
    definition = {key.replace("_", "-"): value for key, value in settings.items()}
    return Policy(kind, name, pattern, definition or {"max-length": 1}, priority, apply_to)


@pytest.fixture
def obeyed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object, object]]:
    told: list[tuple[str, object, object]] = []

    def obey(
        queue: ClassicQueue, policy: Mapping[str, object], operator: Mapping[str, object]
    ) -> None:
        told.append((queue.name, dict(policy), dict(operator)))

    monkeypatch.setattr("leveret.broker.policies.obey", obey)
    return told


@pytest.fixture
def world() -> World:
    return World()


def policy_of(thing: ClassicQueue | Exchange) -> str | None:
    return None if thing.policy is None else thing.policy.name


def test_a_living_queue_obeys_a_policy_at_once(world, obeyed):
    world.queue("lab")
    world.put("p", "^lab$", max_length=5)
    assert obeyed == [("lab", {"max-length": 5}, {})]
    world.put("p", "^lab$", max_length=6)
    assert obeyed[1:] == [("lab", {"max-length": 6}, {})]
    assert world.clear("p") is True
    assert obeyed[2:] == [("lab", {}, {})]
    assert world.clear("p") is False


def test_a_queue_that_does_not_match_hears_nothing(world, obeyed):
    queue = world.queue("other")
    world.put("p", "^lab")
    assert (obeyed, queue.policy) == ([], None)


def test_a_new_queue_has_its_policies_from_the_beginning(world, obeyed):
    world.put("p", "^lab", max_length=5)
    world.put("o", "^lab", kind=OPERATOR_POLICY, max_length=3)
    queue = world.queue("lab")
    assert policy_of(queue) == "p"
    assert queue.operator_policy is not None
    assert queue.operator_policy.name == "o"
    assert obeyed == [("lab", {"max-length": 5}, {"max-length": 3})]


def test_the_highest_priority_wins_and_among_equals_the_first_by_name(world):
    queue = world.queue("lab")
    for name, priority in (("c", 0), ("b", 0), ("low", -1)):
        world.put(name, "lab", priority)
    assert policy_of(queue) == "b"
    world.put("z", "lab", 1)
    assert policy_of(queue) == "z"
    world.clear("z")
    assert policy_of(queue) == "b"


# What RabbitMQ 3.10.8 does: a setting that a type does not know keeps the whole policy away.
SUITS = [
    ({"max-length": 5}, "cqx"),
    ({"delivery-limit": 5}, "qx"),
    ({"queue-mode": "lazy"}, "cx"),
    ({"max-age": "1h"}, "x"),
    ({"dead-letter-strategy": "at-least-once", "max-length": 5}, "qx"),
    ({"max-length": 5, "delivery-limit": 5}, "qx"),
    ({"max-length": 5, "max-age": "1h"}, "x"),
    ({"alternate-exchange": "a"}, "cqx"),
    ({"alternate-exchange": "a", "max-length": 5}, "cqx"),
    ({"queue-leader-locator": "balanced"}, "qx"),
    ({"queue-version": 2}, "cqx"),
    ({"ha-mode": "all"}, "cx"),
]


@pytest.mark.parametrize(("definition", "whose"), SUITS)
def test_a_policy_is_for_the_queue_types_that_know_all_its_settings(world, definition, whose):
    things = {
        "c": world.queue("c"),
        "q": world.queue("q", x_queue_type="quorum"),
        "x": world.exchange("x"),
    }
    world.vhost.policies.put(Policy(POLICY, "p", "", definition))
    assert "".join(name for name, thing in things.items() if thing.policy) == whose


@pytest.mark.parametrize(
    ("apply_to", "whose"),
    [
        ("all", "cqx"),
        ("queues", "cq"),
        ("classic_queues", "c"),
        ("quorum_queues", "q"),
        ("streams", ""),
        ("exchanges", "x"),
    ],
)
def test_what_a_policy_applies_to(world, apply_to, whose):
    things = {
        "c": world.queue("c"),
        "q": world.queue("q", x_queue_type="quorum"),
        "x": world.exchange("x"),
    }
    world.put("p", "", apply_to=apply_to)
    assert "".join(name for name, thing in things.items() if thing.policy) == whose


def test_thousands_of_queues_hear_of_a_policy_in_several_turns(world, obeyed):
    for number in range(APPLIED_PER_TURN + 10):
        world.queue(f"q{number}", durable=False)
    answer = world.vhost.policies.put(a_policy("p", "^q"))
    assert not answer.done
    assert 0 < len(obeyed) <= APPLIED_PER_TURN
    world.clock.advance(0)
    assert answer.done
    assert len(obeyed) == APPLIED_PER_TURN + 10


def test_a_change_in_the_midst_of_another_holds_for_all_in_the_end(world, obeyed):
    queues = [world.queue(f"q{n}", durable=False) for n in range(APPLIED_PER_TURN + 10)]
    first = world.vhost.policies.put(a_policy("p", "^q"))
    second = world.vhost.policies.put(a_policy("o", "^q", 1))
    gone = queues.pop()
    world.vhost.delete_queue(SERVER, gone.name)
    world.clock.advance(0)
    world.clock.advance(0)
    assert first.done
    assert second.done
    assert {policy_of(queue) for queue in queues} == {"o"}


def test_a_pattern_that_takes_too_long_matches_nothing_and_says_so(world, caplog):
    queue = world.queue("a" * 40 + "!")
    with caplog.at_level(logging.ERROR, "leveret.access"):
        world.put("p", "^(a|a)*$")
        world.put("q", "^(a|a)*$")
    assert queue.policy is None
    assert "policy 'p' pattern '^(a|a)*$' takes too long to match" in caplog.text
    assert policy_of(world.queue("short")) is None


def test_an_exchange_sends_what_it_cannot_route_where_its_policy_says(world):
    exchange = world.exchange("x")
    queue = world.queue("q")
    world.exchange("ae")
    world.vhost.bind(SERVER, "ae", "queue", "q", "", {})

    def routed() -> list[ClassicQueue]:
        return world.vhost.route(exchange, "k", dict)[0]

    generation = world.vhost.generation.number
    world.put("p", "^x$", apply_to="exchanges", alternate_exchange="ae")
    assert routed() == [queue]
    assert world.vhost.generation.number > generation, "channels forget their routes"
    world.clear("p")
    assert routed() == []


def test_the_argument_goes_before_the_policy(world):
    arguments = to_table({"alternate-exchange": "mine"})
    exchange = answer_of(world.vhost.declare_exchange(SERVER, "x", "fanout", arguments=arguments))
    assert isinstance(exchange, Exchange)
    world.exchange("ae")
    world.queue("q")
    world.vhost.bind(SERVER, "ae", "queue", "q", "", {})
    world.put("p", "^x$", alternate_exchange="ae")
    assert world.vhost.route(exchange, "k", dict)[0] == []


def test_policies_outlive_a_restart_and_hold_for_what_is_loaded(obeyed):
    first = World()
    first.put("p", "^q", 3, "queues", max_length=5)
    first.put("o", "", kind=OPERATOR_POLICY, max_length=4)
    first.put("gone", "")
    first.clear("gone")
    first.queue("q")
    del obeyed[:]
    again = World(first.definitions)
    policy = again.vhost.policies.of(POLICY)["p"]
    assert policy.value() == {
        "pattern": "^q",
        "apply-to": "queues",
        "definition": {"max-length": 5},
        "priority": 3,
    }
    assert list(again.vhost.policies.of(POLICY)) == ["p"]
    assert policy_of(again.vhost.queues["q"]) == "p"
    assert obeyed == [("q", {"max-length": 5}, {"max-length": 4})]


def test_a_damaged_policy_is_named_and_kept(caplog):
    definitions = MemoryDefinitions()
    definitions.put("vhost", "/", {})
    definitions.put(POLICY, '["/", "p"]', {"pattern": "("})
    definitions.put(POLICY, '["/", "q"]', {"definition": 5})
    with caplog.at_level(logging.ERROR, "leveret.vhost"):
        assert World(definitions).vhost.policies.of(POLICY) == {}
    assert caplog.text.count("is not understood") == 2
    assert len(definitions.load()) == 3


def test_the_policies_of_a_vhost_go_with_it():
    definitions = LateDefinitions()
    world = World(definitions)
    definitions.commit()
    world.put("p")
    definitions.commit()
    world.put("late")
    world.broker.delete_vhost("/")
    definitions.commit()
    assert [kind for kind, *_ in definitions.load()] == []


def test_of_two_numbers_the_lower_is_effective():
    policy = a_policy("p", max_length=5, message_ttl=7, dead_letter_exchange="x")
    operator = a_policy("o", kind=OPERATOR_POLICY, max_length=3, message_ttl=9, expires=1)
    assert effective_definition(policy, operator) == {
        "dead-letter-exchange": "x",
        "expires": 1,
        "max-length": 3,
        "message-ttl": 7,
    }
    assert effective_definition(policy, None) == policy.definition
    assert effective_definition(None, None) == {}


# --- refusals, as RabbitMQ 3.10.8 words them ---

REFUSED = [
    ({}, "no policy provided"),
    ({"max-length": "x"}, '<<"x">> is not a valid maximum length'),
    ({"max-length": ""}, "<<>> is not a valid maximum length"),
    ({"max-length": -1}, "-1 is not a valid maximum length"),
    ({"max-length": 1.5}, "1.5 is not a valid maximum length"),
    ({"max-length": 1e20}, "1.0e20 is not a valid maximum length"),
    ({"max-length": True}, "true is not a valid maximum length"),
    ({"max-length": None}, "null is not a valid maximum length"),
    ({"max-length": [97, 98]}, '"ab" is not a valid maximum length'),
    ({"max-length": [1, 2]}, "[1,2] is not a valid maximum length"),
    ({"max-length": {}}, "#{} is not a valid maximum length"),
    ({"max-length": "a\n"}, '<<"a\\n">> is not a valid maximum length'),
    ({"max-length-bytes": -1}, "-1 is not a valid maximum length in bytes"),
    ({"message-ttl": "x"}, '<<"x">> is not a valid message TTL'),
    ({"expires": 0}, "0 is not a valid queue expiry"),
    ({"delivery-limit": -1}, "-1 is not a valid delivery limit"),
    ({"queue-version": 0}, "0 is not a valid queue-version value"),
    ({"queue-mode": "x"}, '<<"x">> is not a valid queue-mode value'),
    ({"queue-master-locator": 5}, "5 invalid queue-master-locator value"),
    ({"queue-leader-locator": 5}, "5 is not a valid queue leader locator value"),
    ({"overflow": "x"}, '<<"x">> is not a valid overflow value'),
    ({"dead-letter-strategy": "x"}, '<<"x">> is not a valid dead letter strategy'),
    ({"dead-letter-exchange": 5}, "5 is not a valid dead letter exchange name"),
    ({"dead-letter-routing-key": 5}, "5 is not a valid dead letter routing key"),
    ({"alternate-exchange": ["a"]}, '[<<"a">>] is not a valid alternate exchange name'),
    ({"alternate-exchange": {"a": 1}}, '#{<<"a">> => 1} is not a valid alternate exchange name'),
    ({"nope": 5}, '[{<<"nope">>,5}] are not recognised policy settings'),
    ({"nope": 5, "max-length": "x"}, '<<"x">> is not a valid maximum length'),
    ({"max-length": 5, "message-ttl": "x", "expires": "y"}, '<<"y">> is not a valid queue expiry'),
    (
        {"nope": 5, "b": "x", "a": 1.5},
        '[{<<"a">>,1.5},{<<"b">>,<<"x">>},{<<"nope">>,5}] are not recognised policy settings',
    ),
    ({"é": 'a"b\\'}, '[{<<"é">>,<<"a\\"b\\\\">>}] are not recognised policy settings'),
    (
        {"ha-params": "x"},
        "ha-mode must be specified to specify ha-params, ha-sync-mode or ha-promote-on-shutdown",
    ),
]


@pytest.mark.parametrize(("definition", "reason"), REFUSED)
def test_a_definition_is_refused_in_rabbitmqs_words(definition, reason):
    with pytest.raises(PolicyError) as refused:
        Policy(POLICY, "p", "", definition)
    assert str(refused.value) == f"Validation failed\n\n{reason}\n"


TEN_YEARS_MS = 315_360_000_000
MOST = {
    "expires": TEN_YEARS_MS,
    "message-ttl": TEN_YEARS_MS,
    "delayed-retry-min": TEN_YEARS_MS,
    "delayed-retry-max": TEN_YEARS_MS,
    "max-length": (1 << 63) - 1,
    "max-length-bytes": (1 << 63) - 1,
    "delivery-limit": (1 << 63) - 1,
}


@pytest.mark.parametrize("name", MOST)
def test_numbers_end_where_those_of_arguments_do(name):
    Policy(POLICY, "p", "", {name: MOST[name]})
    for value in (MOST[name] + 1, 10**400):
        with pytest.raises(PolicyError, match=f"{value} is not a valid"):
            Policy(POLICY, "p", "", {name: value})


def test_a_dead_letter_routing_key_is_no_longer_than_a_routing_key():
    Policy(POLICY, "p", "", {"dead-letter-routing-key": "é" * 127})
    for key in ("k" * 256, "é" * 128):
        with pytest.raises(PolicyError, match="is not a valid dead letter routing key"):
            Policy(POLICY, "p", "", {"dead-letter-routing-key": key})


@pytest.mark.parametrize(
    "name", ["dead-letter-routing-key", "dead-letter-exchange", "alternate-exchange", "overflow"]
)
def test_half_a_character_is_refused(name):
    """As JSON's escapes can name it."""
    with pytest.raises(PolicyError, match="<<237,160,128>> is not a valid"):
        Policy(POLICY, "p", "", {name: "\ud800"})


@pytest.mark.parametrize("name", ["overflow", "dead-letter-exchange", "queue-version", "nope"])
def test_an_operator_policy_holds_limits_only(name):
    with pytest.raises(PolicyError, match="are not recognised policy settings"):
        Policy(OPERATOR_POLICY, "o", "", {name: 1, "max-length": 4})


INDENT = " " * 54
PATTERNS = [
    ("(", '{"missing )",1}'),
    ("[", f'{{"missing terminating ] for character class",\n{INDENT}1}}'),
    ("*a", '{"nothing to repeat",0}'),
    (")", '{"unmatched parentheses",0}'),
    ("é(", '{"missing )",3}'),
    ("(?<n>a", '{"missing )",6}'),
]


@pytest.mark.parametrize(("pattern", "reason"), PATTERNS)
def test_a_pattern_is_refused_in_rabbitmqs_words(pattern, reason):
    with pytest.raises(PolicyError) as refused:
        a_policy("p", pattern)
    text = f"pattern should be regular expression but is invalid: {reason}"
    assert str(refused.value) == f"Validation failed\n\n{text}\n"


def test_everything_that_is_wrong_is_named():
    with pytest.raises(PolicyError) as refused:
        Policy(POLICY, "p", 5, {"nope": 1}, "x", "y")
    assert str(refused.value).split("\n")[2:-1] == [
        '[{<<"nope">>,1}] are not recognised policy settings',
        "apply-to 'y' unrecognised; should be one of: 'queues', 'classic_queues',  "
        "'quorum_queues', 'streams', 'exchanges', or 'all'",
        "pattern should be a binary but was 5",
        'priority should be a number, actually was <<"x">>',
    ]
