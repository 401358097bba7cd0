"""What the tests with real clients share.

`broker` comes from Leveret's pytest plugin: a fresh broker per test, in this process, on a free
port. With LEVERET_TEST_SERVER set it is a running server instead (see outside_server).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pika
import pytest

from peer import Peer, TcpWire

from . import outside_server
from .program import Program, shipped
from .tcp_proxy import TcpProxy
from .worker import Worker

if outside_server.ADDRESS:

    def pytest_configure(config: pytest.Config) -> None:
        config.addinivalue_line("markers", "leveret(**settings): settings of the test's broker")

    def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
        kept = [item for item in items if _can_run_outside(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept

    def _can_run_outside(item: pytest.Item) -> bool:
        # Settings cannot be given to a server that already runs: RabbitMQ, for one, looks for
        # late acknowledgements once a minute only.
        if item.get_closest_marker("leveret"):
            return False
        # Users and vhosts are made with rabbitmqctl there.
        needs_control = "student" in item.fixturenames or "enrol" in item.fixturenames
        return not needs_control or bool(outside_server.RABBITMQCTL)

    @pytest.fixture(scope="session")
    def _server() -> Iterator[outside_server.OutsideServer]:
        server = outside_server.OutsideServer()
        yield server
        server.close()

    @pytest.fixture
    def broker(
        _server: outside_server.OutsideServer,
    ) -> Iterator[outside_server.OutsideServer]:
        yield _server
        _server.delete_declared()


@pytest.fixture
def named(broker: Any) -> Callable[[str], str]:
    """The name to declare something under: the plain one on a fresh broker."""
    return broker.name if isinstance(broker, outside_server.OutsideServer) else str


@pytest.fixture
def parameters(broker: Any) -> Callable[..., pika.ConnectionParameters]:
    """pika's connection parameters for the broker, with what the test wants otherwise."""

    def make(**settings: Any) -> pika.ConnectionParameters:
        settings.setdefault("host", broker.host)
        settings.setdefault("port", broker.port)
        settings.setdefault("credentials", pika.PlainCredentials(broker.username, broker.password))
        return pika.ConnectionParameters(**settings)

    return make


@pytest.fixture
def connect(
    parameters: Callable[..., pika.ConnectionParameters],
) -> Iterator[Callable[..., pika.BlockingConnection]]:
    """Opens blocking connections and closes those that the test left open."""
    opened: list[pika.BlockingConnection] = []

    def open_connection(**settings: Any) -> pika.BlockingConnection:
        opened.append(pika.BlockingConnection(parameters(**settings)))
        return opened[-1]

    yield open_connection
    for connection in opened:
        if connection.is_open:
            connection.close()


@pytest.fixture
def channel(connect: Callable[..., pika.BlockingConnection]) -> Any:
    return connect().channel()


@pytest.fixture
def start_worker(connect: Callable[..., pika.BlockingConnection]) -> Callable[..., Worker]:
    """Starts a consumer as one more terminal would: `start_worker(queue, auto_ack=True)`."""

    def start(queue: str, /, *, via: dict[str, Any] | None = None, **settings: Any) -> Worker:
        return Worker(connect(**(via or {})), queue, **settings)

    return start


@pytest.fixture(params=["transient", "quorum"])
def declare_shared(request: pytest.FixtureRequest) -> Callable[[Any, str], Any]:
    """Declares a queue for several programs as the tutorials did for years, and as they do now."""

    def declare(channel: Any, queue: str) -> Any:
        if request.param == "transient":
            return channel.queue_declare(queue)
        return channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})

    return declare


@pytest.fixture
def proxy(broker: Any) -> Iterator[TcpProxy]:
    """A way to the broker that the test can cut."""
    proxy = TcpProxy(broker.host, broker.port)
    yield proxy
    proxy.close()


@pytest.fixture
def peer(broker: Any) -> Iterator[Peer]:
    """A raw connection, not greeted yet: it can do what no proper client would do."""
    peer = Peer(TcpWire(broker.host, broker.port))
    yield peer
    peer.close()


@dataclass(frozen=True)
class Student:
    """A user of the lab, and the vhost named as the user."""

    name: str
    password: str

    @property
    def access(self) -> dict[str, Any]:
        """What `connect` needs to be this student, with the heartbeat of the lab sheet."""
        credentials = pika.PlainCredentials(self.name, self.password)
        return {"virtual_host": self.name, "credentials": credentials, "heartbeat": 3600}


@pytest.fixture
def enrol(broker: Any, named: Callable[[str], str]) -> Callable[[str], Student]:
    """Gives a student a user, and a vhost of the same name with full control of it."""

    def enrol_student(name: str) -> Student:
        student = Student(named(name), f"password of {name}")
        broker.add_vhost(student.name)
        broker.add_user(student.name, student.password)
        broker.set_permissions(student.name, student.name, ".*", ".*", ".*")
        return student

    return enrol_student


@pytest.fixture
def student(enrol: Callable[[str], Student]) -> Student:
    return enrol("student")


@pytest.fixture
def run_program() -> Iterator[Callable[..., Program]]:
    """Runs a Python program, as `python ARGUMENTS` would; it does not outlive the test."""
    started: list[Program] = []

    def run(*arguments: str) -> Program:
        started.append(Program(*arguments))
        return started[-1]

    yield run
    for program in started:
        program.close()


@pytest.fixture
def run_script(broker: Any, run_program: Callable[..., Program]) -> Callable[..., Program]:
    """Runs a script of the lab for a student: `run_script(student, "send.py", "hello", "a")`."""

    def run(student: Student, script: str, queue: str, *options: str) -> Program:
        access = connection_options(broker, student)
        return run_program(shipped(script), *access, f"--queue={queue}", *options)

    return run


@pytest.fixture
def start_processor(run_script: Callable[..., Program], student: Student) -> Callable[..., Program]:
    """Runs the lab's worker for the student, as fast as it can unless told otherwise, and waits
    until it consumes."""

    def start(queue: str, *options: str) -> Program:
        fast = "--seconds-per-character=0"
        processor = run_script(student, "qprocessor.py", queue, fast, *options)
        processor.reports(f"Waiting for messages in queue '{queue}'. Ctrl-C ends.")
        return processor

    return start


def connection_options(broker: Any, student: Student) -> list[str]:
    """What the programs of the lab need to reach a student's vhost."""
    return [
        f"--host={broker.host}",
        f"--port={broker.port}",
        f"--vhost={student.name}",
        f"--username={student.name}",
        f"--password={student.password}",
    ]
