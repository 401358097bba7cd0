"""On whose behalf an operation is done: the user, and the owner of exclusive queues.

AMQP, the HTTP API, the command line and a definitions file all act through one of these, so that
permission is asked for in one place.
"""

from leveret.broker.seams import Backend
from leveret.errors import AccessRefused


class Actor:
    """`owner` is compared by identity only; the server itself acts with `backend` None."""

    def __init__(self, user: str, backend: Backend | None, owner: object = None) -> None:
        self.user = user
        self.backend = backend
        self.owner = owner

    def require(self, permission: str, vhost: str, kind: str, name: str) -> None:
        """Raise 403 unless the user has configure, write or read permission on the resource."""
        if self.backend is None:
            return
        # Permissions know the default exchange by another name: an empty one cannot be matched.
        known_as = "amq.default" if kind == "exchange" and name == "" else name
        if not self.backend.authorise(self.user, vhost, permission, known_as):
            raise AccessRefused(
                f"{permission} access to {kind} '{known_as}' in vhost '{vhost}' "
                f"refused for user '{self.user}'",
                remedy=f"a '{permission}' permission that matches '{known_as}' is missing: "
                "see list_permissions and set_permissions",
            )
