"""Small answers leave at once: the kernel does not hold them back (Nagle's algorithm)."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from leveret.testing import EmbeddedBroker


def test_connections_are_without_delay(broker: EmbeddedBroker, connect: Callable[..., Any]) -> None:
    if not isinstance(broker, EmbeddedBroker):
        pytest.skip("looks into the broker's process")
    connect()

    def without_delay() -> list[int]:
        transports = broker.server._amqp.outbox._transports.values()
        sockets = [each._transport.get_extra_info("socket") for each in transports]
        return [each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in sockets]

    assert broker.look(without_delay) == [1]
