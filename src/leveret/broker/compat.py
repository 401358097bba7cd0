"""Where RabbitMQ's releases answer differently: one table, a row for each difference.

A level is the release whose behaviour clients see. The default is 3.13: everything that the
tutorials of fifteen years declare still works there. A row names the first level at which a new
answer holds; nothing else in the broker compares levels. A vhost may have a level of its own; what
is settled before a client has named its vhost, or is one for all, follows the server's.
"""

from typing import Final

LEVELS: Final = ("3.13", "4.2", "4.3")
DEFAULT_LEVEL: Final = "3.13"


class Difference:
    """One row: what differs, and the value at each level. `server_wide`: a vhost's own level does
    not matter."""

    def __init__(
        self, doc: str, values: tuple[object, object, object], *, server_wide: bool = False
    ) -> None:
        self.doc = doc
        self.values = values
        self.server_wide = server_wide


DIFFERENCES: Final[dict[str, Difference]] = {
    "server_version": Difference(
        "The version in the server properties; clients such as kombu decide by it.",
        ("3.13.7", "4.2.9", "4.3.5"),
        server_wide=True,
    ),
    "foreign_header_reply": Difference(
        "The protocol header that answers a wrong one.",
        (b"AMQP\x00\x00\x09\x01", b"AMQP\x03\x01\x00\x00", b"AMQP\x03\x01\x00\x00"),
        server_wide=True,
    ),
    "initial_frame_max_bytes": Difference(
        "The largest frame before authentication, and the smallest that may be negotiated.",
        (4096, 8192, 8192),
        server_wide=True,
    ),
    "max_message_size_bytes": Difference(
        "The largest message body, where the setting does not say otherwise.",
        (134217728, 16777216, 16777216),
        server_wide=True,
    ),
    "memory_high_watermark_ratio": Difference(
        "The share of the memory past which publishers are blocked, where the setting does not "
        "say otherwise.",
        (0.4, 0.6, 0.6),
        server_wide=True,
    ),
    "unknown_exchange_type": Difference(
        "Reply code for a declare with an unknown exchange type (503 closes the connection).",
        (503, 406, 406),
    ),
    "refusals_name_permission": Difference(
        "Whether a refusal for want of permission says which one.",
        (False, True, True),
    ),
    "passive_declare_needs_permission": Difference(
        "Whether a passive declare asks for any of the three permissions.",
        (False, False, True),
    ),
    "transient_nonexclusive_queues": Difference(
        "Whether a queue that is neither durable nor exclusive may be declared.",
        (True, True, False),
    ),
    "topic_hashes_max": Difference(
        "How many `#` the binding key of a topic exchange may hold; 0 is any number.",
        (0, 0, 2),
    ),
    "quorum_delivery_limit": Difference(
        "How often a message may come back to a quorum queue, where nothing else says so.",
        (-1, 20, 20),
    ),
    "nack_is_no_failure": Difference(
        "Whether basic.nack may return a message without its counting as a failed delivery.",
        (False, False, True),
    ),
    "single_active_gives_way": Difference(
        "Whether a quorum queue's single active consumer gives way to one of higher priority.",
        (False, True, True),
    ),
    "ack_timeout_on_quorum_only": Difference(
        "Whether the server's acknowledgement timeout is for quorum queues only.",
        (False, False, True),
    ),
    "ack_timeout_cancels": Difference(
        "Whether a late acknowledgement costs a client that can hear of it the consumer, and not "
        "the channel.",
        (False, False, True),
    ),
    "global_prefetch": Difference(
        "Whether basic.qos global=true limits the channel (else it counts as global=false).",
        (True, True, False),
    ),
}


class Compat:
    """The answers of one level."""

    def __init__(self, level: str = DEFAULT_LEVEL) -> None:
        if level not in LEVELS:
            raise ValueError(f"compat must be one of {', '.join(LEVELS)}, not {level!r}")
        self.level = level
        at = LEVELS.index(level)
        row = DIFFERENCES
        self.server_version = str(row["server_version"].values[at])
        header = row["foreign_header_reply"].values[at]
        self.foreign_header_reply = header if isinstance(header, bytes) else b""
        self.initial_frame_max_bytes = _int(row["initial_frame_max_bytes"].values[at])
        self.max_message_size_bytes = _int(row["max_message_size_bytes"].values[at])
        ratio = row["memory_high_watermark_ratio"].values[at]
        self.memory_high_watermark_ratio = ratio if isinstance(ratio, float) else 0.0
        self.unknown_exchange_type = _int(row["unknown_exchange_type"].values[at])
        self.refusals_name_permission = row["refusals_name_permission"].values[at] is True
        self.passive_declare_needs_permission = (
            row["passive_declare_needs_permission"].values[at] is True
        )
        self.transient_nonexclusive_queues = row["transient_nonexclusive_queues"].values[at] is True
        self.topic_hashes_max = _int(row["topic_hashes_max"].values[at])
        self.quorum_delivery_limit = _int(row["quorum_delivery_limit"].values[at])
        self.nack_is_no_failure = row["nack_is_no_failure"].values[at] is True
        self.single_active_gives_way = row["single_active_gives_way"].values[at] is True
        self.ack_timeout_on_quorum_only = row["ack_timeout_on_quorum_only"].values[at] is True
        self.ack_timeout_cancels = row["ack_timeout_cancels"].values[at] is True
        self.global_prefetch = row["global_prefetch"].values[at] is True


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
