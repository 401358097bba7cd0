"""The exchanges, queues and bindings of a vhost: what there is, and where messages go.

Nothing here asks for permission or waits for a commit; `leveret.broker.vhost` does.
"""

from __future__ import annotations

from random import randrange
from time import monotonic
from typing import TYPE_CHECKING

from leveret.broker.arguments import text_of
from leveret.broker.bindings import Bindings
from leveret.broker.content import properties_of
from leveret.broker.copies import further_keys
from leveret.broker.counts import Churn, Generation, Kept
from leveret.broker.exchanges import EXCHANGE_TYPES, PREDECLARED
from leveret.broker.exchanges.default import DefaultExchange
from leveret.broker.exchanges.delayed import DelayedExchange
from leveret.broker.exchanges.recent_history import RecentHistoryExchange
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.enqueueing import enqueue
from leveret.broker.seams import Binding, Destination, Exchange
from leveret.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leveret.broker.durable import Thing
    from leveret.broker.message import Message
    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


class Topology:
    def __init__(self, name: str) -> None:
        self.name = name
        self.generation = Generation()
        self._queue_list: list[ClassicQueue] | None = None
        self.churn = Churn()
        self.kept = Kept()
        # Who takes samples of the counts keeps them here.
        self.history: object = None
        # A number from 0 to below n by chance, for the exchanges that need one.
        self.choose: Callable[[int], int] = randrange
        self.now: Callable[[], float] = monotonic
        self.queues: dict[str, ClassicQueue] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.bindings = Bindings()
        # The queues behind direct reply-to: reached by their names, shown to nobody.
        self.reply_queues: dict[str, ClassicQueue] = {}
        self.exchanges[""] = DefaultExchange(self.queues, self.reply_queues)
        for exchange_name, type_name, internal in PREDECLARED:
            self.exchanges[exchange_name] = self.new_exchange(
                type_name, exchange_name, True, False, internal, {}
            )

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

    def is_there(self, end: Destination) -> bool:
        """Whether an exchange or a queue is this vhost's, and not gone."""
        if isinstance(end, ClassicQueue):
            return self.queues.get(end.name) is end
        return isinstance(end, Exchange) and self.exchanges.get(end.name) is end

    # --- coming ---

    def new_exchange(
        self,
        type_name: str,
        name: str,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Table,
    ) -> Exchange:
        """An exchange of a type of `EXCHANGE_TYPES`, not yet among the vhost's."""
        exchange = EXCHANGE_TYPES[type_name](name, durable, auto_delete, internal, arguments)
        made = [exchange, exchange.inner] if isinstance(exchange, DelayedExchange) else [exchange]
        for each in made:
            each.choose = self.choose
            each.now = self.now
            if isinstance(each, RecentHistoryExchange):
                each.bring = self.bring
        return exchange

    def queue_list(self) -> list[ClassicQueue]:
        """The queues of this moment, for who takes his time over them. It is the same list until
        queues come or go: to make it is to touch ten thousand queues at once."""
        if self._queue_list is None:
            self._queue_list = list(self.queues.values())
        return self._queue_list

    def add_exchange(self, exchange: Exchange) -> None:
        """There is none of its name."""
        self.exchanges[exchange.name] = exchange
        self.generation.number += 1

    def add_queue(self, queue: ClassicQueue) -> None:
        """There is none of its name."""
        self.queues[queue.name] = queue
        self._queue_list = None
        self.generation.number += 1
        self.churn.queues_created += 1
        queue.used()

    def add_binding(self, binding: Binding) -> None:
        """Both its ends are there, and it is not bound yet."""
        self.bindings.add(binding)
        self.generation.number += 1

    # --- going; each returns everything that went ---

    def take_queue(self, queue: ClassicQueue) -> list[Thing]:
        """Take a queue away with its bindings."""
        queues = self.queues if queue.name in self.queues else self.reply_queues
        del queues[queue.name]
        if queues is self.queues:
            self._queue_list = None
            self.churn.queues_deleted += 1
        self.kept.add_queues([queue])
        self.generation.number += 1
        return [queue, *self.take_bindings(self.bindings.reaching(queue))]

    def take_exchange(self, exchange: Exchange) -> list[Thing]:
        """Take an exchange away with its bindings."""
        self._take_exchange(exchange)
        self.generation.number += 1
        gone: list[Thing] = [exchange]
        for binding in self.bindings.leaving(exchange):
            self.bindings.remove(binding)
            gone.append(binding)
        return gone + self.take_bindings(self.bindings.reaching(exchange))

    def take_bindings(self, bindings: list[Binding]) -> list[Thing]:
        """Take bindings away, and with the last one of an auto-delete exchange the exchange.

        Auto-delete means: when the last binding with it as source goes (spec, exchange.declare).
        That can take a chain of exchanges away, one after the other.
        """
        self.generation.number += 1
        gone: list[Thing] = []
        waiting = list(bindings)
        for binding in waiting:
            self.bindings.remove(binding)
            gone.append(binding)
            source = binding.source
            if source.auto_delete and not self.bindings.leaving(source):
                self._take_exchange(source)
                gone.append(source)
                waiting.extend(self.bindings.reaching(source))
        return gone

    def _take_exchange(self, exchange: Exchange) -> None:
        del self.exchanges[exchange.name]
        self.kept.publishing.publish_into([exchange])
        exchange.removed()

    def take_all(self) -> list[Thing]:
        """The vhost is going: so is everything in it."""
        gone: list[Thing] = [*self.queues.values(), *self.reply_queues.values()]
        for exchange in self.exchanges.values():
            gone.append(exchange)
            gone.extend(self.bindings.leaving(exchange))
            exchange.removed()
        self.kept.publishing.publish_into(list(self.exchanges.values()))
        self.kept.add_queues([*self.queues.values(), *self.reply_queues.values()])
        self.churn.queues_deleted += len(self.queues)
        self.bindings = Bindings()
        self.queues.clear()
        self._queue_list = None
        self.reply_queues.clear()
        self.exchanges.clear()
        self.generation.number += 1
        return gone

    # --- routing ---

    def route(
        self,
        exchange: Exchange,
        routing_key: str,
        properties: Callable[[], Properties],
        further_keys: Sequence[str] = (),
        message: Message | None = None,
    ) -> tuple[list[ClassicQueue], bool]:
        """The queues a message goes to, each once, and whether another message with this routing
        key may go elsewhere. `further_keys` are those of its CC and BCC headers. The exchanges that
        it passes hear of the `message`, if there is one already.

        Exchange-to-exchange bindings are followed breadth first, each exchange once, so cycles
        end. An exchange that matches nothing itself passes the message to its alternate.
        """
        queues: dict[ClassicQueue, None] = {}
        seen: dict[Exchange, None] = {exchange: None}
        waiting: list[Exchange] = [exchange]
        per_message = False
        for source in waiting:
            per_message = per_message or source.per_message
            destinations = source.route(routing_key, properties)
            if message is not None and source.per_message:
                source.passed(message)
            if further_keys and source.routes_each_key:
                # One list of its own, which grows: there may be thousands of keys.
                destinations = list(destinations)
                for key in further_keys:
                    destinations += source.route(key, properties)
            if not destinations:
                destinations = self._alternate(source)
            for destination in destinations:
                if isinstance(destination, ClassicQueue):
                    queues[destination] = None
                elif isinstance(destination, Exchange) and destination not in seen:
                    seen[destination] = None
                    waiting.append(destination)
        return list(queues), per_message

    def bring(self, message: Message, destination: Destination) -> None:
        """Publish a message once more, to one destination of an exchange that it has passed."""
        if isinstance(destination, ClassicQueue):
            queues = [destination]
        else:
            assert isinstance(destination, Exchange)
            properties = properties_of(message)
            keys = further_keys(properties.headers or {})
            key = message.routing_key
            queues, _ = self.route(destination, key, lambda: properties, keys, message)
        if queues:
            for queue in queues:
                queue.moved_count += 1
            enqueue(queues[0].store, message, queues)

    def _alternate(self, exchange: Exchange) -> list[Destination]:
        """The exchange that `alternate-exchange` names, in the arguments or else in the policy, if
        there is one of that name now."""
        field = exchange.arguments.get("alternate-exchange")
        if field is not None:
            name: object = text_of(field)
        elif exchange.policy is not None:
            name = exchange.policy.definition.get("alternate-exchange")
        else:
            return []
        alternate = self.exchanges.get(name) if isinstance(name, str) else None
        return [] if alternate is None else [alternate]
