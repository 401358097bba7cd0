"""One terminal of the lab: a consumer with a connection of its own, which remembers what it got."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pika


@dataclass(frozen=True)
class Delivery:
    body: bytes
    delivery_tag: int
    redelivered: bool
    properties: pika.BasicProperties


class Worker:
    """Consumes one queue and collects; a test says when it acknowledges."""

    def __init__(
        self,
        connection: pika.BlockingConnection,
        queue: str,
        *,
        auto_ack: bool = False,
        prefetch_count: int | None = None,
        on_delivery: Callable[[Delivery], Any] | None = None,
    ) -> None:
        self.connection = connection
        self.queue = queue
        self.channel = connection.channel()
        self.received: list[Delivery] = []
        self._on_delivery = on_delivery
        if prefetch_count is not None:
            self.channel.basic_qos(prefetch_count=prefetch_count)
        self.consumer_tag = self.channel.basic_consume(queue, self._collect, auto_ack=auto_ack)

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in self.received]

    def ack_latest(self) -> None:
        self.channel.basic_ack(self.received[-1].delivery_tag)

    def _collect(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        delivery = Delivery(body, method.delivery_tag, method.redelivered, properties)
        self.received.append(delivery)
        if self._on_delivery is not None:
            self._on_delivery(delivery)


def pump(
    *sources: Worker | pika.BlockingConnection,
    until: Callable[[], object],
    deadline_seconds: float = 10,
) -> None:
    """Let the connections read and dispatch in turn until the condition holds.

    A blocking connection does nothing by itself, so whoever waits for a delivery has to drive
    every connection that takes part in it.
    """
    connections = [s.connection if isinstance(s, Worker) else s for s in sources]
    give_up_at = time.monotonic() + deadline_seconds
    while not until():
        assert time.monotonic() < give_up_at, f"not within {deadline_seconds} s"
        for connection in connections:
            connection.process_data_events(time_limit=0.01)


def settle_deliveries(*workers: Worker) -> None:
    """Make sure that whatever the broker had for these workers has arrived.

    The answer to a passive declare comes after the deliveries that the queue made before it
    on the same channel: afterwards an absent message is absent, not late.
    """
    for worker in workers:
        worker.channel.queue_declare(worker.queue, passive=True)
        worker.connection.process_data_events(time_limit=0)
