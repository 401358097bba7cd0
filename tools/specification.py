"""The facts of AMQP 0-9-1 and RabbitMQ's additions to it, as one table.

`tools/generate_wire.py` turns this table into `leveret.wire.constants` and `leveret.wire.methods`.
A field is written `name:type`; a leading `~` marks a field that the specification reserves: it
occupies its place on the wire and means nothing.
"""

from typing import NamedTuple


class Field(NamedTuple):
    name: str
    type: str
    reserved: bool


class Method(NamedTuple):
    class_name: str
    name: str
    class_id: int
    method_id: int
    fields: tuple[Field, ...]
    replies: tuple[str, ...]
    has_content: bool

    @property
    def full_name(self) -> str:
        return f"{self.class_name}.{self.name}"


class ReplyCode(NamedTuple):
    code: int
    name: str
    hard: bool


class Property(NamedTuple):
    name: str
    type: str
    flag: int


PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"

FRAMES = {
    "FRAME_METHOD": 1,
    "FRAME_HEADER": 2,
    "FRAME_BODY": 3,
    "FRAME_HEARTBEAT": 8,
    "FRAME_END": 0xCE,
    # Type octet, channel, size, and the frame-end octet.
    "FRAME_OVERHEAD": 8,
    "FRAME_MIN_SIZE": 4096,
    "REPLY_SUCCESS": 200,
}

# A soft error closes the channel, a hard one the connection.
REPLY_CODES = (
    ReplyCode(311, "CONTENT_TOO_LARGE", False),
    ReplyCode(312, "NO_ROUTE", False),
    ReplyCode(313, "NO_CONSUMERS", False),
    ReplyCode(320, "CONNECTION_FORCED", True),
    ReplyCode(402, "INVALID_PATH", True),
    ReplyCode(403, "ACCESS_REFUSED", False),
    ReplyCode(404, "NOT_FOUND", False),
    ReplyCode(405, "RESOURCE_LOCKED", False),
    ReplyCode(406, "PRECONDITION_FAILED", False),
    ReplyCode(501, "FRAME_ERROR", True),
    ReplyCode(502, "SYNTAX_ERROR", True),
    ReplyCode(503, "COMMAND_INVALID", True),
    ReplyCode(504, "CHANNEL_ERROR", True),
    ReplyCode(505, "UNEXPECTED_FRAME", True),
    ReplyCode(506, "RESOURCE_ERROR", True),
    ReplyCode(530, "NOT_ALLOWED", True),
    ReplyCode(540, "NOT_IMPLEMENTED", True),
    ReplyCode(541, "INTERNAL_ERROR", True),
)

CLASSES = {
    "connection": 10,
    "channel": 20,
    "access": 30,
    "exchange": 40,
    "queue": 50,
    "basic": 60,
    "confirm": 85,
    "tx": 90,
}

# The flag of the first property is the highest bit (4.2.6.1).
PROPERTIES = tuple(
    Property(name, type_, 1 << (15 - place))
    for place, (name, type_) in enumerate(
        (
            ("content_type", "shortstr"),
            ("content_encoding", "shortstr"),
            ("headers", "table"),
            ("delivery_mode", "octet"),
            ("priority", "octet"),
            ("correlation_id", "shortstr"),
            ("reply_to", "shortstr"),
            ("expiration", "shortstr"),
            ("message_id", "shortstr"),
            ("timestamp", "timestamp"),
            ("type", "shortstr"),
            ("user_id", "shortstr"),
            ("app_id", "shortstr"),
            ("cluster_id", "shortstr"),
        )
    )
)


def _method(
    full_name: str,
    method_id: int,
    fields: str = "",
    replies: str = "",
    has_content: bool = False,
) -> Method:
    class_name, name = full_name.split(".")
    return Method(
        class_name,
        name,
        CLASSES[class_name],
        method_id,
        tuple(_field(field) for field in fields.split()),
        tuple(f"{class_name}.{reply}" for reply in replies.split()),
        has_content,
    )


def _field(written: str) -> Field:
    name, type_ = written.removeprefix("~").split(":")
    return Field(name, type_, written.startswith("~"))


# The fields of connection.close and channel.close that the specification calls class-id and
# method-id name the method that failed.
_CLOSE = "reply_code:short reply_text:shortstr failing_class_id:short failing_method_id:short"
_TUNE = "channel_max:short frame_max:long heartbeat:short"
_BIND_EXCHANGE = (
    "~ticket:short destination:shortstr source:shortstr routing_key:shortstr nowait:bit "
    "arguments:table"
)

METHODS = (
    _method(
        "connection.start",
        10,
        "version_major:octet version_minor:octet server_properties:table mechanisms:longstr "
        "locales:longstr",
        "start-ok",
    ),
    _method(
        "connection.start-ok",
        11,
        "client_properties:table mechanism:shortstr response:longstr locale:shortstr",
    ),
    _method("connection.secure", 20, "challenge:longstr", "secure-ok"),
    _method("connection.secure-ok", 21, "response:longstr"),
    _method("connection.tune", 30, _TUNE, "tune-ok"),
    _method("connection.tune-ok", 31, _TUNE),
    _method(
        "connection.open",
        40,
        "virtual_host:shortstr ~capabilities:shortstr ~insist:bit",
        "open-ok",
    ),
    _method("connection.open-ok", 41, "~known_hosts:shortstr"),
    _method("connection.close", 50, _CLOSE, "close-ok"),
    _method("connection.close-ok", 51),
    _method("connection.blocked", 60, "reason:shortstr"),
    _method("connection.unblocked", 61),
    _method(
        "connection.update-secret",
        70,
        "new_secret:longstr reason:shortstr",
        "update-secret-ok",
    ),
    _method("connection.update-secret-ok", 71),
    _method("channel.open", 10, "~out_of_band:shortstr", "open-ok"),
    _method("channel.open-ok", 11, "~channel_id:longstr"),
    _method("channel.flow", 20, "active:bit", "flow-ok"),
    _method("channel.flow-ok", 21, "active:bit"),
    _method("channel.close", 40, _CLOSE, "close-ok"),
    _method("channel.close-ok", 41),
    _method(
        "access.request",
        10,
        "realm:shortstr exclusive:bit passive:bit active:bit write:bit read:bit",
        "request-ok",
    ),
    _method("access.request-ok", 11, "ticket:short"),
    _method(
        "exchange.declare",
        10,
        "~ticket:short exchange:shortstr type:shortstr passive:bit durable:bit auto_delete:bit "
        "internal:bit nowait:bit arguments:table",
        "declare-ok",
    ),
    _method("exchange.declare-ok", 11),
    _method(
        "exchange.delete",
        20,
        "~ticket:short exchange:shortstr if_unused:bit nowait:bit",
        "delete-ok",
    ),
    _method("exchange.delete-ok", 21),
    _method("exchange.bind", 30, _BIND_EXCHANGE, "bind-ok"),
    _method("exchange.bind-ok", 31),
    _method("exchange.unbind", 40, _BIND_EXCHANGE, "unbind-ok"),
    # 51 and not 41: RabbitMQ chose so, and every client follows it.
    _method("exchange.unbind-ok", 51),
    _method(
        "queue.declare",
        10,
        "~ticket:short queue:shortstr passive:bit durable:bit exclusive:bit auto_delete:bit "
        "nowait:bit arguments:table",
        "declare-ok",
    ),
    _method("queue.declare-ok", 11, "queue:shortstr message_count:long consumer_count:long"),
    _method(
        "queue.bind",
        20,
        "~ticket:short queue:shortstr exchange:shortstr routing_key:shortstr nowait:bit "
        "arguments:table",
        "bind-ok",
    ),
    _method("queue.bind-ok", 21),
    _method("queue.purge", 30, "~ticket:short queue:shortstr nowait:bit", "purge-ok"),
    _method("queue.purge-ok", 31, "message_count:long"),
    _method(
        "queue.delete",
        40,
        "~ticket:short queue:shortstr if_unused:bit if_empty:bit nowait:bit",
        "delete-ok",
    ),
    _method("queue.delete-ok", 41, "message_count:long"),
    _method(
        "queue.unbind",
        50,
        "~ticket:short queue:shortstr exchange:shortstr routing_key:shortstr arguments:table",
        "unbind-ok",
    ),
    _method("queue.unbind-ok", 51),
    _method("basic.qos", 10, "prefetch_size:long prefetch_count:short global_:bit", "qos-ok"),
    _method("basic.qos-ok", 11),
    _method(
        "basic.consume",
        20,
        "~ticket:short queue:shortstr consumer_tag:shortstr no_local:bit no_ack:bit "
        "exclusive:bit nowait:bit arguments:table",
        "consume-ok",
    ),
    _method("basic.consume-ok", 21, "consumer_tag:shortstr"),
    # Also sent by the server, to clients that announce consumer_cancel_notify.
    _method("basic.cancel", 30, "consumer_tag:shortstr nowait:bit", "cancel-ok"),
    _method("basic.cancel-ok", 31, "consumer_tag:shortstr"),
    _method(
        "basic.publish",
        40,
        "~ticket:short exchange:shortstr routing_key:shortstr mandatory:bit immediate:bit",
        has_content=True,
    ),
    _method(
        "basic.return",
        50,
        "reply_code:short reply_text:shortstr exchange:shortstr routing_key:shortstr",
        has_content=True,
    ),
    _method(
        "basic.deliver",
        60,
        "consumer_tag:shortstr delivery_tag:longlong redelivered:bit exchange:shortstr "
        "routing_key:shortstr",
        has_content=True,
    ),
    _method("basic.get", 70, "~ticket:short queue:shortstr no_ack:bit", "get-ok get-empty"),
    _method(
        "basic.get-ok",
        71,
        "delivery_tag:longlong redelivered:bit exchange:shortstr routing_key:shortstr "
        "message_count:long",
        has_content=True,
    ),
    _method("basic.get-empty", 72, "~cluster_id:shortstr"),
    _method("basic.ack", 80, "delivery_tag:longlong multiple:bit"),
    _method("basic.reject", 90, "delivery_tag:longlong requeue:bit"),
    _method("basic.recover-async", 100, "requeue:bit"),
    _method("basic.recover", 110, "requeue:bit", "recover-ok"),
    _method("basic.recover-ok", 111),
    _method("basic.nack", 120, "delivery_tag:longlong multiple:bit requeue:bit"),
    _method("confirm.select", 10, "nowait:bit", "select-ok"),
    _method("confirm.select-ok", 11),
    _method("tx.select", 10, replies="select-ok"),
    _method("tx.select-ok", 11),
    _method("tx.commit", 20, replies="commit-ok"),
    _method("tx.commit-ok", 21),
    _method("tx.rollback", 30, replies="rollback-ok"),
    _method("tx.rollback-ok", 31),
)

# What a `repr`, and so a log, must not show.
SECRETS = frozenset({"response", "new_secret"})
