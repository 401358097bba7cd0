"""Runtime parameters, of vhosts and global ones."""

import json

from leveret.cli.ctl.answers import Rows
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import Refused
from leveret.cli.ctl.exits import DATA, UNAVAILABLE, CtlError
from leveret.cli.ctl.json_values import compact, put
from leveret.cli.ctl.verb import argument, table_headers_option, verb
from leveret.cli.ctl.vhosts import require_vhost


@verb(argument("component"), argument("name"), argument("value"))
def set_parameter(call: Call, component: str, name: str, value: str) -> None:
    """Set a parameter of a vhost. VALUE is JSON."""
    call.announce(
        f'Setting runtime parameter "{name}" for component "{component}" to "{value}" '
        f'in vhost "{call.vhost}" ...'
    )
    require_vhost(call, call.vhost, DATA)
    put(call, "parameters", component, call.vhost, name, body={"value": _value(value)})


@verb(argument("component"), argument("name"))
def clear_parameter(call: Call, component: str, name: str) -> None:
    """Take a parameter of a vhost away."""
    call.announce(
        f'Clearing runtime parameter "{name}" for component "{component}" '
        f'on vhost "{call.vhost}" ...'
    )
    _delete(call, "list_parameters", "parameters", component, call.vhost, name)


@verb(table_headers_option())
def list_parameters(call: Call) -> Rows:
    """List the parameters of a vhost."""
    call.announce(f'Listing runtime parameters for vhost "{call.vhost}" ...')
    require_vhost(call, call.vhost, DATA)
    # Policies are parameters too, and have verbs of their own.
    rows: list[list[object]] = [
        [each["component"], each["name"], compact(each["value"])]
        for each in call.client.get("parameters")
        if each["vhost"] == call.vhost and each["component"] != "policy"
    ]
    return Rows(("component", "name", "value"), rows, streamed=False)


@verb(argument("name"), argument("value"))
def set_global_parameter(call: Call, name: str, value: str) -> None:
    """Set a global parameter. VALUE is JSON."""
    call.announce(f'Setting global runtime parameter "{name}" to "{value}" ...')
    put(call, "global-parameters", name, body={"value": _value(value)})


@verb(argument("name"))
def clear_global_parameter(call: Call, name: str) -> None:
    """Take a global parameter away."""
    call.announce(f'Clearing global runtime parameter "{name}" ...')
    _delete(call, "list_global_parameters", "global-parameters", name)


@verb(table_headers_option())
def list_global_parameters(call: Call) -> Rows:
    """List the global parameters."""
    call.announce("Listing global runtime parameters ...")
    rows: list[list[object]] = [
        [each["name"], compact(each["value"])] for each in call.client.get("global-parameters")
    ]
    return Rows(("name", "value"), rows, streamed=False)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CtlError(f"the value is not JSON: {error}", UNAVAILABLE) from error


def _delete(call: Call, listing: str, *path: str) -> None:
    try:
        call.client.delete(*path)
    except Refused as refused:
        if refused.status != 404:
            raise
        raise CtlError(
            f"there is no such parameter: {listing} names those there are", UNAVAILABLE
        ) from refused


VERBS = (
    clear_global_parameter,
    clear_parameter,
    list_global_parameters,
    list_parameters,
    set_global_parameter,
    set_parameter,
)
