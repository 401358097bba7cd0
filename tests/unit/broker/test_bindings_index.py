"""The bindings of a vhost, found by either end."""

import pytest

from leveret.broker.bindings import Bindings
from leveret.broker.exchanges.fanout import FanoutExchange
from leveret.broker.seams import Binding, Destination
from leveret.testing.kits import Inert
from leveret.wire.field import Table
from leveret.wire.properties import Properties
from leveret.wire.table import to_table


@pytest.fixture
def bindings() -> Bindings:
    return Bindings()


X, Y = (FanoutExchange(name, False, False, False, {}) for name in "xy")
Q, R = Inert("q"), Inert("r")


def add(
    bindings: Bindings,
    source: FanoutExchange,
    destination: Destination,
    key: str = "",
    arguments: Table | None = None,
) -> Binding:
    binding = Binding(source, destination, key, arguments or {})
    bindings.add(binding)
    return binding


def test_a_binding_is_found_by_all_four_of_its_parts(bindings: Bindings) -> None:
    """Wire behaviour 55."""
    binding = add(bindings, X, Q, "k", to_table({"a": 1}))
    assert bindings.find(X, Q, "k", to_table({"a": 1})) is binding
    for source, destination, key, arguments in (
        (Y, Q, "k", {"a": 1}),
        (X, R, "k", {"a": 1}),
        (X, Q, "", {"a": 1}),
        (X, Q, "k", {}),
        (X, Q, "k", {"a": 2}),
        (X, Q, "k", {"b": 1}),
    ):
        assert bindings.find(source, destination, key, to_table(arguments)) is None


def test_the_order_of_arguments_does_not_matter(bindings: Bindings) -> None:
    binding = add(bindings, X, Q, "", to_table({"a": 1, "b": 2}))
    assert bindings.find(X, Q, "", to_table({"b": 2, "a": 1})) is binding


def test_bindings_are_listed_in_order_of_creation(bindings: Bindings) -> None:
    first, second, third = add(bindings, X, R), add(bindings, X, Q), add(bindings, Y, R)
    assert bindings.leaving(X) == [first, second]
    assert bindings.reaching(R) == [first, third]
    assert bindings.reaching(X) == []


def test_a_binding_removed_leaves_the_others(bindings: Bindings) -> None:
    first, second = add(bindings, X, Q, "1"), add(bindings, X, Q, "2")
    bindings.remove(first)
    assert bindings.leaving(X) == bindings.reaching(Q) == [second]
    bindings.remove(second)
    assert bindings.leaving(X) == bindings.reaching(Q) == []
    assert not bindings._from
    assert not bindings._to


def test_the_exchange_routes_by_what_is_bound(bindings: Bindings) -> None:
    exchange = FanoutExchange("z", False, False, False, {})
    binding = add(bindings, exchange, Q)
    assert exchange.route("", Properties) == [Q]
    bindings.remove(binding)
    assert exchange.route("", Properties) == []
