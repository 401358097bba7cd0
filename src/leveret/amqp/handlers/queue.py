"""Class queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.amqp.reply_to import declared, names_reply_to
from leveret.broker.queues.classic import ClassicQueue
from leveret.wire.constants import (
    QUEUE_BIND,
    QUEUE_DECLARE,
    QUEUE_DELETE,
    QUEUE_PURGE,
    QUEUE_UNBIND,
)
from leveret.wire.methods import (
    Method,
    QueueBind,
    QueueBindOk,
    QueueDeclare,
    QueueDeclareOk,
    QueueDelete,
    QueueDeleteOk,
    QueuePurge,
    QueuePurgeOk,
    QueueUnbind,
    QueueUnbindOk,
)

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Handler


def declare(channel: Channel, method: Method) -> None:
    """queue.declare, also passive; the answer counts ready messages and consumers."""
    assert isinstance(method, QueueDeclare)
    if names_reply_to(method.queue):
        consumers = declared(channel.vhost, method.queue)
        if not method.nowait:
            channel.send(QueueDeclareOk(queue=method.queue, consumer_count=consumers))
        return
    if method.passive:
        answer = channel.vhost.passive_queue(channel.actor, method.queue)
    else:
        answer = channel.vhost.declare_queue(
            channel.actor,
            method.queue,
            method.durable,
            method.exclusive,
            method.auto_delete,
            method.arguments,
        )

    def reply(queue: object) -> None:
        assert isinstance(queue, ClassicQueue)
        channel.last_queue = queue.name
        queue.used()
        if not method.nowait:
            channel.send(
                QueueDeclareOk(
                    queue=queue.name,
                    message_count=int(queue.ready_count),
                    consumer_count=len(queue.consumers),
                )
            )

    channel.answer(answer, reply)


def bind(channel: Channel, method: Method) -> None:
    """queue.bind; no queue and no key mean the last queue declared, and its name as the key."""
    assert isinstance(method, QueueBind)
    queue = channel.named_queue(method.queue)
    key = method.routing_key
    if method.queue == "" and key == "":
        key = queue
    answer = channel.vhost.bind(
        channel.actor, method.exchange, "queue", queue, key, method.arguments
    )
    channel.answer_with(answer, QueueBindOk(), method.nowait)


def unbind(channel: Channel, method: Method) -> None:
    """queue.unbind; a binding that does not exist is unbound as well as any."""
    assert isinstance(method, QueueUnbind)
    queue = channel.named_queue(method.queue)
    key = method.routing_key
    if method.queue == "" and key == "":
        key = queue
    answer = channel.vhost.unbind(
        channel.actor, method.exchange, "queue", queue, key, method.arguments
    )
    channel.answer_with(answer, QueueUnbindOk(), False)


def purge(channel: Channel, method: Method) -> None:
    """queue.purge: unacked messages stay."""
    assert isinstance(method, QueuePurge)
    answer = channel.vhost.purge_queue(channel.actor, channel.named_queue(method.queue))

    def reply(count: object) -> None:
        assert isinstance(count, int)
        if not method.nowait:
            channel.send(QueuePurgeOk(message_count=count))

    channel.answer(answer, reply)


def delete(channel: Channel, method: Method) -> None:
    """queue.delete; one that does not exist is deleted as well as any."""
    assert isinstance(method, QueueDelete)
    answer = channel.vhost.delete_queue(
        channel.actor, channel.named_queue(method.queue), method.if_unused, method.if_empty
    )

    def reply(count: object) -> None:
        assert isinstance(count, int)
        if not method.nowait:
            channel.send(QueueDeleteOk(message_count=count))

    channel.answer(answer, reply)


HANDLERS: Final[dict[int, Handler]] = {
    QUEUE_DECLARE: declare,
    QUEUE_BIND: bind,
    QUEUE_UNBIND: unbind,
    QUEUE_PURGE: purge,
    QUEUE_DELETE: delete,
}
