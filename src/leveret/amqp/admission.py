"""Whether one more connection or channel may come, by the limits of the node, its vhost, its user.

Only where there is a limit is anything counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.limits import MAX_CHANNELS, MAX_CONNECTIONS, is_reached
from leveret.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leveret.amqp.connection import Connection
    from leveret.broker.seams import Backend
    from leveret.broker.vhost import VHost


def admit_connection(connection: Connection, vhost: VHost, backend: Backend) -> None:
    """Refuse, with 530, a connection beyond what the node, the vhost or the user may have."""
    user = connection.user
    limit = connection.limits.connection_max
    if limit >= 0 and is_reached(limit, sum(each.is_running() for each in _all(connection))):
        raise NotAllowed(
            f"connection refused: node connection limit ({limit}) is reached",
            remedy="the setting connection_max raises it",
        )
    limit = vhost.limit(MAX_CONNECTIONS)
    if limit >= 0 and is_reached(limit, _count(connection, vhost=vhost)):
        raise NotAllowed(
            f"access to vhost '{vhost.name}' refused for user '{user}': "
            f"connection limit ({limit}) is reached",
            remedy=f"list_vhost_limits -p {vhost.name} shows it; set_vhost_limits raises it",
        )
    limit = backend.limit(user, MAX_CONNECTIONS)
    if limit >= 0 and is_reached(limit, _count(connection, vhost=None)):
        raise NotAllowed(
            f"connection refused for user '{user}': user connection limit ({limit}) is reached",
            remedy=f"list_user_limits --user {user} shows it; set_user_limits raises it",
        )


def admit_channel(connection: Connection, backend: Backend) -> None:
    """Refuse, with 530, a channel beyond what the node or the user may have on all connections."""
    user = connection.user
    limit = connection.limits.channel_max_per_node
    if limit and is_reached(limit, sum(len(each.channels.open) for each in _all(connection))):
        raise NotAllowed(
            f"number of channels opened on node '{connection.broker.node}' has reached the "
            f"maximum allowed limit of ({limit})",
            remedy="the setting channel_max_per_node raises it",
        )
    limit = backend.limit(user, MAX_CHANNELS)
    if limit < 0:
        return
    count = sum(len(other.channels.open) for other in _all(connection) if other.user == user)
    if is_reached(limit, count):
        raise NotAllowed(
            f"number of channels opened for user '{user}' has reached the maximum allowed user "
            f"limit of ({limit})",
            remedy=f"list_user_limits --user {user} shows it; set_user_limits raises it",
        )


def _count(connection: Connection, vhost: VHost | None) -> int:
    """The open connections of a vhost, or of the connection's user if that is None."""
    return sum(
        1
        for other in _all(connection)
        if other.is_running()
        and (other.user == connection.user if vhost is None else other.vhost is vhost)
    )


def _all(connection: Connection) -> Iterator[Connection]:
    for session in connection.broker.sessions:
        if isinstance(session, type(connection)):
            yield session
