"""The AMQP listener: accepts sockets and gives each a session."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

from leveret.amqp.connection import Connection
from leveret.amqp.peer import Peer
from leveret.broker.seams import Outbox
from leveret.net.acceptor import Acceptor, Arrival, Arrivals, Room
from leveret.net.fair_share import FairShare
from leveret.net.tls import Tls
from leveret.net.transport import AmqpTransport, LoopOutbox

BACKLOG: Final = 1024
# More than the largest frame that may be negotiated, twice: a partial frame and a full read.
BUFFER_MIN: Final = 256 * 1024


class TcpOptions:
    """What the system is asked to do for the sockets of a listener; 0 octets are its own choice."""

    def __init__(
        self,
        *,
        backlog: int = BACKLOG,
        keepalive: bool = False,
        send_buffer_bytes: int = 0,
        receive_buffer_bytes: int = 0,
    ) -> None:
        self.backlog = backlog
        self._options = [
            (option, value)
            for option, value in (
                (socket.SO_KEEPALIVE, int(keepalive)),
                (socket.SO_SNDBUF, send_buffer_bytes),
                (socket.SO_RCVBUF, receive_buffer_bytes),
            )
            if value
        ]

    def set_on(self, listening: socket.socket) -> None:
        """Set them; accepted sockets have those of the one that listens."""
        for option, value in self._options:
            listening.setsockopt(socket.SOL_SOCKET, option, value)


SessionFactory = Callable[[Peer, Outbox], Connection]


class AmqpListener:
    """`make_session` builds the session of a new connection."""

    def __init__(
        self,
        make_session: SessionFactory,
        frame_max_bytes: int,
        arrivals: Arrivals,
        room: Room,
        options: TcpOptions | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.outbox = LoopOutbox(self.loop)
        self.view = memoryview(bytearray(max(BUFFER_MIN, 2 * frame_max_bytes)))
        self._make_session = make_session
        self._options = options or TcpOptions()
        # Of all connections that are not open yet.
        self.unopened = FairShare(self.loop)
        # By vhost; its connections keep it.
        self._shares: WeakValueDictionary[str, FairShare] = WeakValueDictionary()
        self._arrivals = arrivals
        self._room = room
        self._acceptors: list[Acceptor] = []
        # Where it has listened: host, port and TLS of each.
        self._places: list[tuple[str, int, Tls | None]] = []
        self._sessions: dict[Connection, None] = {}
        self._gone = asyncio.Event()

    async def start(self, host: str, port: int, tls: Tls | None = None) -> int:
        """Listen, over TLS if there is a `tls`; returns the port, which matters for port 0.
        Raises OSError."""
        listening = bound_socket(host, port, self._options.backlog)
        self._options.set_on(listening)
        bound = int(listening.getsockname()[1])
        place = (host, bound, tls)
        if place not in self._places:
            self._places.append(place)
        self._acceptors.append(
            Acceptor(
                listening,
                lambda arrival: self._transport(arrival, tls),
                self._arrivals,
                f"port {bound} (AMQP{' over TLS' if tls else ''})",
                tls,
                self._room,
            )
        )
        return bound

    async def stop_accepting(self) -> None:
        """Take no further connections."""
        acceptors, self._acceptors = self._acceptors, []
        for acceptor in acceptors:
            await acceptor.stop()

    async def resume_accepting(self) -> None:
        """Listen again, where it did before `stop_accepting`. Raises OSError where a port has been
        taken meanwhile; then it listens nowhere."""
        if self._acceptors:
            return
        try:
            for host, port, tls in self._places:
                await self.start(host, port, tls)
        except OSError:
            await self.stop_accepting()
            raise

    async def closed(self, timeout_seconds: float) -> None:
        """Wait until every connection has gone; past the timeout they are cut."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while self._sessions:
                    self._gone.clear()
                    await self._gone.wait()
        except TimeoutError:
            for session in list(self._sessions):
                session.drop()

    def _transport(self, arrival: Arrival, tls: Tls | None) -> AmqpTransport:
        transport = AmqpTransport(self, arrival, tls)
        arrival.protocol = transport
        return transport

    def accept(self, transport: AmqpTransport, peer: Peer) -> Connection:
        """The session of a new transport."""
        session = self._make_session(peer, self.outbox)
        self._sessions[session] = None
        self.outbox.add(session, transport)
        return session

    def forget(self, session: Connection) -> None:
        """The transport of a session is gone."""
        self.outbox.remove(session)
        self._sessions.pop(session, None)
        self._gone.set()

    def share_of(self, session: Connection) -> FairShare:
        """The share that the session's time is taken from, for the transport to keep: `unopened`
        until it has a vhost."""
        vhost = session.vhost
        if vhost is None:
            return self.unopened
        share = self._shares.get(vhost.name)
        if share is None:
            share = self._shares[vhost.name] = FairShare(self.loop)
        return share


def bound_socket(host: str, port: int, backlog: int = BACKLOG) -> socket.socket:
    """A socket bound to an address; an empty host is every interface, IPv4 and IPv6 alike."""
    if host == "":
        if socket.has_dualstack_ipv6():
            try:
                return socket.create_server(
                    ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=backlog
                )
            except OSError as error:
                # A machine may have IPv6 compiled in and switched off.
                if error.errno not in (97, 99):
                    raise
        return socket.create_server(("", port), backlog=backlog)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=backlog)
