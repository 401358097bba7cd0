"""The exchange types that lead each message to one of their bindings: by hash or by chance."""

from collections import Counter

import pytest

from leveret.broker.exchanges import EXCHANGE_TYPES
from leveret.broker.seams import Binding, Exchange
from leveret.errors import PreconditionFailed
from leveret.testing.kits import Inert
from leveret.wire.field import Field
from leveret.wire.properties import Properties
from leveret.wire.table import to_table

HASHED = "cbcacdacdaccbacb"
REMAINDERS = "dacbddabbbadbddb"
KEYS = [f"key {number}" for number in range(4000)]


def an_exchange(type_name: str, **arguments: object) -> Exchange:
    named = {name.replace("_", "-"): value for name, value in arguments.items()}
    return EXCHANGE_TYPES[type_name]("x", False, False, False, to_table(named))


def bind(exchange: Exchange, queue: str, key: str) -> Binding:
    binding = Binding(exchange, Inert(queue), key, {})
    exchange.bind(binding)
    return binding


def where(exchange: Exchange) -> dict[str, str]:
    return {key: reached(exchange, key) for key in KEYS}


def reached(exchange: Exchange, key: str = "", properties: Properties | None = None) -> str:
    (destination,) = exchange.route(key, lambda: properties or Properties())
    return destination.name


def test_a_hash_exchange_shares_keys_by_weight() -> None:
    exchange = an_exchange("x-consistent-hash")
    for queue, weight in (("a", "1"), ("b", "1"), ("c", "2")):
        bind(exchange, queue, weight)
    counts = Counter(where(exchange).values())
    assert counts["a"] == pytest.approx(1000, rel=0.15)
    assert counts["b"] == pytest.approx(1000, rel=0.15)
    assert counts["c"] == pytest.approx(2000, rel=0.15)


def test_a_destination_that_comes_or_goes_moves_its_own_keys_only() -> None:
    exchange = an_exchange("x-consistent-hash")
    for queue in "abc":
        bind(exchange, queue, "10")
    before = where(exchange)
    binding = bind(exchange, "d", "10")
    with_d = where(exchange)
    assert {with_d[key] for key in KEYS if with_d[key] != before[key]} == {"d"}
    exchange.unbind(binding)
    assert where(exchange) == before


def test_the_order_of_bindings_does_not_matter() -> None:
    one, other = an_exchange("x-consistent-hash"), an_exchange("x-consistent-hash")
    for queue in "abc":
        bind(one, queue, "1")
    for queue in "cab":
        bind(other, queue, "1")
    assert where(one) == where(other)


def test_a_destination_bound_twice_has_its_larger_weight() -> None:
    one, other = an_exchange("x-consistent-hash"), an_exchange("x-consistent-hash")
    for queue, weight in (("a", "3"), ("b", "1")):
        bind(one, queue, weight)
        bind(other, queue, weight)
    bind(other, "a", "2")
    assert where(one) == where(other)


def test_a_hash_does_not_change_with_the_release() -> None:
    """A restart on another version sends every key where it went before."""
    exchange = an_exchange("x-consistent-hash")
    for queue in "abcd":
        bind(exchange, queue, "1")
    assert "".join(reached(exchange, f"k{number}") for number in range(16)) == HASHED
    modulus = an_exchange("x-modulus-hash")
    for queue in "abcd":
        bind(modulus, queue, "")
    assert "".join(reached(modulus, f"k{number}") for number in range(16)) == REMAINDERS


@pytest.mark.parametrize(
    ("argument", "make"),
    [
        ({"hash_header": "h"}, lambda key: Properties(headers=to_table({"h": key}))),
        ({"hash_property": "message_id"}, lambda key: Properties(message_id=key)),
        ({"hash_property": "correlation_id"}, lambda key: Properties(correlation_id=key)),
        ({"hash_property": "timestamp"}, lambda key: Properties(timestamp=hash(key) & 0xFFFF)),
    ],
)
def test_a_hash_exchange_looks_where_its_argument_says(argument, make) -> None:  # type: ignore[no-untyped-def]
    exchange = an_exchange("x-consistent-hash", **argument)
    for queue in "abc":
        bind(exchange, queue, "1")
    assert exchange.per_message
    first = {key: reached(exchange, "k", make(key)) for key in KEYS[:100]}
    assert set(first.values()) == {"a", "b", "c"}
    assert first == {key: reached(exchange, "other", make(key)) for key in KEYS[:100]}


def test_messages_without_what_is_hashed_go_one_way() -> None:
    for argument in ({"hash_header": "h"}, {"hash_property": "message_id"}):
        exchange = an_exchange("x-consistent-hash", **argument)
        for queue in "abc":
            bind(exchange, queue, "1")
        assert len({reached(exchange, key) for key in KEYS}) == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"hash_property": "nope"}, "Unsupported property: nope"),
        (
            {"hash_header": "h", "hash_property": "message_id"},
            "hash-header and hash-property are mutually exclusive",
        ),
        ({"hash_header": 5}, "hash-header must be a string, not signedint"),
    ],
)
def test_a_hash_exchange_that_cannot_hash_is_refused(
    arguments: dict[str, object], text: str
) -> None:
    with pytest.raises(PreconditionFailed, match=f"^{text}$"):
        an_exchange("x-consistent-hash", **arguments)


@pytest.mark.parametrize("weight", ["1", "+3", "01", "1000000", "9" * 200])
def test_a_weight_is_a_positive_number(weight: str) -> None:
    exchange = an_exchange("x-consistent-hash")
    exchange.check_binding(weight, {})
    bind(exchange, "a", weight)
    assert reached(exchange, "k") == "a"


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        ("0", "The binding key must be greater than 0"),
        ("-1", "The binding key must be greater than 0"),
        ("x", 'The binding key must be an integer: <<"x">>'),
        ("", "The binding key must be an integer: <<>>"),
        (" 1", 'The binding key must be an integer: <<" 1">>'),
        ("1.5", 'The binding key must be an integer: <<"1.5">>'),
        ("1_0", 'The binding key must be an integer: <<"1_0">>'),
    ],
)
def test_a_weight_that_is_none_is_refused(weight: str, text: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        an_exchange("x-consistent-hash").check_binding(weight, {})
    assert refused.value.explanation == text


def test_a_local_random_exchange_binds_without_a_key() -> None:
    exchange = an_exchange("x-local-random")
    exchange.check_binding("", {})
    with pytest.raises(PreconditionFailed, match=r"^Non empty binding 'k' key not permitted$"):
        exchange.check_binding("k", {})


def test_chance_picks_among_the_bindings() -> None:
    exchange = an_exchange("x-random")
    for queue in "abc":
        bind(exchange, queue, queue)
    picks = iter([2, 0, 1])
    asked = []

    def choose(below: int) -> int:
        asked.append(below)
        return next(picks)

    exchange.choose = choose
    assert [reached(exchange) for _ in range(3)] == ["c", "a", "b"]
    assert asked == [3, 3, 3]


def test_a_header_is_hashed_by_its_value() -> None:
    exchange = an_exchange("x-consistent-hash", hash_header="h")
    for queue in "abc":
        bind(exchange, queue, "1")
    kinds = [Field(ord("I"), 7), Field(ord("l"), 7), Field(ord("S"), b"7")]
    assert len({reached(exchange, "", Properties(headers={"h": each})) for each in kinds}) == 1
