"""Topic permissions: which routing keys of a topic exchange a user may use."""

from typing import Final

from leveret.cli.ctl.answers import Rows
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.exits import UNAVAILABLE
from leveret.cli.ctl.json_values import put
from leveret.cli.ctl.permissions import clear, of_user, of_vhost
from leveret.cli.ctl.users import require_user
from leveret.cli.ctl.verb import argument, table_headers_option, verb
from leveret.cli.ctl.vhosts import require_vhost

COLUMNS: Final = ("exchange", "write", "read")


@verb(argument("user"), *(argument(name) for name in COLUMNS))
def set_topic_permissions(call: Call, user: str, exchange: str, write: str, read: str) -> None:
    """Say which routing keys of a topic exchange a user may publish and bind with.

    WRITE and READ are patterns of routing keys; {username} and {vhost} in them stand for the
    names. Without topic permissions for an exchange, every key of it may be used.
    """
    call.announce(
        f'Setting topic permissions on "{exchange}" for user "{user}" in vhost "{call.vhost}" ...'
    )
    require_user(call, user)
    require_vhost(call, call.vhost, UNAVAILABLE)
    body = {"exchange": exchange, "write": write, "read": read}
    put(call, "topic-permissions", call.vhost, user, body=body)


@verb(argument("user"), argument("exchange", metavar="[EXCHANGE]", required=False))
def clear_topic_permissions(call: Call, user: str, exchange: str | None) -> None:
    """Take the topic permissions of a user away, of one exchange or of all."""
    where = "" if exchange is None else f' on "{exchange}"'
    call.announce(
        f'Clearing topic permissions{where} for user "{user}" in vhost "{call.vhost}" ...'
    )
    clear(call, user, "topic-permissions", *(() if exchange is None else (exchange,)))


@verb(table_headers_option())
def list_topic_permissions(call: Call) -> Rows:
    """List the topic permissions in a vhost."""
    call.announce(f'Listing topic permissions for vhost "{call.vhost}" ...')
    return of_vhost(call, "topic-permissions", COLUMNS)


@verb(argument("user"), table_headers_option())
def list_user_topic_permissions(call: Call, user: str) -> Rows:
    """List the topic permissions of a user in all vhosts."""
    call.announce(f'Listing topic permissions for user "{user}" ...')
    # rabbitmqctl prints no header here.
    call.headers = False
    return of_user(call, user, "topic-permissions", COLUMNS)


VERBS = (
    clear_topic_permissions,
    list_topic_permissions,
    list_user_topic_permissions,
    set_topic_permissions,
)
