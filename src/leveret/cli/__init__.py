"""The command line: a file for each group of commands."""

import click

from leveret import build_info
from leveret.cli.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(message=build_info.described())
def main() -> None:
    """Leveret, a message broker that speaks AMQP 0-9-1 as RabbitMQ does."""


main.add_command(serve)
