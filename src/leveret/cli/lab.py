"""`leveret lab`: what a teacher gives to students, and what keeps a worker running."""

import asyncio
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

import click

from leveret.lab.supervise import CannotStart, Supervisor

SCRIPTS: Final = ("qprocessor.py", "send.py")


@click.group()
def lab() -> None:
    """Workers for learning, and one that comes back when it dies."""


@lab.command()
@click.argument("folder", metavar="[DIR]", default=".")
@click.option("--force", is_flag=True, help="Overwrite files that differ.")
def new(folder: str, force: bool) -> None:
    """Write qprocessor.py and send.py into DIR, to run and to adapt.

    DIR is made if it is not there; without DIR it is the current folder.
    """
    target = Path(folder)
    shipped = {name: files("leveret.lab").joinpath(name).read_bytes() for name in SCRIPTS}
    try:
        target.mkdir(parents=True, exist_ok=True)
        changed = [name for name in SCRIPTS if _differs(target / name, shipped[name])]
        if changed and not force:
            names = " and ".join(click.format_filename(target / name) for name in changed)
            raise click.ClickException(
                f"{names} would be overwritten; nothing was written. Use --force to overwrite, "
                "or name another folder."
            )
        for name in SCRIPTS:
            (target / name).write_bytes(shipped[name])
    except OSError as error:
        where = click.format_filename(error.filename or folder)
        raise click.ClickException(f"Cannot write to {where}: {error.strerror}") from error
    for name in SCRIPTS:
        click.echo(click.format_filename(target / name))
    click.echo("They need pika (pip install pika). To begin: python qprocessor.py --help")


@lab.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--pause",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Before the first restart; doubled each time, up to 30.",
)
def supervise(command: tuple[str, ...], pause: float) -> None:
    """Run COMMAND, and start it again whenever it dies.

    \b
    leveret lab supervise -- python qprocessor.py --queue hello --acknowledge

    A command that ends with code 0 is not started again. Ctrl-C and SIGTERM are passed on to it.
    It reads nothing from the terminal.
    """
    try:
        code = asyncio.run(_supervise(command, pause))
    except CannotStart as error:
        raise click.ClickException(str(error)) from error
    sys.exit(code)


async def _supervise(command: tuple[str, ...], pause: float) -> int:
    return await Supervisor(command, pause, lambda sentence: click.echo(sentence, err=True)).run()


def _differs(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() != content
