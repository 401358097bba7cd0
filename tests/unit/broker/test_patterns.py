"""Patterns are searched for in many names at a time; who gives trouble is found out."""

from time import thread_time

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


def test_names_searched_together_take_no_longer_than_one_by_one():
    class Slow:
        """A pattern that takes a millisecond, whatever it looks at."""

        pattern = "slow"
        searches = 0

        def search(self, _name, timeout):
            self.searches += 1
            until = thread_time() + 0.001
            while thread_time() < until:
                pass

    slow = Slow()
    with pytest.raises(OutOfTimeError):
        SearchBudget(slow).finds_each(["name"] * 50)
    # Each that takes its time is looked at twice.
    assert slow.searches <= 12
