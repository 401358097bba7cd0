"""A vhost: the one road on which its exchanges, queues and bindings change.

AMQP, HTTP, the command line and definitions files all come through these methods, so permission,
equivalence and reserved names are checked once. Every change answers with a `Pending`: of what is
durable when it is committed, of all else at once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from leveret.broker.arguments import (
    check_queue_arguments,
    check_queue_properties,
    exchange_named_by,
    queue_type_of,
    unobeyed,
)
from leveret.broker.commits import Commits
from leveret.broker.durable import EXCHANGE, QUEUE, QueueIds, is_durable, key_of
from leveret.broker.equivalence import (
    locked,
    require_equivalent_exchange,
    require_equivalent_queue,
)
from leveret.broker.events import INTERNAL, Events, acting
from leveret.broker.exchanges import EXCHANGE_TYPES
from leveret.broker.exchanges.delayed import DelayedExchange
from leveret.broker.exchanges.topic import check_hashes
from leveret.broker.firehose import TRACE, Firehose
from leveret.broker.limits import MAX_QUEUES, NodeLimits, is_reached, limit_of
from leveret.broker.names import (
    RESERVED_PREFIX,
    exchange_resource,
    queue_resource,
    refuse_reserved,
    stripped,
)
from leveret.broker.policies import Policies
from leveret.broker.queues import QUEUE_TYPES
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.dead_letter import DeadLetters
from leveret.broker.queues.holding import Holding
from leveret.broker.rules import rules_of
from leveret.broker.seams import (
    Binding,
    Clock,
    Consumer,
    DefinitionStore,
    Destination,
    MessageStore,
    Pending,
)
from leveret.broker.topology import Topology
from leveret.errors import (
    AccessRefused,
    CommandInvalid,
    NotImplementedByServer,
    PreconditionFailed,
)
from leveret.wire.field import KIND_LONGSTR, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leveret.broker.actor import Actor
    from leveret.broker.compat import Compat
    from leveret.broker.durable import DefinitionKey
    from leveret.broker.queues.paging import Paging
    from leveret.broker.seams import Exchange
    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


log = logging.getLogger("leveret.vhost")


class VHost(Topology):
    """`generate` makes the random part of server-given names (tests pass a counter)."""

    def __init__(
        self,
        name: str,
        compat: Compat,
        store: MessageStore,
        definitions: DefinitionStore,
        clock: Clock,
        generate: Callable[[str], str],
        ids: QueueIds,
        paging: Paging,
    ) -> None:
        # What the clock lacks to the time of day. It is kept, so that nothing comes early or late
        # when somebody sets that.
        self.wall_offset = 0.0
        super().__init__(name)
        self.firehose = Firehose(name, self.route_traced)
        self.events = Events()
        self.now = clock.now
        self.description = ""
        self.tags: list[str] = []
        # Whether nobody may delete it.
        self.protected = False
        self.compat = compat
        # Whether that is the vhost's own, and not the server's.
        self.own_compat = False
        # Of queues declared without a type; "" is the server's word, and that classic.
        self.own_queue_type = ""
        self.default_queue_type = ""
        self.generate = generate
        self._store = store
        self._clock = clock
        self._ids = ids
        self._paging = paging
        self._commits = Commits(name, definitions)
        self.policies = Policies(self, definitions, clock)
        self.limits: dict[str, int] = {}
        self.node_limits: NodeLimits | None = None
        self.dead_letters = DeadLetters(self, store, clock)

    def add_queue(self, queue: ClassicQueue) -> None:
        """There is none of its name; its policies are those that match now."""
        self.policies.apply_to(queue)
        super().add_queue(queue)

    def add_exchange(self, exchange: Exchange) -> None:
        """There is none of its name; its policies are those that match now."""
        self.policies.apply_to(exchange)
        super().add_exchange(exchange)

    def new_exchange(
        self,
        type_name: str,
        name: str,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Table,
    ) -> Exchange:
        exchange = super().new_exchange(type_name, name, durable, auto_delete, internal, arguments)
        if isinstance(exchange, DelayedExchange):
            exchange.holding = Holding(
                exchange,
                self.route,
                self.wall_ms,
                self._store,
                self._clock,
                self._paging,
            )
        return exchange

    def set_tracing(self, on: bool) -> None:
        """Have `amq.rabbitmq.trace` hear of every message that is published and delivered."""
        self.firehose.on = on
        self.generation.number += 1

    def route_traced(self, routing_key: str, properties: Properties) -> list[ClassicQueue]:
        """The queues that hear of what is traced."""
        trace = self.exchanges.get(TRACE)
        return [] if trace is None else self.route(trace, routing_key, lambda: properties)[0]

    def wall_ms(self) -> int:
        """Milliseconds since 1970: what outlives the process must not count from its start."""
        return int((self._clock.now() + self.wall_offset) * 1000)

    def accessible_queue(self, actor: Actor, name: str) -> ClassicQueue:
        """The queue of this name, or 404, or 405 if it is another connection's own."""
        queue = self.queue(name)
        owner = queue.exclusive_owner
        if owner is not None and owner is not actor.owner:
            raise locked(self.name, name)
        return queue

    def limit(self, name: str) -> int:
        """How many connections or queues there may be; -1 if there is no limit."""
        return limit_of(self.limits, name)

    # --- permission ---

    def require(self, actor: Actor, permission: str, kind: str, name: str) -> None:
        """Raise 403 unless the actor has configure, write or read permission on the resource."""
        # Permissions know the default exchange by another name: an empty one cannot be matched.
        known_as = "amq.default" if kind == "exchange" and name == "" else name
        if not actor.may(permission, self.name, known_as):
            named = f"{permission} " if self.compat.refusals_name_permission else ""
            raise AccessRefused(
                f"{named}access to {kind} '{known_as}' in vhost '{self.name}' "
                f"refused for user '{actor.user}'",
                remedy=f"a '{permission}' permission that matches '{known_as}' is missing: "
                "see list_permissions and set_permissions",
            )

    def require_topic(
        self, actor: Actor, permission: str, exchange: Exchange, routing_key: str
    ) -> None:
        """Raise 403 unless the actor may use the routing key, to write (publish) or to read (bind).
        Only topic exchanges have such permissions."""
        if exchange.type_name != "topic":
            return
        if not actor.may_topic(permission, self.name, exchange.name, routing_key):
            named = f"{permission} " if self.compat.refusals_name_permission else ""
            raise AccessRefused(
                f"{named}access to topic '{routing_key}' in "
                f"{exchange_resource(self.name, exchange.name)} "
                f"refused for user '{actor.user}'",
                remedy=f"its '{permission}' topic permission for this exchange does not match: "
                "see list_topic_permissions and set_topic_permissions",
            )

    def _require_for_passive(self, actor: Actor, kind: str, name: str) -> None:
        if self.compat.passive_declare_needs_permission and not any(
            actor.may(permission, self.name, name) for permission in ("write", "read")
        ):
            self.require(actor, "configure", kind, name)

    # --- queues ---

    def declare_queue(
        self,
        actor: Actor,
        name: str,
        durable: bool = False,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: Table | None = None,
    ) -> Pending:
        """Declare, or find that an equivalent one is there; answers with the queue."""
        arguments = dict(arguments or {})
        durable = durable and not exclusive
        if self.default_queue_type and "x-queue-type" not in arguments:
            default = self.default_queue_type
            # A type that the other properties rule out is not meant.
            if default != "quorum" or (durable and not auto_delete):
                arguments["x-queue-type"] = Field(KIND_LONGSTR, default.encode())
        name = stripped(name)
        type_name = queue_type_of(arguments)
        if name == "":
            if type_name == "quorum":
                raise PreconditionFailed(
                    "Cannot declare a server-named queue for type rabbit_quorum_queue"
                )
            name = self.generate("amq.gen-")
        else:
            refuse_reserved("queue", name)
        self.require(actor, "configure", "queue", name)
        owner = actor.owner if exclusive else None
        queue = self.queues.get(name)
        if queue is not None:
            require_equivalent_queue(self.name, queue, durable, owner, auto_delete, arguments)
            self.churn.queues_declared += 1
            return Pending.of(queue)
        if (QUEUE, name) in self._commits.under_way:
            return self._commits.after(
                (QUEUE, name),
                actor.owner,
                lambda: self.declare_queue(actor, name, durable, exclusive, auto_delete, arguments),
            )
        self._check_new_queue(actor, name, durable, exclusive, auto_delete, arguments)
        queue = self.new_queue(name, durable, owner, auto_delete, arguments)
        for ignored in unobeyed(arguments):
            log.warning(
                "%s: argument %s is accepted and not obeyed by this version",
                queue_resource(self.name, name),
                ignored,
            )
        if not durable:
            return self._queue_declared(queue, actor.user)
        queue.id = self._ids.new()
        return self._commits.put(
            (QUEUE, name),
            queue,
            lambda: self._queue_declared(queue, actor.user),
            lambda: self._ids.release(int(queue.id)),
        )

    def _queue_declared(self, queue: ClassicQueue, by: str) -> Pending:
        self.add_queue(queue)
        self.events.made(self.name, queue, by)
        self.churn.queues_declared += 1
        return Pending.of(queue)

    def new_queue(
        self, name: str, durable: bool, owner: object, auto_delete: bool, arguments: Table
    ) -> ClassicQueue:
        """A queue of the type that its arguments name, not yet among the vhost's."""
        queue = QUEUE_TYPES[queue_type_of(arguments)](
            name,
            durable,
            owner,
            auto_delete,
            arguments,
            self._store,
            self._clock,
            self._paging,
            self,
        )
        queue.obey(rules_of(arguments, {}, {}))
        return queue

    def add_reply_queue(self, name: str, owner: object) -> ClassicQueue:
        """Make the queue behind a direct reply-to name; it goes with its consumer."""
        queue = ClassicQueue(name, False, owner, True, {}, self._store, self._clock, self._paging)
        self.reply_queues[name] = queue
        self.generation.number += 1
        return queue

    def passive_queue(self, actor: Actor, name: str) -> Pending:
        """Answer with the queue of this name without declaring it."""
        name = stripped(name)
        self._require_for_passive(actor, "queue", name)
        return Pending.of(self.accessible_queue(actor, name))

    def purge_queue(self, actor: Actor, name: str) -> Pending:
        """Drop the ready messages; answers with how many."""
        self.require(actor, "read", "queue", name)
        return Pending.of(self.accessible_queue(actor, name).purge())

    def delete_queue(
        self, actor: Actor, name: str, if_unused: bool = False, if_empty: bool = False
    ) -> Pending:
        """Delete; answers with the number of ready messages, 0 where there was no such queue."""
        name = stripped(name)
        self.require(actor, "configure", "queue", name)
        if name not in self.queues:
            return Pending.of(0)
        queue = self.accessible_queue(actor, name)
        resource = queue_resource(self.name, name)
        if queue.type_name == "quorum" and (if_unused or if_empty):
            flag = "if-unused" if if_unused else "if-empty"
            raise NotImplementedByServer(
                f"cannot delete {resource}. queue.delete operations with {flag} flag set "
                "are not supported by quorum queues"
            )
        if if_unused and queue.consumers:
            raise PreconditionFailed(f"{resource} in use")
        if if_empty and queue.ready_count + queue.waiting_count != 0:
            raise PreconditionFailed(f"{resource} not empty")
        return self.remove_queue(queue, actor.user)

    def remove_queue(self, queue: ClassicQueue, by: str = INTERNAL) -> Pending:
        """Take a queue away with its bindings; answers with how many messages were ready."""
        if queue.deleted:
            return Pending.of(0)
        gone = self.take_queue(queue)
        self.events.gone(self.name, gone, by)
        self._ids.release(int(queue.id))
        return self._commits.delete(gone, queue.mark_deleted())

    def remove_all(self) -> list[DefinitionKey]:
        """The vhost is going, and everything with it; returns the definitions of what was in it,
        which are to be forgotten."""
        gone = self.events.gone(self.name, self.take_all(), acting.get())
        for thing in gone:
            if isinstance(thing, ClassicQueue):
                self._ids.release(int(thing.id))
                thing.mark_deleted()
        return [*self._commits.close(gone), *self.policies.keys()]

    def remove_exclusive_queues(self, owner: object) -> None:
        """A connection is gone: so are the queues that were its own."""
        self._commits.forget(owner)
        for queue in [q for q in self.queues.values() if q.exclusive_owner is owner]:
            self.remove_queue(queue)

    def _check_new_queue(
        self,
        actor: Actor,
        name: str,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: Table,
    ) -> None:
        resource = queue_resource(self.name, name)
        limit = self.limit(MAX_QUEUES)
        if is_reached(limit, len(self.queues)):
            raise PreconditionFailed(
                f"cannot declare queue '{name}': queue limit in vhost '{self.name}' ({limit}) "
                "is reached",
                remedy=f"list_vhost_limits -p {self.name} shows it; set_vhost_limits raises it",
            )
        if self.node_limits is not None:
            self.node_limits.check_queue(name)
        dead_letter_exchange = exchange_named_by(arguments, "x-dead-letter-exchange", resource)
        if dead_letter_exchange is not None:
            self.require(actor, "read", "queue", name)
            self.require(actor, "write", "exchange", dead_letter_exchange)
        check_queue_arguments(resource, arguments)
        check_queue_properties(resource, durable, exclusive, auto_delete, arguments, self.compat)

    # --- exchanges ---

    def declare_exchange(
        self,
        actor: Actor,
        name: str,
        type_name: str,
        durable: bool = False,
        auto_delete: bool = False,
        internal: bool = False,
        arguments: Table | None = None,
    ) -> Pending:
        """Declare, or find that an equivalent one is there; answers with the exchange."""
        arguments = dict(arguments or {})
        if type_name not in EXCHANGE_TYPES:
            explanation = f"unknown exchange type '{type_name}'"
            if self.compat.unknown_exchange_type == CommandInvalid.code:
                raise CommandInvalid(explanation)
            raise PreconditionFailed(explanation)
        name = stripped(name)
        _refuse_default(name)
        self.require(actor, "configure", "exchange", name)
        exchange = self.exchanges.get(name)
        if exchange is not None:
            require_equivalent_exchange(
                self.name, exchange, type_name, durable, auto_delete, internal, arguments
            )
            return Pending.of(exchange)
        if (EXCHANGE, name) in self._commits.under_way:
            return self._commits.after(
                (EXCHANGE, name),
                actor.owner,
                lambda: self.declare_exchange(
                    actor, name, type_name, durable, auto_delete, internal, arguments
                ),
            )
        refuse_reserved("exchange", name)
        resource = exchange_resource(self.name, name)
        alternate = exchange_named_by(arguments, "alternate-exchange", resource)
        if alternate is not None:
            self.require(actor, "read", "exchange", name)
            self.require(actor, "write", "exchange", alternate)
        exchange = self.new_exchange(type_name, name, durable, auto_delete, internal, arguments)
        if not durable:
            return self._exchange_declared(exchange, actor.user)
        holding = exchange.holding if isinstance(exchange, DelayedExchange) else None
        if holding is not None:
            holding.id = self._ids.new()
        return self._commits.put(
            (EXCHANGE, name),
            exchange,
            lambda: self._exchange_declared(exchange, actor.user),
            lambda: None if holding is None else self._ids.release(int(holding.id)),
        )

    def _exchange_declared(self, exchange: Exchange, by: str) -> Pending:
        self.add_exchange(exchange)
        self.events.made(self.name, exchange, by)
        return Pending.of(exchange)

    def passive_exchange(self, actor: Actor, name: str) -> Pending:
        """Answer with the exchange of this name without declaring it."""
        name = stripped(name)
        _refuse_default(name)
        self._require_for_passive(actor, "exchange", name)
        return Pending.of(self.exchange(name))

    def delete_exchange(self, actor: Actor, name: str, if_unused: bool = False) -> Pending:
        """Delete; answers with whether there was such an exchange."""
        name = stripped(name)
        _refuse_default(name)
        if name.startswith(RESERVED_PREFIX):
            raise AccessRefused(
                f"deletion of system {exchange_resource(self.name, name)} not allowed"
            )
        self.require(actor, "configure", "exchange", name)
        exchange = self.exchanges.get(name)
        if exchange is None:
            return Pending.of(False)
        if if_unused and self.bindings.leaving(exchange):
            raise PreconditionFailed(f"{exchange_resource(self.name, name)} in use")
        gone = self.events.gone(self.name, self.take_exchange(exchange), actor.user)
        return self._commits.delete(gone, True)

    # --- bindings ---

    def bind(
        self,
        actor: Actor,
        source: str,
        kind: str,
        destination: str,
        routing_key: str,
        arguments: Table,
    ) -> Pending:
        """Bind a destination of a kind ("queue" or "exchange"); answers with the binding."""
        source, destination = stripped(source), stripped(destination)
        self._check_binding_rights(actor, source, kind, destination)
        exchange = self.exchange(source)
        self.require_topic(actor, "read", exchange, routing_key)
        end: Destination
        if kind == "queue":
            end = self.accessible_queue(actor, destination)
        else:
            end = self.exchange(destination)
        exchange.check_binding(routing_key, arguments)
        if exchange.type_name == "topic" and self.compat.topic_hashes_max:
            check_hashes(routing_key, self.compat.topic_hashes_max)
        found = self.bindings.find(exchange, end, routing_key, arguments)
        if found is not None:
            return Pending.of(found)
        binding = Binding(exchange, end, routing_key, arguments)
        if not is_durable(binding):
            self.add_binding(binding)
            self.events.made(self.name, binding, actor.user)
            return Pending.of(binding)
        what = key_of(self.name, binding)

        def again() -> Pending:
            return self.bind(actor, source, kind, destination, routing_key, arguments)

        def committed() -> Pending:
            if not (self.is_there(exchange) and self.is_there(end)):
                # The definition went with the one that has gone meanwhile.
                return again()
            self.add_binding(binding)
            self.events.made(self.name, binding, actor.user)
            return Pending.of(binding)

        if what in self._commits.under_way:
            return self._commits.after(what, actor.owner, again)
        return self._commits.put(what, binding, committed, _nothing)

    def unbind(
        self,
        actor: Actor,
        source: str,
        kind: str,
        destination: str,
        routing_key: str,
        arguments: Table,
    ) -> Pending:
        """Take a binding away; answers with whether there was one."""
        source, destination = stripped(source), stripped(destination)
        self._check_binding_rights(actor, source, kind, destination)
        exchange = self.exchanges.get(source)
        if exchange is not None:
            self.require_topic(actor, "read", exchange, routing_key)
        ends: Mapping[str, Destination] = self.queues if kind == "queue" else self.exchanges
        end = ends.get(destination)
        if exchange is None or end is None:
            return Pending.of(False)
        binding = self.bindings.find(exchange, end, routing_key, arguments)
        if binding is None:
            return Pending.of(False)
        if isinstance(end, ClassicQueue):
            self.accessible_queue(actor, destination)
        gone = self.events.gone(self.name, self.take_bindings([binding]), actor.user)
        return self._commits.delete(gone, True)

    def _check_binding_rights(self, actor: Actor, source: str, kind: str, destination: str) -> None:
        if kind == "exchange":
            _refuse_default(destination)
        self.require(actor, "write", kind, destination)
        _refuse_default(source)
        self.require(actor, "read", "exchange", source)

    # --- consumers ---

    def add_consumer(self, queue: ClassicQueue, consumer: Consumer) -> None:
        """Let a consumer take from a queue, or refuse with 403 for the sake of exclusivity."""
        if queue.type_name == "quorum":
            # RabbitMQ's quorum queues know no exclusive consumers and say nothing.
            consumer.exclusive = False
        if (queue.consumers and (consumer.exclusive or queue.has_exclusive_consumer())) or (
            consumer.exclusive and queue.has_single_active_consumer()
        ):
            raise AccessRefused(
                f"{queue_resource(self.name, queue.name)} in exclusive use",
                remedy="another consumer has the queue to itself, or this one wants it so",
            )
        queue.add_consumer(consumer)

    def consumer_left(self, queue: ClassicQueue) -> Pending:
        """A consumer has left; an auto-delete queue goes with its last one.

        Answers when that is committed; a channel that ends does not wait for it.
        """
        if queue.auto_delete and not queue.consumers and not queue.deleted:
            return self.remove_queue(queue)
        if queue.has_single_active_consumer():
            queue.deliver()
        return Pending.of(0)


def _refuse_default(exchange: str) -> None:
    if exchange == "":
        raise AccessRefused(
            "operation not permitted on the default exchange",
            remedy="every queue is bound to it by name already; declare an exchange of your own",
        )


def _nothing() -> None:
    """An exchange or a binding that never came to be leaves nothing to undo."""
