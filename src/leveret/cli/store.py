"""`leveret store`: what is in a data folder that no broker uses now."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec

from leveret.store import dump as dumping
from leveret.store.check import DEFINITIONS, Findings, FoundQueue, StoredData, check_folder
from leveret.store.data_folder import DataFolderError, at_rest
from leveret.store.disk import SystemDisk
from leveret.store.stored_definitions import StoredDefinitions

WRONG: Final = 1
UNREADABLE: Final = 2
UNITS: Final = ("octets", "KiB", "MiB", "GiB", "TiB")


@click.group()
def store() -> None:
    """Look into a data folder, without a broker and without changing anything."""


@store.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(folder: Path, as_json: bool) -> None:
    """Say what is in DIR and what is wrong with it.

    Everything is read and every checksum verified. Exit codes: 0, nothing is wrong; 1, something
    is; 2, the folder cannot be read.
    """
    with _opened(folder) as version:
        findings = check_folder(folder, version)
    if as_json:
        click.echo(msgspec.json.encode(findings))
    else:
        for line in _told(findings):
            click.echo(line)
    sys.exit(WRONG if findings.problems else 0)


@store.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--queue", metavar="NAME", help="Of this queue only.")
@click.option("--vhost", metavar="V", help="Of the queues of this vhost only.")
@click.option("--bodies", is_flag=True, help="With bodies: as text, or in base64.")
@click.option(
    "--records", is_flag=True, help="The log itself: segments, commits and what they say."
)
def dump(folder: Path, queue: str | None, vhost: str | None, bodies: bool, records: bool) -> None:
    """Print the messages in DIR, a line of JSON for each copy in a queue."""
    if records and (queue is not None or vhost is not None or bodies):
        raise click.UsageError("--records prints all of the log, and no bodies: give it alone")
    with _opened(folder):
        definitions = StoredDefinitions(folder / DEFINITIONS)
        disk = SystemDisk(folder, read_only=True)
        data = StoredData(disk, definitions.queues, not definitions.problems)
        if records:
            lines = dumping.records(data)
        else:
            queues = [each for each in data.queues() if _wanted(each, queue, vhost)]
            lines = dumping.messages(data, queues, bodies)
        for line in lines:
            click.echo(msgspec.json.encode(line))


def _wanted(found: FoundQueue, queue: str | None, vhost: str | None) -> bool:
    return queue in (None, found.name) and vhost in (None, found.vhost)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    try:
        with at_rest(folder) as version:
            yield version
    except BrokenPipeError:
        raise
    except DataFolderError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"the data folder {folder} cannot be read: {error}")


def _fail(sentence: str) -> None:
    click.echo(f"Error: {sentence}", err=True)
    sys.exit(UNREADABLE)


def _told(findings: Findings) -> Iterator[str]:
    yield f"{findings.folder}, a data folder of format {findings.format}"
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(findings.definitions.items()))
    yield f"definitions: {counts or 'none'}"
    yield (
        f"log: segments {findings.segments}, spare {findings.spare_segments}, "
        f"{_size(findings.log_bytes)}; commits {findings.commits}"
    )
    if findings.commits:
        yield (
            "the last stop was a clean one"
            if findings.clean_stop
            else "the last stop was not a clean one: every message counts as redelivered"
        )
    for queue in findings.queues:
        yield (
            f"{queue.called()}: messages {queue.messages}, {_size(queue.size_bytes)}, "
            f"redelivered {queue.marked}"
        )
    if not findings.queues:
        yield "no messages"
    for note in findings.notes:
        yield f"note: {note}"
    for problem in findings.problems:
        yield f"WRONG: {problem.file}, {problem.what}"
    yield f"things wrong: {len(findings.problems)}" if findings.problems else "nothing is wrong"


def _size(octets: int) -> str:
    size, unit = float(octets), 0
    while size >= 1024 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.1f} {UNITS[unit]}" if unit else f"{octets} {UNITS[0]}"
