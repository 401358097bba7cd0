"""For tests, the project's own and its users'.

- `EmbeddedBroker`: a whole broker in this process, real AMQP on a free port; the `broker` fixture
  of the pytest plugin is one, new for each test.
- `MemoryServer`: the sans-IO core with a `ManualClock`, driven without sockets, threads or sleeps.
- `FaultyDisk`: a disk in memory that fails when told to and knows what a power cut can leave of it.
- `ManualWorker`: does the jobs of the message log when the test says so.
- `leveret.testing.kits`: what every implementation of a seam must do, as functions to call.
"""

from leveret.testing.embedded import EmbeddedBroker
from leveret.testing.faulty_disk import FaultyDisk, PowerCut
from leveret.testing.manual_clock import ManualClock
from leveret.testing.manual_worker import ManualWorker
from leveret.testing.memory_server import MemoryPeer, MemoryServer

__all__ = [
    "EmbeddedBroker",
    "FaultyDisk",
    "ManualClock",
    "ManualWorker",
    "MemoryPeer",
    "MemoryServer",
    "PowerCut",
]
