"""What operators do to users, vhosts and connections while the broker runs.

Operations that concern access and living connections at once are here and nowhere else, whether
they are asked for over HTTP, the management socket or by a program that embeds the broker.
"""

from collections.abc import Collection
from typing import Final

from leveret.access.users import Users
from leveret.amqp.connection import Connection
from leveret.broker.broker import Broker
from leveret.broker.seams import Pending
from leveret.errors import ConnectionForced

# Users with this tag cannot be deleted.
PROTECTED_TAG: Final = "protected"


class ProtectedError(Exception):
    """What is to be deleted is protected; the text says so in RabbitMQ's words."""


class Administration:
    """The operations that concern both access and living connections."""

    def __init__(self, broker: Broker, users: Users) -> None:
        self._broker = broker
        self._users = users

    def connections(self) -> list[Connection]:
        """The connections that are open now, oldest first."""
        return [
            session
            for session in self._broker.sessions
            if isinstance(session, Connection) and session.is_running()
        ]

    def close_connection(self, connection: Connection, reason: str) -> None:
        """Close an open connection with 320 and this reason."""
        if connection.is_running():
            connection.close(ConnectionForced(reason))

    def check_user_deletion(self, name: str) -> None:
        """Raise `ProtectedError` if the user is protected."""
        user = self._users.users.get(name)
        if user is not None and PROTECTED_TAG in user.tags:
            raise ProtectedError(
                f"Refused to delete user '{name}' because it is protected from deletion"
            )

    def delete_users(self, names: Collection[str]) -> Pending:
        """Delete users; their connections are closed with 320. Raises `ProtectedError`, and then
        none is deleted."""
        for name in names:
            self.check_user_deletion(name)
        gone = frozenset(names)
        answer = self._users.delete_users(names)
        for session in list(self._broker.sessions):
            # Also those that have logged in and not opened yet.
            if isinstance(session, Connection) and session.user in gone:
                session.close(ConnectionForced(f"user '{session.user}' is deleted"))
        return answer

    def delete_vhost(self, name: str) -> Pending:
        """Delete a vhost with its queues and permissions; its connections are closed with 320.

        Answers with whether there was one; raises `ProtectedError`.
        """
        vhost = self._broker.vhosts.get(name)
        if vhost is None:
            return Pending.of(False)
        if vhost.protected:
            raise ProtectedError(
                f"Refused to delete virtual host '{name}' because it is protected from deletion"
            )
        for connection in self.connections():
            if connection.vhost is vhost:
                self.close_connection(connection, f"vhost '{name}' is deleted")
        self._users.clear_vhost(name)
        answer = self._broker.delete_vhost(name)
        # A permission asked for before and committed with the deletion has been set by then.
        forgotten = Pending()
        answer.then(lambda known: self._vhost_gone(name, known, forgotten), forgotten.fail)
        return forgotten

    def _vhost_gone(self, name: str, known: object, answer: Pending) -> None:
        if name not in self._broker.vhosts:
            self._users.clear_vhost(name)
        answer.complete(known)
