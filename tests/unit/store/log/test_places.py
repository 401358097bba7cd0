"""The table of places: put, found, taken, however sparse it becomes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.store.log.places import PAGE_SIZE, Places

TICKETS = st.sampled_from([1, 2, 3, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 5 * PAGE_SIZE])
STEPS = st.lists(st.tuples(st.sampled_from(["put", "take", "tidy"]), TICKETS, st.integers(1, 99)))


def filled(first: int, last: int) -> Places:
    places = Places()
    for ticket in range(first, last + 1):
        places.put(ticket, ticket * 100, 10)
    return places


def test_a_message_is_where_it_was_put() -> None:
    places = filled(1, 3000)
    assert places.find(1500) == 150_000
    assert places.size == 10
    assert places.find(3001) == 0


def test_a_message_that_is_put_elsewhere_is_there() -> None:
    places = filled(1, 10)
    places.put(5, 77, 11)
    assert places.find(5) == 77
    assert places.count == 10


def test_a_message_is_taken_once() -> None:
    places = filled(1, 10)
    assert places.take(5) == 500
    assert places.take(5) == 0
    assert places.count == 9


def test_a_page_that_is_nearly_empty_costs_no_page() -> None:
    places = filled(1, 100 * PAGE_SIZE)
    for ticket in range(1, 100 * PAGE_SIZE):
        if ticket % PAGE_SIZE:
            places.take(ticket)
    assert len(places._pages) < 3
    assert places.count == 100
    assert places.find(50 * PAGE_SIZE) == 50 * PAGE_SIZE * 100


def test_a_straggler_that_is_put_elsewhere_is_nowhere_else() -> None:
    places = filled(PAGE_SIZE, 3 * PAGE_SIZE)
    for ticket in range(PAGE_SIZE, 2 * PAGE_SIZE - 1):
        places.take(ticket)
    straggler = 2 * PAGE_SIZE - 1
    places.put(PAGE_SIZE + 1, 1, 10)  # Its page comes back.
    places.put(straggler, 2, 10)
    assert places.take(straggler) == 2
    assert places.find(straggler) == 0


def test_tickets_come_in_order() -> None:
    places = filled(PAGE_SIZE, 2 * PAGE_SIZE)
    places.put(3, 1, 1)
    places.tidy()
    assert places.tickets() == [3, *range(PAGE_SIZE, 2 * PAGE_SIZE + 1)]


@given(STEPS)
@settings(max_examples=effort(200), deadline=None)
def test_it_does_what_a_dict_does(steps: list[tuple[str, int, int]]) -> None:
    places = Places()
    expected: dict[int, int] = {}
    for step, ticket, location in steps:
        if step == "put":
            places.put(ticket, location, 1)
            expected[ticket] = location
        elif step == "take":
            assert places.take(ticket) == expected.pop(ticket, 0)
        else:
            places.tidy()
        assert places.find(ticket) == expected.get(ticket, 0)
        assert places.count == len(expected)
    assert places.tickets() == sorted(expected)
