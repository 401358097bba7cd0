"""The memory alarm of a real process: a flood stops at the watermark, a drained queue ends it."""

import sys
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pamqp.commands import Basic, Connection, Queue

from peer import BODY, CAPABILITIES, Peer, TcpWire, frame, header_frame, method_frame, unchecked

from .test_serve import served

HEARS = {"capabilities": CAPABILITIES | {"connection.blocked": True}}
BODY_BYTES = 4096
WATERMARK_BYTES = 150_000_000
# What is published at the utmost speed between two looks, and what a turn of the loop adds.
OVERSHOOT_BYTES = 60_000_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def highest_bytes(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def test_a_flood_stops_at_the_watermark_and_goes_on_once_the_queue_is_empty(tmp_path) -> None:
    settings = {
        "LEVERET_MEMORY_HIGH_WATERMARK_BYTES": str(WATERMARK_BYTES),
        "LEVERET_MEMORY_MONITOR_INTERVAL_SECONDS": "0.2",
        # Else messages leave memory long before the watermark, and the flood goes on.
        "LEVERET_MEMORY_PAGING_RATIO": "1",
    }
    publish = method_frame(1, unchecked(Basic.Publish, routing_key="q"))
    publish += header_frame(1, BODY_BYTES) + frame(BODY, 1, bytes(BODY_BYTES))
    with served(tmp_path, "--data", str(tmp_path / "data"), **settings) as broker:
        port = urlsplit(broker.ready["amqp"]).port
        assert port is not None

        def connect() -> Peer:
            wire = TcpWire("127.0.0.1", port)
            return Peer(wire).handshake(client_properties=HEARS).open_channels()

        publisher, consumer = connect(), connect()
        consumer.call(Queue.Declare(queue="q"))
        publisher.wire.socket.settimeout(60)
        enough = threading.Event()

        def flood() -> None:
            with suppress(OSError):
                while not enough.is_set():
                    publisher.send_raw(publish * 16)

        flooding = threading.Thread(target=flood)
        flooding.start()
        assert publisher.expect(Connection.Blocked, 0).reason == "low on memory"
        enough.set()
        waiting = consumer.call(Queue.Declare(queue="q", passive=True)).message_count
        assert waiting * BODY_BYTES > WATERMARK_BYTES / 3
        assert highest_bytes(broker.process.pid) < WATERMARK_BYTES + OVERSHOOT_BYTES

        consumer.call(Basic.Consume(queue="q", no_ack=True))
        for _ in range(waiting):
            consumer.expect(Basic.Deliver, 1)
        publisher.expect(Connection.Unblocked, 0)
        flooding.join()
        for peer in (publisher, consumer):
            peer.call(Connection.Close(200, "", 0, 0), 0)
            peer.close()
        log = broker.stop()
    assert "memory alarm: " in log
    assert "memory alarm cleared: " in log
