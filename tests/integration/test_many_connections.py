"""Connections come and go by the thousand and leave nothing behind."""

import asyncio
import gc
import logging
import socket
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from pamqp.commands import Basic, Queue

from leveret.testing import EmbeddedBroker
from peer import Peer, TcpWire

CONNECTIONS = 2000
AT_ONCE = 100


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def open_and_drop(broker: EmbeddedBroker, count: int) -> None:
    """Connections with a channel, an exclusive queue and a consumer, cut without a word."""
    for _ in range(count // AT_ONCE):
        peers = []
        for number in range(AT_ONCE):
            peer = Peer(TcpWire(broker.host, broker.port))
            peer.handshake("guest", "guest", "/")
            peer.open_channels()
            # The same names again and again: decisions on permissions are kept for each name.
            peer.call(Queue.Declare(queue=f"own-{number}", exclusive=True))
            peer.call(Basic.Consume(queue=f"own-{number}"))
            peers.append(peer)
        for peer in peers:
            peer.wire.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            peer.wire.close()


def left_behind(broker: EmbeddedBroker) -> dict[str, int]:
    """What the broker still knows of, counted on its loop."""
    server = broker.server
    return {
        "sessions": len(server.broker.sessions),
        "queues": len(server.broker.vhosts["/"].queues),
        "tasks": len(asyncio.all_tasks()),
    }


def settled(broker: EmbeddedBroker, expected: dict[str, int]) -> dict[str, int]:
    """What is left once the broker has noticed that the peers are gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        now = broker.look(lambda: left_behind(broker))
        assert isinstance(now, dict)
        if now == expected:
            break
    return now


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_two_thousand_dropped_connections_leave_no_task_descriptor_or_memory(broker, caplog):
    # pytest keeps every log record, and each dropped connection is one.
    caplog.set_level(logging.ERROR, "leveret")
    before = broker.look(lambda: left_behind(broker))
    open_and_drop(broker, AT_ONCE)
    assert settled(broker, before) == before
    gc.collect()
    files = descriptors()
    tracemalloc.start()
    try:
        open_and_drop(broker, CONNECTIONS // 2)
        assert settled(broker, before) == before
        gc.collect()
        first = tracemalloc.get_traced_memory()[0]
        open_and_drop(broker, CONNECTIONS // 2)
        assert settled(broker, before) == before
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert descriptors() == files
    # A thousand connections later; a session that stayed would be several KiB.
    assert grown < 50 * CONNECTIONS // 2
