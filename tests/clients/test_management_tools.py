"""Programs that speak to RabbitMQ's HTTP API: amqpstorm's and pyrabbit2's clients, Flower."""

import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.error import URLError

import pika
import pytest
from amqpstorm.management import ApiError, ManagementApi
from pyrabbit2.api import Client as PyRabbit

from leveret.testing import EmbeddedBroker

from .program import Program
from .waiting import eventually

START_SECONDS = 30


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def managed() -> Iterator[EmbeddedBroker]:
    """A broker with HTTP."""
    with EmbeddedBroker(http_enabled=True) as broker:
        yield broker


@pytest.fixture
def amqpstorm(managed: EmbeddedBroker) -> ManagementApi:
    return ManagementApi(
        f"http://{managed.host}:{managed.server.http_port}", "guest", "guest", timeout=10
    )


@pytest.fixture
def pyrabbit(managed: EmbeddedBroker) -> PyRabbit:
    return PyRabbit(f"{managed.host}:{managed.server.http_port}", "guest", "guest")


@pytest.fixture
def connection(managed: EmbeddedBroker) -> Iterator[pika.BlockingConnection]:
    opened = pika.BlockingConnection(pika.ConnectionParameters(managed.host, managed.port))
    yield opened
    if opened.is_open:
        opened.close()


def test_amqpstorm_declares_publishes_and_gets(amqpstorm: ManagementApi) -> None:
    amqpstorm.queue.declare("q", durable=True, arguments={"x-max-length": 5})
    amqpstorm.exchange.declare("x", exchange_type="topic", durable=True)
    amqpstorm.queue.bind("q", "x", "a.b", arguments={})
    amqpstorm.exchange.bind("x", "amq.topic", "a.b")
    assert amqpstorm.basic.publish("hello", "a.b", exchange="amq.topic") == {"routed": True}
    assert amqpstorm.basic.publish("lost", "c", exchange="amq.topic") == {"routed": False}
    (message,) = amqpstorm.basic.get("q", requeue=False, to_dict=False)
    assert message.body == "hello"
    amqpstorm.basic.publish("again", "q")
    amqpstorm.queue.purge("q")
    assert amqpstorm.basic.get("q") == []
    assert amqpstorm.queue.get("q")["arguments"] == {"x-max-length": 5}
    assert [each["name"] for each in amqpstorm.queue.list(show_all=True)] == ["q"]
    assert len(amqpstorm.queue.bindings("q")) == 2
    assert len(amqpstorm.exchange.bindings("x")) == 1
    amqpstorm.queue.unbind("q", "x", "a.b")
    amqpstorm.exchange.unbind("x", "amq.topic", "a.b")
    amqpstorm.queue.delete("q")
    amqpstorm.exchange.delete("x")
    with pytest.raises(ApiError) as refused:
        amqpstorm.queue.get("q")
    assert refused.value.error_code == 404


def test_amqpstorm_administers(amqpstorm: ManagementApi) -> None:
    amqpstorm.virtual_host.create("v/w")
    amqpstorm.user.create("ada", "secret", tags="monitoring")
    amqpstorm.user.set_permission("ada", "v/w", ".*", "", "q")
    assert amqpstorm.user.get_permission("ada", "v/w")["read"] == "q"
    assert [each["vhost"] for each in amqpstorm.user.get_permissions("ada")] == ["v/w"]
    assert {each["user"] for each in amqpstorm.virtual_host.get_permissions("v/w")} == {
        "ada",
        "guest",
    }
    assert {each["name"] for each in amqpstorm.virtual_host.list()} == {"/", "v/w"}
    assert {each["name"] for each in amqpstorm.user.list()} == {"ada", "guest"}
    amqpstorm.user.delete_permission("ada", "v/w")
    amqpstorm.user.delete("ada")
    amqpstorm.virtual_host.delete("v/w")
    assert amqpstorm.aliveness_test("/") == {"status": "ok"}
    assert amqpstorm.whoami()["name"] == "guest"
    assert amqpstorm.healthchecks.get()["status"] == "ok"
    (node,) = amqpstorm.nodes()
    assert amqpstorm.node(node["name"])["running"]
    assert amqpstorm.overview()["object_totals"]["queues"] == 0
    assert amqpstorm.cluster_name()["name"]


def test_amqpstorm_closes_a_connection(
    amqpstorm: ManagementApi, connection: pika.BlockingConnection
) -> None:
    connection.channel()
    (found,) = amqpstorm.connection.list()
    (channel,) = amqpstorm.channel.list()
    assert amqpstorm.connection.get(found["name"])["user"] == "guest"
    assert amqpstorm.channel.get(channel["name"])["number"] == 1
    amqpstorm.connection.close(found["name"], reason="go home")
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="go home"):
        connection.process_data_events(10)


def test_pyrabbit2_drives_it(pyrabbit: PyRabbit, connection: pika.BlockingConnection) -> None:
    assert pyrabbit.is_alive()
    pyrabbit.create_vhost("v")
    pyrabbit.create_user("ada", "secret", tags="management")
    pyrabbit.set_vhost_permissions("v", "ada", ".*", ".*", ".*")
    pyrabbit.create_exchange("v", "x", "direct")
    pyrabbit.create_queue("v", "q", durable=True)
    pyrabbit.create_binding("v", "x", "q", rt_key="k")
    assert pyrabbit.publish("v", "x", "k", "hello")
    assert pyrabbit.get_queue_depth("v", "q") == 1
    assert [each["payload"] for each in pyrabbit.get_messages("v", "q")] == ["hello"]
    pyrabbit.purge_queue("v", "q")
    assert pyrabbit.get_queues("v")[0]["name"] == "q"
    assert len(pyrabbit.get_queue_bindings("v", "q")) == 2
    pyrabbit.create_policy("v", "p", pattern="q", definition={"max-length": 3}, priority=1)
    assert pyrabbit.get_policy("v", "p")["definition"] == {"max-length": 3}
    pyrabbit.delete_policy("v", "p")
    assert pyrabbit.get_definitions()["queues"][0]["name"] == "q"
    assert pyrabbit.get_overview()["object_totals"]["connections"] == 1
    assert len(pyrabbit.get_nodes()) == 1
    assert pyrabbit.get_cluster_name()["name"]
    assert pyrabbit.get_extensions() is not None
    (open_one,) = pyrabbit.get_connections()
    assert pyrabbit.get_connection(open_one["name"])["user"] == "guest"
    assert pyrabbit.get_channels() == []
    pyrabbit.delete_binding("v", "x", "q", "k")
    pyrabbit.delete_queue("v", "q")
    pyrabbit.delete_exchange("v", "x")
    pyrabbit.delete_permission("v", "ada")
    pyrabbit.delete_user("ada")
    pyrabbit.delete_vhost("v")
    assert pyrabbit.get_vhost_names() == ["/"]
    assert pyrabbit.get_whoami()["name"] == "guest"


def test_flower_shows_the_queues_of_a_running_celery_app(
    managed: EmbeddedBroker, tmp_path, start_program: Callable[..., Program]
) -> None:
    url = f"amqp://guest:guest@{managed.host}:{managed.port}//"
    environment = {"AMQP_URL": url, "RESULT_BACKEND": f"db+sqlite:///{tmp_path}/results.sqlite"}
    celery = (sys.executable, "-m", "celery", "--app", "celery_tasks")
    worker = start_program(
        *celery, "worker", "--pool", "solo", "--loglevel", "INFO", "--queues", "seen",
        **environment,
    )  # fmt: skip
    worker.says("ready", within_seconds=START_SECONDS)
    with pika.BlockingConnection(pika.ConnectionParameters(managed.host, managed.port)) as other:
        channel = other.channel()
        channel.queue_declare("celery", durable=True)
        channel.basic_publish("", "celery", b"waits")
    port = free_port()
    api = f"http://guest:guest@{managed.host}:{managed.server.http_port}/api/"
    start_program(
        *celery, "flower", "--address=127.0.0.1", f"--port={port}", f"--broker-api={api}",
        FLOWER_UNAUTHENTICATED_API="true", **environment,
    )  # fmt: skip

    def shown() -> str:
        with (
            suppress(URLError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/broker", timeout=10) as page,
        ):
            return str(page.read().decode())
        return ""

    # Flower asks the workers for their queues first.
    eventually(lambda: "seen" in shown(), "the queue on Flower's page of the broker")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/queues/length", timeout=10) as reply:
        assert b'"name": "seen"' in reply.read()


@pytest.fixture
def start_program() -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*command: str, **environment: str) -> Program:
        started.append(Program(*command, **environment))
        return started[-1]

    yield start
    for program in started:
        program.close()
