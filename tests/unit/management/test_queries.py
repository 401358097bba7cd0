"""Columns and orders of rows, as RabbitMQ's API has them."""

import pytest
from starlette.datastructures import QueryParams

from leveret.management.query import Query

ROW = {
    "name": "q",
    "arguments": {"x-max-length": 5, "x-expires": 1},
    "consumer_details": [{"queue": {"name": "q", "vhost": "/"}, "tag": "a"}, {"tag": "b"}],
}


def query(**parameters):
    return Query(QueryParams(parameters))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("name", {"name": "q"}),
        ("name,nonsense,,", {"name": "q"}),
        ("", {}),
        ("arguments.x-max-length", {"arguments": {"x-max-length": 5}}),
        ("arguments,arguments.x-max-length", {"arguments": ROW["arguments"]}),
        ("arguments.x-max-length,arguments", {"arguments": ROW["arguments"]}),
        ("arguments.none", {"arguments": {}}),
        ("name.none", {"name": "q"}),
        (".name.", {"name": "q"}),
        ("consumer_details.tag", {"consumer_details": [{"tag": "a"}, {"tag": "b"}]}),
        ("consumer_details.queue.name", {"consumer_details": [{"queue": {"name": "q"}}, {}]}),
    ],
)
def test_columns_name_keys_and_keys_below_them(columns, expected):
    assert query(columns=columns).picked(ROW) == expected
    assert query(columns=columns).picked([ROW]) == [expected]


def test_without_columns_everything_is_shown():
    assert query().picked(ROW) == ROW


def test_values_are_in_erlangs_order_and_what_is_absent_is_a_zero():
    values = [-1, 0, 0.5, 10, False, None, True, {"a": 1}, {"a": 2}, [1, 2], "A", "a", "é"]
    rows = [{"at": {"key": value}} for value in values]
    assert query(sort="at.key").ordered(rows[::-1]) == rows
    absent = [{"at": {"key": -1}}, {"at": 5}, {}, {"at": {"key": 1}}]
    assert query(sort="at.key").ordered(absent) == absent


def test_equals_stay_as_they_are_and_are_reversed_with_the_others():
    rows = [{"a": 1, "name": name} for name in "abc"] + [{"a": 0, "name": "d"}]
    names = "".join(row["name"] for row in query(sort="a").ordered(rows))
    reverse = "".join(row["name"] for row in query(sort="a", sort_reverse="true").ordered(rows))
    assert (names, reverse) == ("dabc", "cbad")
    assert query(sort_reverse="true").ordered([1, 2]) == [2, 1]
    assert query(sort_reverse="yes").ordered([1, 2]) == [1, 2]


def test_the_first_of_several_values_counts():
    page = Query(QueryParams("page=1&page=2&page_size=5&page_size=6")).page()
    assert (page.number, page.size) == (1, 5)
