"""Connections: close one."""

import re
from typing import Final

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
    reason = printable(explanation)[:EXPLANATION_MAX].encode()
    try:
        call.client.delete("connections", connection, headers={"X-Reason": reason})
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


VERBS = (close_connection,)
