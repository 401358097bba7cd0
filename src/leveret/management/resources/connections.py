"""/api/connections: open connections, and closing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.authorisation import CLOSE_SESSIONS, READ_OBJECTS, READ_SESSIONS
from leveret.management.calls import Call, Route, changed
from leveret.management.refusals import not_authorised, not_found
from leveret.management.views import channel_view, connection_view

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.amqp.connection import Connection
    from leveret.management.authorisation import Operation

DEFAULT_REASON: Final = "Closed via management plugin"


async def list_all(call: Call) -> Response:
    return call.found(
        [connection_view(call.management, each) for each in call.sessions(READ_SESSIONS)]
    )


async def list_in_vhost(call: Call) -> Response:
    vhost = call.vhost
    return call.found(
        [
            connection_view(call.management, each)
            for each in call.sessions(READ_SESSIONS)
            if each.vhost is vhost
        ]
    )


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
    reason = call.header("x-reason") or DEFAULT_REASON
    call.management.administration.close_connection(connection, reason)
    return changed()


def _connection(call: Call, operation: Operation) -> Connection:
    name = call.names["connection"]
    for connection in call.management.administration.connections():
        if connection.peer.name == name:
            if not call.caller.sees_session(operation, connection.user):
                raise not_authorised("User not authorised to access object")
            return connection
    raise not_found()


ROUTES: Final = (
    Route("GET", "/connections", READ_SESSIONS, list_all),
    Route("GET", "/vhosts/{vhost}/connections", READ_OBJECTS, list_in_vhost),
    Route("GET", "/connections/{connection}", READ_SESSIONS, show_connection),
    Route("DELETE", "/connections/{connection}", CLOSE_SESSIONS, close_connection),
    Route("GET", "/connections/{connection}/channels", READ_SESSIONS, list_channels),
)
