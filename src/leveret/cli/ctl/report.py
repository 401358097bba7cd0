"""`report`: what several verbs say, in one, for whoever is to find out what is the matter."""

import json
from typing import Any, Final

import click

from leveret.cli.ctl.answers import Answer, Rows, Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.cluster import cluster_status
from leveret.cli.ctl.formatters import FORMATTERS
from leveret.cli.ctl.listings import (
    BINDINGS,
    CHANNELS,
    CONNECTIONS,
    CONSUMERS,
    EXCHANGES,
    QUEUES,
    list_bindings,
    list_channels,
    list_connections,
    list_consumers,
    list_exchanges,
    list_queues,
)
from leveret.cli.ctl.running import environment
from leveret.cli.ctl.status import status
from leveret.cli.ctl.verb import VerbCommand, verb

Asked = tuple[VerbCommand, dict[str, Any]]

OF_THE_NODE: Final[tuple[Asked, ...]] = (
    (status, {"unit": "gb"}),
    (cluster_status, {}),
    (environment, {}),
    (list_connections, {"columns": CONNECTIONS.default}),
    (list_channels, {"columns": CHANNELS.default}),
)
OF_A_VHOST: Final[tuple[Asked, ...]] = (
    (
        list_queues,
        {"columns": QUEUES.default, "online": False, "offline": False, "local": False},
    ),
    (list_exchanges, {"columns": EXCHANGES.default}),
    (list_bindings, {"columns": BINDINGS.default}),
    (list_consumers, {"columns": CONSUMERS.default}),
)


@verb()
def report(call: Call) -> Said:
    """Say all at once: status, settings, connections, and what is in each vhost."""
    call.announce(f"Reporting server status of node {call.node} ...")
    found: dict[str, Answer] = {}
    _ask(call, call.vhost, OF_THE_NODE, "", found)
    for vhost in call.client.get("vhosts"):
        _ask(call, vhost["name"], OF_A_VHOST, f" of vhost {vhost['name']}", found)
    table = FORMATTERS["table"]
    text = "\n".join(
        click.style(title, bold=True)
        + "\n\n"
        + (table.rows(answer, True) if isinstance(answer, Rows) else _said(answer).text + "\n")
        for title, answer in found.items()
    )
    return Said(text, {title: _value(answer) for title, answer in found.items()})


def _ask(
    call: Call, vhost: str, asked: tuple[Asked, ...], where: str, found: dict[str, Answer]
) -> None:
    """Nothing is announced: a title says what each is."""
    quiet = Call(call.client, call.node, call.formatter, vhost=vhost, quiet=True, headers=True)
    for command, own in asked:
        found[f"{command.name}{where}"] = command.answered(quiet, **own)


def _said(answer: Answer) -> Said:
    assert isinstance(answer, Said)
    return answer


def _value(answer: Answer) -> object:
    formatter = FORMATTERS["json"]
    if isinstance(answer, Rows):
        return json.loads(formatter.rows(answer, True))
    return _said(answer).value


VERBS = (report,)
