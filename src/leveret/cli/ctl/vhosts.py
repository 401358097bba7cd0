"""Vhosts: add, delete, list."""

from typing import Final

import click

from leveret.cli.ctl.answers import Rows, Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.columns import Columns, ColumnsArgument, field
from leveret.cli.ctl.exits import DATA, CtlError, InputError
from leveret.cli.ctl.json_values import put
from leveret.cli.ctl.terms import Cell, names
from leveret.cli.ctl.verb import argument, table_headers_option, verb


def _cluster_state(vhost: dict[str, dict[str, str]]) -> Cell:
    state = vhost["cluster_state"]
    pairs = ", ".join(f"{{{node}, {value}}}" for node, value in state.items())
    return Cell(f"[{pairs}]", state)


COLUMNS: Final = Columns(
    {
        "name": field("name"),
        "description": field("description"),
        "tags": lambda vhost: names(vhost["tags"]),
        "default_queue_type": field("default_queue_type"),
        "tracing": field("tracing"),
        "compat": field("compat"),
        "cluster_state": _cluster_state,
    },
    ("name",),
)


@verb(
    argument("vhost_name", metavar="VHOST"),
    click.Option(["--description"], metavar="TEXT", default="", help="What it is for."),
    click.Option(["--tags"], metavar="TAG,...", default="", help="Words to find it by."),
    click.Option(
        ["--default-queue-type"],
        metavar="TYPE",
        default=None,
        help="Of queues declared without a type: classic or quorum.",
    ),
    click.Option(
        ["--compat"],
        metavar="LEVEL",
        default=None,
        help="The RabbitMQ release whose behaviour its clients see; else the server's.",
    ),
)
def add_vhost(
    call: Call,
    vhost_name: str,
    description: str,
    tags: str,
    default_queue_type: str | None,
    compat: str | None,
) -> None:
    """Add a vhost. One that is there already stays as it is."""
    if not vhost_name:
        raise InputError("a vhost needs a name; the one given is empty", DATA)
    call.announce(f'Adding vhost "{vhost_name}" ...')
    body = {"description": description, "tags": tags}
    _put(call, vhost_name, body, default_queue_type, compat)


@verb(
    argument("vhost_name", metavar="VHOST"),
    click.Option(["--description"], metavar="TEXT", default=None, help="What it is for."),
    click.Option(["--tags"], metavar="TAG,...", default=None, help="Words to find it by."),
    click.Option(
        ["--default-queue-type"],
        metavar="TYPE",
        default=None,
        help="Of queues declared without a type: classic, quorum, or undefined for the server's.",
    ),
    click.Option(
        ["--compat"],
        metavar="LEVEL",
        default=None,
        help="The RabbitMQ release whose behaviour its clients see; empty for the server's.",
    ),
)
def update_vhost_metadata(
    call: Call,
    vhost_name: str,
    description: str | None,
    tags: str | None,
    default_queue_type: str | None,
    compat: str | None,
) -> None:
    """Change what is given of a vhost's description, tags, queue type and compatibility."""
    call.announce(f'Updating metadata of vhost "{vhost_name}" ...')
    known = call.client.find("vhosts", vhost_name)
    if known is None:
        raise CtlError(no_vhost(vhost_name), DATA)
    body = {
        "description": known["description"] if description is None else description,
        "tags": ",".join(known["tags"]) if tags is None else tags,
    }
    _put(call, vhost_name, body, default_queue_type, compat)


def _put(
    call: Call, vhost: str, body: dict[str, str], queue_type: str | None, compat: str | None
) -> None:
    if queue_type is None and compat is None:
        call.client.put("vhosts", vhost, body=body)
        return
    if queue_type is not None:
        body["default_queue_type"] = queue_type
    if compat is not None:
        body["compat"] = compat
    put(call, "vhosts", vhost, body=body)


@verb(argument("vhost_name", metavar="VHOST"))
def delete_vhost(call: Call, vhost_name: str) -> None:
    """Delete a vhost with everything in it, and close the connections to it."""
    call.announce(f'Deleting vhost "{vhost_name}" ...')
    require_vhost(call, vhost_name, DATA)
    call.client.delete("vhosts", vhost_name)


@verb(argument("vhost_name", metavar="VHOST"))
def enable_vhost_deletion_protection(call: Call, vhost_name: str) -> None:
    """Have a vhost refuse to be deleted."""
    call.announce(f'Protecting vhost "{vhost_name}" from deletion ...')
    require_vhost(call, vhost_name, DATA)
    call.client.post("vhosts", vhost_name, "deletion", "protection")


@verb(argument("vhost_name", metavar="VHOST"))
def disable_vhost_deletion_protection(call: Call, vhost_name: str) -> None:
    """Let a vhost be deleted again."""
    call.announce(f'Ending the protection of vhost "{vhost_name}" ...')
    require_vhost(call, vhost_name, DATA)
    call.client.delete("vhosts", vhost_name, "deletion", "protection")


@verb(ColumnsArgument(COLUMNS), table_headers_option())
def list_vhosts(call: Call, columns: tuple[str, ...]) -> Rows:
    """List vhosts."""
    call.announce("Listing vhosts ...")
    return COLUMNS.rows(columns, call.client.get("vhosts"), streamed=False)


@verb()
def trace_on(call: Call) -> Said:
    """Have the exchange amq.rabbitmq.trace of a vhost hear of every message."""
    call.announce(f'Starting tracing for vhost "{call.vhost}" ...')
    _set_tracing(call, True)
    return Said(f"Trace enabled for vhost {call.vhost}")


@verb()
def trace_off(call: Call) -> Said:
    """Have it hear of none any more, as after every start."""
    call.announce(f'Stopping tracing for vhost "{call.vhost}" ...')
    _set_tracing(call, False)
    return Said(f"Trace disabled for vhost {call.vhost}")


def _set_tracing(call: Call, on: bool) -> None:
    vhost = call.client.find("vhosts", call.vhost)
    if vhost is None:
        raise CtlError(no_vhost(call.vhost), DATA)
    body = {"description": vhost["description"], "tags": vhost["tags"], "tracing": on}
    call.client.put("vhosts", call.vhost, body=body)


def no_vhost(vhost: str) -> str:
    """The sentence that says so."""
    return f"there is no vhost '{vhost}': list_vhosts names those there are"


def require_vhost(call: Call, vhost: str, exit_code: int) -> None:
    """Raise unless there is such a vhost."""
    if call.client.find("vhosts", vhost) is None:
        raise CtlError(no_vhost(vhost), exit_code)


VERBS = (
    add_vhost,
    delete_vhost,
    disable_vhost_deletion_protection,
    enable_vhost_deletion_protection,
    list_vhosts,
    trace_off,
    trace_on,
    update_vhost_metadata,
)
