"""Accepts connections: all listeners do it here, over TCP, TLS or a unix socket.

Nobody is let in endlessly. Who has connected and says nothing more is on its way in; an address may
have so many connections on their way, then the oldest of them goes: a crowd that comes at once
passes, and a stranger who opens sockets and keeps still only ever loses his own. Where file
descriptors run out, accepting pauses, and the log says so once.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final, Protocol

from leveret.net.tls import Tls

log = logging.getLogger("leveret.net")

# Accepted in a row before others have their turn.
ACCEPTED_PER_TURN: Final = 64
PAUSE_SECONDS: Final = 1.0
# How long an ended TLS connection may take to say that it has heard so.
SHUTDOWN_SECONDS: Final = 5.0

WENT_AWAY: Final = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)

# What OpenSSL's reasons mean to a person.
HINTS: Final = {
    "HTTP_REQUEST": "it speaks HTTP without TLS, and this port is for TLS",
    "WRONG_VERSION_NUMBER": "it does not speak TLS, and this port is for TLS; a client without TLS "
    "uses the other port",
    "UNSUPPORTED_PROTOCOL": "it knows only versions of TLS that tls_versions does not name",
    "NO_SHARED_CIPHER": "it has no cipher in common with tls_ciphers",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it has no certificate, and "
    "tls_fail_if_no_peer_certificate demands one",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the CA of this server's certificate; give it the "
    "CA's certificate to trust",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept this server's certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept this server's certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "to it this server's certificate has expired",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it does not want the version of TLS",
}


class Arriving(Protocol):
    """A protocol that can say whether its peer has yet to prove that it means it."""

    def is_arriving(self) -> bool: ...

    def abort(self) -> None: ...


class Arrival:
    """A connection from its being accepted until it is gone; its protocol says when that is."""

    def __init__(self, host: str, on_gone: Callable[["Arrival"], object]) -> None:
        self.host = host
        self.protocol: Arriving | None = None
        self.task: asyncio.Task[object] | None = None
        self._on_gone = on_gone

    def is_arriving(self) -> bool:
        """Whether it still is on its way in."""
        if self.task is not None:
            return True
        return self.protocol is not None and self.protocol.is_arriving()

    def cut(self) -> None:
        """Let it go no further."""
        if self.task is not None:
            self.task.cancel()
        elif self.protocol is not None:
            self.protocol.abort()

    def gone(self) -> None:
        """The connection is no more."""
        if self._on_gone is not _nothing:
            on_gone, self._on_gone = self._on_gone, _nothing
            self.protocol = None
            on_gone(self)


class Arrivals:
    """The connections that are on their way in, of all listeners, by address."""

    def __init__(self, most_per_address: int) -> None:
        self._most = most_per_address
        self._by_host: dict[str, dict[Arrival, None]] = {}
        # Of whom the log has been told that they have too many.
        self._told: set[str] = set()

    def add(self, arrival: Arrival) -> None:
        """One more; the oldest of the same address is cut if these are too many."""
        arrivals = self._by_host.setdefault(arrival.host, {})
        if len(arrivals) >= self._most:
            for other in [each for each in arrivals if not each.is_arriving()]:
                del arrivals[other]
        if len(arrivals) >= self._most:
            oldest = next(iter(arrivals))
            del arrivals[oldest]
            oldest.cut()
            if arrival.host not in self._told:
                self._told.add(arrival.host)
                log.warning(
                    "%s has %d connections that are not open yet: as more come, the oldest are cut",
                    arrival.host,
                    self._most,
                )
        arrivals[arrival] = None

    def remove(self, arrival: Arrival) -> None:
        """It has gone."""
        arrivals = self._by_host.get(arrival.host)
        if arrivals is not None:
            arrivals.pop(arrival, None)
            if not arrivals:
                del self._by_host[arrival.host]
                self._told.discard(arrival.host)

    def count(self, host: str) -> int:
        """How many of an address are known; some may have arrived since."""
        return len(self._by_host.get(host, ()))


class Room:
    """How many connections there may be, so that file descriptors are left for everything else:
    the store's files, and operators over HTTP. 0 is any number."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._count = 0
        self._told = False
        self._left = asyncio.Event()

    def enter(self) -> None:
        """One more connection."""
        self._count += 1

    def leave(self) -> None:
        """One less."""
        self._count -= 1
        if self._count * 10 < self.most * 9:
            self._told = False
        self._left.set()

    async def wait(self) -> None:
        """Until there is room for one more."""
        while self.most and self._count >= self.most:
            if not self._told:
                self._told = True
                log.error(
                    "%d connections are open, as many as file descriptors allow (ulimit -n): no "
                    "more are accepted until one goes",
                    self._count,
                )
            self._left.clear()
            await self._left.wait()


class Acceptor:
    """Accepts from one listening socket, which it closes in the end. `make_protocol` makes the
    protocol of a connection; the connection is TLS with a `tls`. `what` names the port in logs."""

    def __init__(
        self,
        listening: socket.socket,
        make_protocol: Callable[[Arrival], asyncio.BaseProtocol],
        arrivals: Arrivals,
        what: str,
        tls: Tls | None = None,
        room: Room | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._make_protocol = make_protocol
        self._arrivals = arrivals
        self._what = what
        self._tls = tls
        self._room = room or Room(0)
        self._opening: set[asyncio.Task[object]] = set()
        self._paused = False
        listening.setblocking(False)
        self._task = self._loop.create_task(self._accept())

    async def stop(self) -> None:
        """Accept no more. Connections that have arrived stay."""
        self._task.cancel()
        for task in self._opening:
            task.cancel()
        await asyncio.gather(self._task, *self._opening, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        accepted = 0
        while True:
            await self._room.wait()
            try:
                connection, address = await self._loop.sock_accept(self._socket)
            except OSError as error:
                # One that was gone before it was accepted is no reason to stop.
                if error.errno not in (errno.ECONNABORTED, errno.EPROTO):
                    await self._pause(error)
                continue
            if self._paused:
                self._paused = False
                log.info("connections to %s are accepted again", self._what)
            self._open(connection, address)
            accepted += 1
            if accepted % ACCEPTED_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _pause(self, error: OSError) -> None:
        if not self._paused:
            self._paused = True
            log.error("connections to %s are not accepted for now: %s", self._what, error.strerror)
        await asyncio.sleep(PAUSE_SECONDS)

    def _open(self, connection: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "unix"
        arrival = Arrival(str(host).removeprefix("::ffff:"), self._gone)
        task = self._loop.create_task(self._connected(connection, arrival))
        arrival.task = task
        self._opening.add(task)
        task.add_done_callback(lambda task: self._opened(task, connection, arrival))
        self._room.enter()
        self._arrivals.add(arrival)

    async def _connected(self, connection: socket.socket, arrival: Arrival) -> object:
        """Until the connection is one: its handshake, where it is TLS."""
        tls = self._tls
        if tls is None:
            return await self._loop.connect_accepted_socket(
                lambda: self._make_protocol(arrival), connection
            )
        return await self._loop.connect_accepted_socket(
            lambda: self._make_protocol(arrival),
            connection,
            ssl=tls.context,
            ssl_handshake_timeout=tls.handshake_timeout_seconds,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS,
        )

    def _opened(
        self, task: asyncio.Task[object], connection: socket.socket, arrival: Arrival
    ) -> None:
        self._opening.discard(task)
        arrival.task = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Who goes away by himself, as health checks do, is no news.
            level = logging.DEBUG if isinstance(error, WENT_AWAY) else logging.WARNING
            said = _said(error)
            log.log(level, "connection from %s to %s refused: %s", arrival.host, self._what, said)
        if error is not None or task.cancelled():
            connection.close()
            arrival.gone()

    def _gone(self, arrival: Arrival) -> None:
        self._arrivals.remove(arrival)
        self._room.leave()


def _nothing(arrival: Arrival) -> None:
    """Whoever is gone does not go again."""


def _said(error: BaseException) -> str:
    """What went wrong in a handshake, and what may be meant."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {error.verify_message}"
    if isinstance(error, ConnectionAbortedError):
        return "it did not finish the handshake of TLS in time"
    if isinstance(error, WENT_AWAY):
        return "it went away"
    if isinstance(error, ssl.SSLError) and error.reason:
        said = error.reason.lower().replace("_", " ")
        hint = HINTS.get(error.reason)
        return f"{hint} ({said})" if hint else f"TLS: {said}"
    return str(error)
