"""After a restart: definitions become policies, exchanges, queues and bindings again.

One that cannot be understood is named in the log and stays in the store: whoever knows what it was
can still repair it, and everything else is served. A leftover (of a vhost that is gone, a binding
without one of its ends) is deleted.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from leveret.broker.arguments import printed
from leveret.broker.durable import (
    BINDING,
    EXCHANGE,
    QUEUE,
    DefinitionKey,
    QueueIds,
    arguments_of,
    names_of,
)
from leveret.broker.exchanges import EXCHANGE_TYPES
from leveret.broker.exchanges.delayed import DelayedExchange
from leveret.broker.policies import KINDS as POLICY_KINDS
from leveret.broker.policies import stored_policy
from leveret.broker.queues import QUEUE_TYPES
from leveret.broker.seams import Binding, Exchange
from leveret.errors import ReplyError
from leveret.wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.vhost import VHost

log = logging.getLogger("leveret.vhost")

Definition = tuple[str, str, object, int]
# What a value raises that makes no sense.
NOT_UNDERSTOOD: Final = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    ReplyError,
    WireError,
)


class Loading:
    """Makes what definitions say in these vhosts. `leftovers` are those to be deleted,
    `damaged_queues` the keys of the queues that are missing because they were not understood."""

    def __init__(self, vhosts: Mapping[str, VHost], ids: QueueIds) -> None:
        self.leftovers: list[DefinitionKey] = []
        self.damaged_queues: list[str] = []
        self._vhosts = vhosts
        self._ids = ids
        # Exchanges and queues that were not understood: (kind, vhost, name).
        self._damaged: set[tuple[str, str, str]] = set()

    def load(self, definitions: Iterable[Definition]) -> None:
        """Make everything, what others need before them, else in order of revision."""
        in_order = sorted(definitions, key=lambda definition: definition[3])
        for wanted in (*POLICY_KINDS, EXCHANGE, QUEUE, BINDING):
            for kind, key, value, _revision in in_order:
                if kind == wanted:
                    self._load(kind, key, value)

    def _load(self, kind: str, key: str, value: object) -> None:
        names: list[str] = []
        try:
            names = names_of(kind, key)
            vhost = self._vhosts.get(names[0])
            if vhost is None or not self._make(kind, vhost, names[1:], value):
                log.info("the definition of %s %s is a leftover and is deleted", kind, key)
                self.leftovers.append((kind, key))
        except NOT_UNDERSTOOD as error:
            # A delayed exchange has messages too.
            if kind == QUEUE or (isinstance(value, dict) and "id" in value):
                self.damaged_queues.append(key)
            if names and kind in (EXCHANGE, QUEUE):
                self._damaged.add((kind, names[0], names[1]))
            log.error(
                "the definition of %s %s is not understood (%s): it is kept, and what it defines "
                "is missing; declare that again, or start the version of leveret that wrote it",
                kind,
                key,
                _reason(error),
            )

    def _make(self, kind: str, vhost: VHost, names: list[str], value: object) -> bool:
        """Whether there is what it needs."""
        if not isinstance(value, dict):
            raise ValueError("its value is damaged")
        if kind in POLICY_KINDS:
            vhost.policies.load(stored_policy(kind, names[0], value))
        elif kind == EXCHANGE:
            self._make_exchange(vhost, names[0], value)
        elif kind == QUEUE:
            self._make_queue(vhost, names[0], value)
        else:
            return self._make_binding(vhost, names, value)
        return True

    def _make_exchange(self, vhost: VHost, name: str, value: dict[str, object]) -> None:
        if name in vhost.exchanges:
            raise ValueError("there is an exchange of this name")
        type_name = str(value["type"])
        if type_name not in EXCHANGE_TYPES:
            raise ValueError(f"the exchange type '{value['type']}' is unknown")
        arguments = arguments_of(value)
        auto_delete, internal = bool(value["auto_delete"]), bool(value["internal"])
        exchange = vhost.new_exchange(type_name, name, True, auto_delete, internal, arguments)
        holding = exchange.holding if isinstance(exchange, DelayedExchange) else None
        if holding is not None:
            holding.id = self._taken_id(value)
        vhost.add_exchange(exchange)

    def _make_queue(self, vhost: VHost, name: str, value: dict[str, object]) -> None:
        arguments = arguments_of(value)
        named = arguments.get("x-queue-type")
        if named is not None and printed(named) not in QUEUE_TYPES:
            raise ValueError(f"the queue type '{printed(named)}' is unknown")
        queue = vhost.new_queue(name, True, None, bool(value["auto_delete"]), arguments)
        queue.id = self._taken_id(value)
        vhost.add_queue(queue)

    def _taken_id(self, value: dict[str, object]) -> int:
        queue_id = value["id"]
        if not isinstance(queue_id, int):
            raise ValueError("its id is damaged")
        if not self._ids.take(queue_id):
            raise ValueError(f"its id {queue_id} cannot be that of a queue, or is another queue's")
        return queue_id

    def _make_binding(self, vhost: VHost, names: list[str], value: dict[str, object]) -> bool:
        source_name, kind, name, routing_key, _arguments = names
        if kind not in (QUEUE, EXCHANGE):
            raise ValueError(f"the kind of destination '{kind}' is unknown")
        source = vhost.exchanges.get(source_name)
        end: ClassicQueue | Exchange | None
        end = vhost.queues.get(name) if kind == QUEUE else vhost.exchanges.get(name)
        if source is None or end is None:
            missing = (EXCHANGE, source_name) if source is None else (kind, name)
            if (missing[0], vhost.name, missing[1]) in self._damaged:
                raise ValueError(f"{missing[0]} '{missing[1]}' is missing")
            return False
        arguments = arguments_of(value)
        if vhost.bindings.find(source, end, routing_key, arguments) is None:
            vhost.add_binding(Binding(source, end, routing_key, arguments))
        return True


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing or unknown"
    return str(error)
