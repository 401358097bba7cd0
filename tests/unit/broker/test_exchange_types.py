"""What each exchange type matches, beyond what the conformance kit asks of all of them."""

import pytest

from leveret.broker.exchanges import EXCHANGE_TYPES
from leveret.broker.exchanges.default import DefaultExchange
from leveret.broker.exchanges.topic import TopicExchange, check_hashes
from leveret.broker.seams import Binding, Exchange
from leveret.broker.topics.keys import BindingKey
from leveret.errors import PreconditionFailed
from leveret.testing.kits import Inert
from leveret.wire.field import Field, Table
from leveret.wire.properties import Properties
from leveret.wire.table import to_table


def a_topic_exchange() -> TopicExchange:
    return TopicExchange("t", False, False, False, {})


def matches(binding_key: str, routing_key: str) -> bool:
    exchange = a_topic_exchange()
    exchange.bind(Binding(exchange, Inert("q"), binding_key, {}))
    return bool(exchange.route(routing_key, Properties))


@pytest.mark.parametrize(
    ("binding_key", "routing_key"),
    [
        ("#", ""),
        ("#", "a.b.c"),
        ("#.#", ""),
        ("*", "a"),
        ("*.*", "."),
        ("a.*.b", "a..b"),
        ("a.#.b", "a.b"),
        ("a.#.#.b", "a.x.b"),
        ("#.a.#", "b.a.a.c"),
        ("*.#", "a"),
        ("#.*", "a"),
        ("", ""),
        ("a.", "a."),
        ("a*", "a*"),
        ("a.#b", "a.#b"),
    ],
)
def test_a_topic_key_that_matches(binding_key: str, routing_key: str) -> None:
    """Wire behaviour 50."""
    assert matches(binding_key, routing_key)


@pytest.mark.parametrize(
    ("binding_key", "routing_key"),
    [
        ("*", ""),
        ("*.#", ""),
        ("*", "a.b"),
        ("a.*", "a"),
        ("a.#.b", "a"),
        ("", "."),
        ("", "a"),
        ("A", "a"),
        ("a", "a."),
        ("*.*", "a"),
        ("a*", "ab"),
        ("a.#b", "a.b"),
    ],
)
def test_a_topic_key_that_does_not_match(binding_key: str, routing_key: str) -> None:
    """Wire behaviour 50."""
    assert not matches(binding_key, routing_key)


def test_many_wildcards_are_matched_in_little_time() -> None:
    exchange = a_topic_exchange()
    exchange.bind(Binding(exchange, Inert("q"), "#.a." * 25 + "#.b", {}))
    assert exchange.route(".".join("a" * 100), Properties) == []
    assert len(exchange.route(".".join("a" * 100) + ".b", Properties)) == 1


def headers_exchange() -> Exchange:
    return EXCHANGE_TYPES["headers"]("h", False, False, False, {})


def bound_by(arguments: Table) -> Exchange:
    exchange = headers_exchange()
    exchange.bind(Binding(exchange, Inert("q"), "", arguments))
    return exchange


def test_a_headers_exchange_without_bindings_does_not_look_at_headers() -> None:
    def properties() -> Properties:
        raise AssertionError("nobody needs them")

    assert headers_exchange().route("", properties) == []


def test_headers_are_decoded_once_for_all_bindings() -> None:
    exchange = headers_exchange()
    for _ in range(3):
        exchange.bind(Binding(exchange, Inert("q"), "", to_table({"a": 1})))
    asked = []

    def properties() -> Properties:
        asked.append(1)
        return Properties(headers=to_table({"a": 1}))

    assert len(exchange.route("", properties)) == 3
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Field(ord("I"), 1), Field(ord("l"), 1)),
        (Field(ord("b"), 1), Field(ord("B"), 1)),
        (Field(ord("S"), b"x"), Field(ord("x"), b"x")),
        (Field(ord("V"), None), Field(ord("S"), b"whatever")),
        (Field(ord("V"), None), Field(ord("V"), None)),
        (Field(ord("F"), to_table({"a": 1})), Field(ord("F"), to_table({"a": 1}))),
    ],
)
def test_headers_are_compared_by_value(wanted: Field, found: Field) -> None:
    """Wire behaviour 51."""
    assert bound_by({"h": wanted}).route("", lambda: Properties(headers={"h": found}))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Field(ord("S"), b"x"), Field(ord("S"), b"X")),
        (Field(ord("S"), b"1"), Field(ord("I"), 1)),
        (Field(ord("I"), 0), Field(ord("V"), None)),
        (Field(ord("S"), b""), Field(ord("V"), None)),
    ],
)
def test_headers_of_other_values_do_not_match(wanted: Field, found: Field) -> None:
    assert not bound_by({"h": wanted}).route("", lambda: Properties(headers={"h": found}))


def test_a_truth_is_not_a_number() -> None:
    wanted, found = Field(ord("I"), 1), Field(ord("t"), True)
    assert not bound_by({"h": wanted}).route("", lambda: Properties(headers={"h": found}))
    assert not bound_by({"h": found}).route("", lambda: Properties(headers={"h": wanted}))


@pytest.mark.parametrize(
    "match", [Field(ord("S"), b"some"), Field(ord("S"), b"\xff"), Field(ord("I"), 1)]
)
def test_a_binding_that_cannot_be_matched_by_is_refused(match: Field) -> None:
    with pytest.raises(PreconditionFailed, match=r"^Invalid x-match field"):
        headers_exchange().check_binding("", {"x-match": match})


def test_the_default_exchange_leads_to_every_queue_by_name() -> None:
    queues = {"a": Inert("a"), "b": Inert("b")}
    exchange = DefaultExchange(queues, {})
    assert exchange.route("a", Properties) == [queues["a"]]
    assert exchange.route("c", Properties) == []
    queues["c"] = Inert("c")
    assert exchange.route("c", Properties) == [queues["c"]]


def test_the_default_exchange_has_no_bindings() -> None:
    exchange = DefaultExchange({}, {})
    binding = Binding(exchange, Inert("q"), "q", {})
    with pytest.raises(ValueError, match="takes no bindings"):
        exchange.bind(binding)
    with pytest.raises(ValueError, match="has no bindings"):
        exchange.unbind(binding)


def test_a_binding_key_has_as_many_hashes_as_are_allowed() -> None:
    """Error table: topic bind with more than two `#` (compat 4.3)."""
    for key in ("#.#", "#.a.#", "##.#.a#.#", ""):
        check_hashes(key, 2)
    text = r"^Topic binding key '#\.#\.#' uses 3 '#' wildcards, at most 2 are allowed$"
    with pytest.raises(PreconditionFailed, match=text):
        check_hashes("#.#.#", 2)


def test_a_hash_met_with_a_word_does_not_take_that_word_again() -> None:
    exchange = TopicExchange("t", False, False, False, {})
    exchange.bind(Binding(exchange, Inert("q"), "a.#.a.#", {}))
    assert exchange.route("a.b", Properties) == []
    assert len(exchange.route("a.b.a", Properties)) == 1


@pytest.mark.parametrize("key", ["a.#", "a.b"])
def test_destinations_come_and_go_with_their_bindings(key: str) -> None:
    exchange = a_topic_exchange()
    bindings = [Binding(exchange, Inert(name), key, {}) for name in "xyz"]

    def reached() -> list[str]:
        return [destination.name for destination in exchange.route("a.b", Properties)]

    for count, binding in enumerate(bindings, 1):
        exchange.bind(binding)
        assert reached() == ["x", "y", "z"][:count]
    exchange.unbind(bindings[1])
    assert reached() == ["x", "z"]
    exchange.unbind(bindings[0])
    assert reached() == ["z"]
    exchange.bind(bindings[1])
    assert reached() == ["z", "y"]
    exchange.unbind(bindings[2])
    exchange.unbind(bindings[1])
    assert reached() == []


def test_an_unbound_topic_exchange_keeps_nothing() -> None:
    exchange = a_topic_exchange()
    keys = [f"a.{n}.#.{n % 7}.*" for n in range(1000)] + [f"a.{n}.b" for n in range(1000)]
    bindings = [Binding(exchange, Inert("q"), key, {}) for key in keys]
    for binding in bindings:
        exchange.bind(binding)
    assert len(exchange.route("a.5.x.5.y", Properties)) == 1
    for binding in bindings:
        exchange.unbind(binding)
    assert exchange._pieces.numbers() == 1, "there are other pieces than `*`"
    assert not exchange._exact
    assert exchange.route("a.5.x.5.y", Properties) == []


@pytest.mark.parametrize("count", [31, 32, 33, 63, 64, 65, 127, 128, 200, 253, 254])
def test_words_are_found_wherever_they_are(count: int) -> None:
    """Across the borders of what is looked at in one step."""
    exchange = a_topic_exchange()
    for key in ("#.a.b", "a.b.#", "#.a.b.#", "#.a.*.#.b.#", "#.a.b.#.a.b.#"):
        exchange.bind(Binding(exchange, Inert(key), key, {}))
    for at in {*range(0, count - 1, max(1, count // 40)), count - 2}:
        words = (["", "x", "*", "#"] if count <= 128 else [""]) * count
        words[at : at + 2] = ["a", "b"]
        reached = {each.name for each in exchange.route(".".join(words[:count]), Properties)}
        expected = {"#.a.b.#"} | ({"a.b.#"} if at == 0 else set())
        assert reached == expected | ({"#.a.b"} if at == count - 2 else set())


@pytest.mark.parametrize("stars", [1, 2, 30, 31, 32, 33, 62, 63, 64, 100, 120])
def test_each_star_stands_for_a_word_that_is_there(stars: int) -> None:
    """Behind a word, between two of them and before a `#`; with another key that is found too."""
    exchange = a_topic_exchange()
    behind = "#.a" + ".*" * stars
    for key in (f"{behind}.#", f"{behind}.b.#", f"{behind}.#.b.#", "#.a.#"):
        exchange.bind(Binding(exchange, Inert(key), key, {}))
    for words in (stars - 1, stars, stars + 1):
        for end in ("", ".b"):
            routing_key = "x.a" + ".x" * words + end
            reached = {each.name for each in exchange.route(routing_key, Properties)}
            # The last word may be one that a star stands for.
            expected = {"#.a.#"} | ({f"{behind}.#"} if words + len(end) // 2 >= stars else set())
            expected |= {f"{behind}.b.#"} if words == stars and end else set()
            assert reached == expected | ({f"{behind}.#.b.#"} if words >= stars and end else set())


def test_a_key_that_nobody_can_publish_with_leads_nowhere() -> None:
    exchange = a_topic_exchange()
    for key in ("#", "#.a.#"):
        exchange.bind(Binding(exchange, Inert(key), key, {}))
    assert len(exchange.route("." * 255, Properties)) == 1
    assert len(exchange.route("." * 254 + "a", Properties)) == 2
    assert exchange.route("." * 256, Properties) == []
    assert exchange.route("a" + "b" * 255, Properties) == []


def test_what_a_bind_without_memory_left_behind_is_no_binding_key() -> None:
    exchange = a_topic_exchange()
    first = Binding(exchange, Inert("first"), "a.b.#", {})
    second = Binding(exchange, Inert("second"), "a.#", {})
    exchange.bind(first)
    shelf = exchange._keys["a.b.#"].shelf
    shelf.keys.append(BindingKey(shelf, shelf.count))
    exchange.bind(second)
    assert exchange._keys["a.#"].shelf is shelf
    assert exchange.route("a", Properties) == [second.destination]
    shelf.keys.append(BindingKey(shelf, shelf.count))
    for binding in (first, second):
        exchange.unbind(binding)
    exchange.bind(first)
    assert exchange.route("a.b", Properties) == [first.destination]
