"""What the broker itself gives to queues: dead letters, delayed messages, those of a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.broker.queues.expiry import has_expiration

if TYPE_CHECKING:
    from leveret.broker.message import Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import MessageStore, Queue


def enqueue(store: MessageStore, message: Message, queues: list[ClassicQueue]) -> None:
    """Give a message to queues: a persistent one to durable queues by way of the store."""
    if has_expiration(message):
        for queue in queues:
            queue.heed_expiration()
    if message.persistent:
        durable: list[Queue] = [queue for queue in queues if queue.durable]
        if durable:
            store.append(message, durable)
            queues = [queue for queue in queues if not queue.durable]
    for queue in queues:
        queue.publish(message, 0)
