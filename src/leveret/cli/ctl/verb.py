"""What all verbs have in common: options, the broker to speak to, the formatter, exit codes."""

import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any, Final

import click

from leveret.cli.ctl.addresses import URL_VARIABLE, address_of
from leveret.cli.ctl.answers import Answer, Done, Rows, Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import Client
from leveret.cli.ctl.columns import ColumnsArgument
from leveret.cli.ctl.examples import EXAMPLES
from leveret.cli.ctl.exits import PROTOCOL, CtlError, InputError
from leveret.cli.ctl.formatters import FORMATTERS, Formatter
from leveret.cli.ctl.options import common_options, node_name

DEFAULT_TIMEOUT_SECONDS: Final = 60

Function = Callable[..., Answer | None]


class VerbCommand(click.Command):
    """A verb. Its function gets a `Call` and the verb's own arguments and options."""

    def __init__(
        self,
        function: Function,
        params: list[click.Parameter],
        *,
        checks: bool,
        json_exit_code: int | None,
        default_timeout_seconds: int,
    ) -> None:
        help_text = function.__doc__ or ""
        super().__init__(
            function.__name__.rstrip("_"),
            params=[*params, *common_options()],
            callback=None,
            help=help_text,
            short_help=help_text.partition("\n")[0],
            epilog="\n".join(
                param.sentence for param in params if isinstance(param, ColumnsArgument)
            ),
        )
        self._function = function
        self._own_names = [param.name for param in params]
        self._checks = checks
        self._json_exit_code = json_exit_code
        self._default_timeout_seconds = default_timeout_seconds

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for example in EXAMPLES.get(str(self.name), ()):
                # As it is: a line that is broken could not be copied.
                formatter.write(f"{'':{formatter.current_indent}}leveret ctl {example}\n")
        super().format_epilog(ctx, formatter)

    def invoke(self, ctx: click.Context) -> None:
        _allow_any_text()
        values = dict(ctx.params)
        own = {str(name): values.pop(str(name)) for name in self._own_names}
        call = self._call(ctx, values, own.pop("table_headers", None))
        if values["url"] is not None and "@" in values["url"]:
            call.warn_of_visible_password(f"set {URL_VARIABLE} instead")
        try:
            answer = self._answer(call, own)
        except CtlError as error:
            click.echo(call.formatter.failed(error.sentence, call.node), nl=False, err=True)
            ctx.exit(self._exit_code(error, values["formatter"]))
        text = _text(call, answer)
        click.echo(text, nl=False, color=call.formatter.coloured or None)

    def _answer(self, call: Call, own: dict[str, Any]) -> Answer:
        if self._checks:
            call.client.check()
        try:
            return self.answered(call, **own)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise CtlError(
                f"{call.client.address.name} answers, but not with what is expected ({error!r}): "
                "is it a Leveret of another version?",
                PROTOCOL,
            ) from error

    def answered(self, call: Call, **own: Any) -> Answer:
        """What it answers to its own arguments and options, which are checked already."""
        return self._function(call, **own) or Done()

    def _exit_code(self, error: CtlError, formatter: str) -> int:
        if formatter != "json" or self._json_exit_code is None or isinstance(error, InputError):
            return error.exit_code
        return self._json_exit_code

    def _call(self, ctx: click.Context, values: dict[str, Any], table_headers: bool | None) -> Call:
        formatter: Formatter = FORMATTERS[values["formatter"]]
        if table_headers is not None and values["formatter"] != "table":
            raise click.UsageError(
                f"--no-table-headers is for tables; leave it out with "
                f"--formatter {values['formatter']}",
                ctx,
            )
        if values["data"] is not None and values["url"] is not None:
            raise click.UsageError("--data and --url name two brokers; give one of them", ctx)
        address = address_of(values["data"], values["url"])
        quiet = values["quiet"] or values["silent"]
        seconds = values["timeout"]
        client = Client(address, self._default_timeout_seconds if seconds is None else seconds)
        return Call(
            client,
            node_name(values["node"], address.host),
            formatter,
            vhost=values["vhost"],
            quiet=quiet,
            headers=not values["silent"] and table_headers is not False,
        )


def verb(
    *params: click.Parameter,
    checks: bool = True,
    json_exit_code: int | None = None,
    default_timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
) -> Callable[[Function], VerbCommand]:
    """Make a verb of the function with its name.

    `checks`: whether a broker must answer before anything is said. `json_exit_code`: the exit code
    of every failure with `--formatter json`, where rabbitmqctl has one for all.
    """

    def decorate(function: Function) -> VerbCommand:
        return VerbCommand(
            function,
            list(params),
            checks=checks,
            json_exit_code=json_exit_code,
            default_timeout_seconds=default_timeout_seconds,
        )

    return decorate


def argument(name: str, **settings: Any) -> click.Argument:
    """An argument of a verb."""
    return click.Argument([name], metavar=settings.pop("metavar", name.upper()), **settings)


def table_headers_option() -> click.Option:
    """For verbs that list."""
    return click.Option(
        ["--table-headers/--no-table-headers"], default=None, help="Whether columns have headers."
    )


def _text(call: Call, answer: Answer) -> str:
    formatter = call.formatter
    match answer:
        case Rows():
            return formatter.rows(answer, call.headers)
        case Said():
            return formatter.said(answer)
        case Done():
            return formatter.done(answer, call.node)


def _allow_any_text() -> None:
    """A name that the terminal's encoding lacks is escaped, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
