"""x-message-deduplication: what it has seen leads nowhere a second time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.broker.exchanges.deduplication import DeduplicationExchange
from leveret.broker.seams import Binding
from leveret.errors import PreconditionFailed
from leveret.testing import ManualClock
from leveret.testing.kits import Inert, check_exchange
from leveret.wire.properties import Properties
from leveret.wire.table import to_table


def an_exchange(clock: ManualClock | None = None, **arguments: object) -> DeduplicationExchange:
    named = {f"x-cache-{name}": value for name, value in arguments.items()}
    exchange = DeduplicationExchange("x", False, False, False, to_table(named))
    exchange.now = (clock or ManualClock()).now
    exchange.bind(Binding(exchange, Inert("q"), "", {}))
    return exchange


def passes(exchange: DeduplicationExchange, value: object = None, **headers: object) -> bool:
    if value is not None:
        headers["x-deduplication-header"] = value
    table = to_table({name.replace("_", "-"): value for name, value in headers.items()})
    return len(exchange.route("any", lambda: Properties(headers=table))) == 1


def test_it_keeps_the_contract_of_exchanges() -> None:
    arguments = to_table({"x-cache-size": 10})
    check_exchange(lambda: DeduplicationExchange("x", False, False, False, arguments))


def test_a_message_that_was_seen_leads_nowhere() -> None:
    exchange = an_exchange(size=10)
    assert [passes(exchange, value) for value in ("a", "b", "a", "b", "c")] == [
        True, True, False, False, True,
    ]  # fmt: skip


def test_messages_without_the_header_always_pass() -> None:
    exchange = an_exchange(size=1)
    assert passes(exchange)
    assert passes(exchange)
    assert exchange.route("any", Properties)


def test_the_oldest_value_is_forgotten_when_there_are_too_many() -> None:
    exchange = an_exchange(size=2)
    assert all(passes(exchange, value) for value in "abca")
    assert not passes(exchange, "c")


def test_a_value_is_forgotten_after_its_time() -> None:
    clock = ManualClock()
    exchange = an_exchange(clock, size=10, ttl=1000)
    assert passes(exchange, "a")
    clock.advance(0.999)
    assert not passes(exchange, "a")
    clock.advance(0.001)
    assert passes(exchange, "a")
    assert not passes(exchange, "a")


def test_a_message_may_say_for_how_long_it_is_remembered() -> None:
    clock = ManualClock()
    exchange = an_exchange(clock, size=10, ttl=1000)
    assert passes(exchange, "a", x_cache_ttl=5000)
    clock.advance(4)
    assert not passes(exchange, "a")
    clock.advance(1)
    assert passes(exchange, "a")


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 4))
def test_it_passes_what_a_slow_list_of_the_newest_does_not_hold(
    values: list[int], size: int
) -> None:
    exchange = an_exchange(size=size)
    newest: list[int] = []
    for value in values:
        expected = value not in newest
        if expected:
            newest = [*newest, value][-size:]
        assert passes(exchange, value) == expected


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0"),
        (
            {"size": 0},
            "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0",
        ),
        (
            {"size": "x"},
            "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0",
        ),
        (
            {"size": 1, "ttl": -1},
            "Invalid argument, 'x-cache-ttl' must be an integer greater than 0",
        ),
        (
            {"size": 1, "persistence": "disk"},
            "Invalid argument, 'x-cache-persistence' can only be 'memory'",
        ),
    ],
)
def test_arguments_that_it_cannot_obey_are_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        an_exchange(**arguments)
    assert refused.value.explanation == text


@pytest.mark.parametrize("arguments", [{"size": "10"}, {"size": 1, "persistence": "memory"}])
def test_numbers_may_be_written_as_text(arguments: dict[str, object]) -> None:
    exchange = an_exchange(**arguments)
    assert passes(exchange, "a")
    assert not passes(exchange, "a")
