"""A raw AMQP 0-9-1 client for tests: it can say what no proper client would say.

It shares no code with the broker. What arrives is decoded with pamqp; what leaves is encoded here,
because pamqp refuses illegal values and sorts the keys of field tables.
"""

import socket
import struct
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, Self

from pamqp import base, commands, encode, header
from pamqp.commands import Basic, Channel, Connection

METHOD, HEADER, BODY, HEARTBEAT, FRAME_END = 1, 2, 3, 8, 0xCE
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
CONTENT_METHODS = (Basic.Deliver, Basic.GetOk, Basic.Return)
CAPABILITIES = {"authentication_failure_close": True, "consumer_cancel_notify": True}
NO_PROPERTIES = b"\0\0"
Properties = Basic.Properties | bytes
PATIENCE_SECONDS = 5.0


class Silence(Exception):
    """The server said nothing in the time given."""


class Wire(Protocol):
    def send(self, data: bytes) -> None: ...
    def receive(self, timeout: float) -> bytes: ...
    def close(self) -> None: ...


class TcpWire:
    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, timeout: float) -> bytes:
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1 << 18)
        except TimeoutError as error:
            raise Silence(f"nothing for {timeout} s") from error
        except ConnectionError:
            return b""

    def close(self) -> None:
        self.socket.close()


@dataclass
class Typed:
    """A field value with its type octet and its encoding spelt out."""

    code: str
    data: bytes


def shortstr(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return bytes([len(data)]) + data


def longstr(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def field_value(value: Any) -> bytes:
    """Integers as pika sends them: int32 where they fit, else int64."""
    if isinstance(value, Typed):
        return value.code.encode() + value.data
    if type(value) is int:
        fits = -(2**31) <= value < 2**31
        return b"I" + struct.pack(">i", value) if fits else b"l" + struct.pack(">q", value)
    if isinstance(value, bytes):
        return b"S" + longstr(value)
    if isinstance(value, dict):
        return b"F" + table(value)
    return encode.encode_table_value(value)


def fields(values: Mapping[str, Any]) -> bytes:
    return b"".join(shortstr(name) + field_value(value) for name, value in values.items())


def table(values: Mapping[str, Any]) -> bytes:
    return longstr(fields(values))


ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "shortstr": shortstr,
    "longstr": longstr,
    "table": table,
}


def argument(kind: str, value: Any) -> bytes:
    encoder = ENCODERS.get(kind)
    return encoder(value) if encoder else encode.by_type(value, kind)


def frame(frame_type: int, channel: int, payload: bytes, end: int = FRAME_END) -> bytes:
    return struct.pack(">BHI", frame_type, channel, len(payload)) + payload + bytes([end])


def method_frame(channel: int, command: base.Frame) -> bytes:
    out, bits = struct.pack(">I", command.index), list[int]()
    for name, value in command:
        if (kind := command.amqp_type(name)) == "bit":
            bits.append(bool(value) << len(bits))  # neighbouring bits share an octet, lowest first
            continue
        if bits:
            out, bits = out + bytes([sum(bits)]), []
        out += argument(kind, value)
    return frame(METHOD, channel, out + (bytes([sum(bits)]) if bits else b""))


def header_frame(channel: int, size: int, properties: Properties = NO_PROPERTIES) -> bytes:
    encoded = properties if isinstance(properties, bytes) else properties_payload(properties)
    return frame(HEADER, channel, struct.pack(">HHQ", Basic.frame_id, 0, size) + encoded)


def properties_payload(properties: Basic.Properties) -> bytes:
    present = {k: v for k, v in properties if v is not None and (k, v) != ("cluster_id", "")}
    flags = struct.pack(">H", sum(properties.flags[name] for name in present))
    return flags + b"".join(argument(properties.amqp_type(k), v) for k, v in present.items())


def unchecked(kind: type[base.Frame], **arguments: Any) -> Any:
    """A method with values that pamqp's constructors refuse."""
    with warnings.catch_warnings(action="ignore"):
        command = kind()
    for name, value in arguments.items():
        setattr(command, name, value)
    return command


@dataclass
class Frame:
    """A method, with its content if it carries one; its arguments are reachable directly."""

    channel: int
    method: base.Frame
    header: bytes = b""
    body: bytes = b""

    @property
    def properties(self) -> Basic.Properties:
        decoded = header.ContentHeader()
        decoded.unmarshal(self.header)
        return decoded.properties

    def __getattr__(self, name: str) -> Any:
        return getattr(self.method, name)

    def __str__(self) -> str:
        return f"{self.method.name} on channel {self.channel}: {dict(self.method)}"


class Peer:
    """One client connection. What it expects and does not get fails the test."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.buffer = b""
        self.ahead: deque[Frame] = deque()

    def send_raw(self, data: bytes) -> None:
        self.wire.send(data)

    def send_method(self, channel: int, command: base.Frame) -> None:
        self.send_raw(method_frame(channel, command))

    def call(self, command: base.Frame, channel: int = 1) -> Any:
        """Send a synchronous method and return its answer."""
        self.send_method(channel, command)
        answer = self.next(channel)
        assert answer.method.name in command.valid_responses, str(answer)
        return answer

    def publish(
        self,
        channel: int,
        exchange: str,
        routing_key: str,
        body: bytes = b"",
        properties: Properties = NO_PROPERTIES,
        mandatory: bool = False,
    ) -> None:
        names = {"exchange": exchange, "routing_key": routing_key}
        data = method_frame(channel, unchecked(Basic.Publish, **names, mandatory=mandatory))
        data += header_frame(channel, len(body), properties)
        for at in range(0, len(body), 100_000):
            data += frame(BODY, channel, body[at : at + 100_000])
        self.send_raw(data)

    def next(self, channel: int | None = None) -> Frame:
        """The next method, on this channel or on any."""
        for position, waiting in enumerate(self.ahead):
            if channel in (None, waiting.channel):
                del self.ahead[position]
                return waiting
        while (arrived := self._read_method()).channel != channel and channel is not None:
            self.ahead.append(arrived)
        return arrived

    def expect(self, kind: type[base.Frame], channel: int | None = None) -> Any:
        arrived = self.next(channel)
        assert isinstance(arrived.method, kind), f"not {kind.name} but {arrived}"
        return arrived

    def expect_channel_closed(self, code: int, text: str, failed: Any, channel: int = 1) -> None:
        """`failed` is the class of the method at fault, or (class id, method id)."""
        self._check_close(self.expect(Channel.Close, channel), code, text, failed)
        self.send_method(channel, Channel.CloseOk())

    def expect_connection_close(self, code: int, text: str, failed: Any = (0, 0)) -> None:
        self._check_close(self.expect(Connection.Close, 0), code, text, failed)

    def expect_connection_closed(self, code: int, text: str, failed: Any = (0, 0)) -> None:
        """The same, answered, and the end of the connection."""
        self.expect_connection_close(code, text, failed)
        self.send_method(0, Connection.CloseOk())
        self.expect_eof()

    def expect_connection_ended(self) -> None:
        """By connection.close or without a word: where RabbitMQ's own reader crashes."""
        with suppress(EOFError):
            self.expect(Connection.Close, 0)

    def expect_nothing(self, channel: int = 1) -> None:
        """Proved by a round trip: what the channel had to say would come before qos-ok."""
        self.send_method(channel, Basic.Qos())
        self.expect(Basic.QosOk, channel)

    def expect_eof(self, timeout: float = PATIENCE_SECONDS) -> None:
        while data := self.wire.receive(timeout):
            self.buffer += data
        assert not self.ahead, f"before the end came {self.ahead[0]}"
        assert not self.buffer, f"before the end came {self.buffer!r}"

    def receive_raw(self, size: int) -> bytes:
        while len(self.buffer) < size:
            data = self.wire.receive(PATIENCE_SECONDS)
            if not data:
                raise EOFError("the server closed the connection")
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def next_raw(self) -> tuple[int, int, bytes]:
        """The next frame of any type, heartbeats included: type, channel, payload."""
        kind, channel, size = struct.unpack(">BHI", self.receive_raw(7))
        payload, end = self.receive_raw(size), self.receive_raw(1)
        assert end == bytes([FRAME_END]), f"frame ends with {end!r}"
        return kind, channel, payload

    def _check_close(self, close: Any, code: int, text: str, failed: Any) -> None:
        ids = failed if isinstance(failed, tuple) else divmod(failed.index, 1 << 16)
        told = (close.reply_code, close.reply_text, close.class_id, close.method_id)
        assert told == (code, text, *ids), f"not {(code, text, *ids)} but {told}"

    def _read_frame(self, expected: int) -> tuple[int, bytes]:
        while (taken := self.next_raw())[0] == HEARTBEAT:
            assert taken == (HEARTBEAT, 0, b""), f"no heartbeat but {taken}"
        assert taken[0] == expected, f"not frame type {expected} but {taken}"
        return taken[1:]

    def _read_method(self) -> Frame:
        channel, payload = self._read_frame(METHOD)
        method = commands.INDEX_MAPPING[struct.unpack(">I", payload[:4])[0]]()
        method.unmarshal(payload[4:])
        if not isinstance(method, CONTENT_METHODS):
            return Frame(channel, method)
        # AMQP 0-9-1 §4.2.6 lets other channels speak between these frames; servers do not.
        owner, encoded = self._read_frame(HEADER)
        size, body = struct.unpack(">Q", encoded[4:12])[0], b""
        while owner == channel and len(body) < size:
            owner, part = self._read_frame(BODY)
            body += part
        assert owner == channel, "content of two channels interleaved"
        return Frame(channel, method, encoded, body)

    def greet(self) -> Any:
        self.send_raw(PROTOCOL_HEADER)
        return self.expect(Connection.Start)

    def log_in(self, user: str = "guest", password: str = "guest", **start_ok: Any) -> None:
        """Send start-ok, with any argument replaced; the answer is the caller's to read."""
        start_ok.setdefault("client_properties", {"capabilities": CAPABILITIES})
        if start_ok.get("mechanism") == "AMQPLAIN":
            start_ok.setdefault("response", fields({"LOGIN": user, "PASSWORD": password}))
        start_ok.setdefault("response", f"\0{user}\0{password}")
        self.send_method(0, unchecked(Connection.StartOk, **start_ok))

    def handshake(
        self,
        user: str = "guest",
        password: str = "guest",
        vhost: str = "/",
        heartbeat: int = 0,
        channel_max: int = 0,
        frame_max: int = 0,
        **start_ok: Any,
    ) -> Self:
        self.greet()
        self.log_in(user, password, **start_ok)
        tune = self.expect(Connection.Tune).method
        limits = (channel_max or tune.channel_max, frame_max or tune.frame_max)
        self.send_method(0, Connection.TuneOk(*limits, heartbeat))
        self.call(Connection.Open(vhost), 0)
        return self

    def open_channels(self, channels: Iterable[int] = (1,)) -> Self:
        for channel in channels:
            self.call(unchecked(Channel.Open, out_of_band=""), channel)
        return self

    def close(self) -> None:
        self.wire.close()
