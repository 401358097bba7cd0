"""Class exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.wire.constants import (
    EXCHANGE_BIND,
    EXCHANGE_DECLARE,
    EXCHANGE_DELETE,
    EXCHANGE_UNBIND,
)
from leveret.wire.methods import (
    ExchangeBind,
    ExchangeBindOk,
    ExchangeDeclare,
    ExchangeDeclareOk,
    ExchangeDelete,
    ExchangeDeleteOk,
    ExchangeUnbind,
    ExchangeUnbindOk,
    Method,
)

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Handler


def declare(channel: Channel, method: Method) -> None:
    """exchange.declare, also passive."""
    assert isinstance(method, ExchangeDeclare)
    if method.passive:
        answer = channel.vhost.passive_exchange(channel.actor, method.exchange)
    else:
        answer = channel.vhost.declare_exchange(
            channel.actor,
            method.exchange,
            method.type,
            method.durable,
            method.auto_delete,
            method.internal,
            method.arguments,
        )
    channel.answer_with(answer, ExchangeDeclareOk(), method.nowait)


def delete(channel: Channel, method: Method) -> None:
    """exchange.delete; one that does not exist is deleted as well as any."""
    assert isinstance(method, ExchangeDelete)
    answer = channel.vhost.delete_exchange(channel.actor, method.exchange, method.if_unused)
    channel.answer_with(answer, ExchangeDeleteOk(), method.nowait)


def bind(channel: Channel, method: Method) -> None:
    """exchange.bind: from source to destination."""
    assert isinstance(method, ExchangeBind)
    answer = channel.vhost.bind(
        channel.actor,
        method.source,
        "exchange",
        method.destination,
        method.routing_key,
        method.arguments,
    )
    channel.answer_with(answer, ExchangeBindOk(), method.nowait)


def unbind(channel: Channel, method: Method) -> None:
    """exchange.unbind; a binding that does not exist is unbound as well as any."""
    assert isinstance(method, ExchangeUnbind)
    answer = channel.vhost.unbind(
        channel.actor,
        method.source,
        "exchange",
        method.destination,
        method.routing_key,
        method.arguments,
    )
    channel.answer_with(answer, ExchangeUnbindOk(), method.nowait)


HANDLERS: Final[dict[int, Handler]] = {
    EXCHANGE_DECLARE: declare,
    EXCHANGE_DELETE: delete,
    EXCHANGE_BIND: bind,
    EXCHANGE_UNBIND: unbind,
}
