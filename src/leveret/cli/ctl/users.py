"""Users: add, delete, list, passwords, tags."""

from typing import Any

import click

from leveret.cli.ctl.answers import Rows, Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.exits import DATA, NO_USER, SOFTWARE, UNAVAILABLE, CtlError, InputError
from leveret.cli.ctl.terms import names
from leveret.cli.ctl.verb import argument, table_headers_option, verb

ADDED = (
    "Done. Don't forget to grant the user permissions to some virtual hosts! "
    "See 'leveret ctl help set_permissions' to learn more."
)


def _named(_: click.Context, __: click.Parameter, user: str) -> str:
    if not user:
        raise InputError("a user needs a name; the one given is empty", DATA)
    return user


@verb(
    argument("user", callback=_named),
    argument("password", metavar="[PASSWORD]", required=False),
    json_exit_code=UNAVAILABLE,
)
def add_user(call: Call, user: str, password: str | None) -> Said | None:
    """Add a user, who may do nothing yet: see set_permissions.

    Without PASSWORD it is asked for, or read as a line of standard input. With an empty one the
    user cannot log in with a password.
    """
    call.announce(f'Adding user "{user}" ...')
    secret = call.password(password, missing_exit_code=DATA)
    if call.client.find("users", user) is not None:
        raise CtlError(
            f"user '{user}' already exists: change its password with change_password, "
            "or add one of another name",
            SOFTWARE,
        )
    call.client.put("users", user, body={"tags": [], **_login(secret)})
    if call.quiet:
        return None
    return Said(ADDED, {"message": ADDED, "node": call.node, "status": "ok"})


@verb(argument("user"), json_exit_code=UNAVAILABLE)
def delete_user(call: Call, user: str) -> None:
    """Delete a user and close its connections."""
    call.announce(f'Deleting user "{user}" ...')
    require_user(call, user)
    call.client.delete("users", user)


@verb(
    argument("user"),
    argument("password", metavar="[PASSWORD]", required=False),
    json_exit_code=UNAVAILABLE,
)
def change_password(call: Call, user: str, password: str | None) -> None:
    """Give a user another password.

    Without PASSWORD it is asked for, or read as a line of standard input.
    """
    call.announce(f'Changing password for user "{user}" ...')
    secret = call.password(password, missing_exit_code=SOFTWARE)
    known = require_user(call, user)
    call.client.put("users", user, body={"tags": known["tags"], **_login(secret)})


@verb(argument("user"), json_exit_code=UNAVAILABLE)
def clear_password(call: Call, user: str) -> None:
    """Have a user log in with no password any more."""
    call.announce(f'Clearing password for user "{user}" ...')
    known = call.client.find("users", user)
    if known is None:
        raise CtlError(f"there is no user '{user}': list_users names those there are", UNAVAILABLE)
    call.client.put("users", user, body={"tags": known["tags"], **_login("")})


@verb(argument("password", metavar="[PASSWORD]", required=False))
def hash_password(call: Call, password: str | None) -> Said:
    """Say what a definitions file may have for a password."""
    call.announce("Will hash password ...")
    secret = call.password(password, missing_exit_code=DATA)
    hashed = call.client.post("auth", "hash_password", body={"password": secret})["ok"]
    return Said(hashed, {"result": "ok", "value": hashed})


@verb(argument("user"), argument("password", metavar="[PASSWORD]", required=False))
def authenticate_user(call: Call, user: str, password: str | None) -> Said:
    """Say whether a user and a password belong together."""
    call.announce(f'Authenticating user "{user}" ...')
    secret = call.password(password, missing_exit_code=SOFTWARE)
    answer = call.client.post("x", "authenticate", body={"user": user, "password": secret})
    if not answer["authenticated"]:
        raise CtlError(
            f"user '{user}' cannot log in with this password: see list_users, change_password",
            DATA,
        )
    return Said("Success")


@verb(table_headers_option())
def list_users(call: Call) -> Rows:
    """List users with their tags."""
    call.announce("Listing users ...")
    rows: list[list[object]] = [
        [user["name"], names(user["tags"])] for user in call.client.get("users")
    ]
    return Rows(("user", "tags"), rows, streamed=False)


@verb(
    argument("user"),
    argument("tags", metavar="[TAG]...", nargs=-1),
    json_exit_code=UNAVAILABLE,
)
def set_user_tags(call: Call, user: str, tags: tuple[str, ...]) -> None:
    """Give a user these tags and no others.

    Tags say what a user may do over HTTP: administrator, monitoring, policymaker, management.
    """
    call.announce(f'Setting tags for user "{user}" to [{", ".join(tags)}] ...')
    known = require_user(call, user)
    call.client.put(
        "users",
        user,
        body={
            "tags": list(tags),
            "password_hash": known["password_hash"],
            "hashing_algorithm": known["hashing_algorithm"],
        },
    )


def require_user(call: Call, user: str) -> Any:
    """What the broker knows of a user."""
    known = call.client.find("users", user)
    if known is None:
        raise CtlError(f"there is no user '{user}': list_users names those there are", NO_USER)
    return known


def _login(password: str) -> dict[str, str]:
    # An empty password is none: nobody may log in with it.
    return {"password": password} if password else {"password_hash": ""}


VERBS = (
    add_user,
    authenticate_user,
    change_password,
    clear_password,
    delete_user,
    hash_password,
    list_users,
    set_user_tags,
)
