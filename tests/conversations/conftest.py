"""Whom the conversations are held with.

`LEVERET_TEST_SERVER=host:port` names a running server, RabbitMQ or Leveret, reached over TCP;
`LEVERET_TEST_RABBITMQCTL` is then the shell command that adds its users and vhosts. Without the
first the server lives in this process. A RabbitMQ keeps what a test leaves behind: names are
unique, and what was named is deleted. `LEVERET_RECORD=folder` has every conversation written there
(tests/conformance); names are then the same each time.
"""

import hashlib
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
from pamqp.commands import Channel, Exchange, Queue

from conversations.outside import TcpServer
from peer import Peer, Wire

ADDRESS = os.environ.get("LEVERET_TEST_SERVER", "")
RECORD = os.environ.get("LEVERET_RECORD", "")
PASSED = pytest.StashKey[bool]()
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


@pytest.fixture(scope="session")
def tcp_server() -> Iterator[TcpServer]:
    server = TcpServer(ADDRESS)
    yield server
    server.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report: Any = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture(scope="session")
def recorded() -> Iterator[dict[str, dict[str, Any]]]:
    """Conversations by file and by name, written at the end."""
    conversations: dict[str, dict[str, Any]] = {}
    yield conversations
    from conformance.recording import save

    save(Path(RECORD), conversations)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    if not ADDRESS:
        from conversations.memory import memory_server

        yield memory_server()
    elif not RECORD:
        yield request.getfixturevalue("tcp_server")
    else:
        from conformance.recording import RecordedConversation, title

        held = request.getfixturevalue("recorded").setdefault(request.path.stem, {})
        conversation = RecordedConversation(request.getfixturevalue("tcp_server"))
        yield conversation
        if request.node.stash.get(PASSED, False):
            about = (request.path.stem, request.function.__doc__, request.module.__doc__)
            held[title(request.node.name, *about)] = conversation.finished()


@pytest.fixture
def unique_name(server: Server, request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Names nobody else has, each for a queue or an exchange; they are deleted afterwards."""
    given: list[str] = []

    def unique(what: str) -> str:
        mark = uuid4().hex
        if RECORD:
            which = f"{request.path.stem} {request.node.name} {len(given)}"
            mark = hashlib.sha256(which.encode()).hexdigest()
        given.append(f"{what}-{mark[:8]}")
        return given[-1]

    yield unique
    if ADDRESS and given:
        wire = request.getfixturevalue("tcp_server").connect()
        janitor = Peer(wire).handshake(server.user, server.password).open_channels()
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
