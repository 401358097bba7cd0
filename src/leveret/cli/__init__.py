"""The command line: a file or a package for each group of commands, imported when it is used.

`leveret ctl` is run many times by scripts and must not wait for the broker's modules to load.
"""

from importlib import import_module
from typing import Final

import click

# Where each command is, as `module:name`.
COMMANDS: Final = {
    "backup": "leveret.cli.backup:backup",
    "completion": "leveret.cli.completion:completion",
    "config": "leveret.cli.config:config",
    "ctl": "leveret.cli.ctl.group:ctl",
    "install-shims": "leveret.cli.shims:install_shims",
    "lab": "leveret.cli.lab:lab",
    "serve": "leveret.cli.serve:serve",
    "store": "leveret.cli.store:store",
    "systemd": "leveret.cli.systemd:systemd",
    "tls": "leveret.cli.tls:tls",
}


class Commands(click.Group):
    """The commands of the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from leveret import build_info

        click.echo(build_info.described())
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Leveret, a message broker that speaks AMQP 0-9-1 as RabbitMQ does."""
