"""x-recent-history: fanout, and what is bound later gets the last messages first.

It remembers the newest `x-recent-history-length` messages, 20 without that argument, but for those
whose header `x-recent-history-no-store` is true. Each new binding brings them once more: to a queue
in their order, to an exchange the newest one first, as RabbitMQ's plugin of that name has it. They
are in memory only: a restart forgets them, whether the exchange is durable or not.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from leveret.broker.arguments import text_of
from leveret.broker.content import properties_of
from leveret.broker.exchanges.fanout import FanoutExchange
from leveret.broker.seams import Exchange
from leveret.broker.terms import term
from leveret.errors import PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.message import Message
    from leveret.broker.seams import Binding, Destination
    from leveret.wire.field import Field, Table

LENGTH: Final = "x-recent-history-length"
DEFAULT_LENGTH: Final = 20
NO_STORE: Final = "x-recent-history-no-store"


class RecentHistoryExchange(FanoutExchange):
    """`bring` publishes a message to one destination, set by whoever makes the exchange."""

    type_name: ClassVar[str] = "x-recent-history"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self.per_message = True
        self.bring: Callable[[Message, Destination], object] = _nowhere
        self._messages: deque[Message] = deque(maxlen=_length(arguments.get(LENGTH)))

    def passed(self, message: Message) -> None:
        no_store = (properties_of(message).headers or {}).get(NO_STORE)
        if no_store is None or no_store.value is not True:
            self._messages.append(message.copy())

    def bind(self, binding: Binding) -> None:
        super().bind(binding)
        again = list(self._messages)
        if isinstance(binding.destination, Exchange):
            again.reverse()
        for message in again:
            self.bring(message.copy(), binding.destination)


def _length(field: Field | None) -> int:
    if field is None:
        return DEFAULT_LENGTH
    value = field.value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, bytes):
        shown = term(text_of(field))
    else:
        shown = "undefined" if value is None else term(value)
    raise PreconditionFailed(
        f"Invalid argument {shown}, '{LENGTH}' must be a positive integer",
        remedy="it is the number of messages that are remembered",
    )


def _nowhere(_message: Message, _destination: Destination) -> None:
    """It belongs to no vhost yet."""
