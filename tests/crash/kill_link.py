"""A raw connection of one of many clients that are all driven by one loop.

Frames are read and written here by hand, because a life of the broker is short and pamqp would
spend most of it.
"""

import random
import struct
from collections.abc import Callable

from peer import Peer, TcpWire, shortstr

from .kill_ledger import Ledger

PIECE = 100_000
FRAME, LONGLONG = struct.Struct(">BHI"), struct.Struct(">Q")
CONNECTION_CLOSE, CHANNEL_CLOSE = (10, 50), (20, 40)
CONNECTION_FORCED = 320
CLOSE_OK = FRAME.pack(1, 0, 4) + struct.pack(">HH", 10, 51) + b"\xce"
DELIVER, GET_OK = (60, 60), (60, 71)
NOISE = random.Random(0).randbytes(1 << 18)


def body(number: int) -> bytes:
    """Most are small, some fill several frames; what is in it follows from the number."""
    dice = number * 2654435761 % 1024
    size = dice % 400 if dice else 250_000
    start = number % 1000
    return LONGLONG.pack(number) + NOISE[start : start + size]


def publish(exchange: str, routing_key: str, number: int, transient: bool) -> bytes:
    data = body(number)
    method = struct.pack(">IH", 60 << 16 | 40, 0) + shortstr(exchange) + shortstr(routing_key)
    header = struct.pack(">HHQHB", 60, 0, len(data), 1 << 12, 1 if transient else 2)
    out = frame(1, method + b"\0") + frame(2, header)
    return out + b"".join(frame(3, data[at : at + PIECE]) for at in range(0, len(data), PIECE))


def frame(kind: int, payload: bytes) -> bytes:
    return FRAME.pack(kind, 1, len(payload)) + payload + b"\xce"


def ack(tag: int, multiple: bool = False) -> bytes:
    return frame(1, struct.pack(">IQ?", 60 << 16 | 80, tag, multiple))


def reject(tag: int) -> bytes:
    """With requeue."""
    return frame(1, struct.pack(">IQ?", 60 << 16 | 90, tag, True))


class Link:
    """One connection, channel 1. `pump` is called on every turn of the loop."""

    def __init__(self, peer: Peer, ledger: Ledger, dice: random.Random) -> None:
        assert isinstance(peer.wire, TcpWire)
        self.socket = peer.wire.socket
        self.ledger = ledger
        self.dice = dice
        self.alive = True
        self.draining = False
        self.received = 0
        self._setup = peer
        self._in = bytearray()
        self._out = bytearray()
        self._on: dict[tuple[int, int], Callable[[bytes], None]] = {
            CONNECTION_CLOSE: self._closed,
            CHANNEL_CLOSE: self._closed,
        }
        self._content: tuple[int, bool] | None = None
        self._left = -1
        self._body = bytearray()

    def begin(self) -> None:
        """The setup is over: from now on nothing blocks."""
        self.socket.setblocking(False)
        assert not self._setup.ahead
        self._in += self._setup.buffer
        self._frames()

    def pump(self) -> None:
        raise NotImplementedError

    def idle(self) -> bool:
        """While draining: whether there is nothing left to do or to wait for."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        self._out += data

    def flush(self) -> None:
        try:
            while self._out and self.alive:
                del self._out[: self.socket.send(self._out)]
        except BlockingIOError:
            pass
        except OSError:
            self._out.clear()  # killed; what it had said before that can still be read

    def read(self) -> None:
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.alive = False
            return
        self._in += data
        self._frames()

    def close(self) -> None:
        self.alive = False
        self.socket.close()

    def _frames(self) -> None:
        data, at = bytes(self._in), 0
        while len(data) - at >= 8:
            kind, _, size = FRAME.unpack_from(data, at)
            end = at + 7 + size
            if len(data) <= end:
                break
            assert data[end] == 0xCE, "a frame without its end"
            payload = data[at + 7 : end]
            at = end + 1
            if kind == 1:
                self._method(payload)
            elif kind == 2:
                self._left = LONGLONG.unpack_from(payload, 4)[0]
                self._piece(b"")
            elif kind == 3:
                self._piece(payload)
        self._in = bytearray(data[at:])

    def _method(self, payload: bytes) -> None:
        method = struct.unpack_from(">HH", payload)
        if method == DELIVER:
            after_tag = 5 + payload[4]
            self._content = struct.unpack_from(">Q?", payload, after_tag)
        elif method == GET_OK:
            self._content = struct.unpack_from(">Q?", payload, 4)
        elif method in self._on:
            self._on[method](payload)
        else:
            self.ledger.wrong(f"a method that nobody expects: {method}")

    def _piece(self, piece: bytes) -> None:
        self._body += piece
        self._left -= len(piece)
        if self._left == 0 and self._content is not None:
            content, data = self._content, bytes(self._body)
            self._content = None
            self._body.clear()
            number = LONGLONG.unpack_from(data)[0]
            if data != body(number):
                self.ledger.wrong(f"a body that is not as published: {number}")
            self.received += 1
            self._message(number, *content)

    def _message(self, number: int, tag: int, redelivered: bool) -> None:
        raise NotImplementedError

    def _closed(self, payload: bytes) -> None:
        if struct.unpack_from(">H", payload, 4)[0] == CONNECTION_FORCED:
            # The broker stops. What is not sent yet is not wanted any more.
            self._out = bytearray(CLOSE_OK)
            self.flush()
            self.alive = False
            return
        self.ledger.wrong(f"an exception: {payload[4:]!r}")
        self.alive = False
