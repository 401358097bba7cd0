"""A vhost: its exchanges, queues and bindings, and the one road on which they change.

AMQP, HTTP, the command line and definitions files all come through these methods, so permission,
equivalence and reserved names are checked once. Every change answers with a `Pending`: a store
that must commit first, or an owner elsewhere, then needs no other road.

`generation` counts the changes that can alter where a message goes; channels keep routes only
while it stands still.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from leveret.broker.arguments import (
    CONSUMER_TIMEOUT,
    check_queue_arguments,
    exchange_named_by,
    inequivalent,
    queue_type_of,
    require_equivalent,
    require_equivalent_arguments,
    text_of,
    unobeyed,
)
from leveret.broker.bindings import Bindings
from leveret.broker.exchanges import EXCHANGE_TYPES, PREDECLARED
from leveret.broker.exchanges.default import DefaultExchange
from leveret.broker.names import (
    RESERVED_PREFIX,
    exchange_resource,
    queue_resource,
    refuse_reserved,
    stripped,
)
from leveret.broker.queues import QUEUE_TYPES
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.seams import (
    Binding,
    Clock,
    Consumer,
    Destination,
    Exchange,
    MessageStore,
    Pending,
)
from leveret.errors import (
    AccessRefused,
    CommandInvalid,
    InternalError,
    NotFound,
    NotImplementedByServer,
    PreconditionFailed,
    ReplyError,
    ResourceLocked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leveret.broker.actor import Actor
    from leveret.broker.compat import Compat
    from leveret.broker.queues.paging import Paging
    from leveret.wire.table import Table


log = logging.getLogger("leveret.vhost")


class VHost:
    """`generate` makes the random part of server-given names (tests pass a counter)."""

    def __init__(
        self,
        name: str,
        compat: Compat,
        store: MessageStore,
        clock: Clock,
        generate: Callable[[str], str],
        paging: Paging,
    ) -> None:
        self.name = name
        self.description = ""
        self.tags: list[str] = []
        self.compat = compat
        self.generation = 0
        self.queues: dict[str, ClassicQueue] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.bindings = Bindings()
        self._store = store
        self._clock = clock
        self._paging = paging
        self.generate = generate
        # The queues behind direct reply-to: reached by their names, shown to nobody.
        self.reply_queues: dict[str, ClassicQueue] = {}
        self.exchanges[""] = DefaultExchange(self.queues, self.reply_queues)
        for exchange_name, type_name, internal in PREDECLARED:
            exchange_type = EXCHANGE_TYPES[type_name]
            self.exchanges[exchange_name] = exchange_type(exchange_name, True, False, internal, {})

    # --- looking up ---

    def exchange(self, name: str) -> Exchange:
        """The exchange of this name, or 404."""
        exchange = self.exchanges.get(name)
        if exchange is None:
            raise NotFound(
                f"no exchange '{name}' in vhost '{self.name}'",
                remedy="declare it first, or publish to the default exchange '' by queue name",
            )
        return exchange

    def queue(self, name: str) -> ClassicQueue:
        """The queue of this name, or 404."""
        queue = self.queues.get(name)
        if queue is None:
            raise NotFound(
                f"no queue '{name}' in vhost '{self.name}'",
                remedy="declare it first; names are case-sensitive and belong to one vhost",
            )
        return queue

    def accessible_queue(self, actor: Actor, name: str) -> ClassicQueue:
        """The queue of this name, or 404, or 405 if it is another connection's own."""
        queue = self.queue(name)
        owner = queue.exclusive_owner
        if owner is not None and owner is not actor.owner:
            raise self._locked(name)
        return queue

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
        queue = self.queues.get(name)
        if queue is not None:
            self._require_equivalent_queue(actor, queue, durable, exclusive, auto_delete, arguments)
            return Pending.of(queue)
        self._check_new_queue(actor, name, durable, exclusive, auto_delete, arguments)
        owner = actor.owner if exclusive else None
        queue = QUEUE_TYPES[type_name](
            name, durable, owner, auto_delete, arguments, self._store, self._clock, self._paging
        )
        timeout = arguments.get(CONSUMER_TIMEOUT)
        if timeout is not None and isinstance(timeout.value, int):
            queue.consumer_timeout_s = timeout.value / 1000
        for ignored in unobeyed(arguments):
            log.warning(
                "%s: argument %s is accepted and not obeyed by this version",
                queue_resource(self.name, name),
                ignored,
            )
        self.queues[name] = queue
        self.generation += 1
        return Pending.of(queue)

    def add_reply_queue(self, name: str, owner: object) -> ClassicQueue:
        """Make the queue behind a direct reply-to name; it goes with its consumer."""
        queue = ClassicQueue(name, False, owner, True, {}, self._store, self._clock, self._paging)
        self.reply_queues[name] = queue
        self.generation += 1
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
        if if_empty and queue.ready_count != 0:
            raise PreconditionFailed(f"{resource} not empty")
        return Pending.of(self.remove_queue(queue))

    def remove_queue(self, queue: ClassicQueue) -> int:
        """Take a queue away with its bindings; returns how many messages were ready."""
        if queue.deleted:
            return 0
        queues = self.queues if queue.name in self.queues else self.reply_queues
        del queues[queue.name]
        self.generation += 1
        self._remove_bindings(self.bindings.reaching(queue))
        return queue.mark_deleted()

    def remove_queues(self) -> None:
        """The vhost is going: so are its queues."""
        for queue in list(self.queues.values()):
            self.remove_queue(queue)

    def remove_exclusive_queues(self, owner: object) -> None:
        """A connection is gone: so are the queues that were its own."""
        for queue in [q for q in self.queues.values() if q.exclusive_owner is owner]:
            self.remove_queue(queue)

    def _require_equivalent_queue(
        self,
        actor: Actor,
        queue: ClassicQueue,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: Table,
    ) -> None:
        resource = queue_resource(self.name, queue.name)
        if queue.exclusive_owner is not (actor.owner if exclusive else None):
            raise self._locked(queue.name)
        if queue.durable != durable:
            raise inequivalent("durable", resource, _bool(durable), _bool(queue.durable))
        if queue.auto_delete != auto_delete:
            raise inequivalent(
                "auto_delete", resource, _bool(auto_delete), _bool(queue.auto_delete)
            )
        require_equivalent_arguments(resource, queue.type_name, queue.arguments, arguments)

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
        dead_letter_exchange = exchange_named_by(arguments, "x-dead-letter-exchange", resource)
        if dead_letter_exchange is not None:
            self.require(actor, "read", "queue", name)
            self.require(actor, "write", "exchange", dead_letter_exchange)
        check_queue_arguments(resource, arguments)
        if queue_type_of(arguments) == "quorum":
            for refused, property_name in (
                (auto_delete, "auto-delete"),
                (exclusive, "exclusive-owner"),
                (not durable, "non-durable"),
            ):
                if refused:
                    raise PreconditionFailed(f"invalid property '{property_name}' for {resource}")
        elif not (durable or exclusive or self.compat.transient_nonexclusive_queues):
            raise InternalError(
                "Feature `transient_nonexcl_queues` is deprecated.\n"
                "By default, this feature is not permitted anymore.",
                remedy="declare the queue durable or exclusive, or run with compat 4.2 or lower",
            )

    def _locked(self, name: str) -> ReplyError:
        return ResourceLocked(
            f"cannot obtain exclusive access to locked {queue_resource(self.name, name)}. "
            "It could be originally declared on another connection or the exclusive property "
            "value does not match that of the original declaration.",
            remedy="an exclusive queue serves the connection that declared it only",
        )

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
        exchange_type = EXCHANGE_TYPES.get(type_name)
        if exchange_type is None:
            explanation = f"unknown exchange type '{type_name}'"
            if self.compat.unknown_exchange_type == CommandInvalid.code:
                raise CommandInvalid(explanation)
            raise PreconditionFailed(explanation)
        name = stripped(name)
        _refuse_default(name)
        self.require(actor, "configure", "exchange", name)
        exchange = self.exchanges.get(name)
        if exchange is None:
            resource = exchange_resource(self.name, name)
            refuse_reserved("exchange", name)
            alternate = exchange_named_by(arguments, "alternate-exchange", resource)
            if alternate is not None:
                self.require(actor, "read", "exchange", name)
                self.require(actor, "write", "exchange", alternate)
            exchange = exchange_type(name, durable, auto_delete, internal, arguments)
            self.exchanges[name] = exchange
            self.generation += 1
        else:
            self._require_equivalent_exchange(
                exchange, type_name, durable, auto_delete, internal, arguments
            )
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
        self._remove_exchange(exchange)
        return Pending.of(True)

    def _require_equivalent_exchange(
        self,
        exchange: Exchange,
        type_name: str,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Table,
    ) -> None:
        resource = exchange_resource(self.name, exchange.name)
        if exchange.type_name != type_name:
            raise inequivalent("type", resource, type_name, exchange.type_name)
        for property_name, got, current in (
            ("durable", durable, exchange.durable),
            ("auto_delete", auto_delete, exchange.auto_delete),
            ("internal", internal, exchange.internal),
        ):
            if got != current:
                raise inequivalent(property_name, resource, _bool(got), _bool(current))
        key = "alternate-exchange"
        require_equivalent(resource, key, exchange.arguments.get(key), arguments.get(key))

    def _remove_exchange(self, exchange: Exchange) -> None:
        del self.exchanges[exchange.name]
        self.generation += 1
        for binding in self.bindings.leaving(exchange):
            self.bindings.remove(binding)
        self._remove_bindings(self.bindings.reaching(exchange))

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
        end: Destination
        if kind == "queue":
            end = self.accessible_queue(actor, destination)
        else:
            end = self.exchange(destination)
        exchange.check_binding(routing_key, arguments)
        binding = self.bindings.find(exchange, end, routing_key, arguments)
        if binding is None:
            binding = Binding(exchange, end, routing_key, arguments)
            self.bindings.add(binding)
            self.generation += 1
        return Pending.of(binding)

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
        ends: Mapping[str, Destination] = self.queues if kind == "queue" else self.exchanges
        end = ends.get(destination)
        if exchange is None or end is None:
            return Pending.of(False)
        binding = self.bindings.find(exchange, end, routing_key, arguments)
        if binding is None:
            return Pending.of(False)
        if isinstance(end, ClassicQueue):
            self.accessible_queue(actor, destination)
        self._remove_bindings([binding])
        return Pending.of(True)

    def _check_binding_rights(self, actor: Actor, source: str, kind: str, destination: str) -> None:
        if kind == "exchange":
            _refuse_default(destination)
        self.require(actor, "write", kind, destination)
        _refuse_default(source)
        self.require(actor, "read", "exchange", source)

    def _remove_bindings(self, bindings: list[Binding]) -> None:
        """Take bindings away, and with the last one of an auto-delete exchange the exchange.

        Auto-delete means: when the last binding with it as source goes (spec, exchange.declare).
        That can take a chain of exchanges away, one after the other.
        """
        self.generation += 1
        waiting = list(bindings)
        for binding in waiting:
            self.bindings.remove(binding)
            source = binding.source
            if source.auto_delete and not self.bindings.leaving(source):
                del self.exchanges[source.name]
                waiting.extend(self.bindings.reaching(source))

    # --- consumers ---

    def add_consumer(self, queue: ClassicQueue, consumer: Consumer) -> None:
        """Let a consumer take from a queue, or refuse with 403 for the sake of exclusivity."""
        if queue.type_name == "quorum":
            # RabbitMQ's quorum queues know no exclusive consumers and say nothing.
            consumer.exclusive = False
        if queue.consumers and (consumer.exclusive or queue.has_exclusive_consumer()):
            raise AccessRefused(
                f"{queue_resource(self.name, queue.name)} in exclusive use",
                remedy="another consumer has the queue to itself, or this one wants it so",
            )
        queue.add_consumer(consumer)

    def consumer_left(self, queue: ClassicQueue) -> None:
        """A consumer has left; an auto-delete queue goes with its last one."""
        if queue.auto_delete and not queue.consumers and not queue.deleted:
            self.remove_queue(queue)

    # --- routing ---

    def route(
        self, exchange: Exchange, routing_key: str, headers: Callable[[], Table]
    ) -> tuple[list[ClassicQueue], bool]:
        """The queues a message goes to, each once, and whether its headers had a say.

        Exchange-to-exchange bindings are followed breadth first, each exchange once, so cycles
        end. An exchange that matches nothing itself passes the message to its alternate.
        """
        queues: dict[ClassicQueue, None] = {}
        seen: dict[Exchange, None] = {exchange: None}
        waiting: list[Exchange] = [exchange]
        by_headers = False
        for source in waiting:
            by_headers = by_headers or source.reads_headers
            destinations = source.route(routing_key, headers)
            if not destinations:
                destinations = self._alternate(source)
            for destination in destinations:
                if isinstance(destination, ClassicQueue):
                    queues[destination] = None
                elif isinstance(destination, Exchange) and destination not in seen:
                    seen[destination] = None
                    waiting.append(destination)
        return list(queues), by_headers

    def _alternate(self, exchange: Exchange) -> list[Destination]:
        """The exchange that `alternate-exchange` names, if there is one of that name now."""
        field = exchange.arguments.get("alternate-exchange")
        if field is None:
            return []
        alternate = self.exchanges.get(text_of(field))
        return [] if alternate is None else [alternate]


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _refuse_default(exchange: str) -> None:
    if exchange == "":
        raise AccessRefused(
            "operation not permitted on the default exchange",
            remedy="every queue is bound to it by name already; declare an exchange of your own",
        )
