"""The columns of a listing: which there are, and where the broker's answer holds each."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from leveret.cli.ctl.answers import Rows
from leveret.cli.ctl.terms import names, table

Read = Callable[[Any], object]


class Columns:
    """A table of columns, and the names of those that are shown when none are asked for."""

    def __init__(
        self, reads: Mapping[str, Read], default: tuple[str, ...], *, ordered: bool = False
    ) -> None:
        self.reads = reads
        self.default = default
        # Whether columns come in the table's order, and not as they were asked for.
        self._ordered = ordered

    def asked(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that words name, each once; words may hold several between commas."""
        wanted = [name.strip() for word in words for name in word.split(",")]
        wanted = list(dict.fromkeys(name for name in wanted if name))
        unknown = sorted(name for name in wanted if name not in self.reads)
        if unknown:
            raise click.UsageError(
                f"there is no column {', '.join(repr(name) for name in unknown)}; "
                f"columns are {', '.join(sorted(self.reads))}"
            )
        if self._ordered:
            wanted = [name for name in self.reads if name in wanted]
        return tuple(wanted) or self.default

    def rows(self, columns: tuple[str, ...], objects: list[Any], *, streamed: bool = True) -> Rows:
        """What the columns hold for each object."""
        reads = [self.reads[name] for name in columns]
        return Rows(columns, [[read(each) for read in reads] for each in objects], streamed)


class ColumnsArgument(click.Argument):
    """The columns that a verb is asked for."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(["columns"], nargs=-1, metavar="[COLUMN]...", callback=self._checked)
        self._columns = columns

    @property
    def sentence(self) -> str:
        """Which there are."""
        return f"A COLUMN is one of {', '.join(sorted(self._columns.reads))}."

    def _checked(
        self, _: click.Context, __: click.Parameter, words: tuple[str, ...]
    ) -> tuple[str, ...]:
        return self._columns.asked(words)


def field(path: str) -> Read:
    """A field of the broker's answer, or one further in: `owner_pid_details.name`."""
    first, *further = path.split(".")

    def read(row: Any) -> object:
        value = row.get(first)
        for name in further:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return read


def fields(*names_: str) -> dict[str, Read]:
    """Columns that are called as the broker's fields are."""
    return {name: field(name) for name in names_}


def table_field(path: str) -> Read:
    """A field table. Where there are no fields RabbitMQ's API may send an empty list."""
    read = field(path)
    return lambda row: table(dict(read(row) or {}))  # type: ignore[call-overload]


def names_field(path: str) -> Read:
    """A list of names, or nothing."""
    read = field(path)

    def read_names(row: Any) -> object:
        value = read(row)
        return names(value) if isinstance(value, list) else None

    return read_names


def absent(_: Any) -> object:
    """What RabbitMQ has and Leveret has not."""
    return None
