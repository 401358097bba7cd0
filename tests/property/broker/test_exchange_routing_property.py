"""Each exchange type routes as a slow matcher over a list of its bindings does, whatever was bound
and unbound before."""

import math
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.broker.exchanges import EXCHANGE_TYPES
from leveret.broker.exchanges.hashing import hash_of
from leveret.broker.exchanges.topic import TopicExchange
from leveret.broker.seams import Binding, Exchange
from leveret.testing.kits import Inert
from leveret.wire.field import Field, Table
from leveret.wire.properties import Properties
from property.sequences import stories

WORDS = st.sampled_from(["a", "b", "", "*", "#", "a*"])
KEYS = st.lists(WORDS, max_size=5).map(".".join)

VALUES = st.sampled_from(
    [
        Field(ord("S"), b"x"),
        Field(ord("S"), b"y"),
        Field(ord("I"), 1),
        Field(ord("l"), 1),
        Field(ord("t"), True),
        Field(ord("V"), None),
    ]
)
HEADERS = st.dictionaries(st.sampled_from(["h", "i", "x-j", "x-match"]), VALUES, max_size=4)
MATCHES = st.sampled_from([b"all", b"any", b"all-with-x", b"any-with-x"])


@st.composite
def binding_arguments(draw: st.DrawFn) -> Table:
    arguments = draw(HEADERS)
    arguments.pop("x-match", None)
    if draw(st.booleans()):
        arguments["x-match"] = Field(ord("S"), draw(MATCHES))
    return arguments


def words(key: str) -> list[str]:
    return key.split(".") if key else []


def topic_matches(pattern: list[str], key: list[str]) -> bool:
    """By all the places of the key to which the words of the pattern so far may lead."""
    places = {0}
    for word in pattern:
        if word == "#":
            places = {place for first in places for place in range(first, len(key) + 1)}
        else:
            places = {at + 1 for at in places if at < len(key) and word in ("*", key[at])}
    return len(key) in places


def headers_match(arguments: Table, headers: Table) -> bool:
    kind = arguments["x-match"].value if "x-match" in arguments else b"all"
    assert isinstance(kind, bytes)
    results = [
        name in headers
        and (
            wanted.kind == ord("V")
            or (wanted.value == headers[name].value and same_sort(wanted, headers[name]))
        )
        for name, wanted in arguments.items()
        if name != "x-match" and (kind.endswith(b"-with-x") or not name.startswith("x-"))
    ]
    return all(results) if kind.startswith(b"all") else any(results)


def same_sort(one: Field, other: Field) -> bool:
    """A bool is no number, though Python counts it as one."""
    return isinstance(one.value, bool) == isinstance(other.value, bool)


def splitmix(mixed: int) -> int:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> shift)) * factor % 2**64
    return mixed ^ (mixed >> 31)


def winner(bindings: list[Binding], key: str) -> list[Binding]:
    """By weighted rendezvous: the higher the drawn number's weight-th root, the better."""
    if not bindings:
        return []

    def drawn(binding: Binding) -> float:
        mixed = splitmix(hash_of(key) ^ hash_of(f"queue {binding.destination.name}"))
        return math.log(((mixed >> 12) + 0.5) / 2**52) / int(binding.routing_key)

    return [max(bindings, key=drawn)]


def by_remainder(bindings: list[Binding], key: str) -> list[Binding]:
    if not bindings:
        return []
    ordered = sorted(bindings, key=lambda b: (b.routing_key, b.destination.name))
    return [ordered[hash_of(key) % len(ordered)]]


# Of two words, so that many patterns match and share what they begin with.
PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "#"]), min_size=1, max_size=7).map(".".join)
TOPIC_KEYS = st.lists(st.sampled_from("ab"), min_size=1, max_size=8).map(".".join)
LONG_PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "#"]), max_size=40).map(".".join)
LONG_KEYS = st.lists(st.sampled_from("aaabz"), max_size=128).map(".".join)
# Keys of up to 255 octets that have as many words as they can: most of them are empty.
MOST_WORDS = st.integers(240, 256).flatmap(
    lambda count: st.lists(
        st.tuples(st.integers(0, count - 1), st.sampled_from("ab")), max_size=256 - count
    ).map(lambda some: ".".join(dict(some).get(place, "") for place in range(count)))
)
SPARSE_PATTERNS = st.lists(st.sampled_from(["a", "b", "", "", "*", "#"]), max_size=12).map(".".join)


@settings(max_examples=effort(400), deadline=None)
@given(
    patterns=st.lists(PATTERNS, min_size=2, max_size=20, unique=True),
    keys=st.lists(TOPIC_KEYS, min_size=10, max_size=20),
)
@example(patterns=["#.*.b", "#.*.b.*"], keys=["b.b"])
@example(patterns=["a.*.#.a", "a.*.#.a.a.b"], keys=["a.a.a.b"])
def test_topic_patterns_that_share_words_each_match_by_themselves(
    patterns: list[str], keys: list[str]
) -> None:
    exchange = a_new("topic")
    for pattern in patterns:
        exchange.bind(Binding(exchange, Inert(pattern), pattern, {}))
    assert_each_matches_by_itself(exchange, patterns, keys)


@settings(max_examples=effort(200), deadline=None)
@given(
    patterns=st.lists(LONG_PATTERNS, min_size=10, max_size=40, unique=True),
    keys=st.lists(LONG_KEYS, min_size=3, max_size=6),
    common=st.sampled_from([1, 2, 5]),
    stay=st.integers(0, 40),
)
def test_topic_patterns_match_whatever_pieces_were_learned_from_them(
    patterns: list[str], keys: list[str], common: int, stay: int
) -> None:
    exchange = TopicExchange("topic", False, False, False, {})
    # What many thousand patterns would teach at the number that is usual.
    exchange._pieces.common_least = common
    bindings = [Binding(exchange, Inert(pattern), pattern, {}) for pattern in patterns]
    for binding in bindings:
        exchange.bind(binding)
    assert_each_matches_by_itself(exchange, patterns, keys)
    for binding in bindings[stay:]:
        exchange.unbind(binding)
    assert_each_matches_by_itself(exchange, patterns[:stay], keys)
    for binding in bindings[stay:]:
        exchange.bind(binding)
    assert_each_matches_by_itself(exchange, patterns, keys)
    for binding in bindings:
        exchange.unbind(binding)
    assert_nothing_is_left(exchange)


@settings(max_examples=effort(200), deadline=None)
@given(
    patterns=st.lists(SPARSE_PATTERNS, min_size=1, max_size=20, unique=True),
    keys=st.lists(MOST_WORDS, min_size=1, max_size=4),
    common=st.sampled_from([1, 2]),
)
@example(patterns=["#.a.#", "#.*.a", "#.a.#.b.#"], keys=["." * 254 + "a"], common=1)
@example(patterns=["#..#", "#.*.#", "#.a.#", "*.#.*", ""], keys=["." * 255], common=1)
def test_topic_patterns_match_keys_of_as_many_words_as_there_can_be(
    patterns: list[str], keys: list[str], common: int
) -> None:
    exchange = TopicExchange("topic", False, False, False, {})
    exchange._pieces.common_least = common
    for pattern in patterns:
        exchange.bind(Binding(exchange, Inert(pattern), pattern, {}))
    assert_each_matches_by_itself(exchange, patterns, keys)


def assert_each_matches_by_itself(exchange: Exchange, patterns: list[str], keys: list[str]) -> None:
    for key in keys:
        reached = sorted(end.name for end in exchange.route(key, Properties))
        assert reached == sorted(
            each for each in patterns if topic_matches(words(each), words(key))
        )


# Types that lead a message to one of their bindings: which one, of all there are.
PICKS_ONE = {"x-consistent-hash": winner, "x-modulus-hash": by_remainder}
WEIGHTS = st.integers(1, 1000).map(str)
SPREADING_STEPS = st.one_of(
    st.tuples(st.just("bind"), WEIGHTS, st.integers(0, 5)),
    st.tuples(st.just("unbind"), st.integers(0, 30), st.none()),
    st.tuples(st.just("route"), st.text(max_size=4), st.none()),
)


@pytest.mark.parametrize("type_name", list(PICKS_ONE))
@settings(max_examples=effort(100), deadline=None)
@given(steps=stories(SPREADING_STEPS, 40))
def test_an_exchange_picks_the_binding_that_a_slow_search_finds(
    type_name: str, steps: list[tuple[str, object, int | None]]
) -> None:
    exchange = a_new(type_name)
    bindings: list[Binding] = []
    for step, argument, queue in steps:
        if step == "bind":
            bindings.append(Binding(exchange, Inert(f"{queue}"), str(argument), {}))
            exchange.bind(bindings[-1])
        elif step == "unbind" and bindings:
            assert isinstance(argument, int)
            exchange.unbind(bindings.pop(argument % len(bindings)))
        elif step == "route":
            reached = exchange.route(str(argument), Properties)
            expected = PICKS_ONE[type_name](bindings, str(argument))
            assert [end.name for end in reached] == [b.destination.name for b in expected]
    for binding in bindings:
        exchange.unbind(binding)
    assert_nothing_is_left(exchange)


@pytest.mark.parametrize("type_name", ["x-random", "x-local-random"])
@settings(max_examples=effort(50), deadline=None)
@given(count=st.integers(0, 8), at=st.integers(0, 100))
def test_chance_reaches_every_binding(type_name: str, count: int, at: int) -> None:
    exchange = a_new(type_name)
    exchange.choose = lambda below: at % below
    for number in range(count):
        exchange.bind(Binding(exchange, Inert(f"{number}"), "", {}))
    reached = [end.name for end in exchange.route("any", Properties)]
    assert reached == ([f"{at % count}"] if count else [])


Matcher = Callable[[Binding, str, Table], bool]
REFERENCES: dict[str, Matcher] = {
    "direct": lambda binding, key, headers: binding.routing_key == key,
    "fanout": lambda binding, key, headers: True,
    "topic": lambda binding, key, headers: topic_matches(words(binding.routing_key), words(key)),
    "headers": lambda binding, key, headers: headers_match(binding.arguments, headers),
}
STEPS = st.one_of(
    st.tuples(st.just("bind"), KEYS, binding_arguments()),
    st.tuples(st.just("unbind"), st.integers(0, 30), st.none()),
    st.tuples(st.just("route"), KEYS, HEADERS),
)


def a_new(type_name: str) -> Exchange:
    return EXCHANGE_TYPES[type_name](type_name, False, False, False, {})


@pytest.mark.parametrize("type_name", list(REFERENCES))
@settings(max_examples=effort(100), deadline=None)
@given(steps=stories(STEPS, 40))
def test_an_exchange_routes_as_its_bindings_say(
    type_name: str, steps: list[tuple[str, object, Table]]
) -> None:
    exchange = a_new(type_name)
    bindings: list[Binding] = []
    for step, argument, table in steps:
        if step == "bind":
            bindings.append(Binding(exchange, Inert(f"{len(bindings)}"), str(argument), table))
            exchange.bind(bindings[-1])
        elif step == "unbind" and bindings:
            assert isinstance(argument, int)
            exchange.unbind(bindings.pop(argument % len(bindings)))
        elif step == "route":
            key = str(argument)
            reached = exchange.route(key, lambda table=table: Properties(headers=table))  # type: ignore[misc]
            expected = [b for b in bindings if REFERENCES[type_name](b, key, table)]
            assert len(reached) == len(expected)
            assert set(reached) == {binding.destination for binding in expected}
    for binding in bindings:
        exchange.unbind(binding)
    assert_nothing_is_left(exchange)


def assert_nothing_is_left(exchange: Exchange) -> None:
    places = [getattr(exchange, name, None) for name in ("_by_key", "_bindings", "_keys")]
    (kept,) = [place for place in places if place is not None]
    assert not kept
    if isinstance(exchange, TopicExchange):
        assert exchange._pieces.numbers() == 1, "there are other pieces than `*`"


@settings(max_examples=effort(300), deadline=None)
@given(KEYS, KEYS)
def test_a_topic_matches_word_by_word(binding_key: str, routing_key: str) -> None:
    exchange = TopicExchange("t", False, False, False, {})
    exchange.bind(Binding(exchange, Inert("q"), binding_key, {}))
    matched = bool(exchange.route(routing_key, Properties))
    assert matched == topic_matches(words(binding_key), words(routing_key))
