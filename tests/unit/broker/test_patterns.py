"""Patterns are searched for in many names at a time; who gives trouble is found out."""

import pytest
import regex

from leveret.broker.patterns import OutOfTimeError, SearchBudget

NAMES = [f"q{number}" for number in range(100)] + ["", "\n", "a" * 255]


@pytest.mark.parametrize("pattern", ["", "^q1", "9$", "(?i)Q5", "^$", "nothing"])
def test_many_names_at_a_time_are_searched_as_one_by_one(pattern):
    compiled = regex.compile(pattern)
    one_by_one = [SearchBudget(compiled).finds(name) for name in NAMES]
    assert SearchBudget(compiled).finds_each(NAMES) == one_by_one
    assert one_by_one == [compiled.search(name) is not None for name in NAMES]


def test_one_name_among_many_may_use_up_the_time():
    budget = SearchBudget(regex.compile("^(a|a)*$"))
    with pytest.raises(OutOfTimeError, match="takes too long to match"):
        budget.finds_each([*NAMES[:50], "a" * 200 + "b"])


def test_no_names_are_none():
    assert SearchBudget(regex.compile("x")).finds_each([]) == []
