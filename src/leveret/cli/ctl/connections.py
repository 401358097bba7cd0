"""Connections: close one, or several."""

import re
import time
from typing import Final

import click

from leveret.cli.ctl.answers import Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import Refused
from leveret.cli.ctl.exits import UNAVAILABLE, CtlError
from leveret.cli.ctl.terms import printable
from leveret.cli.ctl.verb import argument, verb

NAME: Final = re.compile(r"\S+:\d+ -> \S+:\d+")


# A reply text has no room for more (spec §4.2.5.3, short strings).
EXPLANATION_MAX: Final = 255


@verb(argument("connection"), argument("explanation"))
def close_connection(call: Call, connection: str, explanation: str) -> None:
    """Close a connection; its client is told the explanation.

    CONNECTION is what list_connections shows in column pid.
    """
    call.announce(f"Closing connection {connection}, reason: {explanation}...")
    try:
        call.client.delete("connections", connection, headers=_reason(explanation))
    except Refused as refused:
        if refused.status != 404:
            raise
        # What has gone already is what was wanted.
        if NAME.fullmatch(connection):
            call.note(f"there is no connection '{connection}'; it may have closed by itself.")
            return
        raise CtlError(
            f"there is no connection '{connection}': `list_connections pid user` shows those "
            "there are",
            UNAVAILABLE,
        ) from refused


@verb(
    argument("explanation"),
    click.Option(["--global"], is_flag=True, help="Of all vhosts."),
    click.Option(["--limit"], metavar="NUMBER", type=click.IntRange(min=0), default=0),
    click.Option(
        ["--per-connection-delay"],
        metavar="MS",
        type=click.IntRange(min=0),
        default=0,
        help="How long to wait after each, in milliseconds.",
    ),
)
def close_all_connections(
    call: Call, explanation: str, limit: int, per_connection_delay: int, **options: bool
) -> Said:
    """Close the connections to a vhost; their clients are told the explanation."""
    everywhere = options["global"]
    where = "to all vhosts" if everywhere else f"in vhost {call.vhost}"
    call.announce(f"Closing all connections {where}, reason: {explanation}...")
    names = [
        each["name"]
        for each in call.client.get("connections")
        if everywhere or each["vhost"] == call.vhost
    ]
    closed = 0
    for name in names[: limit or None]:
        try:
            call.client.delete("connections", name, headers=_reason(explanation))
        except Refused as refused:
            # It has closed by itself.
            if refused.status != 404:
                raise
            continue
        closed += 1
        time.sleep(per_connection_delay / 1000)
    text = f"Closed {closed} connections"
    return Said(text, {"message": text})


@verb(argument("user"), argument("explanation"))
def close_all_user_connections(call: Call, user: str, explanation: str) -> None:
    """Close all connections of a user; its clients are told the explanation."""
    call.announce(f"Closing connections of user {user}, reason: {explanation}...")
    call.client.delete("connections", "username", user, headers=_reason(explanation))


def _reason(explanation: str) -> dict[str, bytes]:
    return {"X-Reason": printable(explanation)[:EXPLANATION_MAX].encode()}


VERBS = (close_all_connections, close_all_user_connections, close_connection)
