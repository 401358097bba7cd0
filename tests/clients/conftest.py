"""What the tests with the clients of other projects share. Run by `make test-clients`.

Each test has a server to itself: the broker of Leveret's pytest plugin, or, with
LEVERET_TEST_SERVER and LEVERET_TEST_RABBITMQCTL set, a vhost of its own on a running RabbitMQ,
which proves the tests themselves. What does not speak Python, or must be killed, is a process.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from integration import outside_server
from integration.tcp_proxy import TcpProxy

from .program import FOLDER, Program
from .server import Server

# Node's amqplib lies where `make test-clients` has put it, and only where the machine has npm.
AMQPLIB = Path(sys.prefix) / "node" / "node_modules" / "amqplib"
collect_ignore = [] if AMQPLIB.is_dir() else ["test_node_amqplib.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Sockets that a client forgets to close once its connection was cut are not ours to judge.
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(scope="module", autouse=True)
def _what_clients_forgot_goes_here() -> Iterator[None]:
    """While those warnings are off; at the end of the run they would be errors."""
    yield
    gc.collect()


if outside_server.ADDRESS:

    def pytest_configure(config: pytest.Config) -> None:
        config.addinivalue_line("markers", "leveret(**settings): settings of the test's broker")

    @pytest.fixture
    def server() -> Iterator[Server]:
        outside = outside_server.OutsideServer()
        vhost = f"clients-{uuid4().hex}"
        outside.add_vhost(vhost)
        yield Server(outside.host, outside.port, outside.username, outside.password, vhost)
        outside.close()

else:

    @pytest.fixture
    def server(request: pytest.FixtureRequest) -> Server:
        broker = request.getfixturevalue("broker")
        return Server(broker.host, broker.port, broker.username, broker.password, "/")


@pytest.fixture
def proxy(server: Server) -> Iterator[TcpProxy]:
    """A way to the server that the test can cut."""
    proxy = TcpProxy(server.host, server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def start(server: Server) -> Iterator[Callable[..., Program]]:
    """Starts a program, which finds the server's URL in AMQP_URL."""
    started: list[Program] = []

    def start_program(*command: str, **environment: str) -> Program:
        started.append(Program(*command, **{"AMQP_URL": server.url} | environment))
        return started[-1]

    yield start_program
    for program in started:
        program.close()
