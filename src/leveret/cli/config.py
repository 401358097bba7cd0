"""`leveret config`: what the settings are, and where each comes from."""

import json
import os
from typing import Final

import click
import msgspec

from leveret.config import ConfigError, read_settings, shown

# Tables are longer than that; what comes after one stands further right.
COLUMN_MAX: Final = 40


@click.group()
def config() -> None:
    """Look at the settings, without a broker."""


@config.command()
@click.option("--config", "config_file", metavar="FILE", help="Settings: TOML, or a rabbitmq.conf.")
@click.option("--strict", is_flag=True, help="Unknown settings are errors.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def explain(config_file: str | None, strict: bool, form: str) -> None:
    """Print every setting with its value and its origin.

    They are those of `leveret serve` with the same file and environment. What is not obeyed is said
    on standard error. Passwords are not shown.
    """
    try:
        settings = read_settings(config_file, os.environ, {}, strict)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    for note in settings.notes:
        click.echo(note.text, err=True)
    values = msgspec.structs.asdict(settings.config)
    rows = [(name, shown(name, value), settings.origin(name)) for name, value in values.items()]
    if form == "json":
        keys = ("setting", "value", "origin")
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
        return
    written = [
        (name, json.dumps(value, ensure_ascii=False), origin) for name, value, origin in rows
    ]
    widths = [min(max(len(row[column]) for row in written), COLUMN_MAX) for column in (0, 1)]
    for name, value, origin in written:
        click.echo(f"{name:{widths[0]}}  {value:{widths[1]}}  {origin}")
