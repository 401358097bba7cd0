"""Limits of vhosts and users: set, clear, list."""

from typing import Any, Final

import click

from leveret.cli.ctl.answers import Rows, Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.exits import DATA, UNAVAILABLE, CtlError
from leveret.cli.ctl.json_values import compact, json_object, put
from leveret.cli.ctl.verb import argument, table_headers_option, verb
from leveret.cli.ctl.vhosts import no_vhost, require_vhost

ALL: Final = "all"


@verb(argument("definition"))
def set_vhost_limits(call: Call, definition: str) -> None:
    """Set all limits of a vhost: max-connections, max-queues.

    DEFINITION is a JSON object, as '{"max-queues": 100}'; what it does not name is unlimited.
    """
    call.announce(f'Setting vhost limits to "{definition}" for vhost "{call.vhost}" ...')
    require_vhost(call, call.vhost, DATA)
    limits = json_object("definition", definition)
    put(call, "x", "vhost-limits", call.vhost, body={"value": limits})


@verb()
def clear_vhost_limits(call: Call) -> None:
    """Take all limits of a vhost away."""
    call.announce(f'Clearing vhost "{call.vhost}" limits ...')
    if not call.client.find("vhost-limits", call.vhost):
        raise CtlError(
            f"vhost '{call.vhost}' has no limits: list_vhost_limits --global shows all there are",
            UNAVAILABLE,
        )
    put(call, "x", "vhost-limits", call.vhost, body={"value": {}})


@verb(
    click.Option(["--global", "everywhere"], is_flag=True, help="Of all vhosts."),
    table_headers_option(),
)
def list_vhost_limits(call: Call, everywhere: bool) -> Rows | Said:
    """List the limits of a vhost."""
    if everywhere:
        call.announce("Listing limits for all vhosts ...")
        return _rows("vhost", call.client.get("vhost-limits"))
    call.announce(f'Listing limits for vhost "{call.vhost}" ...')
    found = call.client.find("vhost-limits", call.vhost)
    if found is None:
        raise CtlError(no_vhost(call.vhost), DATA)
    text = compact(found[0]["value"]) if found else ""
    return Said(text, {"node": call.node, "result": "ok", "value": text})


@verb(argument("user"), argument("definition"))
def set_user_limits(call: Call, user: str, definition: str) -> None:
    """Set limits of a user: max-connections, max-channels.

    DEFINITION is a JSON object, as '{"max-channels": 100}'; what it does not name stays.
    """
    call.announce(f'Setting user limits to "{definition}" for user "{user}" ...')
    limits = json_object("definition", definition)
    _require_user(call, user)
    put(call, "x", "user-limits", user, body={"value": limits})


@verb(argument("user"), argument("limit"))
def clear_user_limits(call: Call, user: str, limit: str) -> None:
    """Take a limit of a user away, or all of them.

    LIMIT is max-connections, max-channels or all.
    """
    what = "all limits" if limit == ALL else f'"{limit}" limit'
    call.announce(f'Clearing {what} for user "{user}" ...')
    _require_user(call, user)
    for each in call.client.get("user-limits", user):
        for name in each["value"]:
            if limit in (ALL, name):
                call.client.delete("user-limits", user, name)


@verb(
    click.Option(["--global", "everybody"], is_flag=True, help="Of all users."),
    click.Option(["--user"], metavar="USER", default="guest", help="The user; default: guest"),
    table_headers_option(),
)
def list_user_limits(call: Call, everybody: bool, user: str) -> Rows | Said:
    """List the limits of a user."""
    if everybody:
        call.announce("Listing limits for all users ...")
        return _rows("user", call.client.get("user-limits"))
    call.announce(f'Listing limits for user "{user}" ...')
    _require_user(call, user)
    found = call.client.get("user-limits", user)
    return Said(compact(found[0]["value"] if found else {}))


def _require_user(call: Call, user: str) -> None:
    if call.client.find("users", user) is None:
        raise CtlError(f"there is no user '{user}': list_users names those there are", UNAVAILABLE)


def _rows(first: str, found: list[dict[str, Any]]) -> Rows:
    rows: list[list[object]] = [[each[first], compact(each["value"])] for each in found]
    return Rows((first, "limits"), rows, streamed=False)


VERBS = (
    clear_user_limits,
    clear_vhost_limits,
    list_user_limits,
    list_vhost_limits,
    set_user_limits,
    set_vhost_limits,
)
