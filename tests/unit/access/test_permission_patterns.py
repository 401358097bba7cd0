"""Which names the three patterns of a permissions entry cover."""

import logging
import subprocess
import sys
import time

import pytest

from leveret.access.permissions import (
    DECISIONS_MAX,
    PatternError,
    Permissions,
    check_pattern,
)


def covers(pattern: str, name: str) -> bool:
    return Permissions("", "", pattern).cover("read", name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (".*", "anything"),
        (".*", ""),
        ("", ""),
        ("^$", ""),
        ("lab", "my-lab-queue"),
        ("^lab", "laboratory"),
        ("^(amq\\.gen.*|amq\\.default)$", "amq.default"),
        ("^q$", "q"),
        ("größe", "die größe"),
        ("(?i)LAB", "lab"),
    ],
)
def test_a_pattern_is_searched_for_anywhere_in_the_name(pattern: str, name: str) -> None:
    assert covers(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("", "q"), ("^$", "q"), ("lab", "LAB"), ("^lab", "my-lab"), ("q$", "qu"), ("a.c", "abd")],
)
def test_a_name_that_is_not_found_is_not_covered(pattern: str, name: str) -> None:
    assert not covers(pattern, name)


def test_each_permission_has_its_own_pattern() -> None:
    permissions = Permissions("^c", "^w", "^r")
    granted = [
        (permission, name)
        for permission in ("configure", "write", "read")
        for name in ("c", "w", "r")
        if permissions.cover(permission, name)
    ]
    assert granted == [("configure", "c"), ("write", "w"), ("read", "r")]


# Every `a` may be matched in two ways, so a name of 40 has 2**40 ways not to match.
SLOW = "^(a|a)*$"


def test_a_pattern_that_takes_too_long_refuses_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    permissions = Permissions("", "", SLOW)
    started = time.perf_counter()
    with caplog.at_level(logging.ERROR, "leveret.access"):
        refused = [permissions.cover("read", "a" * 40 + f"!{n}") for n in range(100)]
    assert time.perf_counter() - started < 5
    assert not any(refused)
    (record,) = caplog.records
    assert "takes too long" in record.getMessage()


def test_only_the_slow_pattern_refuses() -> None:
    permissions = Permissions(".*", "", SLOW)
    assert permissions.cover("read", "aaa")
    assert not permissions.cover("read", "a" * 40 + "!")
    assert not permissions.cover("read", "aaaa"), "what cannot be decided grants nothing"
    assert permissions.cover("read", "aaa"), "what was decided stays"
    assert permissions.cover("configure", "q")


def test_a_decision_is_made_once_and_kept_with_a_bound() -> None:
    permissions = Permissions("", "", "q")
    for number in range(DECISIONS_MAX + 500):
        assert permissions.cover("read", f"q{number}")
        assert permissions.cover("read", f"q{number}")
    assert len(permissions._decisions) <= DECISIONS_MAX


def test_a_stored_pattern_that_is_none_refuses(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "leveret.access"):
        assert not covers("(", "(")
    assert "is no regular expression" in caplog.text


@pytest.mark.parametrize("pattern", ["", ".*", "^$", "a{1,3}", "^(amq\\.gen.*)$", "[[:alpha:]]"])
def test_a_pattern_can_be_checked(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(", "[", "*", "a{3,1}", "\\", "(?P<x>"])
def test_a_pattern_that_is_none_is_refused_with_a_sentence(pattern: str) -> None:
    with pytest.raises(PatternError, match="is not a regular expression"):
        check_pattern(pattern)


def test_a_pattern_that_would_take_all_memory_is_refused() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from leveret.access.permissions import check_pattern\n"
        "check_pattern('((a{1000}){1000}){1000}')"
    )
    checked = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "PatternError" in checked.stderr
