"""The broker: its vhosts, what it was built from, and what the store tells it."""

from __future__ import annotations

import logging
from collections import deque
from random import randrange
from time import time
from typing import TYPE_CHECKING, Final

from leveret.broker.alarms import Alarms
from leveret.broker.auth_attempts import AuthAttempts
from leveret.broker.clock import BrokerClock
from leveret.broker.compat import LEVELS, Compat
from leveret.broker.counts import Churn, Kept, Sizes
from leveret.broker.durable import QueueIds
from leveret.broker.events import Events, acting
from leveret.broker.exchanges.delayed import DelayedExchange
from leveret.broker.global_parameters import GLOBAL_PARAMETER, GlobalParameters
from leveret.broker.limits import LimitError, NodeLimits, vhost_limits
from leveret.broker.loading import Loading
from leveret.broker.queues import QUEUE_TYPES
from leveret.broker.queues.holding import Holding
from leveret.broker.queues.paging import Paging
from leveret.broker.seams import (
    SPILL_SHARD,
    Clock,
    DefinitionStore,
    MessageStore,
    Pending,
    Session,
    StoreEvents,
)
from leveret.broker.vhost import VHost
from leveret.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leveret.broker.policies import Policy
    from leveret.broker.queues.classic import ClassicQueue


log = logging.getLogger("leveret.vhost")

VHOST: Final = "vhost"
VHOST_LIMITS: Final = "vhost_limits"
# RabbitMQ's word in the metadata of a vhost.
PROTECTED: Final = "protected_from_deletion"


class Broker(StoreEvents):
    """`generate` makes a name from a prefix, `generate_id` the id of a durable queue: a positive
    number below 2 ** 63 that it makes once."""

    def __init__(
        self,
        clock: Clock,
        store: MessageStore,
        definitions: DefinitionStore,
        compat: Compat,
        generate: Callable[[str], str],
        generate_id: Callable[[], int],
    ) -> None:
        self.clock = BrokerClock(clock)
        self.store = store
        self.definitions = definitions
        self.compat = compat
        self.generate = generate
        self._queue_ids = QueueIds(generate_id)
        # Queues whose definitions are damaged: their messages are nobody's, and no leftovers.
        self.damaged_queues: list[str] = []
        self.alarms = Alarms()
        self.auth_attempts = AuthAttempts()
        self.events = Events()
        self.global_parameters = GlobalParameters(definitions, self.events)
        self.paging = Paging()
        self.churn = Churn()
        self.sizes = Sizes()
        # What deleted vhosts have counted.
        self.kept = Kept()
        # Of queues declared without a type, where the vhost does not say; "" is classic. To be set
        # before `load`.
        self.default_queue_type = ""
        self.vhosts: dict[str, VHost] = {}
        self.limits = NodeLimits(lambda: sum(len(each.queues) for each in self.vhosts.values()))
        # Called for a vhost that has been made; answers when it has what it begins with.
        self.vhost_made: Callable[[VHost], Pending] = Pending.of
        # The policies that a vhost of this name begins with; `vhost_made` puts them.
        self.default_policies: Callable[[str], list[Policy]] = lambda _name: []
        self.sessions: dict[Session, None] = {}
        # Sessions with published messages that the store has not made durable yet.
        self.unconfirmed: dict[Session, None] = {}
        # Why the store keeps nothing any more; empty as long as it does.
        self.store_failure = ""
        # Who waits for which ticket, ascending.
        self._awaited: deque[tuple[int, Pending]] = deque()
        # Why a shard of the store has publishers wait.
        self._held: dict[int, str] = {}
        # A number from 0 to below n by chance, for exchanges that route by it.
        self.choose: Callable[[int], int] = randrange
        self.node = ""
        self.alarms.told = lambda resource, on: self.events.alarm(self.node, resource, on)
        # What the clock lacks to the time of day, in seconds.
        self.wall_offset: float = time() - clock.now()
        # Called when the store has failed, by whoever ends the process then.
        self.end: Callable[[str], object] = lambda reason: None

    def load(self) -> None:
        """Make the vhosts that the definition store knows, and what is in them."""
        definitions = self.definitions.load()
        for kind, name, value, _revision in definitions:
            if kind == VHOST:
                if not isinstance(value, dict):
                    log.error("vhost '%s' has lost its description and tags", name)
                    value = {}
                self._make_vhost(name, value)
            elif kind == GLOBAL_PARAMETER:
                self.global_parameters.load(name, value)
        for kind, name, value, _revision in definitions:
            if kind == VHOST_LIMITS and name in self.vhosts:
                self._load_limits(self.vhosts[name], value)
        loading = Loading(self.vhosts, self._queue_ids)
        loading.load(definitions)
        self.damaged_queues = loading.damaged_queues
        # They were there before.
        self.churn.queues_created = 0
        if loading.leftovers:
            self.definitions.delete_all(loading.leftovers).then(
                lambda _: None,
                lambda error: log.error("leftovers could not be deleted: %s", error),
            )

    def add_vhost(
        self,
        name: str,
        description: str = "",
        tags: Sequence[str] = (),
        default_queue_type: str = "",
        compat: str = "",
    ) -> Pending:
        """Make a vhost with the exchanges that every vhost has, and what the settings say it begins
        with; answers with it. The queue type and the level of compatibility are the server's if
        they are empty. Raises 406 if there are as many as there may be."""
        if name in self.vhosts:
            return Pending.of(self.vhosts[name])
        self.limits.check_vhost(name, len(self.vhosts))
        value = _metadata(description, tags, default_queue_type, compat)
        answer = Pending()
        by = acting.get()

        def committed(_revision: object) -> None:
            vhost = self._make_vhost(name, value)
            self.events.vhost_made(vhost, self.node, by)
            self.vhost_made(vhost).then(lambda _: answer.complete(vhost), answer.fail)

        self.definitions.put(VHOST, name, value).then(committed, answer.fail)
        return answer

    def describe_vhost(
        self,
        vhost: VHost,
        description: str,
        tags: Sequence[str],
        default_queue_type: str = "",
        compat: str = "",
    ) -> Pending:
        """Give a vhost another description and so on; answers with it."""
        value = _metadata(description, tags, default_queue_type, compat)
        if vhost.protected:
            value[PROTECTED] = True
        return self._change_vhost(vhost, value)

    def protect_vhost(self, vhost: VHost, protected: bool) -> Pending:
        """Protect a vhost from deletion, or no longer; answers with it."""
        own_compat = vhost.compat.level if vhost.own_compat else ""
        value = _metadata(vhost.description, vhost.tags, vhost.own_queue_type, own_compat)
        if protected:
            value[PROTECTED] = True
        return self._change_vhost(vhost, value)

    def _change_vhost(self, vhost: VHost, value: Mapping[str, object]) -> Pending:
        answer = Pending()

        def committed(_revision: object) -> None:
            self._describe(vhost, value)
            answer.complete(vhost)

        self.definitions.put(VHOST, vhost.name, value).then(committed, answer.fail)
        return answer

    def set_vhost_limits(self, vhost: VHost, values: Mapping[str, object]) -> Pending:
        """Give a vhost these limits and no others; raises `LimitError`. Answers with them."""
        limits = vhost_limits(values)
        answer = Pending()
        told = self.events.limits_set(vhost.name, limits)

        def committed(_revision: object) -> None:
            vhost.limits = limits
            told()
            answer.complete(limits)

        self.definitions.put(VHOST_LIMITS, vhost.name, limits).then(committed, answer.fail)
        return answer

    def _load_limits(self, vhost: VHost, value: object) -> None:
        try:
            vhost.limits = vhost_limits(value if isinstance(value, dict) else {"": value})
        except LimitError:
            log.error(
                "vhost '%s' has lost its limits: they are damaged; set them again", vhost.name
            )

    def delete_vhost(self, name: str) -> Pending:
        """Delete a vhost with all that is in it; answers with whether there was one.

        Its connections must be closed by now."""
        vhost = self.vhosts.pop(name, None)
        if vhost is None:
            return Pending.of(False)
        answer = Pending()
        keys = [(VHOST, name), (VHOST_LIMITS, name), *vhost.remove_all()]
        self.kept.add(vhost.kept)
        self.events.vhost_gone(vhost, self.node)
        self.definitions.delete_all(keys).then(lambda _: answer.complete(True), answer.fail)
        return answer

    def _make_vhost(self, name: str, value: Mapping[str, object]) -> VHost:
        vhost = self.vhosts.get(name)
        if vhost is None:
            vhost = VHost(
                name,
                self.compat,
                self.store,
                self.definitions,
                self.clock,
                self.generate,
                self._queue_ids,
                self.paging,
            )
            vhost.choose = self.choose
            vhost.node_limits = self.limits
            vhost.churn = self.churn
            vhost.events = self.events
            vhost.firehose.node = self.node
            vhost.wall_offset = self.wall_offset
            self.vhosts[name] = vhost
            if name == self.events.vhost:
                self.events.listen(vhost, self.clock)
        self._describe(vhost, value)
        return vhost

    def _describe(self, vhost: VHost, value: Mapping[str, object]) -> None:
        vhost.description = str(value.get("description", ""))
        vhost.protected = value.get(PROTECTED) is True
        tags = value.get("tags", [])
        vhost.tags = [str(tag) for tag in tags] if isinstance(tags, list) else []
        level = value.get("compat")
        vhost.own_compat = level in LEVELS
        vhost.compat = Compat(str(level)) if vhost.own_compat else self.compat
        queue_type = value.get("default_queue_type")
        vhost.own_queue_type = str(queue_type) if queue_type in QUEUE_TYPES else ""
        vhost.default_queue_type = vhost.own_queue_type or self.default_queue_type

    def durable_queues(self) -> list[ClassicQueue]:
        """The queues whose messages the store keeps, those of delayed messages included."""
        queues: list[ClassicQueue] = []
        for vhost in self.vhosts.values():
            queues.extend(queue for queue in vhost.queues.values() if queue.durable)
            for exchange in vhost.exchanges.values():
                holding = exchange.holding if isinstance(exchange, DelayedExchange) else None
                if isinstance(holding, Holding) and holding.durable:
                    queues.append(holding)
        return queues

    def when_durable(self, ticket: int) -> Pending:
        """Completes once a ticket, the newest there is, is durable; 0 is already.

        Fails with `InternalError` if the store fails before.
        """
        answer = Pending()
        if ticket == 0 or self.store.is_durable(ticket):
            answer.complete(None)
        elif self.store_failure:
            answer.fail(self._store_failed())
        else:
            self._awaited.append((ticket, answer))
        return answer

    def durable(self, shard: int, up_to: int) -> None:
        self._confirm()
        awaited = self._awaited
        while awaited and self.store.is_durable(awaited[0][0]):
            awaited.popleft()[1].complete(None)

    def _confirm(self) -> None:
        waiting = list(self.unconfirmed)
        self.unconfirmed.clear()
        for session in waiting:
            session.confirm()

    def held(self, shard: int, reason: str) -> None:
        before = self._held.pop(shard, "")
        if reason:
            self._held[shard] = reason
            # A slow disk is no reason for those to wait whose messages never reach it. What spills
            # comes from everybody.
            self.alarms.hold(f"{shard}: {reason}", stored_only=shard != SPILL_SHARD)
        if before and before != reason:
            self.alarms.release(f"{shard}: {before}")

    def failed(self, shard: int, reason: str) -> None:
        """What is not durable never will be: it is nacked, and who waits for it hears of a failure.
        Whoever owns the store ends the process."""
        self.store_failure = reason or "it did not say why"
        self._confirm()
        awaited, self._awaited = self._awaited, deque()
        for ticket, answer in awaited:
            if self.store.is_durable(ticket):
                answer.complete(None)
            else:
                answer.fail(self._store_failed())
        self.end(self.store_failure)

    def _store_failed(self) -> InternalError:
        return InternalError("", remedy=f"the message store has failed: {self.store_failure}")


def _metadata(
    description: str, tags: Sequence[str], default_queue_type: str, compat: str
) -> dict[str, object]:
    value: dict[str, object] = {"description": description, "tags": list(tags)}
    if default_queue_type:
        value["default_queue_type"] = default_queue_type
    if compat:
        value["compat"] = compat
    return value
