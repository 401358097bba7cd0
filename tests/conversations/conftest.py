"""Whom the conversations are held with.

`LEVERET_TEST_SERVER=host:port` names a running server, RabbitMQ or Leveret, reached over TCP;
`LEVERET_TEST_RABBITMQCTL` is then the shell command that adds its users and vhosts. Without the
first the server lives in this process. A RabbitMQ keeps what a test leaves behind: names are
unique, and what was named is deleted.
"""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol
from uuid import uuid4

import pytest
from pamqp.commands import Channel, Exchange, Queue

from peer import Peer, TcpWire, Wire

ADDRESS = os.environ.get("LEVERET_TEST_SERVER", "")
# What rabbitmqctl has to be told for an alarm to be raised, and to be cleared.
ALARMS = {
    "memory": (("set_vm_memory_high_watermark", "0"), ("set_vm_memory_high_watermark", "0.4")),
    "disk": (("set_disk_free_limit", "100000GB"), ("set_disk_free_limit", "50MB")),
}
# Time passes only where the clock is ours: over TCP these files have nobody to talk to.
collect_ignore = ["test_acknowledgement_timeout.py", "test_delayed_messages.py"] if ADDRESS else []


class Server(Protocol):
    user: str
    password: str
    vhost: str

    def connect(self) -> Wire: ...
    def advance(self, seconds: float) -> None: ...
    def wait(self, seconds: float) -> None: ...
    def add_user(self, name: str, password: str, tags: str = "") -> None: ...
    def delete_user(self, name: str) -> None: ...
    def add_vhost(self, name: str, default_queue_type: str = "") -> None: ...
    def set_permissions(
        self, user: str, vhost: str, configure: str, write: str, read: str
    ) -> None: ...
    def set_topic_permissions(
        self, user: str, vhost: str, exchange: str, write: str, read: str
    ) -> None: ...
    def set_vhost_limits(self, vhost: str, limits: dict[str, int]) -> None: ...
    def set_user_limits(self, user: str, limits: dict[str, int]) -> None: ...
    def set_policy(self, vhost: str, name: str, pattern: str, definition: Any) -> None: ...
    def clear_policy(self, vhost: str, name: str) -> None: ...
    def raise_alarm(self, resource: str) -> None: ...
    def clear_alarm(self, resource: str) -> None: ...
    def set_tracing(self, vhost: str, on: bool) -> None: ...


class TcpServer:
    """A server that others run. Its clock is the world's, and each order to it costs a process."""

    user, password, vhost = "guest", "guest", "/"

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.host, self.port = host, int(port)
        self.orders: dict[tuple[str, ...], tuple[str, ...]] = {}

    def connect(self) -> Wire:
        return TcpWire(self.host, self.port)

    def advance(self, seconds: float) -> None:
        """Time passes by itself; who waits for the server's answer waits for it."""

    def wait(self, seconds: float) -> None:
        """For what happens unseen: a little longer than it takes by the book."""
        time.sleep(seconds + 0.05)

    def add_user(self, name: str, password: str, tags: str = "") -> None:
        if ("user", name) not in self.orders:
            with suppress(subprocess.CalledProcessError):  # left behind by an interrupted run
                self.control("delete_user", name)
        if self.order("user", name, values=("add_user", name, password)) and tags:
            self.control("set_user_tags", name, *tags.split(","))

    def delete_user(self, name: str) -> None:
        self.control("delete_user", name)
        self.orders = {key: value for key, value in self.orders.items() if name not in key}

    def add_vhost(self, name: str, default_queue_type: str = "") -> None:
        typed = ("--default-queue-type", default_queue_type) if default_queue_type else ()
        self.order("vhost", name, values=("add_vhost", name, *typed))

    def set_permissions(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        values = ("set_permissions", "-p", vhost, user, configure, write, read)
        self.order("permissions", vhost, user, values=values)

    def set_topic_permissions(
        self, user: str, vhost: str, exchange: str, write: str, read: str
    ) -> None:
        self.control("set_topic_permissions", "-p", vhost, user, exchange, write, read)

    def set_vhost_limits(self, vhost: str, limits: dict[str, int]) -> None:
        self.control("set_vhost_limits", "-p", vhost, json.dumps(limits))

    def set_user_limits(self, user: str, limits: dict[str, int]) -> None:
        self.control("clear_user_limits", user, "all")
        self.control("set_user_limits", user, json.dumps(limits))

    def set_policy(self, vhost: str, name: str, pattern: str, definition: Any) -> None:
        self.control("set_policy", "-p", vhost, name, pattern, json.dumps(definition))

    def clear_policy(self, vhost: str, name: str) -> None:
        self.control("clear_policy", "-p", vhost, name)

    def raise_alarm(self, resource: str) -> None:
        self.order("alarm", resource, values=ALARMS[resource][0])

    def clear_alarm(self, resource: str) -> None:
        if self.orders.pop(("alarm", resource), None):
            self.control(*ALARMS[resource][1])

    def set_tracing(self, vhost: str, on: bool) -> None:
        self.control("trace_on" if on else "trace_off", "-p", vhost)

    def order(self, *key: str, values: tuple[str, ...]) -> bool:
        """Carry out what is not so already."""
        if self.orders.get(key) == values:
            return False
        self.control(*values)
        self.orders[key] = values
        return True

    def control(self, *words: str) -> None:
        command = os.environ["LEVERET_TEST_RABBITMQCTL"] + " " + shlex.join(words)
        subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60)

    def forget(self) -> None:
        for kind, *_, name in list(self.orders):
            if kind not in ("permissions", "alarm"):
                self.control(f"delete_{kind}", name)


@pytest.fixture(scope="session")
def tcp_server() -> Iterator[TcpServer]:
    server = TcpServer(ADDRESS)
    yield server
    server.forget()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Any:
    if ADDRESS:
        return request.getfixturevalue("tcp_server")
    from conversations.memory import memory_server

    return memory_server()


@pytest.fixture
def unique_name(server: Server) -> Iterator[Callable[[str], str]]:
    """Names nobody else has, each for a queue or an exchange; they are deleted afterwards."""
    given: list[str] = []

    def unique(what: str) -> str:
        given.append(f"{what}-{uuid4().hex[:8]}")
        return given[-1]

    yield unique
    if ADDRESS and given:
        janitor = Peer(server.connect()).handshake(server.user, server.password).open_channels()
        for each in given:
            janitor.send_method(1, Queue.Delete(queue=each))
            if isinstance(janitor.next(1).method, Channel.Close):  # exclusive: goes with its owner
                janitor.send_method(1, Channel.CloseOk())
                janitor.open_channels()
            janitor.call(Exchange.Delete(exchange=each))
        janitor.close()


@pytest.fixture
def q(unique_name: Callable[[str], str]) -> str:
    return unique_name("queue")


@pytest.fixture
def x(unique_name: Callable[[str], str]) -> str:
    return unique_name("exchange")


@pytest.fixture
def stranger(unique_name: Callable[[str], str], server: Server) -> Iterator[Callable[[], Peer]]:
    """Opens connections on which nothing has been said yet."""
    met: list[Peer] = []

    def connect() -> Peer:
        met.append(Peer(server.connect()))
        return met[-1]

    yield connect
    for peer in met:
        peer.close()


@pytest.fixture
def peer(stranger: Callable[[], Peer], server: Server) -> Peer:
    return stranger().handshake(server.user, server.password, server.vhost).open_channels()


@pytest.fixture
def other(stranger: Callable[[], Peer], server: Server) -> Peer:
    return stranger().handshake(server.user, server.password, server.vhost).open_channels()
