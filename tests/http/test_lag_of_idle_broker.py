"""How often a broker looks how late its event loop is, while nobody talks to it."""

import asyncio

from leveret.lag import IDLE_INTERVAL_SECONDS

from .in_memory import InMemory


def test_its_own_looks_do_not_keep_it_busy() -> None:
    loop = asyncio.new_event_loop()
    try:
        broker = InMemory(loop)
        broker.management.lag.start()
        broker.server.advance(IDLE_INTERVAL_SECONDS * 10.5)
        assert sum(broker.management.lag.buckets) <= 11
    finally:
        loop.close()
