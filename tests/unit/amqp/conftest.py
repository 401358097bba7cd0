"""Sessions without sockets, on a clock that the test moves."""

from collections.abc import Callable

import pytest

from conversations.memory import MemoryWire, Server
from leveret.amqp.connection import Connection
from peer import Peer


@pytest.fixture
def server() -> Server:
    return Server()


Connect = Callable[..., Peer]


@pytest.fixture
def connect(server: Server) -> Connect:
    """Opens a connection with channel 1; keyword arguments are those of the handshake."""

    def connect(**options: int) -> Peer:
        return Peer(server.connect()).handshake(**options).open_channels()  # type: ignore[arg-type]

    return connect


@pytest.fixture
def peer(connect: Connect) -> Peer:
    return connect()


@pytest.fixture
def session_of() -> Callable[[Peer], Connection]:
    def session_of(peer: Peer) -> Connection:
        assert isinstance(peer.wire, MemoryWire)
        return peer.wire._peer.session

    return session_of
