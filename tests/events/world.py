"""What is done to a broker in order to hear of it, the same to RabbitMQ and to Leveret."""

import base64
import http.client
import json
import re
import struct
import time
from collections.abc import Callable
from typing import Any

from pamqp.commands import Basic, Channel, Connection, Exchange, Queue

from conformance.notation import Reader
from peer import Peer, TcpWire, Typed, longstr, unchecked

EVENTS = "amq.rabbitmq.event"
HEARD = "heard"
PATIENCE_SECONDS = 5.0
# One that is told of and changes nothing else: what came before it has come.
MARK = ("PUT", "/api/global-parameters/mark", {"value": 1})


class World:
    """A broker, as its administrator sees it over HTTP and its clients over AMQP. `alarm` has it be
    short of memory, or no longer."""

    def __init__(
        self, host: str, amqp_port: int, http_port: int, alarm: Callable[[bool], object]
    ) -> None:
        self.alarm = alarm
        self._found: list[list[Any]] = []
        self._host = host
        self._amqp_port = amqp_port
        self._http_port = http_port

    def begin(self) -> None:
        """Hear of everything from now on."""
        self._listener = self.client().open_channels()
        self._listener.call(Queue.Declare(queue=HEARD, exclusive=True))
        self._listener.call(Queue.Bind(queue=HEARD, exchange=EVENTS, routing_key="#"))
        self.heard()

    def end(self) -> None:
        self._listener.close()

    def client(self, **options: Any) -> Peer:
        """One more connection."""
        return Peer(TcpWire(self._host, self._amqp_port)).handshake(**options)

    def stranger(self) -> Peer:
        """One that has said nothing yet."""
        return Peer(TcpWire(self._host, self._amqp_port))

    def ask(self, method: str, path: str, body: object = None, user: str = "guest") -> int:
        """An administrator's request: the status."""
        login = base64.b64encode(f"{user}:guest".encode()).decode()
        connection = http.client.HTTPConnection(self._host, self._http_port, timeout=10)
        try:
            headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body is not None else "", headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def heard(self) -> list[list[Any]]:
        """The events since the last time, each its key and its headers with their types. Their
        order between connections is chance, in RabbitMQ."""
        self.ask(*MARK)
        self.expect("parameter.set", "mark")
        found, self._found = self._found, []
        return sorted(found[:-1], key=json.dumps)

    def expect(self, key: str, name: str = "") -> None:
        """Wait for an event of this name."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            got = self._listener.call(Basic.Get(queue=HEARD, no_ack=True))
            if not got.header:
                time.sleep(0.002)
                continue
            headers = checked(got)
            self._found.append([got.routing_key, plain(headers)])
            if got.routing_key == key and name in ("", headers["name"]):
                return
        raise AssertionError(f"{key} has not come; before it: {self._found}")


class Headers(Reader):
    """RabbitMQ says some things of a vhost twice."""

    def table(self) -> dict[str, Any]:
        inner = Reader(self.take(self.unpack(">I")[0]))
        found: dict[str, Any] = {}
        while inner.at < len(inner.data):
            name, value = inner.value("shortstr"), inner.field()
            assert found.setdefault(name, value) == value
        return found


def checked(got: Any) -> dict[str, Any]:
    """The headers of an event; all else about it is the same for every one."""
    assert got.body == b""
    assert got.exchange == EVENTS
    reader = Headers(got.header)
    reader.unpack(">HHQ")
    properties = reader.properties()
    headers: dict[str, Any] = properties.pop("headers")
    at_ms = headers.pop("timestamp_in_ms")
    # A number that would fit into fewer octets is written with its type.
    assert isinstance(at_ms, int)
    assert at_ms > 1 << 32
    assert properties == {"delivery_mode": 2, "timestamp": at_ms // 1000}
    return headers


def plain(headers: dict[str, Any]) -> dict[str, Any]:
    """Headers without what differs from time to time: addresses, pids, the node's name."""
    return {name: _plain(name, value) for name, value in sorted(headers.items())}


def _plain(name: str, value: Any) -> Any:
    if name in ("port", "peer_port"):
        assert value["l"] > 1024
        return "a port"
    if name == "connected_at":
        assert value > 1 << 32
        return "a moment"
    if name in ("pid", "owner_pid", "connection", "channel"):
        return value and "a pid"
    if name == "node":
        return "a node"
    if name == "cluster_state":
        return dict.fromkeys(("a node",), *value["F"].values())
    if name in ("name", "connection_name") and " -> " in value:
        return f"a connection{''.join(re.findall(' [(].*', value))}"
    return value


def topology(world: World) -> None:
    """Queues, exchanges and bindings come and go."""
    peer = world.client().open_channels()
    peer.call(Queue.Declare(queue="d", durable=True, arguments={"x-max-length": 5, "x-a": "b"}))
    peer.call(Queue.Declare(queue="t", auto_delete=True))
    peer.call(Queue.Declare(queue="own", exclusive=True))
    peer.call(Queue.Declare(queue="q", durable=True, arguments={"x-queue-type": "quorum"}))
    peer.call(Queue.Declare(queue="d", durable=True, arguments={"x-max-length": 5, "x-a": "b"}))
    peer.call(Exchange.Declare(exchange="x", exchange_type="topic", durable=True))
    peer.call(
        Exchange.Declare(
            exchange="y",
            exchange_type="fanout",
            auto_delete=True,
            internal=True,
            arguments={"alternate-exchange": "x"},
        )
    )
    peer.call(Queue.Bind(queue="d", exchange="x", routing_key="a.#", arguments={"k": 1}))
    peer.call(Exchange.Bind(destination="x", source="y", routing_key=""))
    peer.call(Exchange.Bind(destination="x", source="y", routing_key=""))
    peer.call(Queue.Unbind(queue="d", exchange="x", routing_key="a.#", arguments={"k": 1}))
    peer.call(Queue.Bind(queue="d", exchange="x", routing_key="b"))
    peer.call(Exchange.Unbind(destination="x", source="y", routing_key=""))
    peer.call(Queue.Delete(queue="d"))
    peer.call(Exchange.Delete(exchange="x"))
    peer.call(Queue.Delete(queue="t"))
    peer.call(Queue.Delete(queue="q"))
    peer.call(Connection.Close(200, "", 0, 0), 0)
    peer.close()


def ends_of_exchanges(world: World) -> None:
    """An exchange goes with its bindings, an auto-delete queue with its consumer."""
    peer = world.client().open_channels()
    peer.call(Queue.Declare(queue="d", auto_delete=True))
    peer.call(Exchange.Declare(exchange="x", exchange_type="direct"))
    peer.call(Queue.Bind(queue="d", exchange="x", routing_key="k"))
    peer.call(Exchange.Bind(destination="x", source="amq.fanout", routing_key="k"))
    peer.call(Exchange.Delete(exchange="x"))
    peer.call(Basic.Consume(queue="d", consumer_tag="c"))
    peer.call(Basic.Cancel("c"))
    peer.call(Connection.Close(200, "", 0, 0), 0)
    peer.close()


def arguments(world: World) -> None:
    """Every type of field, as it is printed in an event."""
    peer = world.client().open_channels()
    values = {
        "bool": True,
        "byte": Typed("b", b"\xff"),
        "unsigned byte": Typed("B", b"\xff"),
        "short": Typed("s", b"\xff\xfe"),
        "unsigned short": Typed("u", b"\xff\xfe"),
        "int": -1,
        "unsigned int": Typed("i", b"\xff\xff\xff\xff"),
        "long": 1 << 40,
        "double": Typed("d", struct.pack(">d", 0.5)),
        "decimal": Typed("D", b"\x02\x00\x00\x01\x00"),
        "text": 'a "quoted" \\ \n',
        "octets": Typed("S", longstr(b"\x00\xff")),
        "binary": Typed("x", longstr(b"abc")),
        "umlaut": "\u00e9",
        "none": "",
        "list": [1, "a", [True]],
        "empty": [],
        "time": Typed("T", struct.pack(">Q", 1_700_000_000)),
        "table": {"a": {"b": 1}, "c": {}},
        "void": None,
    }
    peer.send_method(1, unchecked(Exchange.Declare, exchange="x", arguments=values))
    peer.expect(Exchange.DeclareOk, 1)
    peer.call(Exchange.Delete(exchange="x"))
    peer.call(Connection.Close(200, "", 0, 0), 0)
    peer.close()


def over_http(world: World) -> None:
    """The same by an administrator."""
    world.ask("PUT", "/api/queues/%2F/d", {"durable": True})
    world.ask("PUT", "/api/exchanges/%2F/x", {"type": "direct", "durable": False})
    world.ask("POST", "/api/bindings/%2F/e/x/q/d", {"routing_key": "k", "arguments": {}})
    world.ask("DELETE", "/api/bindings/%2F/e/x/q/d/k")
    world.ask("DELETE", "/api/queues/%2F/d")
    world.ask("DELETE", "/api/exchanges/%2F/x")


def connections(world: World) -> None:
    """A connection, its channels, its consumers."""
    peer = world.client(
        client_properties={"connection_name": "a test", "capabilities": {}}, heartbeat=30
    )
    peer.open_channels([1, 3])
    peer.call(Channel.Close(200, "", 0, 0), 3)
    peer.call(Queue.Declare(queue="c"))
    peer.call(Basic.Qos(prefetch_count=7))
    peer.call(Basic.Consume(queue="c", consumer_tag="one", arguments={"x-priority": 2}))
    peer.call(Basic.Consume(queue="c", consumer_tag="two", no_ack=True))
    peer.call(Basic.Cancel("one"))
    peer.call(Queue.Delete(queue="c"))
    peer.call(Connection.Close(200, "", 0, 0), 0)
    peer.close()


def ends(world: World) -> None:
    """A consumer whose channel ends, a connection that is cut."""
    peer = world.client().open_channels()
    peer.call(Queue.Declare(queue="c", auto_delete=True))
    peer.call(Basic.Consume(queue="c", consumer_tag="one", exclusive=True))
    peer.call(Channel.Close(200, "", 0, 0), 1)
    peer.call(Connection.Close(200, "", 0, 0), 0)
    peer.close()


def cut(world: World) -> None:
    """A connection that ends without a word. Who asks again later hears of it."""
    world.client().open_channels().close()
    world.expect("connection.closed")


def logins(world: World) -> None:
    """Who may, and who may not."""
    peer = world.stranger()
    peer.greet()
    peer.log_in("guest", "wrong")
    peer.expect(Connection.Close, 0)
    peer.close()
    peer = world.stranger()
    peer.greet()
    peer.log_in("nobody", "guest")
    peer.expect(Connection.Close, 0)
    peer.close()
    world.ask("GET", "/api/whoami", user="nobody")


def alarms(world: World) -> None:
    """There is too little memory, and enough again."""
    world.alarm(True)
    world.alarm(False)


def policies(world: World) -> None:
    policy = {"pattern": "^a", "definition": {"max-length": 1}, "priority": 3, "apply-to": "queues"}
    world.ask("PUT", "/api/policies/%2F/p", policy)
    world.ask("PUT", "/api/operator-policies/%2F/o", policy)
    world.ask("DELETE", "/api/policies/%2F/p")
    world.ask("DELETE", "/api/operator-policies/%2F/o")
    world.ask("PUT", "/api/global-parameters/g", {"value": {"a": 1}})
    world.ask("DELETE", "/api/global-parameters/g")
    world.ask("PUT", "/api/cluster-name", {"name": "another"})


def vhosts(world: World) -> None:
    world.ask("PUT", "/api/vhosts/v", {"description": "one", "tags": "a,b"})
    world.ask("PUT", "/api/vhost-limits/v/max-queues", {"value": 5})
    world.ask("DELETE", "/api/vhost-limits/v/max-queues")
    world.ask("PUT", "/api/vhost-limits/v/max-queues", {"value": 6})
    peer = world.client(vhost="v").open_channels()
    peer.call(Queue.Declare(queue="q", durable=True))
    peer.call(Queue.Bind(queue="q", exchange="amq.fanout", routing_key="k"))
    peer.call(Connection.Close(200, "", 0, 0), 0)
    peer.close()
    world.ask("DELETE", "/api/vhosts/v")


def users(world: World) -> None:
    world.ask("PUT", "/api/users/u", {"password": "p", "tags": "management,a"})
    world.ask("PUT", "/api/users/u", {"password": "p2", "tags": "management"})
    world.ask("PUT", "/api/permissions/%2F/u", {"configure": "a", "write": "b", "read": "c"})
    world.ask("DELETE", "/api/permissions/%2F/u")
    topic = {"exchange": "amq.topic", "write": "a", "read": "b"}
    world.ask("PUT", "/api/topic-permissions/%2F/u", topic)
    world.ask("DELETE", "/api/topic-permissions/%2F/u")
    world.ask("PUT", "/api/permissions/%2F/u", {"configure": "a", "write": "b", "read": "c"})
    world.ask("PUT", "/api/user-limits/u/max-channels", {"value": 5})
    world.ask("DELETE", "/api/user-limits/u/max-channels")
    world.ask("DELETE", "/api/users/u")


SCENES: dict[str, Callable[[World], None]] = {
    scene.__name__: scene
    for scene in (
        topology,
        ends_of_exchanges,
        arguments,
        over_http,
        connections,
        ends,
        cut,
        logins,
        alarms,
        policies,
        vhosts,
        users,
    )
}
