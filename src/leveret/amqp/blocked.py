"""A connection that published under an alarm: it is not read, and told so if it can hear it.

It is blocked by what it publishes, not by the alarm: a connection that only consumes goes on. As
in RabbitMQ the first frame of content blocks, so that the message waits where it is, half in the
server and half in the client, and whatever the client says after it waits behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.alarms import BlockedPublisher
from leveret.wire.methods import ConnectionBlocked, ConnectionUnblocked

if TYPE_CHECKING:
    from leveret.amqp.connection import Connection


class Blocked(BlockedPublisher):
    """Exists exactly as long as its connection is blocked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._alarms = connection.broker.alarms
        self._told = False
        self._alarms.blocked[self] = None
        self.alarms_changed()

    def alarms_changed(self) -> None:
        # As in RabbitMQ a second alarm, or the end of one of two, is not announced.
        alarms, connection = self._alarms, self._connection
        if self._told and not alarms.reason:
            self._told = False
            connection.send(ConnectionUnblocked())
        elif alarms.reason and not self._told and connection.hears_blocked:
            self._told = True
            connection.send(ConnectionBlocked(reason=alarms.reason))
        if not alarms.concerns(connection.stores):
            self.end()

    def end(self) -> None:
        """The connection is read again: there is no alarm any more, or it waits for close-ok."""
        self._alarms.blocked.pop(self, None)
        self._connection.blocked = None
        self._connection.read_on(None)
