"""Patterns are searched for in many names at a time; who gives trouble is found out."""

from time import thread_time

import pytest
import regex

from leveret.broker.patterns import OutOfTimeError, SearchBudget

NAMES = [f"q{number}" for number in range(100)] + ["", "\n", "a" * 255]


@pytest.mark.parametrize("pattern", ["", "^q1", "^q\\.*", "9$", "(?i)Q5", "^$", "[13]5", "nothing"])
def test_many_names_at_a_time_are_searched_as_one_by_one(pattern):
    compiled = regex.compile(pattern)
    one_by_one = [SearchBudget(compiled).finds(name) for name in NAMES]
    assert SearchBudget(compiled).finds_each(NAMES) == one_by_one
    assert one_by_one == [compiled.search(name) is not None for name in NAMES]


def test_one_name_among_many_may_use_up_the_time():
    budget = SearchBudget(regex.compile("^(a|a)*$"))
    with pytest.raises(OutOfTimeError, match="takes too long to match"):
        budget.finds_each([*NAMES[:50], "a" * 200 + "b"])


class Timed:
    """A pattern that says with which timeouts it was searched for."""

    def __init__(self, pattern):
        self.pattern = pattern
        self.timeouts = []

    def search(self, _name, timeout=None):
        self.timeouts.append(timeout)


@pytest.mark.parametrize(
    "pattern", ["", "^lab\\.9", "x.z$", "[a-c]", "lab.*", "\\(", "a" * 32 + ".*"]
)
def test_a_short_pattern_without_repetition_needs_no_timeout(pattern):
    timed = Timed(pattern)
    SearchBudget(timed).finds_each(["name"] * 50)
    # If somebody else had the processor they are searched once more, with one.
    assert timed.timeouts[:50] == [None] * 50


@pytest.mark.parametrize("pattern", ["a+", "a?", "a{2}", "(a)", "a|b", "a.*b", r"\X", "a" * 33])
def test_any_other_pattern_has_a_timeout(pattern):
    timed = Timed(pattern)
    SearchBudget(timed).finds_each(["name"] * 50)
    assert None not in timed.timeouts


@pytest.mark.parametrize("pattern", ["a" * 31 + "b", "aa..." * 6 + "$", "." * 29 + "[b]", "Ä" * 32])
def test_what_has_no_timeout_is_found_soon_in_long_names(pattern):
    compiled = regex.compile(pattern, regex.IGNORECASE)
    names = ["a" * 255, "ä" * 127, "\u0130" * 127]
    times = []
    for _ in range(5):
        started = thread_time()
        for name in names:
            compiled.search(name)
        times.append(thread_time() - started)
    # Some 30 µs each are what it takes; a machine that is busy has more to do.
    assert min(times) < 0.002


def test_no_names_are_none():
    assert SearchBudget(regex.compile("x")).finds_each([]) == []


def test_names_searched_together_take_no_longer_than_one_by_one():
    class Slow:
        """A pattern that takes a millisecond, whatever it looks at."""

        pattern = "(slow)"
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
