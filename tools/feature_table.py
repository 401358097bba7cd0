"""Prints the rows of docs/features.md with the number of tests that each has; `--empty`: only those
that have none, with the reason if the page gives one. A file that a row names and that does not
exist ends it with an error.
"""

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/features.md"
ROW = re.compile(r"^\| ([^|]+?) \| ([^|]+?) \| ?([^|]*?) ?\|$", re.MULTILINE)
BEHAVIOURS = re.compile(r"wire behaviours? (\d+(?:(?:, | and | to )\d+)*)", re.IGNORECASE)
NONE = "none: "
REFUSALS = re.compile(r"Error table: (.*)|(No error): ", re.DOTALL)


class Test(NamedTuple):
    """A test function, and what its docstring and its file's say it is about."""

    file: str
    name: str
    about: str


class Row(NamedTuple):
    name: str
    what: str
    patterns: list[str]
    phrases: list[str]
    # Why there is nothing to test; "" if there is.
    why_none: str

    def tests(self, tests: list[Test]) -> list[Test]:
        return [test for test in tests if self.is_shown_by(test)]

    def is_shown_by(self, test: Test) -> bool:
        if any(_matches(pattern, test) for pattern in self.patterns):
            return True
        if self.name.startswith("behaviour "):
            return int(self.name.split()[1]) in behaviours(test.about)
        told = refusal(test.about)
        return any(phrase.lower() in told for phrase in self.phrases)

    def missing_files(self, tests: list[Test]) -> list[str]:
        """Files named without a wildcard that hold no test."""
        there = {test.file for test in tests}
        named = {pattern.partition("::")[0] for pattern in self.patterns}
        return sorted(name for name in named if "*" not in name and name not in there)


def _matches(pattern: str, test: Test) -> bool:
    file, _, name = pattern.partition("::")
    return fnmatchcase(test.file, file) and fnmatchcase(test.name, name or "*")


def behaviours(about: str) -> set[int]:
    """The numbers in "wire behaviours 9, 11 and 38 to 40"."""
    found: set[int] = set()
    for listed in BEHAVIOURS.findall(about):
        for part in re.split(r", | and ", listed):
            low, _, high = part.partition(" to ")
            found |= set(range(int(low), int(high or low) + 1))
    return found


def refusal(about: str) -> str:
    """What follows "Error table:", in small letters."""
    return " ".join(a or b for a, b in REFUSALS.findall(about)).lower()


def rows(page: str) -> list[Row]:
    found = []
    for name, what, shown in ROW.findall(page):
        if name not in ("Row", "---"):
            phrases = re.findall(r'"([^"]+)"', shown)
            patterns = re.findall(r"`([^`]+)`", re.sub(r'"[^"]*"', "", shown))
            why_none = shown.removeprefix(NONE) if shown.startswith(NONE) else ""
            found.append(Row(name, what, patterns, phrases, why_none))
    return found


def all_tests(folder: Path = ROOT / "tests") -> list[Test]:
    return [
        test
        for path in sorted(folder.rglob("test_*.py"))
        for test in _tests_in(path.name, ast.parse(path.read_text(encoding="utf-8")))
    ]


def _tests_in(file: str, module: ast.Module) -> Iterator[Test]:
    general = ast.get_docstring(module) or ""
    for node in ast.walk(module):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if node.name.startswith("test_"):
            yield Test(file, node.name, f"{ast.get_docstring(node) or ''}\n{general}")


def main() -> int:
    tests, listed = all_tests(), rows(PAGE.read_text(encoding="utf-8"))
    counted = [(row, len(row.tests(tests))) for row in listed]
    for row, count in counted:
        if count == 0 or "--empty" not in sys.argv:
            told = row.why_none and f" ({row.why_none})"
            print(f"{count or ('none' if told else '-'):>5}  {row.name:<36} {row.what}{told}")
    without = [row for row, count in counted if count == 0]
    explained = sum(bool(row.why_none) for row in without)
    print(f"{len(listed)} rows, {len(without)} without a test, {explained} of these with a reason")
    missing = {name for row in listed for name in row.missing_files(tests)}
    if missing:
        print("named but not there:", *sorted(missing))
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
