"""docs/features.md has every row, and names only tests that there are."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "tools" / "feature_table.py"


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("feature_table", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(table):
    return table.rows(table.PAGE.read_text(encoding="utf-8"))


def test_there_is_a_row_for_each_of_the_81_behaviours(rows):
    numbers = [row.name.split()[1] for row in rows if row.name.startswith("behaviour ")]
    assert numbers == [str(number) for number in range(1, 82)]


def test_no_row_is_there_twice(rows):
    names = [row.name for row in rows]
    assert len(names) == len(set(names))


def test_files_that_rows_name_hold_tests(table, rows):
    """A name with a `*` in its file may wait for tests that are still to come."""
    tests = table.all_tests()
    assert {name for row in rows for name in row.missing_files(tests)} == set()


def test_a_row_that_says_why_it_has_no_tests_has_none(table, rows):
    tests = table.all_tests()
    explained = [row for row in rows if row.why_none]
    assert explained
    assert [row.name for row in explained if row.tests(tests)] == []


@pytest.mark.parametrize(
    ("about", "numbers"),
    [
        ("Wire behaviour 21.", {21}),
        ("Alarms (wire behaviours 9 and 10)", {9, 10}),
        ("Wire behaviours 46, 47 and 48", {46, 47, 48}),
        ("(wire behaviours 38 to 40)", {38, 39, 40}),
        ("Error table: no permission.", set()),
    ],
)
def test_behaviours_are_read_from_docstrings(table, about, numbers):
    assert table.behaviours(about) == numbers


def test_a_row_counts_those_who_cite_it_and_those_it_names(table):
    page = (
        '| refusal x | Words | "reserved prefix" `test_a.py::*_it_*` |\n| behaviour 3 | Words | |\n'
    )
    refusal, behaviour = table.rows(page)
    tests = [
        table.Test("test_a.py", "test_that_it_holds", ""),
        table.Test("test_b.py", "test_that_it_holds", "Wire behaviour 3."),
        table.Test("test_b.py", "test_other", "Error table: reserved prefix on create."),
    ]
    assert [test.name for test in refusal.tests(tests)] == ["test_that_it_holds", "test_other"]
    assert behaviour.tests(tests) == [tests[1]]
