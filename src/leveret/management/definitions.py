"""Definitions in RabbitMQ's file format: users, vhosts, permissions, exchanges, queues, bindings.

An import adds and replaces, it deletes nothing, and it takes the same road as clients do.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from leveret.access.passwords import ALGORITHMS, DEFAULT_ALGORITHM
from leveret.access.permissions import PatternError, check_pattern
from leveret.access.users import User, Users
from leveret.broker.actor import Actor
from leveret.broker.broker import Broker
from leveret.broker.seams import Pending
from leveret.errors import ReplyError
from leveret.wire.field import Table
from leveret.wire.table import to_table

Name = Annotated[str, msgspec.Meta(max_length=255)]


class DefinitionsError(Exception):
    """A definitions file that cannot be imported; the text names the place."""


class UserDefinition(msgspec.Struct):
    name: Name
    password_hash: str = ""
    hashing_algorithm: str = DEFAULT_ALGORITHM
    tags: list[str] | str = ""


class VhostDefinition(msgspec.Struct):
    name: Name


class PermissionDefinition(msgspec.Struct):
    user: Name
    vhost: Name
    configure: str
    write: str
    read: str


class ExchangeDefinition(msgspec.Struct):
    name: Name
    vhost: Name
    type: str
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: dict[str, Any] = {}


class QueueDefinition(msgspec.Struct):
    name: Name
    vhost: Name
    durable: bool = True
    auto_delete: bool = False
    arguments: dict[str, Any] = {}


class BindingDefinition(msgspec.Struct):
    source: Name
    vhost: Name
    destination: Name
    destination_type: str
    routing_key: Name = ""
    arguments: dict[str, Any] = {}


class Definitions(msgspec.Struct):
    """What of RabbitMQ's file is read; other keys are left alone."""

    users: list[UserDefinition] = []
    vhosts: list[VhostDefinition] = []
    permissions: list[PermissionDefinition] = []
    exchanges: list[ExchangeDefinition] = []
    queues: list[QueueDefinition] = []
    bindings: list[BindingDefinition] = []


def read_definitions(path: str) -> Definitions:
    """Read and check a file. Raises `DefinitionsError`, and then nothing was changed."""
    try:
        definitions = msgspec.json.decode(Path(path).read_bytes(), type=Definitions)
    except OSError as error:
        raise DefinitionsError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise DefinitionsError(f"{path} cannot be imported: {error}") from error
    for user in definitions.users:
        if user.hashing_algorithm not in ALGORITHMS:
            raise DefinitionsError(
                f"{path}: user '{user.name}' has the unknown hashing_algorithm "
                f"'{user.hashing_algorithm}'; known are {', '.join(sorted(ALGORITHMS))}"
            )
    for permission in definitions.permissions:
        for pattern in (permission.configure, permission.write, permission.read):
            try:
                check_pattern(pattern)
            except PatternError as error:
                raise DefinitionsError(
                    f"{path}: permissions of user '{permission.user}' in vhost "
                    f"'{permission.vhost}': {error}"
                ) from error
    return definitions


class Import:
    """One import: what is done at once, and what must be committed first."""

    def __init__(self, broker: Broker, users: Users) -> None:
        self._broker = broker
        self._users = users
        # Refusals of single objects; the others are imported all the same.
        self.refused: list[str] = []

    def access(self, definitions: Definitions) -> list[Pending]:
        """Users, vhosts and permissions; what follows needs the vhosts to be there."""
        answers: list[Pending] = []
        for user in definitions.users:
            tags = user.tags.split(",") if isinstance(user.tags, str) else user.tags
            answers.append(
                self._users.put_user(
                    User(
                        user.name,
                        user.password_hash,
                        user.hashing_algorithm,
                        tuple(tag.strip() for tag in tags if tag.strip()),
                    )
                )
            )
        answers.extend(self._broker.add_vhost(vhost.name) for vhost in definitions.vhosts)
        answers.extend(
            self._users.set_permissions(
                permission.user,
                permission.vhost,
                permission.configure,
                permission.write,
                permission.read,
            )
            for permission in definitions.permissions
        )
        return answers

    def topology(self, definitions: Definitions) -> list[Pending]:
        """Exchanges, queues and bindings."""
        actor = Actor("definitions", None)
        vhosts = self._broker.vhosts
        answers: list[Pending] = []
        for exchange in definitions.exchanges:
            self._do(
                answers,
                f"exchange '{exchange.name}'",
                lambda e=exchange: vhosts[e.vhost].declare_exchange(
                    actor,
                    e.name,
                    e.type,
                    e.durable,
                    e.auto_delete,
                    e.internal,
                    _table(e.arguments),
                ),
            )
        for queue in definitions.queues:
            self._do(
                answers,
                f"queue '{queue.name}'",
                lambda q=queue: vhosts[q.vhost].declare_queue(
                    actor, q.name, q.durable, False, q.auto_delete, _table(q.arguments)
                ),
            )
        for binding in definitions.bindings:
            self._do(
                answers,
                f"binding from '{binding.source}' to '{binding.destination}'",
                lambda b=binding: vhosts[b.vhost].bind(
                    actor,
                    b.source,
                    b.destination_type,
                    b.destination,
                    b.routing_key,
                    _table(b.arguments),
                ),
            )
        return answers

    def _do(self, answers: list[Pending], what: str, change: Any) -> None:
        try:
            answers.append(change())
        except KeyError as error:
            self.refused.append(f"{what}: there is no vhost {error}")
        except ReplyError as error:
            self.refused.append(f"{what}: {error.explanation}")


def _table(arguments: Mapping[str, Any]) -> Table:
    return to_table(json.loads(json.dumps(arguments)))
