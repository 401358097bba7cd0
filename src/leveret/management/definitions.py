"""Definitions in RabbitMQ's file format: users, vhosts, permissions, limits, policies, exchanges,
queues, bindings.

An import adds and replaces, it deletes nothing, and it takes the same road as clients do.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from leveret.access.passwords import ALGORITHMS, DEFAULT_ALGORITHM
from leveret.access.permissions import PatternError, check_pattern
from leveret.access.users import User, Users
from leveret.broker.actor import Actor
from leveret.broker.broker import Broker
from leveret.broker.policies import OPERATOR_POLICY, POLICY, Policy
from leveret.broker.seams import Pending
from leveret.broker.vhost import VHost
from leveret.errors import NotFound, ReplyError
from leveret.management.pending import answered
from leveret.wire.field import Table
from leveret.wire.table import to_table

Change = Callable[[], Pending]
Name = Annotated[str, msgspec.Meta(max_length=255)]


class DefinitionsError(Exception):
    """A definitions file that cannot be imported; the text names the place."""


class UserDefinition(msgspec.Struct):
    name: Name
    password_hash: str = ""
    hashing_algorithm: str = DEFAULT_ALGORITHM
    tags: list[str] | str = ""

    limits: dict[str, Any] = {}


class VhostDefinition(msgspec.Struct):
    name: Name
    description: str = ""
    tags: list[str] = []
    metadata: dict[str, Any] = {}
    default_queue_type: str = ""


class PermissionDefinition(msgspec.Struct):
    user: Name
    vhost: Name
    configure: str
    write: str
    read: str


class TopicPermissionDefinition(msgspec.Struct):
    user: Name
    vhost: Name
    exchange: Name
    write: str
    read: str


class PolicyDefinition(msgspec.Struct):
    name: Name
    vhost: Name
    pattern: str
    definition: dict[str, Any]
    priority: int | float = 0
    apply_to: str = msgspec.field(default="all", name="apply-to")


class ParameterDefinition(msgspec.Struct):
    """A runtime parameter. Operator policies and limits of vhosts are among them."""

    component: str
    vhost: Name
    name: Name
    value: Any


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
    topic_permissions: list[TopicPermissionDefinition] = []
    parameters: list[ParameterDefinition] = []
    policies: list[PolicyDefinition] = []
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
    """One import, in steps: each needs what the step before made, committed."""

    def __init__(self, broker: Broker, users: Users) -> None:
        self._broker = broker
        self._users = users
        self._actor = Actor("definitions", None)
        # Refusals of single objects; the others are imported all the same.
        self._refused: list[str] = []

    async def add(self, definitions: Definitions) -> list[str]:
        """Add everything; returns what was refused, a sentence each. Raises what kept users,
        vhosts or permissions from being stored."""
        for answer in self._access(definitions):
            await answered(answer)
        await self._all([self._user_limits(each) for each in definitions.users if each.limits])
        await self._all([self._topic_permission(each) for each in definitions.topic_permissions])
        await self._all([self._parameter(each) for each in definitions.parameters])
        await self._all([self._policy(each) for each in definitions.policies])
        await self._all([self._exchange(each) for each in definitions.exchanges])
        await self._all([self._queue(each) for each in definitions.queues])
        await self._all([self._binding(each) for each in definitions.bindings])
        return self._refused

    def _access(self, definitions: Definitions) -> list[Pending]:
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
        answers.extend(
            self._broker.add_vhost(
                vhost.name,
                vhost.description,
                vhost.tags,
                vhost.default_queue_type or str(vhost.metadata.get("default_queue_type", "")),
                str(vhost.metadata.get("compat", "")),
            )
            for vhost in definitions.vhosts
        )
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

    def _user_limits(self, user: UserDefinition) -> tuple[str, Change]:
        return f"limits of user '{user.name}'", lambda: self._users.set_limits(
            user.name, user.limits
        )

    def _topic_permission(self, permission: TopicPermissionDefinition) -> tuple[str, Change]:
        what = f"topic permissions of user '{permission.user}' in vhost '{permission.vhost}'"
        return what, lambda: self._users.set_topic_permissions(
            permission.user,
            permission.vhost,
            permission.exchange,
            permission.write,
            permission.read,
        )

    def _policy(self, policy: PolicyDefinition) -> tuple[str, Change]:
        return f"policy '{policy.name}'", lambda: self._vhost(policy.vhost).policies.put(
            Policy(
                POLICY,
                policy.name,
                policy.pattern,
                policy.definition,
                policy.priority,
                policy.apply_to,
            )
        )

    def _parameter(self, parameter: ParameterDefinition) -> tuple[str, Change]:
        what = f"{parameter.component} '{parameter.name}'"

        def change() -> Pending:
            vhost = self._vhost(parameter.vhost)
            value = parameter.value
            if not isinstance(value, dict):
                # An empty object of Erlang's is written as an array.
                value = {}
            if parameter.component == "vhost-limits":
                return self._broker.set_vhost_limits(vhost, value)
            if parameter.component == OPERATOR_POLICY:
                pattern, definition = value.get("pattern"), value.get("definition")
                policy = Policy(
                    OPERATOR_POLICY,
                    parameter.name,
                    pattern,
                    definition if isinstance(definition, dict) else {},
                    value.get("priority", 0),
                    value.get("apply-to", "all"),
                )
                return vhost.policies.put(policy)
            raise NotFound("nothing here obeys it")

        return what, change

    def _exchange(self, exchange: ExchangeDefinition) -> tuple[str, Change]:
        return f"exchange '{exchange.name}'", lambda: self._vhost(exchange.vhost).declare_exchange(
            self._actor,
            exchange.name,
            exchange.type,
            exchange.durable,
            exchange.auto_delete,
            exchange.internal,
            _table(exchange.arguments),
        )

    def _queue(self, queue: QueueDefinition) -> tuple[str, Change]:
        return f"queue '{queue.name}'", lambda: self._vhost(queue.vhost).declare_queue(
            self._actor,
            queue.name,
            queue.durable,
            False,
            queue.auto_delete,
            _table(queue.arguments),
        )

    def _binding(self, binding: BindingDefinition) -> tuple[str, Change]:
        what = f"binding from '{binding.source}' to '{binding.destination}'"
        return what, lambda: self._vhost(binding.vhost).bind(
            self._actor,
            binding.source,
            binding.destination_type,
            binding.destination,
            binding.routing_key,
            _table(binding.arguments),
        )

    def _vhost(self, name: str) -> VHost:
        vhost = self._broker.vhosts.get(name)
        if vhost is None:
            raise NotFound(f"there is no vhost '{name}'")
        return vhost

    async def _all(self, changes: list[tuple[str, Change]]) -> None:
        """Ask for all of them at once, so that they share commits, and wait for each."""
        asked: list[tuple[str, Pending]] = []
        for what, change in changes:
            try:
                asked.append((what, change()))
            except ReplyError as error:
                self._refused.append(f"{what}: {error.explanation}")
            except ValueError as error:
                # Of a policy, a limit or a pattern: RabbitMQ's text has several lines.
                self._refused.append(f"{what}: {' '.join(str(error).split())}")
        for what, answer in asked:
            try:
                await answered(answer)
            except ReplyError as error:
                self._refused.append(f"{what}: {error.explanation}")


def _table(arguments: Mapping[str, Any]) -> Table:
    return to_table(json.loads(json.dumps(arguments)))
