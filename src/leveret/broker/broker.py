"""The broker: its vhosts, what it was built from, and what the store tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.seams import (
    Clock,
    DefinitionStore,
    MessageStore,
    Pending,
    Queue,
    Session,
    StoreEvents,
)
from leveret.broker.vhost import VHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_extensions import i64

    from leveret.broker.compat import Compat
    from leveret.broker.message import Message


VHOST: Final = "vhost"


class Broker(StoreEvents):
    """`generate` makes a name from a prefix. `now` is the moment of the event being handled, in
    the clock's seconds: whoever lets an event in sets it, and nobody asks the clock per message.
    """

    def __init__(
        self,
        clock: Clock,
        store: MessageStore,
        definitions: DefinitionStore,
        compat: Compat,
        generate: Callable[[str], str],
    ) -> None:
        self.clock = clock
        self.store = store
        self.definitions = definitions
        self.compat = compat
        self.generate = generate
        self.now: float = clock.now()
        self.vhosts: dict[str, VHost] = {}
        self.sessions: dict[Session, None] = {}
        # Sessions with published messages that the store has not made durable yet.
        self.unconfirmed: dict[Session, None] = {}

    def load(self) -> None:
        """Make the vhosts that the definition store knows."""
        for kind, name, _value, _revision in self.definitions.load():
            if kind == VHOST:
                self._make_vhost(name)

    def add_vhost(self, name: str) -> Pending:
        """Make a vhost with the exchanges that every vhost has; answers with it."""
        if name in self.vhosts:
            return Pending.of(self.vhosts[name])
        answer = Pending()
        self.definitions.put(VHOST, name, {}).then(
            lambda _revision: answer.complete(self._make_vhost(name)), answer.fail
        )
        return answer

    def _make_vhost(self, name: str) -> VHost:
        vhost = self.vhosts.get(name)
        if vhost is None:
            vhost = VHost(name, self.compat, self.store, self.clock, self.generate)
            self.vhosts[name] = vhost
        return vhost

    def enqueued(self, message: Message, queues: list[Queue], ticket: i64) -> None:
        for queue in queues:
            queue.publish(message, ticket)

    def durable(self, shard: int, up_to: int) -> None:
        waiting = list(self.unconfirmed)
        self.unconfirmed.clear()
        for session in waiting:
            session.confirm()

    def failed(self, shard: int, reason: str) -> None:
        """Nothing more is confirmed; whoever owns the store ends the process."""
