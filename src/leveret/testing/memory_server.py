"""The sans-IO core as a server: sessions driven by hand, time moved by hand, nothing random."""

from collections.abc import Iterable, Mapping

from leveret.access.mechanisms import MECHANISMS
from leveret.access.users import Users
from leveret.amqp.connection import Connection
from leveret.amqp.handlers import HANDLERS
from leveret.amqp.handshake import Handshake
from leveret.amqp.limits import Limits
from leveret.amqp.peer import Peer, TlsSession
from leveret.amqp.pids import hear_events
from leveret.app import server_properties
from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.policies import POLICY, Policy
from leveret.broker.seams import DefinitionStore, MessageStore, Outbox, Session
from leveret.management.administration import Administration
from leveret.store.memory import MemoryDefinitions, MemoryStore
from leveret.testing.manual_clock import ManualClock


class SilentOutbox(Outbox):
    """Nobody is told: whoever drives the sessions looks for himself."""

    def on_output(self, session: Session) -> None:
        return None


class MemoryPeer:
    """The far end of one session: what goes in, and what came out."""

    def __init__(self, server: "MemoryServer", session: Connection) -> None:
        self.session = session
        self._server = server
        self._rest = b""

    def send(self, data: bytes) -> None:
        """Octets from the peer; what is not used yet is offered again, as a transport does."""
        session = self.session
        self._rest += data
        while True:
            used = session.receive(self._rest, self._server.clock.now())
            self._rest = self._rest[used:]
            if not session.more():
                return

    def receive(self) -> bytes:
        """What the session has to say; nothing once it wants to be closed and said all."""
        data = self.session.data_to_send()
        while self.session.more():
            used = self.session.receive(self._rest, self._server.clock.now())
            self._rest = self._rest[used:]
            data += self.session.data_to_send()
        return data

    def closed(self) -> bool:
        """Whether the server wants the socket closed."""
        return self.session.should_close()

    def close(self) -> None:
        """The peer's socket is gone."""
        self.session.eof()


class MemoryServer:
    """A broker with user `guest` and vhost `/`; keyword arguments are those of `Limits`. Another
    one with the same `definitions` is the same broker after a restart. With `events`, the vhost's
    `amq.rabbitmq.event` hears of what happens."""

    def __init__(
        self,
        compat: str = "3.13",
        store: MessageStore | None = None,
        definitions: DefinitionStore | None = None,
        events: bool = False,
        **limits: float,
    ) -> None:
        self.user = self.password = "guest"
        self.vhost = "/"
        self.clock = ManualClock()
        self.names = 0
        self.ids = 0
        self.choices = 0
        self.store = store or MemoryStore()
        self.broker = Broker(
            self.clock,
            self.store,
            definitions or MemoryDefinitions(),
            Compat(compat),
            self._name,
            self._id,
        )
        self.broker.choose = self._choose
        self.broker.node = "leveret@memory"
        self.broker.wall_offset = 1_700_000_000.0
        if isinstance(self.store, MemoryStore):
            self.store.events = self.broker
        if events:
            hear_events(self.broker, "/")
        self.broker.load()
        self.users = Users(self.broker.definitions, ["guest"], self.clock)
        self.users.events = self.broker.events
        limits.setdefault("initial_frame_max_bytes", self.broker.compat.initial_frame_max_bytes)
        limits.setdefault("max_message_size_bytes", self.broker.compat.max_message_size_bytes)
        self.limits = Limits()
        for limit, value in limits.items():
            # A plain class takes any attribute.
            if not hasattr(self.limits, limit):
                raise TypeError(f"'{limit}' is no limit")
            setattr(self.limits, limit, value)
        self.outbox: Outbox = SilentOutbox()
        self._port = 40000
        self.add_vhost("/")
        self.add_user("guest", "guest", "administrator")
        self.set_permissions("guest", "/", ".*", ".*", ".*")

    def connect(self, host: str = "127.0.0.1", tls: TlsSession | None = None) -> MemoryPeer:
        """A new connection from an address, over TLS if that has agreed on something."""
        self._port += 1
        handshake = Handshake(
            self.users, MECHANISMS, server_properties("rabbitmq", self.broker.compat)
        )
        peer = Peer(host, self._port, "127.0.0.1", 5672, tls)
        session = Connection(self.broker, self.limits, peer, self.outbox, handshake, HANDLERS)
        return MemoryPeer(self, session)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def add_user(self, name: str, password: str, tags: str = "") -> None:
        """Add a user; tags are separated by commas."""
        self.users.add_user(name, password, _split(tags))

    def delete_user(self, name: str) -> None:
        """Delete a user, and with it its connections."""
        Administration(self.broker, self.users).delete_users([name])

    def add_vhost(self, name: str, default_queue_type: str = "", compat: str = "") -> None:
        """Add a vhost."""
        self.broker.add_vhost(name, "", (), default_queue_type, compat)

    def set_permissions(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        """Set the permissions of a user in a vhost."""
        self.users.set_permissions(user, vhost, configure, write, read)

    def set_topic_permissions(
        self, user: str, vhost: str, exchange: str, write: str, read: str
    ) -> None:
        """Set which routing keys of a topic exchange a user may use."""
        self.users.set_topic_permissions(user, vhost, exchange, write, read)

    def set_vhost_limits(self, vhost: str, limits: Mapping[str, int]) -> None:
        """Give a vhost these limits and no others."""
        self.broker.set_vhost_limits(self.broker.vhosts[vhost], limits)

    def set_user_limits(self, user: str, limits: Mapping[str, int]) -> None:
        """Give a user these limits and no others."""
        self.users.set_limits(user, limits)

    def set_policy(
        self, vhost: str, name: str, pattern: str, definition: Mapping[str, object]
    ) -> None:
        """Set a policy of priority 0 for queues and exchanges."""
        policies = self.broker.vhosts[vhost].policies
        policies.put(Policy(POLICY, name, pattern, definition))

    def clear_policy(self, vhost: str, name: str) -> None:
        """Take a policy away."""
        self.broker.vhosts[vhost].policies.clear(POLICY, name)

    def _id(self) -> int:
        self.ids += 1
        return self.ids

    def _choose(self, below: int) -> int:
        self.choices += 1
        return self.choices % below

    def set_tracing(self, vhost: str, on: bool) -> None:
        """Switch the firehose of a vhost."""
        self.broker.vhosts[vhost].set_tracing(on)

    def raise_alarm(self, resource: str) -> None:
        """Be low on memory or disk."""
        self.broker.alarms.raise_alarm(resource)

    def clear_alarm(self, resource: str) -> None:
        """Have enough of it again."""
        self.broker.alarms.clear_alarm(resource)

    def _name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names:022d}"


def _split(tags: str) -> Iterable[str]:
    return [tag for tag in tags.split(",") if tag]
