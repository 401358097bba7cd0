"""The group `leveret ctl`: which verbs there are, and rabbitmqctl's exit code for wrong usage."""

from difflib import get_close_matches
from typing import Any, Final

import click

from leveret.cli.ctl import (
    checks,
    cluster,
    connections,
    definitions,
    limits,
    listings,
    node,
    parameters,
    permissions,
    plugins,
    policies,
    queues,
    refused,
    report,
    running,
    topic_permissions,
    users,
    vhosts,
)
from leveret.cli.ctl.exits import rabbitmqctls_exit_codes
from leveret.cli.ctl.options import common_options, given, spelled

VERBS: Final = {
    str(command.name): command
    for module in (
        users,
        vhosts,
        permissions,
        topic_permissions,
        policies,
        limits,
        definitions,
        listings,
        queues,
        connections,
        parameters,
        cluster,
        checks,
        node,
        running,
        report,
        plugins,
        refused,
    )
    for command in module.VERBS
}


class Verbs(click.Group):
    """Options may stand before the verb, too; wrong usage is exit code 64."""

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        with rabbitmqctls_exit_codes():
            return super().make_context(*args, **settings)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, spelled(args))

    def invoke(self, ctx: click.Context) -> Any:
        before = given(ctx, ctx.params)
        ctx.default_map = dict.fromkeys(self.commands, before)
        ctx.params = {}
        with rabbitmqctls_exit_codes():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            raise no_verb(ctx, args[0])
        return super().resolve_command(ctx, args)


def no_verb(ctx: click.Context, word: str) -> click.UsageError:
    """The error for a word that is no verb, with the verb that it may have been meant to be."""
    close = get_close_matches(word, VERBS, n=1)
    advice = f"did you mean '{close[0]}'?" if close else "`leveret ctl help` lists those there are"
    return click.UsageError(f"there is no verb '{word}': {advice}", ctx)


@click.group(cls=Verbs, params=common_options())
def ctl() -> None:
    """Tell a running broker what to do, in rabbitmqctl's words.

    The broker is found by its data folder: --data, or the one that `leveret serve` uses without
    options. A broker elsewhere is found by --url.
    """


for command in VERBS.values():
    ctl.add_command(command)


@ctl.command(name="help")
@click.argument("verb", required=False)
@click.pass_context
def help_of(ctx: click.Context, verb: str | None) -> None:
    """Say how to use a verb."""
    assert ctx.parent is not None
    if verb is None:
        click.echo(ctl.get_help(ctx.parent))
        return
    command = ctl.get_command(ctx, verb)
    if command is None:
        raise no_verb(ctx, verb)
    with click.Context(command, ctx.parent, verb) as verb_ctx:
        click.echo(command.get_help(verb_ctx))
