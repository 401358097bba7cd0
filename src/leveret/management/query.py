"""What the query of a read asks for: columns, an order, a page, in RabbitMQ's words.

Absent values come before all others, then numbers, booleans and null, objects and arrays, texts:
Erlang's order. Of several values for one name the first counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from leveret.management.refusals import Refusal, bad_request

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

PAGE_SIZE_DEFAULT: Final = 100
PAGE_SIZE_MAX: Final = 500

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,100}")

# A column, and those below it; nothing below means all of it.
Columns = dict[str, "Columns"]
SortKey = tuple[object, ...]


class Page:
    """Page `number` of pages of `size` rows, of the rows whose name holds `name`, or matches it as
    a regular expression."""

    def __init__(self, number: int, size: int, name: str, use_regex: bool) -> None:
        self.number = number
        self.size = size
        self.name = name
        self.use_regex = use_regex

    def of(self, count: int) -> tuple[int, int]:
        """From where to where the page goes in a list that is so long. Raises that it is outside;
        RabbitMQ lets the one right behind the last pass, as an empty one."""
        start = (self.number - 1) * self.size
        if start > count:
            raise Refusal(
                400,
                "page_out_of_range",
                f"Page out of range, page: {self.number} page size: {self.size}, len: {count}",
            )
        return start, min(start + self.size, count)


class Query:
    """`sort` is the path of the key that rows are sorted by; empty, they stay as they are. The
    order is reversed by `reverse`, also that of equals. `columns` are None if all are wanted."""

    def __init__(self, parameters: QueryParams) -> None:
        self._parameters = parameters
        self.sort = _path(self._get("sort") or "")
        self.reverse = self._get("sort_reverse") == "true"
        columns = self._get("columns")
        self.columns = None if columns is None else _columns(columns)

    def page(self) -> Page | None:
        """The page that is asked for, if one is; asking for `page` is. Raises what is wrong."""
        number, size = self._integer("page"), self._integer("page_size")
        if number is None:
            return None
        if number < 1 or (size is not None and not 0 < size <= PAGE_SIZE_MAX):
            shown = "undefined" if size is None else size
            raise Refusal(
                400,
                "invalid_pagination_parameters",
                f"Invalid pagination parameters: page number {number}, page size {shown}",
            )
        use_regex = self._get("use_regex") == "true"
        return Page(number, size or PAGE_SIZE_DEFAULT, self._get("name") or "", use_regex)

    def picked(self, value: Any) -> Any:
        """An answer with the columns that are wanted."""
        return value if self.columns is None else _picked(value, self.columns)

    def sort_key(self, row: Any) -> SortKey:
        """What a row is sorted by."""
        for key in self.sort:
            row = row.get(key, 0) if isinstance(row, dict) else 0
        return ranked(row)

    def ordered(self, rows: list[Any]) -> list[Any]:
        """A short list in the order that is asked for."""
        if self.sort:
            rows = sorted(rows, key=self.sort_key)
        return rows[::-1] if self.reverse else rows

    def _get(self, name: str) -> str | None:
        values = self._parameters.getlist(name)
        return values[0] if values else None

    def _integer(self, name: str) -> int | None:
        text = self._get(name)
        if text is None:
            return None
        if _INTEGER.fullmatch(text) is None:
            raise invalid_page()
        return int(text)


def invalid_page() -> Refusal:
    """A number that is none, or a regular expression that is none."""
    return bad_request("Pagination parameters are invalid")


def _path(dotted: str) -> list[str]:
    return [part for part in dotted.split(".") if part]


def _columns(listed: str) -> Columns:
    tree: Columns = {}
    whole: list[Columns] = []
    for column in listed.split(","):
        below = tree
        path = _path(column)
        for part in path:
            below = below.setdefault(part, {})
        if path:
            whole.append(below)
    for each in whole:
        # A column and a part of it: all of it.
        each.clear()
    return tree


def _picked(value: Any, columns: Columns) -> Any:
    if isinstance(value, list):
        return [_picked(each, columns) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _picked(value[key], below) if (below := columns[key]) else value[key]
        for key in value
        if key in columns
    }


def ranked(value: object) -> SortKey:
    """A value among others of any type, as a tuple that can be compared."""
    if isinstance(value, bool) or value is None:
        return 1, "null" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, str):
        return 3, value
    if isinstance(value, dict):
        parts = [(key, ranked(value[key])) for key in sorted(value)]
        return 2, len(parts), parts
    if isinstance(value, list):
        return 2, len(value), [("", ranked(each)) for each in value]
    return 3, str(value)
