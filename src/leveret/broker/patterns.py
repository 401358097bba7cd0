"""Patterns that operators write, searched for in names that anybody chooses.

The `regex` package stops a search that takes too long (the standard library was measured at seconds
for 26 characters); a pattern that did so once matches nothing from then on, since nobody can say
what it would match.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter, thread_time
from typing import Any, Final

import regex

log = logging.getLogger("leveret.access")

SEARCH_TIMEOUT_SECONDS: Final = 0.02
# Of all that one request or one change of a policy has searched for together.
REQUEST_SECONDS: Final = 0.005
# What a search takes that gives no trouble is not counted: there may be thousands of names.
FREE_SECONDS: Final = 20e-6
# Names that take so long on average, all together, are not timed one by one.
EASY_SECONDS: Final = 4e-6
# `regex` writes counted repeats out: nested ones could take all memory while they are compiled.
EXPANSION_MAX: Final = 10_000
# Nothing in it is grouped or repeated, but for a `.*` at the end: a search takes no more steps than
# its characters times those of the name, some 30 µs at most. A timeout makes most searches five
# times as long.
_SHORT_AND_PLAIN: Final = regex.compile(r"(?:\\[^\w]|[^\\*+?{(|]){0,32}(?:\.\*)?")
_PARTS: Final = regex.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d*)(?:,(\d*))?\}|.", regex.DOTALL
)


class PatternError(ValueError):
    """A pattern that is no regular expression; the text says where."""


def check_pattern(pattern: str) -> None:
    """Raise `PatternError` for a pattern that cannot be used."""
    if _expansion(pattern) > EXPANSION_MAX:
        raise PatternError(f"'{pattern}' repeats too much: its counts come to over {EXPANSION_MAX}")
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise PatternError(
            f"'{pattern}' is not a regular expression: {error}; '.*' matches every name"
        ) from error
    except RecursionError:
        raise PatternError(f"'{pattern}' is nested too deeply") from None


def _expansion(pattern: str) -> int:
    """How many parts a pattern has once its counted repeats are written out."""
    # For each open group, the parts before the last one and the parts of the last one.
    levels = [[0, 0]]
    for part in _PARTS.finditer(pattern):
        text = part.group()
        before, last = levels[-1]
        if text == "(":
            levels.append([0, 0])
        elif text == ")" and len(levels) > 1:
            levels.pop()
            outer = levels[-1]
            outer[0] += outer[1]
            outer[1] = before + last
        elif text[0] == "{" and (part.group(1) or part.group(2)):
            counts = [int(count[:9]) for count in (part.group(1), part.group(2)) if count]
            levels[-1][1] = last * max(1, *counts)
        else:
            levels[-1] = [before + last, 1]
    return sum(before + last for before, last in levels)


class OutOfTimeError(Exception):
    """Searches have taken too long; the text is for whoever wrote the pattern."""


class SearchBudget:
    """The time that one request has for searching names, in processor time of this thread: whoever
    else runs on this machine takes none of it. Whoever has done other things between two searches
    calls `resume`."""

    def __init__(self, pattern: Any) -> None:
        self._pattern = pattern
        self._left = REQUEST_SECONDS
        self._counted = thread_time()

    def turn_to(self, pattern: Any) -> None:
        """Search for this one from now on, in what is left of the time."""
        self._pattern = pattern

    def resume(self) -> None:
        """Count from now on."""
        self._counted = thread_time()

    def finds_each(self, names: Sequence[str]) -> list[bool]:
        """Whether the compiled pattern is found, for each of the names. Raises `OutOfTimeError`."""
        search = self._pattern.search
        until = perf_counter() + len(names) * EASY_SECONDS
        if _SHORT_AND_PLAIN.fullmatch(self._pattern.pattern):
            found = [search(name) is not None for name in names]
            if perf_counter() <= until:
                return found
        found = []
        with suppress(TimeoutError):
            for name in names:
                found.append(search(name, timeout=REQUEST_SECONDS / 2) is not None)
                if perf_counter() > until:
                    break
            else:
                return found
        # One of them gives trouble, or somebody else had the processor.
        self.resume()
        return [self.finds(name) for name in names]

    def finds(self, name: str) -> bool:
        """Whether the compiled pattern is found in the name. Raises `OutOfTimeError`."""
        found, seconds = self._search(name)
        if seconds > FREE_SECONDS:
            # Interrupts count as this thread's time too. They do not come twice.
            found, again = self._search(name)
            self._left -= min(seconds, again)
            if self._left <= 0:
                raise OutOfTimeError(
                    f"the pattern '{self._pattern.pattern}' takes too long to match: "
                    "write it without nested repetition"
                )
        return found

    def _search(self, name: str) -> tuple[bool, float]:
        found, seconds = False, REQUEST_SECONDS
        try:
            found = self._pattern.search(name, timeout=REQUEST_SECONDS / 2) is not None
        except TimeoutError:
            self.resume()
        else:
            counted = self._counted
            self._counted = thread_time()
            seconds = self._counted - counted
        return found, seconds


class Pattern:
    """A pattern, searched for anywhere in a name. `role` is what the log calls it, and `then` what
    it says that one which takes too long does from then on."""

    def __init__(self, text: str, role: str, then: str) -> None:
        self.text = text
        self._role = role
        self._then = then
        # From the first search on that took too long.
        self.useless = False

    def matches(self, name: str) -> bool:
        """Whether it is found in the name; not if it cannot be decided in time."""
        if self.useless:
            return False
        try:
            return regex.search(self.text, name, timeout=SEARCH_TIMEOUT_SECONDS) is not None
        except TimeoutError:
            log.error(
                "the %s pattern '%s' takes too long to match and %s from now on: "
                "write it without nested repetition",
                self._role,
                self.text,
                self._then,
            )
        except regex.error as error:
            log.error(
                "the %s pattern '%s' is no regular expression: %s", self._role, self.text, error
            )
        self.useless = True
        return False
