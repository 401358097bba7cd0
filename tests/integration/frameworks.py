"""The topologies that well-known frameworks of other languages declare, in our own words.

MassTransit: an exchange for each message type, from which an endpoint's exchange takes, and beside
the endpoint's queue one for errors and one for what nobody understood. NServiceBus: an exchange for
each type and its base types, and one ladder of queues for all delays. Spring AMQP: a queue whose
dead letters wait in a queue with a TTL and come back.
"""

from typing import Any

DELAY_LEVELS = 28
DELIVERY = "nsb.v2.delay-delivery"


class MassTransit:
    """Endpoints that take messages by type."""

    def __init__(self, channel: Any, name: Any) -> None:
        self.channel = channel
        self.name = name

    def message_type(self, message: str, *implemented: str) -> str:
        """The exchange of a type; what is published to it reaches its interfaces' exchanges."""
        exchange = self._fanout(message)
        for interface in implemented:
            self.channel.exchange_bind(self._fanout(interface), exchange)
        return exchange

    def endpoint(self, queue: str, *messages: str) -> str:
        own = self._endpoint(queue)
        for suffix in ("_error", "_skipped"):
            self._endpoint(queue + suffix)
        for message in messages:
            self.channel.exchange_bind(own, self._fanout(message))
        return own

    def temporary_endpoint(self, queue: str, expires_ms: int = 60_000) -> str:
        """Where answers to one process come; it goes when that process is gone for a minute."""
        own: str = self.name(queue)
        self.channel.exchange_declare(own, "fanout", auto_delete=True)
        self.channel.queue_declare(
            own, durable=False, auto_delete=True, arguments={"x-expires": expires_ms}
        )
        self.channel.queue_bind(own, own, "")
        return own

    def _fanout(self, exchange: str) -> str:
        own: str = self.name(exchange)
        self.channel.exchange_declare(own, "fanout", durable=True)
        return own

    def _endpoint(self, queue: str) -> str:
        own = self._fanout(queue)
        self.channel.queue_declare(own, durable=True)
        self.channel.queue_bind(own, own, "")
        return own


class NServiceBus:
    """Endpoints, events and their delays. The names of the ladder are fixed: it is there once."""

    def __init__(self, channel: Any, name: Any) -> None:
        self.channel = channel
        self.name = name

    def endpoint(self, queue: str) -> str:
        own: str = self.name(queue)
        self.channel.queue_declare(own, durable=True, arguments={"x-queue-type": "quorum"})
        self.channel.exchange_declare(own, "fanout", durable=True)
        self.channel.queue_bind(own, own, "")
        return own

    def event(self, event: str, *base_types: str) -> str:
        exchange: str = self.name(event)
        self.channel.exchange_declare(exchange, "fanout", durable=True)
        for base in base_types:
            self.channel.exchange_declare(self.name(base), "fanout", durable=True)
            self.channel.exchange_bind(self.name(base), exchange)
        return exchange

    def subscribe(self, endpoint: str, event: str) -> None:
        self.channel.exchange_bind(self.name(endpoint), self.name(event))

    def delays(self) -> None:
        """For each bit of a delay in seconds an exchange and a queue: a message whose bit is set
        waits in the queue, another goes on to the next bit at once."""
        self.channel.exchange_declare(DELIVERY, "topic", durable=True)
        for level in range(DELAY_LEVELS):
            self.channel.exchange_declare(delay_level(level), "topic", durable=True)
        for level in range(DELAY_LEVELS):
            here, then = delay_level(level), delay_level(level - 1) if level else DELIVERY
            arguments = {
                "x-queue-type": "quorum",
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
                "x-message-ttl": 1000 << level,
                "x-dead-letter-exchange": then,
            }
            self.channel.queue_declare(here, durable=True, arguments=arguments)
            before = "*." * (DELAY_LEVELS - 1 - level)
            self.channel.queue_bind(here, here, f"{before}1.#")
            self.channel.exchange_bind(then, here, f"{before}0.#")

    def deliver_to(self, endpoint: str) -> None:
        self.channel.exchange_bind(self.name(endpoint), DELIVERY, f"#.{self.name(endpoint)}")

    def delayed(self, endpoint: str, seconds: int) -> tuple[str, str]:
        """The exchange and the routing key of a message that is to arrive so much later."""
        bits = f"{seconds:0{DELAY_LEVELS}b}"
        return delay_level(seconds.bit_length() - 1), f"{'.'.join(bits)}.{self.name(endpoint)}"


def delay_level(level: int) -> str:
    return f"nsb.v2.delay-level-{level:02d}"


class SpringAmqp:
    """A listener's queue, its retry queue and its parking lot."""

    def __init__(self, channel: Any, name: Any) -> None:
        self.channel = channel
        self.queue, self.retry, self.parking_lot = name("orders"), name("retry"), name("parked")
        self.exchange, self.dead_letters = name("app"), name("app.dlx")

    def declare(self, retry_ms: int) -> None:
        self.channel.exchange_declare(self.exchange, "direct", durable=True)
        self.channel.exchange_declare(self.dead_letters, "direct", durable=True)
        to_retry = {
            "x-dead-letter-exchange": self.dead_letters,
            "x-dead-letter-routing-key": "retry",
        }
        back = {"x-dead-letter-exchange": self.exchange, "x-dead-letter-routing-key": "orders"}
        self.channel.queue_declare(self.queue, durable=True, arguments=to_retry)
        self.channel.queue_declare(
            self.retry, durable=True, arguments={**back, "x-message-ttl": retry_ms}
        )
        self.channel.queue_declare(self.parking_lot, durable=True)
        self.channel.queue_bind(self.queue, self.exchange, "orders")
        self.channel.queue_bind(self.retry, self.dead_letters, "retry")
        self.channel.queue_bind(self.parking_lot, self.dead_letters, "parked")
