"""Who may do what over HTTP: one table, operation by tag, and the one function that reads it.

A tag is worth nothing outside this table. What a caller changes inside a vhost is checked a second
time, by the broker, against the caller's permissions there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.actor import Actor
from leveret.management.refusals import not_authorised

if TYPE_CHECKING:
    from leveret.access.users import Users

# How far an operation reaches. OWN is the vhosts that the user has permissions in, or, for an
# operation on sessions, the connections that the user has opened.
NOTHING: Final = 0
OWN: Final = 1
ALL: Final = 2

TAGS: Final = ("management", "policymaker", "monitoring", "administrator")


class Operation:
    """A row: the reach of each tag, in the order of `TAGS`; `in_vhost` says what OWN is.

    `refused` is what a caller without the right tag is told, and `refused_vhost` one who has no
    permissions in the vhost, both in RabbitMQ's words.
    """

    def __init__(self, name: str, *reach: int, in_vhost: bool = False, refused: str = "") -> None:
        self.name = name
        self.reach = dict(zip(TAGS, reach, strict=True))
        self.in_vhost = in_vhost
        by_tag = "Not monitor user" if self.reach["monitoring"] else "Not administrator user"
        self.refused = refused or by_tag
        self.refused_vhost = refused or "User not authorised to access virtual host"


#                                              management  policymaker  monitoring  administrator
BE_KNOWN: Final = Operation("be known", ALL, ALL, ALL, ALL)
CHECK_HEALTH: Final = Operation("check health", ALL, ALL, ALL, ALL)
READ_TOTALS: Final = Operation("read totals", OWN, OWN, ALL, ALL, in_vhost=True)
LIST_VHOSTS: Final = Operation("list vhosts", OWN, OWN, ALL, ALL, in_vhost=True)
READ_OBJECTS: Final = Operation("read objects", OWN, OWN, OWN, ALL, in_vhost=True)
CHANGE_OBJECTS: Final = Operation("change objects", OWN, OWN, OWN, OWN, in_vhost=True)
CHANGE_POLICIES: Final = Operation(
    "change policies",
    *(NOTHING, OWN, NOTHING, ALL),
    in_vhost=True,
    refused="User not authorised to access object",
)
# In RabbitMQ a policymaker may change these as well, and they concern everybody.
CHANGE_GLOBAL_PARAMETERS: Final = Operation(
    "change global parameters",
    *(NOTHING, ALL, NOTHING, ALL),
    refused="User not authorised to access object",
)
READ_PARAMETERS: Final = Operation(
    "read parameters",
    *(NOTHING, OWN, NOTHING, ALL),
    in_vhost=True,
    refused="User not authorised to access object",
)
READ_USER_LIMITS: Final = Operation("read user limits", ALL, ALL, ALL, ALL)
READ_SESSIONS: Final = Operation("read sessions", OWN, OWN, ALL, ALL)
CLOSE_SESSIONS: Final = Operation("close sessions", OWN, OWN, OWN, ALL)
READ_NODE: Final = Operation("read node", NOTHING, NOTHING, ALL, ALL)
ADMINISTER: Final = Operation("administer", NOTHING, NOTHING, NOTHING, ALL)

OPERATIONS: Final = (
    BE_KNOWN,
    CHECK_HEALTH,
    READ_TOTALS,
    LIST_VHOSTS,
    READ_OBJECTS,
    CHANGE_OBJECTS,
    CHANGE_POLICIES,
    READ_PARAMETERS,
    CHANGE_GLOBAL_PARAMETERS,
    READ_USER_LIMITS,
    READ_SESSIONS,
    CLOSE_SESSIONS,
    READ_NODE,
    ADMINISTER,
)


class Caller:
    """Who asks: a user, or whoever may open the management socket (`users` is None), whom nothing
    is refused for want of permission."""

    def __init__(self, name: str, tags: tuple[str, ...], users: Users | None) -> None:
        self.name = name
        self.tags = tags
        self.actor = Actor(name, users)
        self._users = users
        self._user = None if users is None else users.users[name]

    @property
    def is_user(self) -> bool:
        """Whether it is one of the broker's users."""
        return self._users is not None

    def is_current(self) -> bool:
        """Whether the user is still there, with the password and tags that it came with."""
        return self._users is None or self._users.users.get(self.name) is self._user

    def reach(self, operation: Operation) -> int:
        """How far the operation reaches for this caller."""
        if self._users is None:
            return ALL
        return max((operation.reach.get(tag, NOTHING) for tag in self.tags), default=NOTHING)

    def sees_vhost(self, operation: Operation, vhost: str) -> bool:
        """Whether the operation reaches into the vhost."""
        reach = self.reach(operation)
        return reach == ALL or (reach == OWN and self._has_access(vhost))

    def sees_session(self, operation: Operation, user: str) -> bool:
        """Whether the operation reaches the sessions of a user."""
        reach = self.reach(operation)
        return reach == ALL or (reach == OWN and self.name == user)

    def _has_access(self, vhost: str) -> bool:
        return self._users is None or self._users.vhost_access(self.name, vhost)


def authorise(caller: Caller, operation: Operation, vhost: str | None) -> None:
    """Let pass, or refuse. Every request comes through here, before anything is looked up and,
    if its path names a vhost, once more for that."""
    if caller.reach(BE_KNOWN) == NOTHING:
        raise not_authorised("Not management user")
    if caller.reach(operation) == NOTHING:
        raise not_authorised(operation.refused)
    if vhost is not None and operation.in_vhost and not caller.sees_vhost(operation, vhost):
        # RabbitMQ shows administrators every vhost, and it is its broker that refuses them.
        is_administrator = caller.reach(ADMINISTER) == ALL
        raise not_authorised("Access refused." if is_administrator else operation.refused_vhost)
