"""What is measured of the whole broker: RabbitMQ's names, and a few of Leveret's own.

The counters `rabbitmq_global_...` never go down while the process runs: what a deleted queue, a
closed channel or a deleted vhost has counted stays in them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from leveret.amqp.connection import Connection
from leveret.amqp.consumer import ChannelConsumer
from leveret.broker.alarms import DISK, MEMORY
from leveret.broker.counts import SIZE_BOUNDS, Counts, Kept
from leveret.lag import BOUNDS
from leveret.management.metrics.exposition import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    UNTYPED,
    Metric,
    histogram,
    labels,
)
from leveret.management.pace import batches
from leveret.system import descriptors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from leveret.management.context import Management
    from leveret.management.pace import Pace

    Measured = Iterator[tuple[Metric, Iterable[tuple[str, int | float]]]]

PROTOCOL: Final = "amqp091"
# RabbitMQ's names of the types of queues.
QUEUE_TYPES: Final = {"classic": "rabbit_classic_queue", "quorum": "rabbit_quorum_queue"}


def alone(name: str, kind: str, text: str, number: float) -> tuple[Metric, list[tuple[str, float]]]:
    """A metric with one sample and no labels."""
    return Metric(name, kind, text), [("", number)]


# --- the node ---


def node_coarse(management: Management) -> Measured:
    """What the process uses."""
    monitor = management.node.monitor
    found = descriptors()
    if found is not None:
        yield alone("process_open_fds", GAUGE, "Open file descriptors", found[0])
    yield alone(
        "process_open_tcp_sockets", GAUGE, "Open TCP sockets", len(management.broker.sessions)
    )
    yield alone(
        "process_resident_memory_bytes", GAUGE, "Memory used in bytes", monitor.memory_used_bytes()
    )
    free = monitor.disk_free_bytes()
    if free is not None:
        yield alone("disk_space_available_bytes", GAUGE, "Disk space available in bytes", free)


def node_limits(management: Management) -> Measured:
    """What it may use, and how long it runs."""
    node = management.node
    found = descriptors()
    if found is not None:
        yield alone("process_max_fds", GAUGE, "Open file descriptors limit", found[1])
        # A socket is a descriptor; nothing else limits their number.
        yield alone("process_max_tcp_sockets", GAUGE, "Open TCP sockets limit", found[1])
    yield alone(
        "resident_memory_limit_bytes",
        GAUGE,
        "Memory high watermark in bytes",
        node.monitor.memory_limit_bytes,
    )
    yield alone(
        "disk_space_available_limit_bytes",
        GAUGE,
        "Free disk space low watermark in bytes",
        node.monitor.disk_free_limit_bytes,
    )
    yield alone("erlang_uptime_seconds", GAUGE, "Node uptime", round(node.uptime_seconds(), 3))


def churn(management: Management) -> Measured:
    """What came and went."""
    counted = management.broker.churn
    for name, text, number in (
        ("connections_opened", "connections opened", counted.connections_opened),
        ("connections_closed", "connections closed or terminated", counted.connections_closed),
        ("channels_opened", "channels opened", counted.channels_opened),
        ("channels_closed", "channels closed", counted.channels_closed),
        ("queues_declared", "queues declared", counted.queues_declared),
        ("queues_created", "queues created", counted.queues_created),
        ("queues_deleted", "queues deleted", counted.queues_deleted),
    ):
        yield alone(f"{name}_total", COUNTER, f"Total number of {text}", number)


def auth_attempts(management: Management) -> Measured:
    """Who tried to log in."""
    counted = management.broker.auth_attempts
    protocols = counted.protocols()
    let_in = [counted.succeeded.get(protocol, 0) for protocol in protocols]
    refused = [counted.failed.get(protocol, 0) for protocol in protocols]
    for name, text, numbers in (
        ("", "authorization attempts", [sum(both) for both in zip(let_in, refused, strict=True)]),
        ("succeeded_", "successful authentication attempts", let_in),
        ("failed_", "failed authentication attempts", refused),
    ):
        metric = Metric(f"auth_attempts_{name}total", COUNTER, f"Total number of {text}")
        yield (
            metric,
            [
                (labels(protocol=protocol), number)
                for protocol, number in zip(protocols, numbers, strict=True)
            ],
        )


# By the names that /metrics/detailed knows them by.
SECTIONS: Final[dict[str, Callable[[Management], Measured]]] = {
    "node_coarse_metrics": node_coarse,
    "node_metrics": node_limits,
    "connection_churn_metrics": churn,
    "auth_attempt_metrics": auth_attempts,
}


def info(management: Management, endpoint: str) -> Measured:
    """Who this is, and which page."""
    node = management.node
    build = labels(
        rabbitmq_version=management.rabbitmq_version(),
        prometheus_plugin_version=node.version,
        prometheus_client_version=node.version,
        erlang_version=f"none: Python {node.python}",
        product_name="Leveret",
        product_version=node.version,
    )
    yield Metric("build_info", UNTYPED, "Which release this is"), [(build, 1)]
    identity = labels(
        rabbitmq_node=node.name,
        rabbitmq_cluster=management.cluster_name(),
        rabbitmq_cluster_permanent_id=node.name,
        # RabbitMQ's dashboard asks for one of the pages, so that nothing counts twice.
        rabbitmq_endpoint=endpoint,
    )
    yield Metric("identity_info", UNTYPED, "Which node this is"), [(identity, 1)]


def alarms(management: Management) -> Measured:
    """What the broker is short of."""
    raised = management.broker.alarms.resources()
    for name, what, resource in (
        ("file_descriptor_limit", "file descriptor limit", ""),
        ("free_disk_space_watermark", "free disk space watermark", DISK),
        ("memory_used_watermark", "memory watermark", MEMORY),
    ):
        text = f"is 1 if {what} alarm is in effect"
        yield alone(f"alarms_{name}", UNTYPED, text, int(resource in raised))


# --- all messages since the start ---


class Everything:
    """All that has been counted, in all vhosts, those included that are gone."""

    def __init__(self) -> None:
        self.by_type = Kept()
        self.publishing = self.by_type.publishing
        self.connections = 0
        self.channels = 0
        self.queues = 0
        self.consumers = 0
        self.publishers = 0
        self.published_bytes = 0

    async def gather(self, management: Management, pace: Pace) -> None:
        """Look at everything there is."""
        broker = management.broker
        by_type = self.by_type
        by_type.add(broker.kept)
        self.published_bytes = int(broker.sizes.sum_bytes)
        for vhost in list(broker.vhosts.values()):
            by_type.add(vhost.kept)
            self.publishing.publish_into(list(vhost.exchanges.values()))
            self.queues += len(vhost.queues)
            for queues in (vhost.queue_list(), list(vhost.reply_queues.values())):
                for some in batches(queues):
                    by_type.add_queues(some)
                    await pace.rest_if_used_up()
        for session in list(broker.sessions):
            assert isinstance(session, Connection)
            if not session.is_running():
                continue
            self.connections += 1
            for channel in session.channels.open.values():
                self.channels += 1
                self.publishers += channel.publish_count > 0
                self.published_bytes += int(channel.publish_bytes)
                self.consumers += sum(
                    isinstance(each, ChannelConsumer) for each in channel.consumers.values()
                )
                if channel.confirms is not None:
                    self.publishing.in_confirm_mode += channel.confirms.published
            await pace.rest_if_used_up()

    def totals(self) -> Measured:
        """How many there are."""
        for name, what, number in (
            ("connections", "Connections currently open", self.connections),
            ("channels", "Channels currently open", self.channels),
            ("consumers", "Consumers currently connected", self.consumers),
            ("queues", "Queues available", self.queues),
        ):
            yield alone(name, GAUGE, what, number)

    def messages(self) -> Measured:
        """What became of messages."""
        counted = self.publishing
        of_protocol = labels(protocol=PROTOCOL)
        unroutable = counted.return_unroutable + counted.drop_unroutable
        for name, text, number in (
            ("received", "received from publishers", counted.publish),
            (
                "received_confirm",
                "received from publishers expecting confirmations",
                counted.in_confirm_mode,
            ),
            ("confirmed", "confirmed to publishers", counted.confirm),
            ("routed", "routed to queues or streams", counted.publish - unroutable),
            (
                "unroutable_dropped",
                "published as non-mandatory into an exchange and dropped as unroutable",
                counted.drop_unroutable,
            ),
            (
                "unroutable_returned",
                "published as mandatory into an exchange and returned to the publisher as "
                "unroutable",
                counted.return_unroutable,
            ),
        ):
            yield _of_messages(name, text), [(of_protocol, int(number))]
        for name, text, number_of in _BY_TYPE:
            yield (
                _of_messages(name, text),
                [
                    (
                        labels(protocol=PROTOCOL, queue_type=queue_type),
                        number_of(self.by_type.of_type(type_name)),
                    )
                    for type_name, queue_type in QUEUE_TYPES.items()
                ],
            )
        for name, text, number in (
            ("consumers", "consumers", self.consumers),
            ("publishers", "publishers", self.publishers),
        ):
            metric = Metric(f"global_{name}", GAUGE, f"Current number of {text}")
            yield metric, [(of_protocol, number)]


def _of_messages(name: str, text: str) -> Metric:
    return Metric(f"global_messages_{name}_total", COUNTER, f"Total number of messages {text}")


_BY_TYPE: Final[tuple[tuple[str, str, Callable[[Counts], int]], ...]] = (
    ("acknowledged", "acknowledged by consumers", lambda counts: int(counts.ack)),
    ("delivered", "delivered to consumers", lambda counts: int(counts.deliver_get())),
    (
        "delivered_consume_auto_ack",
        "delivered to consumers using basic.consume with automatic acknowledgment",
        lambda counts: int(counts.deliver_no_ack),
    ),
    (
        "delivered_consume_manual_ack",
        "delivered to consumers using basic.consume with manual acknowledgment",
        lambda counts: int(counts.deliver),
    ),
    (
        "delivered_get_auto_ack",
        "delivered to consumers using basic.get with automatic acknowledgment",
        lambda counts: int(counts.get_no_ack),
    ),
    (
        "delivered_get_manual_ack",
        "delivered to consumers using basic.get with manual acknowledgment",
        lambda counts: int(counts.get),
    ),
    (
        "get_empty",
        "that basic.get operations did not find",
        lambda counts: int(counts.get_empty),
    ),
    ("redelivered", "redelivered to consumers", lambda counts: int(counts.redeliver)),
)
_DEATHS: Final = (
    ("expired", "expired", "message TTL exceeded", ("classic", "quorum")),
    ("maxlen", "maxlen", "overflow drop-head or reject-publish-dlx", ("classic", "quorum")),
    ("rejected", "rejected", "basic.reject or basic.nack", ("classic", "quorum")),
    ("delivery_limit", "delivery_limit", "delivery-limit exceeded", ("quorum",)),
)


def dead_letters(management: Management) -> Measured:
    """Messages that died, by reason, and by whether they went on to an exchange."""
    counted = management.broker.churn.dead_letters
    for name, reason, why, types in _DEATHS:
        metric = _of_messages(f"dead_lettered_{name}", f"dead-lettered due to {why}")
        there = {*types, *(key[0] for key in counted if key[2] == reason)}
        yield (
            metric,
            [
                (
                    labels(queue_type=QUEUE_TYPES[type_name], dead_letter_strategy=strategy),
                    counted.get((type_name, goes_on, reason), 0),
                )
                for type_name in sorted(there)
                for strategy, goes_on in (("at_most_once", True), ("disabled", False))
            ],
        )


# --- Leveret's own ---


def histograms(management: Management, everything: Everything) -> Iterable[str]:
    """How large messages are, and how late the event loop is."""
    sizes, lag = management.broker.sizes, management.lag
    size = Metric("message_size_bytes", HISTOGRAM, "Size of messages received from publishers")
    yield from histogram(
        size,
        "rabbitmq_",
        SIZE_BOUNDS,
        sizes.buckets(int(everything.publishing.publish)),
        everything.published_bytes,
        protocol=PROTOCOL,
    )
    lateness = Metric("loop_lag_seconds", HISTOGRAM, "How late the event loop calls a timer")
    yield from histogram(lateness, "leveret_", BOUNDS, lag.buckets, lag.sum_seconds)
    highest = Metric("loop_lag_max_seconds", GAUGE, "The latest that it did in the last 60 seconds")
    yield from highest.lines("leveret_", [("", lag.max_seconds())])
    held = Metric(
        "loop_held_max_seconds",
        GAUGE,
        "The same without the time that it had no processor",
    )
    yield from held.lines("leveret_", [("", lag.max_held_seconds())])


def start_time(management: Management) -> float:
    """When the process started, in seconds since 1970."""
    return round(time.time() - management.node.uptime_seconds(), 3)


async def whole(management: Management, pace: Pace, endpoint: str) -> AsyncIterator[str]:
    """All lines about the whole broker."""
    everything = Everything()
    await everything.gather(management, pace)
    started = Metric(
        "process_start_time_seconds",
        GAUGE,
        "Start time of the process since unix epoch in seconds.",
    )
    for line in started.lines("", [("", start_time(management))]):
        yield line
    for measured in (
        info(management, endpoint),
        alarms(management),
        *(section(management) for section in SECTIONS.values()),
        everything.totals(),
        everything.messages(),
        dead_letters(management),
    ):
        for metric, samples in measured:
            for line in metric.lines("rabbitmq_", samples):
                yield line
    for line in histograms(management, everything):
        yield line
