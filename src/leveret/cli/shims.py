"""`leveret install-shims`: RabbitMQ's commands, as scripts that run this installation."""

import shlex
import sys
from pathlib import Path
from typing import Final

import click

MARK: Final = "# Written by leveret install-shims."
COMMANDS: Final = {
    "rabbitmqctl": "ctl",
    "rabbitmq-diagnostics": "ctl",
    "rabbitmq-plugins": "ctl",
    "rabbitmq-queues": "ctl",
    "rabbitmq-server": "serve",
}


@click.command(name="install-shims")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Replace files that are somebody else's, too.")
def install_shims(folder: Path, force: bool) -> None:
    """Write rabbitmqctl, rabbitmq-server and the like into DIR."""
    foreign = [name for name in COMMANDS if not force and not _is_ours(folder / name)]
    if foreign:
        raise click.ClickException(
            f"{', '.join(foreign)} in {folder} would be overwritten, and nothing was written: "
            "choose another folder, or use --force"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, command in COMMANDS.items():
            path = folder / name
            # A link would have its target overwritten.
            path.unlink(missing_ok=True)
            path.write_text(_script(command))
            path.chmod(0o755)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error
    click.echo(f"{folder}: {', '.join(COMMANDS)}")


def _is_ours(path: Path) -> bool:
    """Whether it may be written: there is nothing, or a script of ours."""
    if path.is_symlink():
        return False
    try:
        return MARK.encode() in path.read_bytes()
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _script(command: str) -> str:
    return f'#!/bin/sh\n{MARK}\nexec {shlex.quote(sys.executable)} -m leveret {command} "$@"\n'
