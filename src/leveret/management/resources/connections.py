"""/api/connections: open connections, and closing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.answers import ChannelAnswer, ConnectionAnswer, TrackedConnection
from leveret.management.authorisation import CLOSE_SESSIONS, READ_OBJECTS, READ_SESSIONS
from leveret.management.calls import Call, changed
from leveret.management.families import CONNECTIONS
from leveret.management.lists import listed
from leveret.management.refusals import not_authorised, not_found
from leveret.management.routing import Route
from leveret.management.views import channel_view, connection_view

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.amqp.connection import Connection
    from leveret.management.authorisation import Operation

DEFAULT_REASON: Final = "Closed via management plugin"


async def list_all(call: Call) -> Response:
    return await listed(call, CONNECTIONS, sees=call.sees_sessions(_user))


async def list_in_vhost(call: Call) -> Response:
    return await listed(call, CONNECTIONS, call.vhost.name, call.sees_sessions(_user))


async def show_connection(call: Call) -> Response:
    connection = _connection(call, READ_SESSIONS)
    view = connection_view(call.management, connection)
    return call.found(view | call.statistics.connection(connection))


async def list_channels(call: Call) -> Response:
    channels = _connection(call, READ_SESSIONS).channels.open
    return call.found(
        [channel_view(call.management, channels[number]) for number in sorted(channels)]
    )


async def close_connection(call: Call) -> Response:
    """The client is told the reason in header X-Reason."""
    connection = _connection(call, CLOSE_SESSIONS)
    call.management.administration.close_connection(connection, _reason(call))
    return changed()


async def list_of_user(call: Call) -> Response:
    """Who they are, as RabbitMQ keeps track of connections."""
    views = (connection_view(call.management, each) for each in _of_user(call, READ_SESSIONS))
    keys = ("name", "vhost", "user", "node")
    return call.found([{key: view[key] for key in keys} for view in views])


async def close_all_of_user(call: Call) -> Response:
    """The clients are told the reason in header X-Reason."""
    for connection in _of_user(call, CLOSE_SESSIONS):
        call.management.administration.close_connection(connection, _reason(call))
    return changed()


def _of_user(call: Call, operation: Operation) -> list[Connection]:
    user = call.names["user"]
    if not call.caller.sees_session(operation, user):
        raise not_authorised("User not authorised to access object")
    found = [each for each in call.sessions(operation) if each.user == user]
    return sorted(found, key=lambda connection: connection.peer.name)


def _reason(call: Call) -> str:
    return call.header("x-reason") or DEFAULT_REASON


def _user(connection: Connection) -> str:
    return connection.user


def _connection(call: Call, operation: Operation) -> Connection:
    name = call.names["connection"]
    for connection in call.management.administration.connections():
        if connection.peer.name == name:
            if not call.caller.sees_session(operation, connection.user):
                raise not_authorised("User not authorised to access object")
            return connection
    raise not_found()


_ONE: Final = "/connections/{connection}"
_OF_USER: Final = "/connections/username/{user}"

ROUTES: Final = (
    Route(
        "GET", "/connections", READ_SESSIONS, list_all, answer=list[ConnectionAnswer], paged=True
    ),
    Route(
        "GET",
        "/vhosts/{vhost}/connections",
        READ_OBJECTS,
        list_in_vhost,
        answer=list[ConnectionAnswer],
    ),
    Route("GET", _ONE, READ_SESSIONS, show_connection, answer=ConnectionAnswer),
    Route("DELETE", _ONE, CLOSE_SESSIONS, close_connection, headers=("x-reason",)),
    Route("GET", f"{_ONE}/channels", READ_SESSIONS, list_channels, answer=list[ChannelAnswer]),
    Route("GET", _OF_USER, READ_SESSIONS, list_of_user, answer=list[TrackedConnection]),
    Route("DELETE", _OF_USER, CLOSE_SESSIONS, close_all_of_user, headers=("x-reason",)),
)
