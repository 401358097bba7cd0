"""An import: it adds and replaces, it deletes nothing, and it takes the same road as clients do.

A file is rehearsed before it is imported, in a broker of its own that nobody connects to: what
would be refused there is refused whole. What then is left alone is what is here already, with other
properties.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from leveret.access.passwords import DEFAULT_ALGORITHM, hash_password
from leveret.access.users import User, Users
from leveret.broker.actor import Actor
from leveret.broker.broker import Broker
from leveret.broker.policies import OPERATOR_POLICY, POLICY, Policy
from leveret.broker.seams import Clock, Pending, Timer
from leveret.errors import NotFound, NotImplementedByServer, NotStored, ReplyError
from leveret.management.definitions.format import (
    STREAM,
    BindingDefinition,
    Definitions,
    DefinitionsError,
    ExchangeDefinition,
    GlobalParameterDefinition,
    InVhost,
    ParameterDefinition,
    PermissionDefinition,
    PolicyDefinition,
    QueueDefinition,
    TopicPermissionDefinition,
    UserDefinition,
    VhostDefinition,
    arguments_of,
    check_definitions,
)
from leveret.management.definitions.search_times import check_search_times
from leveret.management.pace import Pace
from leveret.management.pending import answered
from leveret.store.memory import MemoryDefinitions, MemoryStore
from leveret.wire.table import to_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leveret.broker.vhost import VHost

Change = Callable[[], Pending]


async def import_definitions(
    broker: Broker, users: Users, definitions: Definitions, vhost: str | None = None
) -> list[str]:
    """Import a file, or what of it belongs into one vhost; tells what was left alone, a sentence
    each. Raises `DefinitionsError`, and then nothing was changed."""
    if vhost is not None:
        definitions = definitions.placed_in(vhost)
    pace = Pace()
    # To read the file has taken a slice already.
    await pace.rest()
    await check_definitions(definitions, set(broker.vhosts), set(users.users), pace)
    await check_search_times(broker, definitions, pace)
    await _rehearse(broker, users, definitions, pace)
    refusals = await _Import(broker, users, pace).add(definitions)
    return [str(refusal) for refusal in refusals]


async def _rehearse(broker: Broker, users: Users, definitions: Definitions, pace: Pace) -> None:
    stage = Broker(
        _StillClock(), MemoryStore(), MemoryDefinitions(), broker.compat, str, _EndlessIds().next
    )
    stage.default_queue_type = broker.default_queue_type
    staged_users = Users(stage.definitions, ())
    for vhost in broker.vhosts.values():
        level = vhost.compat.level if vhost.own_compat else ""
        stage.add_vhost(vhost.name, "", (), vhost.own_queue_type, level)
    for name in users.users:
        staged_users.put_user(User(name, "", DEFAULT_ALGORITHM, ()))
    refusals = await _Import(stage, staged_users, pace).add(definitions)
    await _take_down(stage, pace)
    for refusal in refusals:
        # What a binding needs may be here and not in the file; and a file may well name what
        # another broker has and this one has not.
        if not isinstance(refusal.error, NotFound | NotImplementedByServer):
            raise DefinitionsError(str(refusal))


async def _take_down(stage: Broker, pace: Pace) -> None:
    """Take away what there may be many of, in slices: the collector would free all of it at once,
    and would have walked it before."""
    for vhost in stage.vhosts.values():
        queues = list(vhost.queues.values())
        while queues:
            vhost.remove_queue(queues.pop())
            await pace.rest_if_used_up()


class _StillClock(Clock):
    """Nothing is ever due."""

    def now(self) -> float:
        return 0.0

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        return _NoTimer()


class _NoTimer(Timer):
    def cancel(self) -> None:
        return None


class _EndlessIds:
    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last += 1
        return self._last


class _Refusal:
    """Of one object; the others are imported all the same."""

    def __init__(self, what: str, error: Exception) -> None:
        self.error = error
        self._what = what

    def __str__(self) -> str:
        text = self.error.explanation if isinstance(self.error, ReplyError) else str(self.error)
        # Of a policy, a limit or a pattern: RabbitMQ's text has several lines.
        return f"{self._what}: {' '.join(text.split())}"


class _Import:
    """One import, in steps: each needs what the step before made, committed."""

    def __init__(self, broker: Broker, users: Users, pace: Pace) -> None:
        self._broker = broker
        self._users = users
        self._actor = Actor("definitions", None)
        self._pace = pace
        self._refusals: list[_Refusal] = []

    async def add(self, definitions: Definitions) -> list[_Refusal]:
        """Add everything; returns what was refused. Raises what kept something from being
        stored."""
        given = definitions
        await self._all(self._user(each) for each in given.users)
        await self._all(self._new_vhost(each) for each in given.vhosts)
        await self._all(
            self._vhost_limits(each.name, each.limit_values())
            for each in given.vhosts
            if each.limits
        )
        await self._all(self._permission(each) for each in given.permissions)
        await self._all(self._user_limits(each) for each in given.users if each.limits)
        await self._all(self._topic_permission(each) for each in given.topic_permissions)
        await self._all(self._parameter(each) for each in given.parameters)
        await self._all(self._global_parameter(each) for each in given.global_parameters)
        await self._all(self._policy(each) for each in given.policies)
        await self._all(self._exchange(each) for each in given.exchanges)
        await self._all(self._queue(each) for each in given.queues)
        await self._all(self._binding(each) for each in given.bindings)
        return self._refusals

    def _user(self, user: UserDefinition) -> tuple[str, Change]:
        password_hash = user.password_hash
        if user.password is not None and not password_hash:
            password_hash = hash_password(user.password.encode(), user.hashing_algorithm)
        made = User(user.name, password_hash, user.hashing_algorithm, user.tag_names())
        return f"user '{user.name}'", lambda: self._users.put_user(made)

    def _new_vhost(self, vhost: VhostDefinition) -> tuple[str, Change]:
        what, queue_type = f"vhost '{vhost.name}'", vhost.queue_type()
        if queue_type == STREAM:
            error = NotImplementedByServer("there are no streams here, so it has no default type")
            self._refusals.append(_Refusal(what, error))
            queue_type = ""
        return what, lambda: self._broker.add_vhost(
            vhost.name, vhost.described(), vhost.tag_names(), queue_type, vhost.compat()
        )

    def _permission(self, permission: PermissionDefinition) -> tuple[str, Change]:
        given = permission
        what = f"permissions of user '{given.user}' in vhost '{given.vhost}'"
        return what, lambda: self._users.set_permissions(
            self._known_user(given.user),
            self._vhost(given).name,
            *(given.configure, given.write, given.read),
        )

    def _user_limits(self, user: UserDefinition) -> tuple[str, Change]:
        return f"limits of user '{user.name}'", lambda: self._users.set_limits(
            self._known_user(user.name), arguments_of(user.limits)
        )

    def _topic_permission(self, permission: TopicPermissionDefinition) -> tuple[str, Change]:
        what = f"topic permissions of user '{permission.user}' in vhost '{permission.vhost}'"
        return what, lambda: self._users.set_topic_permissions(
            self._known_user(permission.user),
            self._vhost(permission).name,
            permission.exchange,
            permission.write,
            permission.read,
        )

    def _policy(self, policy: PolicyDefinition) -> tuple[str, Change]:
        return f"policy '{policy.name}'", lambda: self._vhost(policy).policies.put(
            Policy(
                POLICY,
                policy.name,
                policy.pattern,
                arguments_of(policy.definition),
                policy.priority,
                policy.apply_to,
            )
        )

    def _parameter(self, parameter: ParameterDefinition) -> tuple[str, Change]:
        what = f"{parameter.component} '{parameter.name}'"
        value = arguments_of(parameter.value)
        if parameter.component == "vhost-limits":
            return self._vhost_limits(str(parameter.vhost), value)
        if parameter.component == OPERATOR_POLICY:
            return what, lambda: self._vhost(parameter).policies.put(
                Policy(
                    OPERATOR_POLICY,
                    parameter.name,
                    value.get("pattern"),
                    arguments_of(value.get("definition")),
                    value.get("priority", 0),
                    value.get("apply-to", "all"),
                )
            )

        def refuse() -> Pending:
            raise NotFound("nothing here obeys it")

        return what, refuse

    def _global_parameter(self, parameter: GlobalParameterDefinition) -> tuple[str, Change]:
        return f"global parameter '{parameter.name}'", lambda: self._broker.global_parameters.put(
            parameter.name, parameter.value
        )

    def _vhost_limits(self, vhost: str, limits: dict[str, Any]) -> tuple[str, Change]:
        return f"limits of vhost '{vhost}'", lambda: self._broker.set_vhost_limits(
            self._known_vhost(vhost), limits
        )

    def _exchange(self, exchange: ExchangeDefinition) -> tuple[str, Change]:
        return f"exchange '{exchange.name}'", lambda: self._vhost(exchange).declare_exchange(
            self._actor,
            exchange.name,
            exchange.type,
            exchange.durable,
            exchange.auto_delete,
            exchange.internal,
            to_table(arguments_of(exchange.arguments)),
        )

    def _queue(self, queue: QueueDefinition) -> tuple[str, Change]:
        arguments = arguments_of(queue.arguments)

        def declare() -> Pending:
            if arguments.get("x-queue-type") == STREAM:
                # The rest of a larger broker's file is welcome all the same.
                raise NotImplementedByServer("there are no streams here")
            return self._vhost(queue).declare_queue(
                self._actor,
                queue.name,
                queue.durable,
                False,
                queue.auto_delete,
                to_table(arguments),
            )

        return f"queue '{queue.name}'", declare

    def _binding(self, binding: BindingDefinition) -> tuple[str, Change]:
        what = f"binding from '{binding.source}' to '{binding.destination}'"
        return what, lambda: self._vhost(binding).bind(
            self._actor,
            binding.source,
            binding.destination_type,
            binding.destination,
            binding.routing_key,
            to_table(arguments_of(binding.arguments)),
        )

    def _vhost(self, thing: InVhost) -> VHost:
        return self._known_vhost(str(thing.vhost))

    # Somebody may delete them while the import is under way.

    def _known_vhost(self, name: str) -> VHost:
        vhost = self._broker.vhosts.get(name)
        if vhost is None:
            raise NotFound(f"vhost '{name}' is gone")
        return vhost

    def _known_user(self, name: str) -> str:
        if name not in self._users.users:
            raise NotFound(f"user '{name}' is gone")
        return name

    async def _all(self, changes: Iterable[tuple[str, Change]]) -> None:
        """Ask for all of them at once, so that they share commits, and wait for each."""
        asked: deque[tuple[str, Pending]] = deque()
        for what, change in changes:
            if self._pace.used_up():
                await self._pace.rest()
            try:
                asked.append((what, change()))
            except (ReplyError, ValueError) as error:
                self._refusals.append(_Refusal(what, error))
        while asked:
            # One by one: to let go of ten thousand at once takes as long as several slices.
            what, answer = asked.popleft()
            await self._pace.rest_if_used_up()
            try:
                await answered(answer)
            except NotStored:
                raise
            except ReplyError as error:
                self._refusals.append(_Refusal(what, error))
