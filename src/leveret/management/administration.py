"""What operators do to users and vhosts while connections are open."""

from leveret.access.users import Users
from leveret.amqp.connection import Connection
from leveret.broker.broker import Broker
from leveret.broker.seams import Pending
from leveret.errors import ConnectionForced


class Administration:
    """The operations that concern both access and living connections."""

    def __init__(self, broker: Broker, users: Users) -> None:
        self._broker = broker
        self._users = users

    def connections(self) -> list[Connection]:
        """The connections there are now."""
        return [session for session in self._broker.sessions if isinstance(session, Connection)]

    def delete_user(self, name: str) -> Pending:
        """Delete a user; its connections are closed with 320."""
        answer = self._users.delete_user(name)
        for connection in self.connections():
            if connection.user == name:
                connection.close(ConnectionForced(f"user '{name}' is deleted"))
        return answer
