"""Permissions: what a user may do in a vhost."""

from leveret.cli.ctl.answers import Rows
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import Refused
from leveret.cli.ctl.exits import DATA, UNAVAILABLE, CtlError
from leveret.cli.ctl.json_values import put
from leveret.cli.ctl.users import require_user
from leveret.cli.ctl.verb import argument, table_headers_option, verb
from leveret.cli.ctl.vhosts import no_vhost, require_vhost

PATTERNS = ("configure", "write", "read")


@verb(
    argument("user"),
    *(argument(name) for name in PATTERNS),
    json_exit_code=UNAVAILABLE,
)
def set_permissions(call: Call, user: str, configure: str, write: str, read: str) -> None:
    """Say what a user may do in a vhost.

    CONFIGURE, WRITE and READ are patterns of names: ".*" is every name, "" is none.
    """
    call.announce(f'Setting permissions for user "{user}" in vhost "{call.vhost}" ...')
    require_user(call, user)
    require_vhost(call, call.vhost, UNAVAILABLE)
    patterns = {"configure": configure, "write": write, "read": read}
    try:
        call.client.put("permissions", call.vhost, user, body=patterns)
    except Refused as refused:
        if refused.status != 400:
            raise
        raise CtlError(f"the permissions cannot be set: {refused.reason}", UNAVAILABLE) from refused


@verb(argument("user"), *(argument(name) for name in PATTERNS))
def set_permissions_globally(call: Call, user: str, configure: str, write: str, read: str) -> None:
    """Say what a user may do in every vhost there is now."""
    call.announce(f'Setting permissions for user "{user}" in all virtual hosts ...')
    require_user(call, user)
    body = {"configure": configure, "write": write, "read": read}
    for vhost in call.client.get("vhosts"):
        put(call, "permissions", vhost["name"], user, body=body)


@verb(argument("user"), json_exit_code=UNAVAILABLE)
def clear_permissions(call: Call, user: str) -> None:
    """Take away all permissions of a user in a vhost."""
    call.announce(f'Clearing permissions for user "{user}" in vhost "{call.vhost}" ...')
    clear(call, user, "permissions")


@verb(table_headers_option())
def list_permissions(call: Call) -> Rows:
    """List the permissions in a vhost."""
    call.announce(f'Listing permissions for vhost "{call.vhost}" ...')
    return of_vhost(call, "permissions", PATTERNS)


@verb(argument("user"), table_headers_option())
def list_user_permissions(call: Call, user: str) -> Rows:
    """List the permissions of a user in all vhosts."""
    call.announce(f'Listing permissions for user "{user}" ...')
    return of_user(call, user, "permissions", PATTERNS)


def clear(call: Call, user: str, kind: str, *path: str) -> None:
    """Take permissions of a kind away, with the rest of their path."""
    require_user(call, user)
    require_vhost(call, call.vhost, UNAVAILABLE)
    try:
        call.client.delete(kind, call.vhost, user, *path)
    except Refused as refused:
        # There were none.
        if refused.status != 404:
            raise


def of_vhost(call: Call, kind: str, columns: tuple[str, ...]) -> Rows:
    """The permissions of a kind in the vhost."""
    found = call.client.find("vhosts", call.vhost, kind)
    if found is None:
        raise CtlError(no_vhost(call.vhost), DATA)
    return _rows(("user", *columns), found)


def of_user(call: Call, user: str, kind: str, columns: tuple[str, ...]) -> Rows:
    """The permissions of a kind that a user has."""
    found = call.client.find("users", user, kind)
    if found is None:
        raise CtlError(f"there is no user '{user}': list_users names those there are", UNAVAILABLE)
    return _rows(("vhost", *columns), found)


def _rows(columns: tuple[str, ...], permissions: list[dict[str, object]]) -> Rows:
    return Rows(columns, [[each[name] for name in columns] for each in permissions], streamed=False)


VERBS = (
    clear_permissions,
    list_permissions,
    list_user_permissions,
    set_permissions,
    set_permissions_globally,
)
