"""Exchange types, by the name that exchange.declare gives. A new type is a file and a line here."""

from typing import Final

from leveret.broker.exchanges.consistent_hash import ConsistentHashExchange
from leveret.broker.exchanges.deduplication import DeduplicationExchange
from leveret.broker.exchanges.delayed import INNER_TYPES, DelayedExchange
from leveret.broker.exchanges.direct import DirectExchange
from leveret.broker.exchanges.fanout import FanoutExchange
from leveret.broker.exchanges.headers import HeadersExchange
from leveret.broker.exchanges.local_random import LocalRandomExchange
from leveret.broker.exchanges.modulus_hash import ModulusHashExchange
from leveret.broker.exchanges.random import RandomExchange
from leveret.broker.exchanges.recent_history import RecentHistoryExchange
from leveret.broker.exchanges.topic import TopicExchange
from leveret.broker.seams import Exchange

EXCHANGE_TYPES: Final[dict[str, type[Exchange]]] = {
    "direct": DirectExchange,
    "fanout": FanoutExchange,
    "headers": HeadersExchange,
    "topic": TopicExchange,
    "x-consistent-hash": ConsistentHashExchange,
    "x-local-random": LocalRandomExchange,
    "x-message-deduplication": DeduplicationExchange,
    "x-modulus-hash": ModulusHashExchange,
    "x-random": RandomExchange,
    "x-recent-history": RecentHistoryExchange,
}

INNER_TYPES.update(EXCHANGE_TYPES)
EXCHANGE_TYPES[DelayedExchange.type_name] = DelayedExchange

# What every vhost has from the start: name, type, internal. All of them are durable.
PREDECLARED: Final[list[tuple[str, str, bool]]] = [
    ("amq.direct", "direct", False),
    ("amq.fanout", "fanout", False),
    ("amq.headers", "headers", False),
    ("amq.match", "headers", False),
    ("amq.rabbitmq.trace", "topic", True),
    ("amq.topic", "topic", False),
]
