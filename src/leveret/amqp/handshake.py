"""From the protocol header to connection.open-ok (spec §2.2.4), as RabbitMQ does it.

Until connection.tune-ok has been accepted nothing but the close of the socket, after a delay,
answers a peer that errs: who has not proven anything learns nothing. The exception is a refused
login of a client that announced `authentication_failure_close`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from leveret import errors
from leveret.amqp import events
from leveret.amqp.admission import admit_connection
from leveret.amqp.described import as_binary, described_frame
from leveret.amqp.heartbeat import Heartbeat
from leveret.broker.auth_attempts import AMQP
from leveret.wire.constants import FRAME_HEARTBEAT, FRAME_METHOD, PROTOCOL_HEADER
from leveret.wire.frames import METHOD_FRAME_MIN, PROTOCOL_HEADER_0_9
from leveret.wire.methods import (
    ConnectionOpen,
    ConnectionOpenOk,
    ConnectionSecure,
    ConnectionSecureOk,
    ConnectionStart,
    ConnectionStartOk,
    ConnectionTune,
    ConnectionTuneOk,
    ConnectionUpdateSecret,
    ConnectionUpdateSecretOk,
    Method,
    decode_method,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leveret.amqp.connection import Connection
    from leveret.broker.seams import Backend, Credentials, Mechanism, Timer
    from leveret.wire.field import Field

log = logging.getLogger("leveret.connection")

HEADER: Final = "header"
STARTING: Final = "starting"
SECURING: Final = "securing"
AUTHENTICATING: Final = "authenticating"
TUNING: Final = "tuning"
OPENING: Final = "opening"
RUNNING: Final = "running"
REFUSED: Final = "refused"

# What the peer may send in each state; anything else is an error.
LEGAL: Final[dict[str, type[Method]]] = {
    STARTING: ConnectionStartOk,
    SECURING: ConnectionSecureOk,
    TUNING: ConnectionTuneOk,
    OPENING: ConnectionOpen,
}

CAPABILITIES: Final[dict[str, object]] = dict.fromkeys(
    (
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    ),
    True,
)


class Handshake:
    """The handshake of one connection. `mechanisms` are offered in their order."""

    def __init__(
        self,
        backend: Backend,
        mechanisms: Mapping[str, type[Mechanism]],
        server_properties: Mapping[str, object],
    ) -> None:
        self.backend = backend
        self.expects_header = True
        self._mechanisms = mechanisms
        self._server_properties = server_properties
        self._state = HEADER
        self._mechanism: Mechanism | None = None
        self._hears_refusal = False
        self._heartbeat_seconds = 0
        self._timer: Timer | None = None

    def begin(self, connection: Connection) -> None:
        """The peer has connected: it has so long to get through."""
        clock = connection.broker.clock
        timeout = connection.limits.handshake_timeout_seconds
        self._timer = clock.call_at(clock.now() + timeout, lambda: self._too_late(connection))

    def stop(self) -> None:
        """Through, or over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def awaits_answer(self) -> bool:
        """Whether the login is being decided; what the peer sends on meanwhile must wait."""
        return self._state == AUTHENTICATING

    def may_hear_errors(self) -> bool:
        """Whether an error is answered with a close; before tune-ok the socket just closes."""
        return self._state == OPENING

    def login_decided(self, connection: Connection, user: str, succeeded: bool) -> None:
        """Somebody has tried to log in."""
        connection.broker.auth_attempts.count(AMQP, succeeded)
        events.login_decided(connection, user, succeeded)

    # --- the protocol header ---

    def protocol_header(self, connection: Connection, data: bytes) -> int:
        """Judge the first eight octets, once they are there; returns how many were used."""
        if len(data) < len(PROTOCOL_HEADER):
            return 0
        header = data[: len(PROTOCOL_HEADER)]
        self.expects_header = False
        if header not in (PROTOCOL_HEADER, PROTOCOL_HEADER_0_9):
            log.warning(
                "connection %s refused: it began with %s, which is not AMQP 0-9-1%s",
                connection.peer.name,
                # A version of AMQP whole; of anything else its beginning, which may be a secret's.
                as_binary(header if header.startswith(b"AMQP") else header[:4]),
                _guess(header),
            )
            connection.output.write(connection.broker.compat.foreign_header_reply)
            connection.drop()
            return len(data)
        self._state = STARTING
        connection.send(
            ConnectionStart(
                version_major=0,
                version_minor=9,
                server_properties=dict(self._server_properties),  # type: ignore[arg-type]
                mechanisms=" ".join(self._offered(connection)).encode(),
                locales=b"en_US",
            )
        )
        return len(PROTOCOL_HEADER)

    # --- methods until open-ok ---

    def frame(self, connection: Connection, kind: int, number: int, frame: bytes) -> None:
        """A frame of a connection that is not open yet."""
        if kind == FRAME_HEARTBEAT and number == 0:
            return
        if kind != FRAME_METHOD or number != 0 or len(frame) < METHOD_FRAME_MIN:
            raise errors.UnexpectedFrame(described_frame(kind, frame[7:-1]))
        connection.set_failing_method(int.from_bytes(frame[7:11], "big"))
        method = decode_method(frame[7:-1])
        if self._state not in LEGAL or not isinstance(method, LEGAL[self._state]):
            raise errors.WrongChannelState(f"unexpected method in connection state {self._state}")
        if isinstance(method, ConnectionStartOk):
            self._start_ok(connection, method)
        elif isinstance(method, ConnectionSecureOk):
            self._respond(connection, method.response)
        elif isinstance(method, ConnectionTuneOk):
            self._tune_ok(connection, method)
        elif isinstance(method, ConnectionOpen):
            self._open(connection, method)

    def running_method(self, connection: Connection, method: Method) -> bool:
        """A method of class connection after the handshake; returns whether it is known."""
        if isinstance(method, ConnectionUpdateSecret):
            # There is nothing that a new password would have to be checked for again.
            connection.send(ConnectionUpdateSecretOk())
            return True
        return False

    def _start_ok(self, connection: Connection, method: ConnectionStartOk) -> None:
        properties = method.client_properties
        connection.client_properties = properties
        connection.mechanism = method.mechanism
        name = properties.get("connection_name")
        if name is not None and isinstance(name.value, bytes):
            connection.client_name = name.value.decode(errors="backslashreplace")
        capabilities = properties.get("capabilities")
        if capabilities is not None and isinstance(capabilities.value, dict):
            connection.hears_blocked = _is_true(capabilities.value.get("connection.blocked"))
            connection.hears_cancel = _is_true(capabilities.value.get("consumer_cancel_notify"))
            self._hears_refusal = _is_true(capabilities.value.get("authentication_failure_close"))
        mechanism = self._mechanisms.get(method.mechanism)
        if mechanism is None:
            raise errors.CommandInvalid(f"unknown authentication mechanism '{method.mechanism}'")
        if method.mechanism not in self._offered(connection):
            raise errors.CommandInvalid(f"invalid authentication mechanism '{method.mechanism}'")
        self._mechanism = mechanism()
        tls = connection.peer.tls
        if tls is not None:
            self._mechanism.certificate = tls.certificate
        self._respond(connection, method.response)

    def _offered(self, connection: Connection) -> list[str]:
        over_tls = connection.peer.tls is not None
        return [name for name, kind in self._mechanisms.items() if over_tls or not kind.for_tls]

    def _respond(self, connection: Connection, response: bytes) -> None:
        assert self._mechanism is not None
        try:
            outcome = self._mechanism.respond(response)
        except errors.LoginRefused as refusal:
            log.warning("%s: login refused: %s", connection.described(), refusal)
            self._refuse_login(connection)
            return
        if isinstance(outcome, bytes):
            self._state = SECURING
            connection.send(ConnectionSecure(challenge=outcome))
            return
        self._state = AUTHENTICATING
        answer = self.backend.authenticate(outcome, connection.peer.host)
        answer.then(
            lambda refusal: self._authenticated(connection, outcome, refusal),
            lambda error: self._authenticated(connection, outcome, error),
        )

    def _authenticated(
        self, connection: Connection, credentials: Credentials, refusal: object
    ) -> None:
        if not connection.shaking_hands():
            self._state = REFUSED
            return
        connection.read_on(None)
        assert self._mechanism is not None
        self.login_decided(connection, credentials.user, not refusal)
        if refusal:
            log.warning(
                "%s: login of user '%s' refused: %s",
                connection.described(),
                credentials.user,
                refusal,
            )
            self._refuse_login(connection)
            return
        connection.user = credentials.user
        self._state = TUNING
        limits = connection.limits
        connection.send(
            ConnectionTune(
                channel_max=limits.channel_max,
                frame_max=limits.frame_max_bytes,
                heartbeat=limits.heartbeat_seconds,
            )
        )

    def _refuse_login(self, connection: Connection) -> None:
        assert self._mechanism is not None
        self._state = REFUSED
        error = errors.LoginRefused(
            "Login was refused using authentication mechanism "
            f"{self._mechanism.name}. For details see the broker logfile."
        )
        if self._hears_refusal:
            connection.refuse_login(error)
        else:
            connection.go_deaf()

    def _tune_ok(self, connection: Connection, method: ConnectionTuneOk) -> None:
        limits = connection.limits
        _negotiate("channel_max", method.channel_max, limits.channel_max, 1)
        _negotiate(
            "frame_max", method.frame_max, limits.frame_max_bytes, limits.initial_frame_max_bytes
        )
        connection.tune(method.channel_max, method.frame_max)
        # RabbitMQ takes the client's value for both directions, also a larger one.
        self._heartbeat_seconds = method.heartbeat
        self._state = OPENING

    def _open(self, connection: Connection, method: ConnectionOpen) -> None:
        name = method.virtual_host
        vhost = connection.broker.vhosts.get(name)
        if vhost is None:
            raise errors.NotAllowed(
                f"vhost {name} not found", remedy="list_vhosts shows which there are"
            )
        admit_connection(connection, vhost, self.backend)
        if not self.backend.vhost_access(connection.user, name):
            raise errors.NotAllowed(
                f"access to vhost '{name}' refused for user '{connection.user}'",
                remedy=f"give it permissions there: set_permissions -p {name} {connection.user}",
            )
        self._state = RUNNING
        self.stop()
        connection.send(ConnectionOpenOk())
        heartbeat = None
        if self._heartbeat_seconds != 0:
            heartbeat = Heartbeat(connection, self._heartbeat_seconds)
        connection.broker.churn.connections_opened += 1
        connection.run(vhost, heartbeat)
        events.connection_created(connection, self._heartbeat_seconds)
        log.info("%s opened", connection.described())

    def _too_late(self, connection: Connection) -> None:
        self._timer = None
        log.warning(
            "%s: the handshake was not done after %g s (state %s); closed",
            connection.described(),
            connection.limits.handshake_timeout_seconds,
            self._state,
        )
        connection.drop()


def _is_true(field: Field | None) -> bool:
    return field is not None and field.value is True


def _negotiate(name: str, wanted: int, maximum: int, minimum: int) -> None:
    """Refuse (530) a value that the server did not offer; 0 means "no limit"."""
    if wanted == 0 or wanted > maximum:
        shown = "0 (no limit)" if wanted == 0 else str(wanted)
        raise errors.NotAllowed(
            f"negotiated {name} = {shown} is higher than the maximum allowed value ({maximum})"
        )
    if wanted < minimum:
        raise errors.NotAllowed(
            f"negotiated {name} = {wanted} is lower than the minimum allowed value ({minimum})"
        )


def _guess(header: bytes) -> str:
    """What the peer may have meant, for the log."""
    if header[:2] == b"\x16\x03":
        return ": it looks like TLS, and this port does not speak it"
    if header[:4] in (b"GET ", b"POST", b"HEAD", b"PUT "):
        return ": it looks like HTTP, which another port serves"
    if header[:4] == b"AMQP":
        return ": it is another version of AMQP"
    return ""
