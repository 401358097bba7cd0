"""A class for each method of AMQP 0-9-1.

Generated from `tools/specification.py` by `python tools/generate_wire.py`; do not edit.
"""

from typing import ClassVar, Final, Self

from leveret.wire.errors import MalformedFrame, UnknownMethod
from leveret.wire.field import Table
from leveret.wire.scalars import (
    ARGUMENTS_OFFSET,
    bits,
    finish,
    long,
    longlong,
    longstr,
    octet,
    read_long,
    read_longlong,
    read_longstr,
    read_octet,
    read_short,
    read_shortstr,
    read_table,
    short,
    shortstr,
    table,
)


class Method:
    """A method and its arguments. Reserved fields are written as zero and have no name here."""

    __slots__ = ()

    method_id: ClassVar[int] = 0
    name: ClassVar[str] = ""
    has_content: ClassVar[bool] = False
    # Whether the sender waits for a reply, unless it sets `nowait`.
    synchronous: ClassVar[bool] = False
    # Fields that `repr`, and so a log, must not show.
    secrets: ClassVar[tuple[str, ...]] = ()

    def fields(self) -> dict[str, object]:
        return {}

    def encode(self) -> bytes:
        """The payload of a method frame: class id, method id, arguments."""
        raise NotImplementedError

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        """The method whose arguments begin at `offset` and fill the rest of `payload`."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Method):
            return NotImplemented
        return type(other) is type(self) and other.fields() == self.fields()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = (
            f"{name}=<hidden>" if name in self.secrets else f"{name}={value!r}"
            for name, value in self.fields().items()
        )
        return f"{type(self).__name__}({', '.join(shown)})"


class ConnectionStart(Method):
    __slots__ = ("locales", "mechanisms", "server_properties", "version_major", "version_minor")

    method_id = 0x000A000A
    name = "connection.start"
    synchronous = True

    def __init__(
        self,
        version_major: int = 0,
        version_minor: int = 0,
        server_properties: Table | None = None,
        mechanisms: bytes = b"",
        locales: bytes = b"",
    ) -> None:
        self.version_major = version_major
        self.version_minor = version_minor
        self.server_properties: Table = {} if server_properties is None else server_properties
        self.mechanisms = mechanisms
        self.locales = locales

    def fields(self) -> dict[str, object]:
        return {
            "version_major": self.version_major,
            "version_minor": self.version_minor,
            "server_properties": self.server_properties,
            "mechanisms": self.mechanisms,
            "locales": self.locales,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x0a",
                octet(self.version_major),
                octet(self.version_minor),
                table(self.server_properties),
                longstr(self.mechanisms),
                longstr(self.locales),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        version_major, offset = read_octet(payload, offset)
        version_minor, offset = read_octet(payload, offset)
        server_properties, offset = read_table(payload, offset)
        mechanisms, offset = read_longstr(payload, offset)
        locales, offset = read_longstr(payload, offset)
        finish(payload, offset)
        return cls(
            version_major,
            version_minor,
            server_properties,
            mechanisms,
            locales,
        )


class ConnectionStartOk(Method):
    __slots__ = ("client_properties", "locale", "mechanism", "response")

    method_id = 0x000A000B
    name = "connection.start-ok"
    secrets = ("response",)

    def __init__(
        self,
        client_properties: Table | None = None,
        mechanism: str = "",
        response: bytes = b"",
        locale: str = "",
    ) -> None:
        self.client_properties: Table = {} if client_properties is None else client_properties
        self.mechanism = mechanism
        self.response = response
        self.locale = locale

    def fields(self) -> dict[str, object]:
        return {
            "client_properties": self.client_properties,
            "mechanism": self.mechanism,
            "response": self.response,
            "locale": self.locale,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x0b",
                table(self.client_properties),
                shortstr(self.mechanism),
                longstr(self.response),
                shortstr(self.locale),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        client_properties, offset = read_table(payload, offset)
        mechanism, offset = read_shortstr(payload, offset)
        response, offset = read_longstr(payload, offset)
        locale, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls(
            client_properties,
            mechanism,
            response,
            locale,
        )


class ConnectionSecure(Method):
    __slots__ = ("challenge",)

    method_id = 0x000A0014
    name = "connection.secure"
    synchronous = True

    def __init__(
        self,
        challenge: bytes = b"",
    ) -> None:
        self.challenge = challenge

    def fields(self) -> dict[str, object]:
        return {
            "challenge": self.challenge,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x14",
                longstr(self.challenge),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        challenge, offset = read_longstr(payload, offset)
        finish(payload, offset)
        return cls(
            challenge,
        )


class ConnectionSecureOk(Method):
    __slots__ = ("response",)

    method_id = 0x000A0015
    name = "connection.secure-ok"
    secrets = ("response",)

    def __init__(
        self,
        response: bytes = b"",
    ) -> None:
        self.response = response

    def fields(self) -> dict[str, object]:
        return {
            "response": self.response,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x15",
                longstr(self.response),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        response, offset = read_longstr(payload, offset)
        finish(payload, offset)
        return cls(
            response,
        )


class ConnectionTune(Method):
    __slots__ = ("channel_max", "frame_max", "heartbeat")

    method_id = 0x000A001E
    name = "connection.tune"
    synchronous = True

    def __init__(
        self,
        channel_max: int = 0,
        frame_max: int = 0,
        heartbeat: int = 0,
    ) -> None:
        self.channel_max = channel_max
        self.frame_max = frame_max
        self.heartbeat = heartbeat

    def fields(self) -> dict[str, object]:
        return {
            "channel_max": self.channel_max,
            "frame_max": self.frame_max,
            "heartbeat": self.heartbeat,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x1e",
                short(self.channel_max),
                long(self.frame_max),
                short(self.heartbeat),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        channel_max, offset = read_short(payload, offset)
        frame_max, offset = read_long(payload, offset)
        heartbeat, offset = read_short(payload, offset)
        finish(payload, offset)
        return cls(
            channel_max,
            frame_max,
            heartbeat,
        )


class ConnectionTuneOk(Method):
    __slots__ = ("channel_max", "frame_max", "heartbeat")

    method_id = 0x000A001F
    name = "connection.tune-ok"

    def __init__(
        self,
        channel_max: int = 0,
        frame_max: int = 0,
        heartbeat: int = 0,
    ) -> None:
        self.channel_max = channel_max
        self.frame_max = frame_max
        self.heartbeat = heartbeat

    def fields(self) -> dict[str, object]:
        return {
            "channel_max": self.channel_max,
            "frame_max": self.frame_max,
            "heartbeat": self.heartbeat,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x1f",
                short(self.channel_max),
                long(self.frame_max),
                short(self.heartbeat),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        channel_max, offset = read_short(payload, offset)
        frame_max, offset = read_long(payload, offset)
        heartbeat, offset = read_short(payload, offset)
        finish(payload, offset)
        return cls(
            channel_max,
            frame_max,
            heartbeat,
        )


class ConnectionOpen(Method):
    __slots__ = ("virtual_host",)

    method_id = 0x000A0028
    name = "connection.open"
    synchronous = True

    def __init__(
        self,
        virtual_host: str = "",
    ) -> None:
        self.virtual_host = virtual_host

    def fields(self) -> dict[str, object]:
        return {
            "virtual_host": self.virtual_host,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x28",
                shortstr(self.virtual_host),
                b"\x00\x00",
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        virtual_host, offset = read_shortstr(payload, offset)
        _, offset = read_shortstr(payload, offset)
        _, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            virtual_host,
        )


class ConnectionOpenOk(Method):
    __slots__ = ()

    method_id = 0x000A0029
    name = "connection.open-ok"

    def encode(self) -> bytes:
        return b"\x00\x0a\x00\x29\x00"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls()


class ConnectionClose(Method):
    __slots__ = ("failing_class_id", "failing_method_id", "reply_code", "reply_text")

    method_id = 0x000A0032
    name = "connection.close"
    synchronous = True

    def __init__(
        self,
        reply_code: int = 0,
        reply_text: str = "",
        failing_class_id: int = 0,
        failing_method_id: int = 0,
    ) -> None:
        self.reply_code = reply_code
        self.reply_text = reply_text
        self.failing_class_id = failing_class_id
        self.failing_method_id = failing_method_id

    def fields(self) -> dict[str, object]:
        return {
            "reply_code": self.reply_code,
            "reply_text": self.reply_text,
            "failing_class_id": self.failing_class_id,
            "failing_method_id": self.failing_method_id,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x32",
                short(self.reply_code),
                shortstr(self.reply_text),
                short(self.failing_class_id),
                short(self.failing_method_id),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        reply_code, offset = read_short(payload, offset)
        reply_text, offset = read_shortstr(payload, offset)
        failing_class_id, offset = read_short(payload, offset)
        failing_method_id, offset = read_short(payload, offset)
        finish(payload, offset)
        return cls(
            reply_code,
            reply_text,
            failing_class_id,
            failing_method_id,
        )


class ConnectionCloseOk(Method):
    __slots__ = ()

    method_id = 0x000A0033
    name = "connection.close-ok"

    def encode(self) -> bytes:
        return b"\x00\x0a\x00\x33"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class ConnectionBlocked(Method):
    __slots__ = ("reason",)

    method_id = 0x000A003C
    name = "connection.blocked"

    def __init__(
        self,
        reason: str = "",
    ) -> None:
        self.reason = reason

    def fields(self) -> dict[str, object]:
        return {
            "reason": self.reason,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00\x3c",
                shortstr(self.reason),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        reason, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls(
            reason,
        )


class ConnectionUnblocked(Method):
    __slots__ = ()

    method_id = 0x000A003D
    name = "connection.unblocked"

    def encode(self) -> bytes:
        return b"\x00\x0a\x00\x3d"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class ConnectionUpdateSecret(Method):
    __slots__ = ("new_secret", "reason")

    method_id = 0x000A0046
    name = "connection.update-secret"
    synchronous = True
    secrets = ("new_secret",)

    def __init__(
        self,
        new_secret: bytes = b"",
        reason: str = "",
    ) -> None:
        self.new_secret = new_secret
        self.reason = reason

    def fields(self) -> dict[str, object]:
        return {
            "new_secret": self.new_secret,
            "reason": self.reason,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x0a\x00F",
                longstr(self.new_secret),
                shortstr(self.reason),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        new_secret, offset = read_longstr(payload, offset)
        reason, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls(
            new_secret,
            reason,
        )


class ConnectionUpdateSecretOk(Method):
    __slots__ = ()

    method_id = 0x000A0047
    name = "connection.update-secret-ok"

    def encode(self) -> bytes:
        return b"\x00\x0a\x00G"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class ChannelOpen(Method):
    __slots__ = ()

    method_id = 0x0014000A
    name = "channel.open"
    synchronous = True

    def encode(self) -> bytes:
        return b"\x00\x14\x00\x0a\x00"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls()


class ChannelOpenOk(Method):
    __slots__ = ()

    method_id = 0x0014000B
    name = "channel.open-ok"

    def encode(self) -> bytes:
        return b"\x00\x14\x00\x0b\x00\x00\x00\x00"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_longstr(payload, offset)
        finish(payload, offset)
        return cls()


class ChannelFlow(Method):
    __slots__ = ("active",)

    method_id = 0x00140014
    name = "channel.flow"
    synchronous = True

    def __init__(
        self,
        active: bool = False,
    ) -> None:
        self.active = active

    def fields(self) -> dict[str, object]:
        return {
            "active": self.active,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x14\x00\x14",
                bits(self.active),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            octet_ & 1 != 0,
        )


class ChannelFlowOk(Method):
    __slots__ = ("active",)

    method_id = 0x00140015
    name = "channel.flow-ok"

    def __init__(
        self,
        active: bool = False,
    ) -> None:
        self.active = active

    def fields(self) -> dict[str, object]:
        return {
            "active": self.active,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x14\x00\x15",
                bits(self.active),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            octet_ & 1 != 0,
        )


class ChannelClose(Method):
    __slots__ = ("failing_class_id", "failing_method_id", "reply_code", "reply_text")

    method_id = 0x00140028
    name = "channel.close"
    synchronous = True

    def __init__(
        self,
        reply_code: int = 0,
        reply_text: str = "",
        failing_class_id: int = 0,
        failing_method_id: int = 0,
    ) -> None:
        self.reply_code = reply_code
        self.reply_text = reply_text
        self.failing_class_id = failing_class_id
        self.failing_method_id = failing_method_id

    def fields(self) -> dict[str, object]:
        return {
            "reply_code": self.reply_code,
            "reply_text": self.reply_text,
            "failing_class_id": self.failing_class_id,
            "failing_method_id": self.failing_method_id,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x14\x00\x28",
                short(self.reply_code),
                shortstr(self.reply_text),
                short(self.failing_class_id),
                short(self.failing_method_id),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        reply_code, offset = read_short(payload, offset)
        reply_text, offset = read_shortstr(payload, offset)
        failing_class_id, offset = read_short(payload, offset)
        failing_method_id, offset = read_short(payload, offset)
        finish(payload, offset)
        return cls(
            reply_code,
            reply_text,
            failing_class_id,
            failing_method_id,
        )


class ChannelCloseOk(Method):
    __slots__ = ()

    method_id = 0x00140029
    name = "channel.close-ok"

    def encode(self) -> bytes:
        return b"\x00\x14\x00\x29"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class AccessRequest(Method):
    __slots__ = ("active", "exclusive", "passive", "read", "realm", "write")

    method_id = 0x001E000A
    name = "access.request"
    synchronous = True

    def __init__(
        self,
        realm: str = "",
        exclusive: bool = False,
        passive: bool = False,
        active: bool = False,
        write: bool = False,
        read: bool = False,
    ) -> None:
        self.realm = realm
        self.exclusive = exclusive
        self.passive = passive
        self.active = active
        self.write = write
        self.read = read

    def fields(self) -> dict[str, object]:
        return {
            "realm": self.realm,
            "exclusive": self.exclusive,
            "passive": self.passive,
            "active": self.active,
            "write": self.write,
            "read": self.read,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x1e\x00\x0a",
                shortstr(self.realm),
                bits(self.exclusive, self.passive, self.active, self.write, self.read),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        realm, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            realm,
            octet_ & 1 != 0,
            octet_ & 2 != 0,
            octet_ & 4 != 0,
            octet_ & 8 != 0,
            octet_ & 16 != 0,
        )


class AccessRequestOk(Method):
    __slots__ = ("ticket",)

    method_id = 0x001E000B
    name = "access.request-ok"

    def __init__(
        self,
        ticket: int = 0,
    ) -> None:
        self.ticket = ticket

    def fields(self) -> dict[str, object]:
        return {
            "ticket": self.ticket,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x1e\x00\x0b",
                short(self.ticket),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        ticket, offset = read_short(payload, offset)
        finish(payload, offset)
        return cls(
            ticket,
        )


class ExchangeDeclare(Method):
    __slots__ = (
        "arguments",
        "auto_delete",
        "durable",
        "exchange",
        "internal",
        "nowait",
        "passive",
        "type",
    )

    method_id = 0x0028000A
    name = "exchange.declare"
    synchronous = True

    def __init__(
        self,
        exchange: str = "",
        type: str = "",
        passive: bool = False,
        durable: bool = False,
        auto_delete: bool = False,
        internal: bool = False,
        nowait: bool = False,
        arguments: Table | None = None,
    ) -> None:
        self.exchange = exchange
        self.type = type
        self.passive = passive
        self.durable = durable
        self.auto_delete = auto_delete
        self.internal = internal
        self.nowait = nowait
        self.arguments: Table = {} if arguments is None else arguments

    def fields(self) -> dict[str, object]:
        return {
            "exchange": self.exchange,
            "type": self.type,
            "passive": self.passive,
            "durable": self.durable,
            "auto_delete": self.auto_delete,
            "internal": self.internal,
            "nowait": self.nowait,
            "arguments": self.arguments,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x28\x00\x0a\x00\x00",
                shortstr(self.exchange),
                shortstr(self.type),
                bits(self.passive, self.durable, self.auto_delete, self.internal, self.nowait),
                table(self.arguments),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        exchange, offset = read_shortstr(payload, offset)
        type, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        arguments, offset = read_table(payload, offset)
        finish(payload, offset)
        return cls(
            exchange,
            type,
            octet_ & 1 != 0,
            octet_ & 2 != 0,
            octet_ & 4 != 0,
            octet_ & 8 != 0,
            octet_ & 16 != 0,
            arguments,
        )


class ExchangeDeclareOk(Method):
    __slots__ = ()

    method_id = 0x0028000B
    name = "exchange.declare-ok"

    def encode(self) -> bytes:
        return b"\x00\x28\x00\x0b"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class ExchangeDelete(Method):
    __slots__ = ("exchange", "if_unused", "nowait")

    method_id = 0x00280014
    name = "exchange.delete"
    synchronous = True

    def __init__(
        self,
        exchange: str = "",
        if_unused: bool = False,
        nowait: bool = False,
    ) -> None:
        self.exchange = exchange
        self.if_unused = if_unused
        self.nowait = nowait

    def fields(self) -> dict[str, object]:
        return {
            "exchange": self.exchange,
            "if_unused": self.if_unused,
            "nowait": self.nowait,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x28\x00\x14\x00\x00",
                shortstr(self.exchange),
                bits(self.if_unused, self.nowait),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        exchange, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            exchange,
            octet_ & 1 != 0,
            octet_ & 2 != 0,
        )


class ExchangeDeleteOk(Method):
    __slots__ = ()

    method_id = 0x00280015
    name = "exchange.delete-ok"

    def encode(self) -> bytes:
        return b"\x00\x28\x00\x15"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class ExchangeBind(Method):
    __slots__ = ("arguments", "destination", "nowait", "routing_key", "source")

    method_id = 0x0028001E
    name = "exchange.bind"
    synchronous = True

    def __init__(
        self,
        destination: str = "",
        source: str = "",
        routing_key: str = "",
        nowait: bool = False,
        arguments: Table | None = None,
    ) -> None:
        self.destination = destination
        self.source = source
        self.routing_key = routing_key
        self.nowait = nowait
        self.arguments: Table = {} if arguments is None else arguments

    def fields(self) -> dict[str, object]:
        return {
            "destination": self.destination,
            "source": self.source,
            "routing_key": self.routing_key,
            "nowait": self.nowait,
            "arguments": self.arguments,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x28\x00\x1e\x00\x00",
                shortstr(self.destination),
                shortstr(self.source),
                shortstr(self.routing_key),
                bits(self.nowait),
                table(self.arguments),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        destination, offset = read_shortstr(payload, offset)
        source, offset = read_shortstr(payload, offset)
        routing_key, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        arguments, offset = read_table(payload, offset)
        finish(payload, offset)
        return cls(
            destination,
            source,
            routing_key,
            octet_ & 1 != 0,
            arguments,
        )


class ExchangeBindOk(Method):
    __slots__ = ()

    method_id = 0x0028001F
    name = "exchange.bind-ok"

    def encode(self) -> bytes:
        return b"\x00\x28\x00\x1f"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class ExchangeUnbind(Method):
    __slots__ = ("arguments", "destination", "nowait", "routing_key", "source")

    method_id = 0x00280028
    name = "exchange.unbind"
    synchronous = True

    def __init__(
        self,
        destination: str = "",
        source: str = "",
        routing_key: str = "",
        nowait: bool = False,
        arguments: Table | None = None,
    ) -> None:
        self.destination = destination
        self.source = source
        self.routing_key = routing_key
        self.nowait = nowait
        self.arguments: Table = {} if arguments is None else arguments

    def fields(self) -> dict[str, object]:
        return {
            "destination": self.destination,
            "source": self.source,
            "routing_key": self.routing_key,
            "nowait": self.nowait,
            "arguments": self.arguments,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x28\x00\x28\x00\x00",
                shortstr(self.destination),
                shortstr(self.source),
                shortstr(self.routing_key),
                bits(self.nowait),
                table(self.arguments),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        destination, offset = read_shortstr(payload, offset)
        source, offset = read_shortstr(payload, offset)
        routing_key, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        arguments, offset = read_table(payload, offset)
        finish(payload, offset)
        return cls(
            destination,
            source,
            routing_key,
            octet_ & 1 != 0,
            arguments,
        )


class ExchangeUnbindOk(Method):
    __slots__ = ()

    method_id = 0x00280033
    name = "exchange.unbind-ok"

    def encode(self) -> bytes:
        return b"\x00\x28\x00\x33"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class QueueDeclare(Method):
    __slots__ = ("arguments", "auto_delete", "durable", "exclusive", "nowait", "passive", "queue")

    method_id = 0x0032000A
    name = "queue.declare"
    synchronous = True

    def __init__(
        self,
        queue: str = "",
        passive: bool = False,
        durable: bool = False,
        exclusive: bool = False,
        auto_delete: bool = False,
        nowait: bool = False,
        arguments: Table | None = None,
    ) -> None:
        self.queue = queue
        self.passive = passive
        self.durable = durable
        self.exclusive = exclusive
        self.auto_delete = auto_delete
        self.nowait = nowait
        self.arguments: Table = {} if arguments is None else arguments

    def fields(self) -> dict[str, object]:
        return {
            "queue": self.queue,
            "passive": self.passive,
            "durable": self.durable,
            "exclusive": self.exclusive,
            "auto_delete": self.auto_delete,
            "nowait": self.nowait,
            "arguments": self.arguments,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x32\x00\x0a\x00\x00",
                shortstr(self.queue),
                bits(self.passive, self.durable, self.exclusive, self.auto_delete, self.nowait),
                table(self.arguments),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        queue, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        arguments, offset = read_table(payload, offset)
        finish(payload, offset)
        return cls(
            queue,
            octet_ & 1 != 0,
            octet_ & 2 != 0,
            octet_ & 4 != 0,
            octet_ & 8 != 0,
            octet_ & 16 != 0,
            arguments,
        )


class QueueDeclareOk(Method):
    __slots__ = ("consumer_count", "message_count", "queue")

    method_id = 0x0032000B
    name = "queue.declare-ok"

    def __init__(
        self,
        queue: str = "",
        message_count: int = 0,
        consumer_count: int = 0,
    ) -> None:
        self.queue = queue
        self.message_count = message_count
        self.consumer_count = consumer_count

    def fields(self) -> dict[str, object]:
        return {
            "queue": self.queue,
            "message_count": self.message_count,
            "consumer_count": self.consumer_count,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x32\x00\x0b",
                shortstr(self.queue),
                long(self.message_count),
                long(self.consumer_count),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        queue, offset = read_shortstr(payload, offset)
        message_count, offset = read_long(payload, offset)
        consumer_count, offset = read_long(payload, offset)
        finish(payload, offset)
        return cls(
            queue,
            message_count,
            consumer_count,
        )


class QueueBind(Method):
    __slots__ = ("arguments", "exchange", "nowait", "queue", "routing_key")

    method_id = 0x00320014
    name = "queue.bind"
    synchronous = True

    def __init__(
        self,
        queue: str = "",
        exchange: str = "",
        routing_key: str = "",
        nowait: bool = False,
        arguments: Table | None = None,
    ) -> None:
        self.queue = queue
        self.exchange = exchange
        self.routing_key = routing_key
        self.nowait = nowait
        self.arguments: Table = {} if arguments is None else arguments

    def fields(self) -> dict[str, object]:
        return {
            "queue": self.queue,
            "exchange": self.exchange,
            "routing_key": self.routing_key,
            "nowait": self.nowait,
            "arguments": self.arguments,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x32\x00\x14\x00\x00",
                shortstr(self.queue),
                shortstr(self.exchange),
                shortstr(self.routing_key),
                bits(self.nowait),
                table(self.arguments),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        queue, offset = read_shortstr(payload, offset)
        exchange, offset = read_shortstr(payload, offset)
        routing_key, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        arguments, offset = read_table(payload, offset)
        finish(payload, offset)
        return cls(
            queue,
            exchange,
            routing_key,
            octet_ & 1 != 0,
            arguments,
        )


class QueueBindOk(Method):
    __slots__ = ()

    method_id = 0x00320015
    name = "queue.bind-ok"

    def encode(self) -> bytes:
        return b"\x00\x32\x00\x15"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class QueuePurge(Method):
    __slots__ = ("nowait", "queue")

    method_id = 0x0032001E
    name = "queue.purge"
    synchronous = True

    def __init__(
        self,
        queue: str = "",
        nowait: bool = False,
    ) -> None:
        self.queue = queue
        self.nowait = nowait

    def fields(self) -> dict[str, object]:
        return {
            "queue": self.queue,
            "nowait": self.nowait,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x32\x00\x1e\x00\x00",
                shortstr(self.queue),
                bits(self.nowait),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        queue, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            queue,
            octet_ & 1 != 0,
        )


class QueuePurgeOk(Method):
    __slots__ = ("message_count",)

    method_id = 0x0032001F
    name = "queue.purge-ok"

    def __init__(
        self,
        message_count: int = 0,
    ) -> None:
        self.message_count = message_count

    def fields(self) -> dict[str, object]:
        return {
            "message_count": self.message_count,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x32\x00\x1f",
                long(self.message_count),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        message_count, offset = read_long(payload, offset)
        finish(payload, offset)
        return cls(
            message_count,
        )


class QueueDelete(Method):
    __slots__ = ("if_empty", "if_unused", "nowait", "queue")

    method_id = 0x00320028
    name = "queue.delete"
    synchronous = True

    def __init__(
        self,
        queue: str = "",
        if_unused: bool = False,
        if_empty: bool = False,
        nowait: bool = False,
    ) -> None:
        self.queue = queue
        self.if_unused = if_unused
        self.if_empty = if_empty
        self.nowait = nowait

    def fields(self) -> dict[str, object]:
        return {
            "queue": self.queue,
            "if_unused": self.if_unused,
            "if_empty": self.if_empty,
            "nowait": self.nowait,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x32\x00\x28\x00\x00",
                shortstr(self.queue),
                bits(self.if_unused, self.if_empty, self.nowait),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        queue, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            queue,
            octet_ & 1 != 0,
            octet_ & 2 != 0,
            octet_ & 4 != 0,
        )


class QueueDeleteOk(Method):
    __slots__ = ("message_count",)

    method_id = 0x00320029
    name = "queue.delete-ok"

    def __init__(
        self,
        message_count: int = 0,
    ) -> None:
        self.message_count = message_count

    def fields(self) -> dict[str, object]:
        return {
            "message_count": self.message_count,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x32\x00\x29",
                long(self.message_count),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        message_count, offset = read_long(payload, offset)
        finish(payload, offset)
        return cls(
            message_count,
        )


class QueueUnbind(Method):
    __slots__ = ("arguments", "exchange", "queue", "routing_key")

    method_id = 0x00320032
    name = "queue.unbind"
    synchronous = True

    def __init__(
        self,
        queue: str = "",
        exchange: str = "",
        routing_key: str = "",
        arguments: Table | None = None,
    ) -> None:
        self.queue = queue
        self.exchange = exchange
        self.routing_key = routing_key
        self.arguments: Table = {} if arguments is None else arguments

    def fields(self) -> dict[str, object]:
        return {
            "queue": self.queue,
            "exchange": self.exchange,
            "routing_key": self.routing_key,
            "arguments": self.arguments,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x32\x00\x32\x00\x00",
                shortstr(self.queue),
                shortstr(self.exchange),
                shortstr(self.routing_key),
                table(self.arguments),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        queue, offset = read_shortstr(payload, offset)
        exchange, offset = read_shortstr(payload, offset)
        routing_key, offset = read_shortstr(payload, offset)
        arguments, offset = read_table(payload, offset)
        finish(payload, offset)
        return cls(
            queue,
            exchange,
            routing_key,
            arguments,
        )


class QueueUnbindOk(Method):
    __slots__ = ()

    method_id = 0x00320033
    name = "queue.unbind-ok"

    def encode(self) -> bytes:
        return b"\x00\x32\x00\x33"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class BasicQos(Method):
    __slots__ = ("global_", "prefetch_count", "prefetch_size")

    method_id = 0x003C000A
    name = "basic.qos"
    synchronous = True

    def __init__(
        self,
        prefetch_size: int = 0,
        prefetch_count: int = 0,
        global_: bool = False,
    ) -> None:
        self.prefetch_size = prefetch_size
        self.prefetch_count = prefetch_count
        self.global_ = global_

    def fields(self) -> dict[str, object]:
        return {
            "prefetch_size": self.prefetch_size,
            "prefetch_count": self.prefetch_count,
            "global_": self.global_,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00\x0a",
                long(self.prefetch_size),
                short(self.prefetch_count),
                bits(self.global_),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        prefetch_size, offset = read_long(payload, offset)
        prefetch_count, offset = read_short(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            prefetch_size,
            prefetch_count,
            octet_ & 1 != 0,
        )


class BasicQosOk(Method):
    __slots__ = ()

    method_id = 0x003C000B
    name = "basic.qos-ok"

    def encode(self) -> bytes:
        return b"\x00\x3c\x00\x0b"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class BasicConsume(Method):
    __slots__ = ("arguments", "consumer_tag", "exclusive", "no_ack", "no_local", "nowait", "queue")

    method_id = 0x003C0014
    name = "basic.consume"
    synchronous = True

    def __init__(
        self,
        queue: str = "",
        consumer_tag: str = "",
        no_local: bool = False,
        no_ack: bool = False,
        exclusive: bool = False,
        nowait: bool = False,
        arguments: Table | None = None,
    ) -> None:
        self.queue = queue
        self.consumer_tag = consumer_tag
        self.no_local = no_local
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.nowait = nowait
        self.arguments: Table = {} if arguments is None else arguments

    def fields(self) -> dict[str, object]:
        return {
            "queue": self.queue,
            "consumer_tag": self.consumer_tag,
            "no_local": self.no_local,
            "no_ack": self.no_ack,
            "exclusive": self.exclusive,
            "nowait": self.nowait,
            "arguments": self.arguments,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00\x14\x00\x00",
                shortstr(self.queue),
                shortstr(self.consumer_tag),
                bits(self.no_local, self.no_ack, self.exclusive, self.nowait),
                table(self.arguments),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        queue, offset = read_shortstr(payload, offset)
        consumer_tag, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        arguments, offset = read_table(payload, offset)
        finish(payload, offset)
        return cls(
            queue,
            consumer_tag,
            octet_ & 1 != 0,
            octet_ & 2 != 0,
            octet_ & 4 != 0,
            octet_ & 8 != 0,
            arguments,
        )


class BasicConsumeOk(Method):
    __slots__ = ("consumer_tag",)

    method_id = 0x003C0015
    name = "basic.consume-ok"

    def __init__(
        self,
        consumer_tag: str = "",
    ) -> None:
        self.consumer_tag = consumer_tag

    def fields(self) -> dict[str, object]:
        return {
            "consumer_tag": self.consumer_tag,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00\x15",
                shortstr(self.consumer_tag),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        consumer_tag, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls(
            consumer_tag,
        )


class BasicCancel(Method):
    __slots__ = ("consumer_tag", "nowait")

    method_id = 0x003C001E
    name = "basic.cancel"
    synchronous = True

    def __init__(
        self,
        consumer_tag: str = "",
        nowait: bool = False,
    ) -> None:
        self.consumer_tag = consumer_tag
        self.nowait = nowait

    def fields(self) -> dict[str, object]:
        return {
            "consumer_tag": self.consumer_tag,
            "nowait": self.nowait,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00\x1e",
                shortstr(self.consumer_tag),
                bits(self.nowait),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        consumer_tag, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            consumer_tag,
            octet_ & 1 != 0,
        )


class BasicCancelOk(Method):
    __slots__ = ("consumer_tag",)

    method_id = 0x003C001F
    name = "basic.cancel-ok"

    def __init__(
        self,
        consumer_tag: str = "",
    ) -> None:
        self.consumer_tag = consumer_tag

    def fields(self) -> dict[str, object]:
        return {
            "consumer_tag": self.consumer_tag,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00\x1f",
                shortstr(self.consumer_tag),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        consumer_tag, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls(
            consumer_tag,
        )


class BasicPublish(Method):
    __slots__ = ("exchange", "immediate", "mandatory", "routing_key")

    method_id = 0x003C0028
    name = "basic.publish"
    has_content = True

    def __init__(
        self,
        exchange: str = "",
        routing_key: str = "",
        mandatory: bool = False,
        immediate: bool = False,
    ) -> None:
        self.exchange = exchange
        self.routing_key = routing_key
        self.mandatory = mandatory
        self.immediate = immediate

    def fields(self) -> dict[str, object]:
        return {
            "exchange": self.exchange,
            "routing_key": self.routing_key,
            "mandatory": self.mandatory,
            "immediate": self.immediate,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00\x28\x00\x00",
                shortstr(self.exchange),
                shortstr(self.routing_key),
                bits(self.mandatory, self.immediate),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        exchange, offset = read_shortstr(payload, offset)
        routing_key, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            exchange,
            routing_key,
            octet_ & 1 != 0,
            octet_ & 2 != 0,
        )


class BasicReturn(Method):
    __slots__ = ("exchange", "reply_code", "reply_text", "routing_key")

    method_id = 0x003C0032
    name = "basic.return"
    has_content = True

    def __init__(
        self,
        reply_code: int = 0,
        reply_text: str = "",
        exchange: str = "",
        routing_key: str = "",
    ) -> None:
        self.reply_code = reply_code
        self.reply_text = reply_text
        self.exchange = exchange
        self.routing_key = routing_key

    def fields(self) -> dict[str, object]:
        return {
            "reply_code": self.reply_code,
            "reply_text": self.reply_text,
            "exchange": self.exchange,
            "routing_key": self.routing_key,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00\x32",
                short(self.reply_code),
                shortstr(self.reply_text),
                shortstr(self.exchange),
                shortstr(self.routing_key),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        reply_code, offset = read_short(payload, offset)
        reply_text, offset = read_shortstr(payload, offset)
        exchange, offset = read_shortstr(payload, offset)
        routing_key, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls(
            reply_code,
            reply_text,
            exchange,
            routing_key,
        )


class BasicDeliver(Method):
    __slots__ = ("consumer_tag", "delivery_tag", "exchange", "redelivered", "routing_key")

    method_id = 0x003C003C
    name = "basic.deliver"
    has_content = True

    def __init__(
        self,
        consumer_tag: str = "",
        delivery_tag: int = 0,
        redelivered: bool = False,
        exchange: str = "",
        routing_key: str = "",
    ) -> None:
        self.consumer_tag = consumer_tag
        self.delivery_tag = delivery_tag
        self.redelivered = redelivered
        self.exchange = exchange
        self.routing_key = routing_key

    def fields(self) -> dict[str, object]:
        return {
            "consumer_tag": self.consumer_tag,
            "delivery_tag": self.delivery_tag,
            "redelivered": self.redelivered,
            "exchange": self.exchange,
            "routing_key": self.routing_key,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00\x3c",
                shortstr(self.consumer_tag),
                longlong(self.delivery_tag),
                bits(self.redelivered),
                shortstr(self.exchange),
                shortstr(self.routing_key),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        consumer_tag, offset = read_shortstr(payload, offset)
        delivery_tag, offset = read_longlong(payload, offset)
        octet_, offset = read_octet(payload, offset)
        exchange, offset = read_shortstr(payload, offset)
        routing_key, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls(
            consumer_tag,
            delivery_tag,
            octet_ & 1 != 0,
            exchange,
            routing_key,
        )


class BasicGet(Method):
    __slots__ = ("no_ack", "queue")

    method_id = 0x003C0046
    name = "basic.get"
    synchronous = True

    def __init__(
        self,
        queue: str = "",
        no_ack: bool = False,
    ) -> None:
        self.queue = queue
        self.no_ack = no_ack

    def fields(self) -> dict[str, object]:
        return {
            "queue": self.queue,
            "no_ack": self.no_ack,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00F\x00\x00",
                shortstr(self.queue),
                bits(self.no_ack),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_short(payload, offset)
        queue, offset = read_shortstr(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            queue,
            octet_ & 1 != 0,
        )


class BasicGetOk(Method):
    __slots__ = ("delivery_tag", "exchange", "message_count", "redelivered", "routing_key")

    method_id = 0x003C0047
    name = "basic.get-ok"
    has_content = True

    def __init__(
        self,
        delivery_tag: int = 0,
        redelivered: bool = False,
        exchange: str = "",
        routing_key: str = "",
        message_count: int = 0,
    ) -> None:
        self.delivery_tag = delivery_tag
        self.redelivered = redelivered
        self.exchange = exchange
        self.routing_key = routing_key
        self.message_count = message_count

    def fields(self) -> dict[str, object]:
        return {
            "delivery_tag": self.delivery_tag,
            "redelivered": self.redelivered,
            "exchange": self.exchange,
            "routing_key": self.routing_key,
            "message_count": self.message_count,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00G",
                longlong(self.delivery_tag),
                bits(self.redelivered),
                shortstr(self.exchange),
                shortstr(self.routing_key),
                long(self.message_count),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        delivery_tag, offset = read_longlong(payload, offset)
        octet_, offset = read_octet(payload, offset)
        exchange, offset = read_shortstr(payload, offset)
        routing_key, offset = read_shortstr(payload, offset)
        message_count, offset = read_long(payload, offset)
        finish(payload, offset)
        return cls(
            delivery_tag,
            octet_ & 1 != 0,
            exchange,
            routing_key,
            message_count,
        )


class BasicGetEmpty(Method):
    __slots__ = ()

    method_id = 0x003C0048
    name = "basic.get-empty"

    def encode(self) -> bytes:
        return b"\x00\x3c\x00H\x00"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        _, offset = read_shortstr(payload, offset)
        finish(payload, offset)
        return cls()


class BasicAck(Method):
    __slots__ = ("delivery_tag", "multiple")

    method_id = 0x003C0050
    name = "basic.ack"

    def __init__(
        self,
        delivery_tag: int = 0,
        multiple: bool = False,
    ) -> None:
        self.delivery_tag = delivery_tag
        self.multiple = multiple

    def fields(self) -> dict[str, object]:
        return {
            "delivery_tag": self.delivery_tag,
            "multiple": self.multiple,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00P",
                longlong(self.delivery_tag),
                bits(self.multiple),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        delivery_tag, offset = read_longlong(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            delivery_tag,
            octet_ & 1 != 0,
        )


class BasicReject(Method):
    __slots__ = ("delivery_tag", "requeue")

    method_id = 0x003C005A
    name = "basic.reject"

    def __init__(
        self,
        delivery_tag: int = 0,
        requeue: bool = False,
    ) -> None:
        self.delivery_tag = delivery_tag
        self.requeue = requeue

    def fields(self) -> dict[str, object]:
        return {
            "delivery_tag": self.delivery_tag,
            "requeue": self.requeue,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00Z",
                longlong(self.delivery_tag),
                bits(self.requeue),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        delivery_tag, offset = read_longlong(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            delivery_tag,
            octet_ & 1 != 0,
        )


class BasicRecoverAsync(Method):
    __slots__ = ("requeue",)

    method_id = 0x003C0064
    name = "basic.recover-async"

    def __init__(
        self,
        requeue: bool = False,
    ) -> None:
        self.requeue = requeue

    def fields(self) -> dict[str, object]:
        return {
            "requeue": self.requeue,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00d",
                bits(self.requeue),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            octet_ & 1 != 0,
        )


class BasicRecover(Method):
    __slots__ = ("requeue",)

    method_id = 0x003C006E
    name = "basic.recover"
    synchronous = True

    def __init__(
        self,
        requeue: bool = False,
    ) -> None:
        self.requeue = requeue

    def fields(self) -> dict[str, object]:
        return {
            "requeue": self.requeue,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00n",
                bits(self.requeue),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            octet_ & 1 != 0,
        )


class BasicRecoverOk(Method):
    __slots__ = ()

    method_id = 0x003C006F
    name = "basic.recover-ok"

    def encode(self) -> bytes:
        return b"\x00\x3c\x00o"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class BasicNack(Method):
    __slots__ = ("delivery_tag", "multiple", "requeue")

    method_id = 0x003C0078
    name = "basic.nack"

    def __init__(
        self,
        delivery_tag: int = 0,
        multiple: bool = False,
        requeue: bool = False,
    ) -> None:
        self.delivery_tag = delivery_tag
        self.multiple = multiple
        self.requeue = requeue

    def fields(self) -> dict[str, object]:
        return {
            "delivery_tag": self.delivery_tag,
            "multiple": self.multiple,
            "requeue": self.requeue,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00\x3c\x00x",
                longlong(self.delivery_tag),
                bits(self.multiple, self.requeue),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        delivery_tag, offset = read_longlong(payload, offset)
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            delivery_tag,
            octet_ & 1 != 0,
            octet_ & 2 != 0,
        )


class ConfirmSelect(Method):
    __slots__ = ("nowait",)

    method_id = 0x0055000A
    name = "confirm.select"
    synchronous = True

    def __init__(
        self,
        nowait: bool = False,
    ) -> None:
        self.nowait = nowait

    def fields(self) -> dict[str, object]:
        return {
            "nowait": self.nowait,
        }

    def encode(self) -> bytes:
        return b"".join(
            (
                b"\x00U\x00\x0a",
                bits(self.nowait),
            )
        )

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        octet_, offset = read_octet(payload, offset)
        finish(payload, offset)
        return cls(
            octet_ & 1 != 0,
        )


class ConfirmSelectOk(Method):
    __slots__ = ()

    method_id = 0x0055000B
    name = "confirm.select-ok"

    def encode(self) -> bytes:
        return b"\x00U\x00\x0b"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class TxSelect(Method):
    __slots__ = ()

    method_id = 0x005A000A
    name = "tx.select"
    synchronous = True

    def encode(self) -> bytes:
        return b"\x00Z\x00\x0a"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class TxSelectOk(Method):
    __slots__ = ()

    method_id = 0x005A000B
    name = "tx.select-ok"

    def encode(self) -> bytes:
        return b"\x00Z\x00\x0b"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class TxCommit(Method):
    __slots__ = ()

    method_id = 0x005A0014
    name = "tx.commit"
    synchronous = True

    def encode(self) -> bytes:
        return b"\x00Z\x00\x14"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class TxCommitOk(Method):
    __slots__ = ()

    method_id = 0x005A0015
    name = "tx.commit-ok"

    def encode(self) -> bytes:
        return b"\x00Z\x00\x15"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class TxRollback(Method):
    __slots__ = ()

    method_id = 0x005A001E
    name = "tx.rollback"
    synchronous = True

    def encode(self) -> bytes:
        return b"\x00Z\x00\x1e"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


class TxRollbackOk(Method):
    __slots__ = ()

    method_id = 0x005A001F
    name = "tx.rollback-ok"

    def encode(self) -> bytes:
        return b"\x00Z\x00\x1f"

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        finish(payload, offset)
        return cls()


METHODS: Final[dict[int, type[Method]]] = {
    0x000A000A: ConnectionStart,
    0x000A000B: ConnectionStartOk,
    0x000A0014: ConnectionSecure,
    0x000A0015: ConnectionSecureOk,
    0x000A001E: ConnectionTune,
    0x000A001F: ConnectionTuneOk,
    0x000A0028: ConnectionOpen,
    0x000A0029: ConnectionOpenOk,
    0x000A0032: ConnectionClose,
    0x000A0033: ConnectionCloseOk,
    0x000A003C: ConnectionBlocked,
    0x000A003D: ConnectionUnblocked,
    0x000A0046: ConnectionUpdateSecret,
    0x000A0047: ConnectionUpdateSecretOk,
    0x0014000A: ChannelOpen,
    0x0014000B: ChannelOpenOk,
    0x00140014: ChannelFlow,
    0x00140015: ChannelFlowOk,
    0x00140028: ChannelClose,
    0x00140029: ChannelCloseOk,
    0x001E000A: AccessRequest,
    0x001E000B: AccessRequestOk,
    0x0028000A: ExchangeDeclare,
    0x0028000B: ExchangeDeclareOk,
    0x00280014: ExchangeDelete,
    0x00280015: ExchangeDeleteOk,
    0x0028001E: ExchangeBind,
    0x0028001F: ExchangeBindOk,
    0x00280028: ExchangeUnbind,
    0x00280033: ExchangeUnbindOk,
    0x0032000A: QueueDeclare,
    0x0032000B: QueueDeclareOk,
    0x00320014: QueueBind,
    0x00320015: QueueBindOk,
    0x0032001E: QueuePurge,
    0x0032001F: QueuePurgeOk,
    0x00320028: QueueDelete,
    0x00320029: QueueDeleteOk,
    0x00320032: QueueUnbind,
    0x00320033: QueueUnbindOk,
    0x003C000A: BasicQos,
    0x003C000B: BasicQosOk,
    0x003C0014: BasicConsume,
    0x003C0015: BasicConsumeOk,
    0x003C001E: BasicCancel,
    0x003C001F: BasicCancelOk,
    0x003C0028: BasicPublish,
    0x003C0032: BasicReturn,
    0x003C003C: BasicDeliver,
    0x003C0046: BasicGet,
    0x003C0047: BasicGetOk,
    0x003C0048: BasicGetEmpty,
    0x003C0050: BasicAck,
    0x003C005A: BasicReject,
    0x003C0064: BasicRecoverAsync,
    0x003C006E: BasicRecover,
    0x003C006F: BasicRecoverOk,
    0x003C0078: BasicNack,
    0x0055000A: ConfirmSelect,
    0x0055000B: ConfirmSelectOk,
    0x005A000A: TxSelect,
    0x005A000B: TxSelectOk,
    0x005A0014: TxCommit,
    0x005A0015: TxCommitOk,
    0x005A001E: TxRollback,
    0x005A001F: TxRollbackOk,
}


def decode_method(payload: bytes) -> Method:
    """The method in a method frame's payload."""
    if len(payload) < ARGUMENTS_OFFSET:
        octets = ",".join(map(str, payload))
        raise MalformedFrame(f"type 1, all octets = <<{octets}>>: unknown_frame")
    method = METHODS.get(int.from_bytes(payload[:ARGUMENTS_OFFSET], "big"))
    if method is None:
        raise UnknownMethod(
            int.from_bytes(payload[:2], "big"),
            int.from_bytes(payload[2:ARGUMENTS_OFFSET], "big"),
        )
    return method.decode(payload, ARGUMENTS_OFFSET)
