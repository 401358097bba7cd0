"""What is measured of queues, channels, connections and exchanges: RabbitMQ's families.

A family is a kind of things with numbers. /metrics adds those of all things up, /metrics/per-object
and /metrics/detailed show them one by one.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from leveret.amqp.connection import Connection
from leveret.amqp.counted import channel_numbers
from leveret.management.history import CHANNEL
from leveret.management.metrics.exposition import COUNTER, GAUGE, Metric, labels
from leveret.management.pace import batches
from leveret.management.sizes import queue_sizes
from leveret.management.statistics import head_timestamp, utilisation
from leveret.management.views import channel_name, queue_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from leveret.amqp.channel import Channel
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Exchange
    from leveret.broker.vhost import VHost
    from leveret.management.context import Management

    Number = int | float
    # What there is of a family, of the vhosts that are wanted, some at a time.
    Found = Iterator[Sequence[object]]


class Family:
    """`things` finds what there is, in some vhosts; `labels` and `numbers` are of one thing, the
    numbers in the order of `metrics`. `prefix` stands before the names in /metrics/detailed;
    `no_sums` are the metrics whose sums over all things mean nothing: /metrics has their
    descriptions only, as RabbitMQ's."""

    def __init__(
        self,
        name: str,
        metrics: Sequence[Metric],
        things: Callable[[Management, list[VHost]], Found],
        labels: Callable[[object], str],
        numbers: Callable[[object], Sequence[Number]],
        prefix: str = "rabbitmq_detailed_",
        no_sums: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.metrics = metrics
        self.things = things
        self.labels = labels
        self.numbers = numbers
        self.prefix = prefix
        self.no_sums = no_sums


# --- queues ---


def _queues(_management: Management, vhosts: list[VHost]) -> Found:
    for vhost in vhosts:
        for some in batches(vhost.queue_list()):
            yield [(vhost, queue) for queue in some]


def _queue_labels(found: object) -> str:
    vhost, queue = _of_vhost(found)
    return labels(vhost=vhost, queue=queue.name)


def _coarse(found: object) -> Sequence[Number]:
    queue = _queue(found)
    ready, unacked = int(queue.ready_count), int(queue.unacked_count)
    return ready, unacked, ready + unacked + int(queue.waiting_count)


# By the names that the API has for them.
SIZES: Final = {
    "messages_ram": Metric("queue_messages_ram", GAUGE, "Messages that are in memory"),
    "messages_ready_ram": Metric(
        "queue_messages_ready_ram", GAUGE, "Ready messages that are in memory"
    ),
    "messages_unacknowledged_ram": Metric(
        "queue_messages_unacked_ram", GAUGE, "Unacknowledged messages that are in memory"
    ),
    "messages_persistent": Metric("queue_messages_persistent", GAUGE, "Persistent messages"),
    "messages_paged_out": Metric(
        "queue_messages_paged_out", GAUGE, "Transient messages that are not in memory"
    ),
    "message_bytes": Metric("queue_messages_bytes", GAUGE, "Size in bytes of all messages"),
    "message_bytes_ready": Metric(
        "queue_messages_ready_bytes", GAUGE, "Size in bytes of ready messages"
    ),
    "message_bytes_unacknowledged": Metric(
        "queue_messages_unacked_bytes", GAUGE, "Size in bytes of unacknowledged messages"
    ),
    "message_bytes_ram": Metric(
        "queue_messages_ram_bytes", GAUGE, "Size in bytes of messages that are in memory"
    ),
    "message_bytes_persistent": Metric(
        "queue_messages_persistent_bytes", GAUGE, "Size in bytes of persistent messages"
    ),
    "message_bytes_paged_out": Metric(
        "queue_messages_paged_out_bytes",
        GAUGE,
        "Size in bytes of transient messages that are not in memory",
    ),
}
_THOSE_SIZES: Final = itemgetter(*SIZES)


def _queue_numbers(found: object) -> Sequence[Number]:
    queue = _queue(found)
    keeping_up = utilisation(queue)
    timestamp = head_timestamp(queue)
    return (
        len(queue.consumers),
        keeping_up,
        keeping_up,
        queue_memory(queue),
        float("nan") if timestamp is None else timestamp,
        *_THOSE_SIZES(queue_sizes(queue)),
    )


def _published(found: object) -> Sequence[Number]:
    queue = _queue(found)
    return (int(queue.arrived_count - queue.moved_count),)


def _published_labels(found: object) -> str:
    vhost, queue = _of_vhost(found)
    return labels(queue_vhost=vhost, queue=queue.name)


def _of_vhost(found: object) -> tuple[str, ClassicQueue]:
    assert isinstance(found, tuple)
    return found[0].name, found[1]


def _queue(found: object) -> ClassicQueue:
    return _of_vhost(found)[1]


# --- channels and connections ---


def _connections(management: Management, vhosts: list[VHost]) -> Found:
    wanted = set(vhosts)
    yield [
        session
        for session in management.broker.sessions
        if isinstance(session, Connection) and session.is_running() and session.vhost in wanted
    ]


def _channels(management: Management, vhosts: list[VHost]) -> Found:
    for some in _connections(management, vhosts):
        for connection in some:
            assert isinstance(connection, Connection)
            yield list(connection.channels.open.values())


def _connection_labels(connection: object) -> str:
    assert isinstance(connection, Connection)
    return labels(channel=connection.peer.name)


def _channel_labels(found: object) -> str:
    return labels(channel=channel_name(_channel(found)))


def _channel_in_vhost(found: object) -> str:
    channel = _channel(found)
    return labels(channel=channel_name(channel), vhost=channel.vhost.name)


def _channel_state(found: object) -> Sequence[Number]:
    channel = _channel(found)
    confirms, transaction = channel.confirms, channel.transaction
    return (
        len(channel.consumers),
        int(channel.unacked.count),
        confirms.unanswered_count() if confirms is not None else 0,
        transaction.published_count() if transaction is not None else 0,
        transaction.acknowledged_count() if transaction is not None else 0,
        channel.consumer_prefetch_count,
        int(channel.prefetch_count),
    )


def _counts(*names: str) -> Callable[[object], Sequence[Number]]:
    places = [CHANNEL.places[name] for name in names]

    def numbers(found: object) -> Sequence[Number]:
        counted = channel_numbers(_channel(found))
        return [counted[place] for place in places]

    return numbers


def _channel(found: object) -> Channel:
    from leveret.amqp.channel import Channel

    assert isinstance(found, Channel)
    return found


def _octets(connection: object) -> Sequence[Number]:
    assert isinstance(connection, Connection)
    return int(connection.octets_received), int(connection.output.octets_sent)


def _packets(connection: object) -> Sequence[Number]:
    assert isinstance(connection, Connection)
    output = connection.output
    return (
        int(connection.reads),
        int(output.writes),
        int(output.size() > 0),
        len(connection.channels.open),
    )


# --- exchanges and vhosts ---


def _exchanges(_management: Management, vhosts: list[VHost]) -> Found:
    for vhost in vhosts:
        yield [(vhost, exchange) for exchange in vhost.exchanges.values()]


def _exchange_labels(found: object) -> str:
    vhost, exchange = _exchange(found)
    return labels(vhost=vhost.name, exchange=exchange.name, type=exchange.type_name)


def _exchange(found: object) -> tuple[VHost, Exchange]:
    assert isinstance(found, tuple)
    return found[0], found[1]


def _bindings(found: object) -> Sequence[Number]:
    vhost, exchange = _exchange(found)
    if exchange.name == "":
        return (len(vhost.queues),)
    return (len(vhost.bindings.leaving(exchange)),)


def _vhosts(_management: Management, vhosts: list[VHost]) -> Found:
    yield vhosts


def _vhost_labels(vhost: object) -> str:
    return labels(vhost=getattr(vhost, "name", ""))


def _one(_thing: object) -> Sequence[Number]:
    return (1,)


# The texts are RabbitMQ's.
FAMILIES: Final = (
    Family(
        "queue_coarse_metrics",
        (
            Metric("queue_messages_ready", GAUGE, "Messages ready to be delivered to consumers"),
            Metric(
                "queue_messages_unacked",
                GAUGE,
                "Messages delivered to consumers but not yet acknowledged",
            ),
            Metric(
                "queue_messages",
                GAUGE,
                "Sum of ready and unacknowledged messages - total queue depth",
            ),
        ),
        _queues,
        _queue_labels,
        _coarse,
    ),
    Family(
        "queue_metrics",
        (
            Metric("queue_consumers", GAUGE, "Consumers on a queue"),
            Metric("queue_consumer_capacity", GAUGE, "Consumer capacity"),
            Metric("queue_consumer_utilisation", GAUGE, "Same as consumer capacity"),
            Metric(
                "queue_process_memory_bytes",
                GAUGE,
                "Memory in bytes used by the queue, beside what its messages hold",
            ),
            Metric(
                "queue_head_message_timestamp",
                GAUGE,
                "Timestamp of the first message in the queue, if any",
            ),
            *SIZES.values(),
        ),
        _queues,
        _queue_labels,
        _queue_numbers,
        no_sums=("queue_consumer_capacity", "queue_head_message_timestamp"),
    ),
    Family(
        "channel_metrics",
        (
            Metric("channel_consumers", GAUGE, "Consumers on a channel"),
            Metric(
                "channel_messages_unacked", GAUGE, "Delivered but not yet acknowledged messages"
            ),
            Metric(
                "channel_messages_unconfirmed", GAUGE, "Published but not yet confirmed messages"
            ),
            Metric(
                "channel_messages_uncommitted",
                GAUGE,
                "Messages received in a transaction but not yet committed",
            ),
            Metric(
                "channel_acks_uncommitted",
                GAUGE,
                "Message acknowledgements in a transaction not yet committed",
            ),
            Metric(
                "consumer_prefetch", GAUGE, "Limit of unacknowledged messages for each consumer"
            ),
            Metric(
                "channel_prefetch",
                GAUGE,
                "Total limit of unacknowledged messages for all consumers on a channel",
            ),
        ),
        _channels,
        _channel_labels,
        _channel_state,
    ),
    Family(
        "channel_exchange_metrics",
        (
            Metric(
                "channel_messages_published_total",
                COUNTER,
                "Total number of messages published into an exchange on a channel",
            ),
            Metric(
                "channel_messages_confirmed_total",
                COUNTER,
                "Total number of messages published into an exchange and confirmed on the channel",
            ),
            Metric(
                "channel_messages_unroutable_returned_total",
                COUNTER,
                "Total number of messages published as mandatory into an exchange and returned to "
                "the publisher as unroutable",
            ),
            Metric(
                "channel_messages_unroutable_dropped_total",
                COUNTER,
                "Total number of messages published as non-mandatory into an exchange and dropped "
                "as unroutable",
            ),
        ),
        _channels,
        _channel_in_vhost,
        _counts("publish", "confirm", "return_unroutable", "drop_unroutable"),
    ),
    Family(
        "channel_queue_metrics",
        (
            Metric(
                "channel_get_ack_total",
                COUNTER,
                "Total number of messages fetched with basic.get in manual acknowledgement mode",
            ),
            Metric(
                "channel_get_total",
                COUNTER,
                "Total number of messages fetched with basic.get in automatic acknowledgement mode",
            ),
            Metric(
                "channel_messages_delivered_ack_total",
                COUNTER,
                "Total number of messages delivered to consumers in manual acknowledgement mode",
            ),
            Metric(
                "channel_messages_delivered_total",
                COUNTER,
                "Total number of messages delivered to consumers in automatic acknowledgement mode",
            ),
            Metric(
                "channel_messages_redelivered_total",
                COUNTER,
                "Total number of messages redelivered to consumers",
            ),
            Metric(
                "channel_messages_acked_total",
                COUNTER,
                "Total number of messages acknowledged by consumers",
            ),
            Metric(
                "channel_get_empty_total",
                COUNTER,
                "Total number of times basic.get operations fetched no message",
            ),
        ),
        _channels,
        _channel_in_vhost,
        _counts("get", "get_no_ack", "deliver", "deliver_no_ack", "redeliver", "ack", "get_empty"),
    ),
    Family(
        "channel_queue_exchange_metrics",
        (
            Metric(
                "queue_messages_published_total",
                COUNTER,
                "Total number of messages published to queues",
            ),
        ),
        _queues,
        _published_labels,
        _published,
    ),
    Family(
        "connection_coarse_metrics",
        (
            Metric(
                "connection_incoming_bytes_total",
                COUNTER,
                "Total number of bytes received on a connection",
            ),
            Metric(
                "connection_outgoing_bytes_total",
                COUNTER,
                "Total number of bytes sent on a connection",
            ),
        ),
        _connections,
        _connection_labels,
        _octets,
    ),
    Family(
        "connection_metrics",
        (
            Metric(
                "connection_incoming_packets_total",
                COUNTER,
                "Total number of packets received on a connection",
            ),
            Metric(
                "connection_outgoing_packets_total",
                COUNTER,
                "Total number of packets sent on a connection",
            ),
            Metric(
                "connection_pending_packets",
                GAUGE,
                "Number of packets waiting to be sent on a connection",
            ),
            Metric("connection_channels", GAUGE, "Channels on a connection"),
        ),
        _connections,
        _connection_labels,
        _packets,
    ),
)
# In /metrics/detailed only.
CLUSTER_FAMILIES: Final = (
    Family(
        "exchange_bindings",
        (
            Metric(
                "exchange_bindings",
                GAUGE,
                "Number of bindings for an exchange. This value is cluster-wide.",
            ),
        ),
        _exchanges,
        _exchange_labels,
        _bindings,
        "rabbitmq_cluster_",
    ),
    Family(
        "exchange_names",
        (
            Metric(
                "exchange_name",
                GAUGE,
                "Enumerates exchanges without any additional info. This value is cluster-wide.",
            ),
        ),
        _exchanges,
        _exchange_labels,
        _one,
        "rabbitmq_cluster_",
    ),
    Family(
        "vhost_status",
        (Metric("vhost_status", GAUGE, "Whether a given vhost is running"),),
        _vhosts,
        _vhost_labels,
        _one,
        "rabbitmq_cluster_",
    ),
)
# A part of queue_metrics that can be had alone.
CONSUMER_COUNT: Final = Family(
    "queue_consumer_count",
    (Metric("queue_consumers", GAUGE, "Consumers on a queue"),),
    _queues,
    _queue_labels,
    lambda found: (len(_queue(found).consumers),),
)
