"""Definitions: export them to a file, import a file."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from leveret.cli.ctl.answers import Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import Refused
from leveret.cli.ctl.exits import DATA, CtlError, InputError
from leveret.cli.ctl.verb import argument, verb

STANDARD: Final = "-"
TIMEOUT_SECONDS: Final = 300


def _format_option() -> click.Option:
    return click.Option(
        ["--format"],
        metavar="FORMAT",
        type=click.Choice(["json"], case_sensitive=False),
        default="json",
        help="json; rabbitmqctl's other one, erlang, is not known here.",
    )


@verb(
    argument("file", metavar="FILE"),
    _format_option(),
    default_timeout_seconds=TIMEOUT_SECONDS,
)
def export_definitions(call: Call, file: str, format: str) -> Said | None:
    """Write all definitions to FILE, or to standard output if that is "-"."""
    if file == STANDARD:
        definitions = call.client.get("definitions")
        return Said(json.dumps(definitions, ensure_ascii=False), definitions)
    path = Path(file)
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write the file to", DATA)
    call.announce(f'Exporting definitions in JSON to a file at "{file}" ...')
    text = json.dumps(call.client.get("definitions"), ensure_ascii=False, indent=1)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", DATA) from error
    return None


@verb(
    argument("file", metavar="FILE", required=False, default=STANDARD),
    _format_option(),
    default_timeout_seconds=TIMEOUT_SECONDS,
)
def import_definitions(call: Call, file: str, format: str) -> Said:
    """Add the definitions in FILE, or in what is read from standard input.

    What is there already with other properties is left alone, and named. If the file cannot be
    used, nothing is changed.
    """
    definitions = _read(file)
    source = "standard input" if file == STANDARD else f'a file at "{file}"'
    call.announce(f"Importing definitions in JSON from {source} ...")
    try:
        told = call.client.post("definitions", body=definitions, query="?report=true")
    except Refused as refused:
        if refused.status != 400:
            raise
        raise CtlError(
            f"nothing was imported: {' '.join(refused.reason.split())}", DATA
        ) from refused
    left_alone = told["left_alone"]
    lines = [f"left alone: {sentence}" for sentence in left_alone]
    lines.append("Definitions imported.")
    return Said("\n".join(lines), {"left_alone": left_alone})


def _read(file: str) -> Any:
    if file != STANDARD and not Path(file).is_file():
        raise InputError(f"the file {file} does not exist", DATA)
    try:
        octets = sys.stdin.buffer.read() if file == STANDARD else Path(file).read_bytes()
        return json.loads(octets)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", DATA) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not JSON: {error}", DATA) from error


VERBS = (export_definitions, import_definitions)
