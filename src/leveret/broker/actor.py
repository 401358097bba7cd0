"""On whose behalf an operation is done: the user, and the owner of exclusive queues.

AMQP, the HTTP API, the command line and a definitions file all act through one of these, so that
permission is asked for in one place.
"""

from leveret.broker.seams import Backend


class Actor:
    """`owner` is compared by identity only; the server itself acts with `backend` None."""

    def __init__(self, user: str, backend: Backend | None, owner: object = None) -> None:
        self.user = user
        self.backend = backend
        self.owner = owner

    def may_impersonate(self) -> bool:
        """Whether messages may carry somebody else's user_id."""
        return self.backend is None or self.backend.has_tag(self.user, "impersonator")

    def may(self, permission: str, vhost: str, name: str) -> bool:
        """Whether it has configure, write or read permission on the resource of this name."""
        return self.backend is None or self.backend.authorise(self.user, vhost, permission, name)

    def may_topic(self, permission: str, vhost: str, exchange: str, routing_key: str) -> bool:
        """Whether it may use a routing key of a topic exchange, to write or to read."""
        return self.backend is None or self.backend.authorise_topic(
            self.user, vhost, permission, exchange, routing_key
        )
