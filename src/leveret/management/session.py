"""An AMQP session inside this process, for one request: what HTTP publishes and gets takes the road
of every client, so permission, limits, confirms and errors are the same.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from leveret.amqp.connection import Connection
from leveret.amqp.handlers import HANDLERS
from leveret.amqp.handshake import Handshake
from leveret.broker.seams import Backend, Credentials, Mechanism, Outbox, Pending
from leveret.management.refusals import Refusal
from leveret.wire.constants import (
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_METHOD,
    FRAME_OVERHEAD,
    PROTOCOL_HEADER,
)
from leveret.wire.frames import (
    FRAME_HEADING,
    PROPERTIES_AT,
    body_frames,
    header_frame,
    method_frame,
)
from leveret.wire.methods import (
    ChannelClose,
    ChannelOpen,
    ChannelOpenOk,
    ConnectionClose,
    ConnectionOpen,
    ConnectionOpenOk,
    ConnectionStartOk,
    ConnectionTuneOk,
    Method,
    decode_method,
)
from leveret.wire.properties import Properties, decode_properties

if TYPE_CHECKING:
    from types import TracebackType

    from leveret.amqp.peer import Peer
    from leveret.broker.seams import Session
    from leveret.management.authorisation import Caller
    from leveret.management.context import Management

CHANNEL: Final = 1
# How long a publisher waits for its confirm; RabbitMQ's figure.
ANSWER_TIMEOUT_SECONDS: Final = 30.0


class SessionClosed(Exception):
    """The broker has closed the channel or the connection."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class _Admitted(Mechanism):
    """Who has logged in over HTTP already says so."""

    name: ClassVar[str] = "HTTP"

    def respond(self, response: bytes) -> Credentials | bytes:
        return Credentials(response.decode(), b"")


class _Rights(Backend):
    """The rights of a caller who has proven to be it."""

    def __init__(self, caller: Caller) -> None:
        self._actor = caller.actor

    def authenticate(self, credentials: Credentials, host: str) -> Pending:
        return Pending.of("")

    def authorise(self, user: str, vhost: str, permission: str, name: str) -> bool:
        return self._actor.may(permission, vhost, name)

    def authorise_topic(
        self, user: str, vhost: str, permission: str, exchange: str, routing_key: str
    ) -> bool:
        return self._actor.may_topic(permission, vhost, exchange, routing_key)

    def has_tag(self, user: str, tag: str) -> bool:
        backend = self._actor.backend
        return backend is None or backend.has_tag(user, tag)

    def vhost_access(self, user: str, vhost: str) -> bool:
        backend = self._actor.backend
        return backend is None or backend.vhost_access(user, vhost)

    def limit(self, user: str, name: str) -> int:
        backend = self._actor.backend
        return -1 if backend is None else backend.limit(user, name)


class _Login(Handshake):
    """It was counted when it came over HTTP."""

    def login_decided(self, connection: Connection, user: str, succeeded: bool) -> None:
        return None


class Received:
    """A method that has come, with its content if it has any."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.properties = Properties()
        self.bodies: list[bytes] = []

    def body(self) -> bytes:
        """The body, joined from its frames."""
        return b"".join(self.bodies)


class ApiSession(Outbox):
    """An open channel in a vhost; use it as an asynchronous context manager, which closes it.

    Raises `SessionClosed` for what the broker refuses, and 503 while it makes publishers wait.
    """

    def __init__(self, management: Management, caller: Caller, vhost: str, peer: Peer) -> None:
        self._broker = management.broker
        self._name = caller.name
        self._vhost = vhost
        self._woken = asyncio.Event()
        self._rest = b""
        self._received: deque[Received] = deque()
        handshake = _Login(_Rights(caller), {_Admitted.name: _Admitted}, {})
        limits = management.limits
        self._frame_max = limits.frame_max_bytes
        self._tune = ConnectionTuneOk(
            channel_max=limits.channel_max, frame_max=limits.frame_max_bytes, heartbeat=0
        )
        self._connection = Connection(self._broker, limits, peer, self, handshake, HANDLERS)

    def on_output(self, session: Session) -> None:
        self._woken.set()

    async def __aenter__(self) -> ApiSession:
        try:
            start = ConnectionStartOk(
                mechanism=_Admitted.name, response=self._name.encode(), locale="en_US"
            )
            self._send(PROTOCOL_HEADER)
            for method in (start, self._tune, ConnectionOpen(virtual_host=self._vhost)):
                self._send(method_frame(0, method.encode()))
            await self.answer(ConnectionOpenOk)
            await self.ask(ChannelOpen(), ChannelOpenOk)
        except BaseException:
            self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._connection.should_close():
            close = ConnectionClose(reply_code=200, reply_text="Goodbye")
            self._send(method_frame(0, close.encode()))
        self._end()

    async def ask(self, method: Method, *answers: type[Method]) -> Received:
        """Send a method; returns the first that comes of these answers."""
        self.tell(method)
        return await self.answer(*answers)

    def tell(self, method: Method) -> None:
        """Send a method that has no answer."""
        self._send(method_frame(CHANNEL, method.encode()))

    def publish(self, method: Method, properties: Properties, body: bytes) -> None:
        """Send basic.publish with its content."""
        self._send(
            method_frame(CHANNEL, method.encode())
            + header_frame(CHANNEL, properties.encode(), len(body))
            + body_frames(CHANNEL, body, self._frame_max)
        )

    async def answer(self, *answers: type[Method]) -> Received:
        """The first that comes of these methods; others are passed over."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                return await self._answer(answers)
        except TimeoutError:
            seconds = f"{ANSWER_TIMEOUT_SECONDS:g} s"
            raise _unavailable(f"the broker has not answered for {seconds}") from None

    async def _answer(self, answers: tuple[type[Method], ...]) -> Received:
        while True:
            self._woken.clear()
            self._received += self._frames()
            while self._received:
                received = self._received.popleft()
                method = received.method
                if isinstance(method, answers):
                    return received
                if isinstance(method, ChannelClose | ConnectionClose):
                    raise SessionClosed(method.reply_code, method.reply_text)
            self._refuse_if_blocked()
            if self._connection.should_close():
                raise SessionClosed(320, "CONNECTION_FORCED - the connection is closed")
            await self._woken.wait()

    def _end(self) -> None:
        self._connection.drop()
        self._connection.eof()
        # It knows this as its outbox: only the collector would free the two.
        del self._connection

    def _refuse_if_blocked(self) -> None:
        if self._connection.blocked is not None:
            reason = self._broker.alarms.reason or "the disk is behind"
            raise _unavailable(f"publishers are blocked: {reason}")

    def _send(self, octets: bytes) -> None:
        now = self._broker.clock.now()
        used = self._connection.receive(octets, now)
        while self._connection.more():
            octets = octets[used:]
            used = self._connection.receive(octets, now)

    def _frames(self) -> list[Received]:
        received: list[Received] = []
        octets = self._rest + self._connection.data_to_send()
        at = 0
        if octets.startswith(b"AMQP"):
            at = len(PROTOCOL_HEADER)
        while len(octets) - at >= FRAME_HEADING:
            stop = at + int.from_bytes(octets[at + 3 : at + 7], "big") + FRAME_OVERHEAD
            if stop > len(octets):
                break
            frame = octets[at:stop]
            at = stop
            if frame[0] == FRAME_METHOD:
                method = decode_method(frame[FRAME_HEADING:-1])
                received.append(Received(method))
            elif frame[0] == FRAME_HEADER:
                # What follows a method is in the same piece of output.
                properties = decode_properties(frame, PROPERTIES_AT, len(frame) - 1)
                received[-1].properties = properties
            elif frame[0] == FRAME_BODY:
                received[-1].bodies.append(frame[FRAME_HEADING:-1])
        self._rest = octets[at:]
        return received


def _unavailable(reason: str) -> Refusal:
    return Refusal(503, "service_unavailable", reason)
