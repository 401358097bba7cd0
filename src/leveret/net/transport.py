"""The transport of one connection: socket events to `receive`, output to the socket.

All connections read into one buffer, which belongs to whoever is being read right now; a partial
frame that is left over is kept aside and put back in front at the next read. (Appending each read
to what was left was measured at up to a third more CPU per message; a buffer for each connection
would cost 256 KiB each.)
"""

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING, Final, cast

from leveret.amqp.peer import Peer
from leveret.broker.seams import Outbox, Session
from leveret.net.acceptor import Arrival
from leveret.net.fair_share import FairShare
from leveret.net.tls import Tls

if TYPE_CHECKING:
    from leveret.amqp.connection import Connection
    from leveret.net.listener import AmqpListener

# Unsent octets past which a peer is not delivered to, and past which it is not read either: what
# it is owed as answers must be bounded too.
WRITE_HIGH: Final = 1 << 20
WRITE_OVERFLOW: Final = 4 << 20
# How long an ended connection may take to accept what it was last told.
LINGER_SECONDS: Final = 5.0


class AmqpTransport(asyncio.BufferedProtocol):
    """Made by the listener for each accepted socket; with a `tls` it is one over TLS."""

    def __init__(self, listener: "AmqpListener", arrival: Arrival, tls: Tls | None) -> None:
        self._listener = listener
        self._arrival = arrival
        self._tls = tls
        self._loop = listener.loop
        self._kept_share = listener.unopened
        self._rest = b""
        self._waits = False
        self._overflowed = False
        self._reading = True
        self._transport: asyncio.Transport
        self._session: Connection

    # --- asyncio's events ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Of no common class: uvloop's transports only behave like asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH)
        # A small answer must not wait until the peer's kernel has acknowledged the one before it,
        # 40 ms. asyncio sees to that for its own sockets only; macOS refuses it for a dead one.
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = _address(transport.get_extra_info("peername"))
        server_host, server_port = _address(transport.get_extra_info("sockname"))
        peer = Peer(host, port, server_host, server_port)
        if self._tls is not None:
            peer.tls = self._tls.session(transport.get_extra_info("ssl_object"))
        self._session = self._listener.accept(self, peer)

    def get_buffer(self, sizehint: int) -> memoryview:
        view = self._listener.view
        kept = len(self._rest)
        if kept:
            view[:kept] = self._rest
        return view[kept:]

    def buffer_updated(self, nbytes: int) -> None:
        size = len(self._rest) + nbytes
        self._rest = bytes(self._listener.view[:size])
        if self._share().used_up():
            self._wait()
        else:
            self._receive()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._session.eof()
        self._rest = b""
        self._listener.forget(self._session)
        self._kept_share = self._listener.unopened
        self._arrival.gone()
        self._listener.outbox.flush()

    def pause_writing(self) -> None:
        self._session.set_writable(False)

    def resume_writing(self) -> None:
        self._session.set_writable(True)
        self._overflowed = False
        self._after_output()

    # --- on the way in ---

    def is_arriving(self) -> bool:
        """Whether the handshake goes on, or was refused and the socket is not closed yet."""
        return self._session.vhost is None

    def abort(self) -> None:
        """Close the socket without a word."""
        self._transport.abort()

    # --- work ---

    def proceed(self) -> None:
        """A later turn has come."""
        self._waits = False
        if not self._transport.is_closing():
            self._receive()

    def flush(self) -> None:
        """Send what the session has written."""
        data = self._session.data_to_send()
        transport = self._transport
        if data and not transport.is_closing():
            transport.write(data)
            if transport.get_write_buffer_size() > WRITE_OVERFLOW:
                self._overflowed = True
        if self._session.should_close():
            if not transport.is_closing():
                transport.close()
                self._loop.call_later(LINGER_SECONDS, transport.abort)
        else:
            self._after_output()

    def _receive(self) -> None:
        outbox = self._listener.outbox
        outbox.held = True
        started = time.perf_counter()
        data = self._rest
        used = self._session.receive(data, self._loop.time())
        self._rest = data[used:] if used < len(data) else b""
        outbox.held = False
        outbox.flush()
        self._share().charge(time.perf_counter() - started)
        if not self._session.should_close():
            self._after_output()

    def _wait(self) -> None:
        if not self._waits:
            self._waits = True
            self._share().wait(self)
        self._set_reading()

    def _share(self) -> FairShare:
        if self._kept_share is self._listener.unopened:
            self._kept_share = self._listener.share_of(self._session)
        return self._kept_share

    def _after_output(self) -> None:
        if self._session.more():
            self._wait()
        else:
            self._set_reading()

    def _set_reading(self) -> None:
        wanted = not (self._waits or self._overflowed) and self._session.should_read()
        if wanted != self._reading and not self._transport.is_closing():
            self._reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()


class LoopOutbox(Outbox):
    """The sessions with something to send, flushed once after each event."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.held = False
        self._loop = loop
        self._transports: dict[Session, AmqpTransport] = {}
        self._dirty: list[Session] = []

    def add(self, session: Session, transport: AmqpTransport) -> None:
        """This transport sends for this session."""
        self._transports[session] = transport
        # What was written before there was a transport.
        self.on_output(session)

    def remove(self, session: Session) -> None:
        """The transport is gone."""
        self._transports.pop(session, None)

    def on_output(self, session: Session) -> None:
        self._dirty.append(session)
        if not self.held and len(self._dirty) == 1:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Have every transport with output send it."""
        while self._dirty:
            dirty = self._dirty
            self._dirty = []
            for session in dirty:
                transport = self._transports.get(session)
                if transport is not None:
                    transport.flush()


def _address(name: object) -> tuple[str, int]:
    if not isinstance(name, tuple):
        return "unix", 0
    host = str(name[0])
    return host.removeprefix("::ffff:"), int(name[1])
