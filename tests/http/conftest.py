"""A broker with HTTP for each test, and clients of it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pika
import pytest

from leveret.testing import EmbeddedBroker

from .client import Client

TAGS = ("management", "policymaker", "monitoring", "administrator")


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Iterator[EmbeddedBroker]:
    """As the plugin's, with HTTP."""
    marker = request.node.get_closest_marker("leveret")
    settings = marker.kwargs if marker is not None else {}
    with EmbeddedBroker(**{"http_enabled": True} | settings) as embedded:
        yield embedded


@pytest.fixture
def as_user(broker: EmbeddedBroker) -> Callable[..., Client]:
    """Asks as a user of the broker: `as_user("ada", "password")`."""
    address = (broker.host, broker.server.http_port)

    def ask_as(user: str | None, password: str = "password") -> Client:
        return Client(address, user, password)

    return ask_as


@pytest.fixture
def api(as_user: Callable[..., Client]) -> Client:
    """Asks as guest, who is an administrator."""
    return as_user("guest", "guest")


@pytest.fixture
def tagged(broker: EmbeddedBroker, as_user: Callable[..., Client]) -> Callable[[str], Client]:
    """Makes a user named as its tag, with all permissions in vhost `own`, and asks as it."""
    broker.add_vhost("own")

    def make(tag: str) -> Client:
        broker.add_user(tag, "password", tag)
        broker.set_permissions(tag, "own", ".*", ".*", ".*")
        return as_user(tag)

    return make


@pytest.fixture
def connect(broker: EmbeddedBroker) -> Iterator[Callable[..., pika.BlockingConnection]]:
    """Opens AMQP connections: `connect(vhost, user, password)`."""
    opened: list[pika.BlockingConnection] = []

    def open_connection(
        vhost: str = "/", user: str = "guest", password: str = "guest", **settings: Any
    ) -> pika.BlockingConnection:
        parameters = pika.ConnectionParameters(
            broker.host,
            broker.port,
            vhost,
            pika.PlainCredentials(user, password),
            **settings,
        )
        opened.append(pika.BlockingConnection(parameters))
        return opened[-1]

    yield open_connection
    for connection in opened:
        # The broker may have closed it, and its client not have heard of that yet.
        with suppress(pika.exceptions.AMQPError):
            connection.close()
