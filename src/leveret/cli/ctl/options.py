"""The options that every verb takes, after the verb or before it."""

import re
import socket
from collections.abc import Mapping
from typing import Any, Final

import click

from leveret.cli.ctl.addresses import URL_VARIABLE
from leveret.cli.ctl.exits import DATA, UNAVAILABLE, CtlError
from leveret.cli.ctl.formatters import FORMATTERS

NODE_HEAD: Final = re.compile(r"[A-Za-z0-9_-]+")
SHORT_WITH_EQUALS: Final = re.compile(r"(-[npt])=(.*)", re.DOTALL)


def common_options() -> list[click.Parameter]:
    """A list of one's own for each command."""
    return [
        click.Option(
            ["-n", "--node"],
            metavar="NODE",
            help="What to call the broker; it is found by --data or --url.",
        ),
        click.Option(["-l", "--longnames"], is_flag=True, help="Accepted, and without meaning."),
        click.Option(["-p", "--vhost"], metavar="VHOST", default="/", help="The vhost; default: /"),
        click.Option(["-q", "--quiet"], is_flag=True, help="Do not say what is being done."),
        click.Option(["-s", "--silent"], is_flag=True, help="As -q, and no header row."),
        click.Option(
            ["-t", "--timeout"],
            metavar="SECONDS",
            type=click.IntRange(min=0, max=1_000_000),
            help="How long to wait for the broker.",
        ),
        click.Option(
            ["--formatter"],
            type=click.Choice(list(FORMATTERS), case_sensitive=False),
            default="table",
            help="How to print the answer.",
        ),
        click.Option(
            ["--data"], metavar="DIR", help="The broker's data folder, as in `leveret serve`."
        ),
        click.Option(
            ["--url"],
            metavar="URL",
            help=f"A broker elsewhere: http://USER:PASSWORD@HOST:PORT; or set {URL_VARIABLE}.",
        ),
    ]


def spelled(args: list[str]) -> list[str]:
    """Arguments as click wants them: rabbitmqctl takes `-p=VHOST` for `-p VHOST`."""
    for argument in args:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise CtlError(f"the argument {argument!r} is not UTF-8", DATA) from None
    end = args.index("--") if "--" in args else len(args)
    options: list[str] = []
    for argument in args[:end]:
        short = SHORT_WITH_EQUALS.fullmatch(argument)
        options += short.groups() if short else [argument]
    return options + args[end:]


def given(ctx: click.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that stood on the command line."""
    default = click.core.ParameterSource.DEFAULT
    return {
        name: value
        for name, value in values.items()
        if ctx.get_parameter_source(name) not in (None, default)
    }


def node_name(node: str | None, host: str) -> str:
    """What to call the broker on a host. Raises for a name that is another machine's."""
    here = host or socket.gethostname()
    if node is None:
        return f"leveret@{here}"
    head, _, machine = node.partition("@")
    if not NODE_HEAD.fullmatch(head):
        raise CtlError(
            f"the node name '{node}' cannot be used: before the @ stand letters, digits, _ and -",
            DATA,
        )
    known = machine in ("", "localhost", here)
    # The last question may go to a name server.
    if not known and (host or machine != socket.getfqdn()):
        raise CtlError(
            f"node '{node}' is on another machine: name its broker with "
            f"--url http://USER:PASSWORD@{machine}:15672",
            UNAVAILABLE,
        )
    return node
