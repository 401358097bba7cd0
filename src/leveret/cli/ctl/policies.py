"""Policies and operator policies: set, clear, list."""

from typing import Final

import click

from leveret.cli.ctl.answers import Rows
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.exits import DATA, UNAVAILABLE, CtlError
from leveret.cli.ctl.json_values import compact, json_object, put
from leveret.cli.ctl.verb import argument, table_headers_option, verb
from leveret.cli.ctl.vhosts import no_vhost, require_vhost

COLUMNS: Final = ("vhost", "name", "pattern", "apply-to", "definition", "priority")
POLICIES: Final = "policies"
OPERATOR_POLICIES: Final = "operator-policies"


def _parameters() -> list[click.Parameter]:
    return [
        *(argument(name) for name in ("name", "pattern", "definition")),
        click.Option(
            ["--priority"],
            metavar="NUMBER",
            type=int,
            default=0,
            help="Of several that match, the highest counts.",
        ),
        click.Option(
            ["--apply-to"],
            metavar="WHAT",
            default="all",
            help="queues, classic_queues, quorum_queues, streams, exchanges or all.",
        ),
    ]


@verb(*_parameters())
def set_policy(
    call: Call, name: str, pattern: str, definition: str, priority: int, apply_to: str
) -> None:
    """Set what queues and exchanges obey whose names match.

    PATTERN is a regular expression, found anywhere in a name. DEFINITION is a JSON object, as
    '{"max-length": 1000}'.
    """
    call.announce(
        f'Setting policy "{name}" for pattern "{pattern}" to "{definition}" with priority '
        f'"{priority}" for vhost "{call.vhost}" ...'
    )
    _set(call, POLICIES, name, pattern, definition, priority, apply_to)


@verb(*_parameters())
def set_operator_policy(
    call: Call, name: str, pattern: str, definition: str, priority: int, apply_to: str
) -> None:
    """Set limits that no policy and no argument can exceed, for queues whose names match.

    PATTERN is a regular expression, found anywhere in a name. DEFINITION is a JSON object, as
    '{"max-length": 1000}'.
    """
    call.announce(
        f'Setting operator policy override "{name}" for pattern "{pattern}" to "{definition}" '
        f'with priority "{priority}" for vhost "{call.vhost}" ...'
    )
    _set(call, OPERATOR_POLICIES, name, pattern, definition, priority, apply_to)


@verb(argument("name"))
def clear_policy(call: Call, name: str) -> None:
    """Take a policy away."""
    call.announce(f'Clearing policy "{name}" on vhost "{call.vhost}" ...')
    _clear(call, POLICIES, name, "policy")


@verb(argument("name"))
def clear_operator_policy(call: Call, name: str) -> None:
    """Take an operator policy away."""
    call.announce(f'Clearing operator policy "{name}" on vhost "{call.vhost}" ...')
    _clear(call, OPERATOR_POLICIES, name, "operator policy")


@verb(table_headers_option())
def list_policies(call: Call) -> Rows:
    """List the policies of a vhost."""
    call.announce(f'Listing policies for vhost "{call.vhost}" ...')
    return _list(call, POLICIES)


@verb(table_headers_option())
def list_operator_policies(call: Call) -> Rows:
    """List the operator policies of a vhost."""
    call.announce(f'Listing operator policy overrides for vhost "{call.vhost}" ...')
    return _list(call, OPERATOR_POLICIES)


def _set(
    call: Call, kind: str, name: str, pattern: str, definition: str, priority: int, apply_to: str
) -> None:
    require_vhost(call, call.vhost, DATA)
    body = {
        "pattern": pattern,
        "definition": json_object("definition", definition),
        "priority": priority,
        "apply-to": apply_to,
    }
    put(call, kind, call.vhost, name, body=body)


def _clear(call: Call, kind: str, name: str, what: str) -> None:
    if call.client.find(kind, call.vhost, name) is None:
        raise CtlError(
            f"there is no {what} '{name}' in vhost '{call.vhost}': "
            f"list_{kind.replace('-', '_')} names those there are",
            UNAVAILABLE,
        )
    call.client.delete(kind, call.vhost, name)


def _list(call: Call, kind: str) -> Rows:
    found = call.client.find(kind, call.vhost)
    if found is None:
        raise CtlError(no_vhost(call.vhost), DATA)
    rows = [
        [compact(each[name]) if name == "definition" else each[name] for name in COLUMNS]
        for each in found
    ]
    return Rows(COLUMNS, rows, streamed=False)


VERBS = (
    clear_operator_policy,
    clear_policy,
    list_operator_policies,
    list_policies,
    set_operator_policy,
    set_policy,
)
