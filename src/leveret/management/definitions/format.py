"""RabbitMQ's definitions file: what of it is read, and whether it can be used.

Files have been written by many releases and by hand, so what can be understood is: tags as a list
or with commas, an empty array for an empty object (as Erlang writes one), what newer releases add.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec

from leveret.access.passwords import ALGORITHMS, DEFAULT_ALGORITHM, check_password_hash
from leveret.access.permissions import PatternError, check_pattern
from leveret.errors import SHORT_STRING_MAX
from leveret.management.vhost_metadata import compat_level, default_queue_type, tag_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leveret.management.pace import Pace

STREAM: Final = "stream"
NAMES: Final = ("name", "vhost", "source", "destination", "routing_key", "exchange")

Placed = TypeVar("Placed", bound="InVhost")


class DefinitionsError(Exception):
    """A definitions file that cannot be imported; the text names the place."""


class UserDefinition(msgspec.Struct):
    name: str
    password_hash: str = ""
    # In files written by hand; hashed as it comes in.
    password: str | None = None
    hashing_algorithm: str = DEFAULT_ALGORITHM
    tags: list[str] | str = ""
    limits: dict[str, Any] | list[Any] = {}

    def tag_names(self) -> tuple[str, ...]:
        """Its tags, however they are written."""
        tags = self.tags.split(",") if isinstance(self.tags, str) else self.tags
        return tuple(tag.strip() for tag in tags if tag.strip())


class LimitDefinition(msgspec.Struct):
    name: str
    value: Any


class VhostDefinition(msgspec.Struct):
    name: str
    description: str | None = None
    tags: list[str] | str = []
    metadata: dict[str, Any] | list[Any] = {}
    default_queue_type: str | None = None
    limits: list[LimitDefinition] | dict[str, Any] = []

    def tag_names(self) -> list[str]:
        """Its tags, wherever and however they are written."""
        return tag_names(self.metadata_tags())

    def metadata_tags(self) -> Any:
        """Its tags as they are written; an array or a text in a right file."""
        return self.tags or self._meta("tags") or []

    def described(self) -> str:
        """Its description."""
        return self.description or str(self._meta("description") or "")

    def queue_type(self) -> str:
        """The default queue type, `STREAM` included; empty if it has none of its own. Raises
        ValueError."""
        found = self.default_queue_type or self._meta("default_queue_type")
        return default_queue_type(None if found is None else str(found), STREAM)

    def compat(self) -> str:
        """The level of compatibility; empty if it has none of its own. Raises ValueError."""
        return compat_level(str(self._meta("compat") or ""))

    def limit_values(self) -> dict[str, Any]:
        """Its limits, as RabbitMQ 4 writes them."""
        if isinstance(self.limits, dict):
            return self.limits
        return {limit.name: limit.value for limit in self.limits}

    def _meta(self, key: str) -> Any:
        return self.metadata.get(key) if isinstance(self.metadata, dict) else None


class InVhost(msgspec.Struct, kw_only=True):
    """Something in a vhost, which a file of one vhost does not name."""

    vhost: str | None = None


class PermissionDefinition(InVhost):
    user: str
    configure: str
    write: str
    read: str


class TopicPermissionDefinition(InVhost):
    user: str
    exchange: str
    write: str
    read: str


class PolicyDefinition(InVhost):
    name: str
    pattern: str
    definition: dict[str, Any] | list[Any]
    priority: int | float = 0
    apply_to: str = msgspec.field(default="all", name="apply-to")


class ParameterDefinition(InVhost):
    """A runtime parameter. Operator policies and limits of vhosts are among them."""

    component: str
    name: str
    value: Any


class GlobalParameterDefinition(msgspec.Struct):
    name: str
    value: Any


class ExchangeDefinition(InVhost):
    name: str
    type: str
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: dict[str, Any] | list[Any] | None = {}


class QueueDefinition(InVhost):
    name: str
    durable: bool = True
    auto_delete: bool = False
    arguments: dict[str, Any] | list[Any] | None = {}


class BindingDefinition(InVhost):
    source: str
    destination: str
    destination_type: Literal["queue", "exchange"]
    routing_key: str = ""
    arguments: dict[str, Any] | list[Any] | None = {}


class Definitions(msgspec.Struct):
    """What of RabbitMQ's file is read; other keys are left alone."""

    users: list[UserDefinition] = []
    vhosts: list[VhostDefinition] = []
    permissions: list[PermissionDefinition] = []
    topic_permissions: list[TopicPermissionDefinition] = []
    parameters: list[ParameterDefinition] = []
    global_parameters: list[GlobalParameterDefinition] = []
    policies: list[PolicyDefinition] = []
    exchanges: list[ExchangeDefinition] = []
    queues: list[QueueDefinition] = []
    bindings: list[BindingDefinition] = []

    def placed_in(self, vhost: str) -> Definitions:
        """What of this belongs into one vhost, whatever vhosts it names."""
        return Definitions(
            parameters=_moved(self.parameters, vhost),
            policies=_moved(self.policies, vhost),
            exchanges=_moved(self.exchanges, vhost),
            queues=_moved(self.queues, vhost),
            bindings=_moved(self.bindings, vhost),
        )


def parse_definitions(octets: bytes) -> Definitions:
    """A file's content, of which the form is right. Raises `DefinitionsError`."""
    try:
        return msgspec.json.decode(octets.decode("utf-8-sig"), type=Definitions)
    except msgspec.ValidationError as error:
        raise DefinitionsError(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DefinitionsError(f"this is not JSON: {error}") from None


async def check_definitions(
    definitions: Definitions, vhosts: set[str], users: set[str], pace: Pace
) -> None:
    """Whether all names of vhosts and users are in the file or among those known, and what is
    only text can be used. Raises `DefinitionsError`."""
    vhosts = vhosts | {vhost.name for vhost in definitions.vhosts}
    users = users | {user.name for user in definitions.users}
    for place, thing in _things_in_vhosts(definitions):
        _check_names(place, thing)
        if thing.vhost is None:
            raise DefinitionsError(f"{place} names no vhost; a file of one vhost is imported there")
        if thing.vhost not in vhosts:
            raise DefinitionsError(f"{place}: there is no vhost '{thing.vhost}'")
        await pace.rest_if_used_up()
    for number, vhost in enumerate(definitions.vhosts):
        _check_vhost(f"vhosts[{number}]", vhost)
        await pace.rest_if_used_up()
    for number, user in enumerate(definitions.users):
        _check_user(f"users[{number}]", user)
        await pace.rest_if_used_up()
    for kind in ("permissions", "topic_permissions"):
        for number, permission in enumerate(getattr(definitions, kind)):
            place = f"{kind}[{number}]"
            if permission.user not in users:
                raise DefinitionsError(f"{place}: there is no user '{permission.user}'")
            for name in ("configure", "write", "read"):
                _check_pattern(f"{place}.{name}", getattr(permission, name, ""))
            await pace.rest_if_used_up()


def arguments_of(value: dict[str, Any] | list[Any] | None) -> dict[str, Any]:
    """Arguments, however emptiness is written."""
    return value if isinstance(value, dict) else {}


def _things_in_vhosts(definitions: Definitions) -> Iterator[tuple[str, InVhost]]:
    for kind in (
        "permissions",
        "topic_permissions",
        "parameters",
        "policies",
        "exchanges",
        "queues",
        "bindings",
    ):
        for number, thing in enumerate(getattr(definitions, kind)):
            yield f"{kind}[{number}]", thing


def _check_names(place: str, thing: msgspec.Struct) -> None:
    for field in NAMES:
        name = getattr(thing, field, None)
        if isinstance(name, str) and len(name.encode()) > SHORT_STRING_MAX:
            raise DefinitionsError(f"{place}.{field} has more than {SHORT_STRING_MAX} octets")


def _check_own_name(place: str, name: str) -> None:
    if not name or "\0" in name:
        raise DefinitionsError(f"{place}.name is empty, or holds a NUL")


def _check_vhost(place: str, vhost: VhostDefinition) -> None:
    _check_names(place, vhost)
    _check_own_name(place, vhost.name)
    if not isinstance(vhost.metadata_tags(), str | list):
        raise DefinitionsError(f"{place}.metadata.tags is neither a text nor an array")
    try:
        vhost.queue_type()
    except ValueError as error:
        raise DefinitionsError(f"{place}.{error}") from None
    try:
        vhost.compat()
    except ValueError as error:
        raise DefinitionsError(f"{place}.metadata.{error}") from None


def _check_user(place: str, user: UserDefinition) -> None:
    _check_names(place, user)
    _check_own_name(place, user.name)
    if user.hashing_algorithm not in ALGORITHMS:
        raise DefinitionsError(
            f"{place}: user '{user.name}' has the unknown hashing_algorithm "
            f"'{user.hashing_algorithm}'; known are {', '.join(sorted(ALGORITHMS))}"
        )
    try:
        check_password_hash(user.password_hash, user.hashing_algorithm)
    except ValueError as error:
        raise DefinitionsError(f"{place}: user '{user.name}': {error}") from None


def _check_pattern(place: str, pattern: str) -> None:
    try:
        check_pattern(pattern)
    except PatternError as error:
        raise DefinitionsError(f"{place}: {error}") from None


def _moved(things: list[Placed], vhost: str) -> list[Placed]:
    return [msgspec.structs.replace(thing, vhost=vhost) for thing in things]
