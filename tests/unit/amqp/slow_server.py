"""A server that takes its time over one method."""

from conversations.memory import MemoryWire, Server
from leveret.access.mechanisms import MECHANISMS
from leveret.amqp.channel import Channel
from leveret.amqp.connection import Connection
from leveret.amqp.handlers import HANDLERS
from leveret.amqp.handshake import CAPABILITIES, Handshake
from leveret.amqp.peer import Peer
from leveret.broker.seams import Pending
from leveret.testing import MemoryPeer
from leveret.wire.constants import QUEUE_PURGE
from leveret.wire.methods import Method, QueuePurgeOk


class SlowServer(Server):
    """Answers queue.purge when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Pending] = []

    def connect(self) -> MemoryWire:
        handshake = Handshake(self.users, MECHANISMS, {"capabilities": CAPABILITIES})
        handlers = {**HANDLERS, QUEUE_PURGE: self.purge}
        address = Peer("127.0.0.1", 1, "127.0.0.1", 5672)
        session = Connection(self.broker, self.limits, address, self.outbox, handshake, handlers)
        return MemoryWire(MemoryPeer(self, session))

    def purge(self, channel: Channel, method: Method) -> None:
        self.waiting.append(Pending())

        def reply(count: object) -> None:
            assert isinstance(count, int)
            channel.send(QueuePurgeOk(message_count=count))

        channel.answer(self.waiting[-1], reply)

    def answer(self, count: int = 0) -> None:
        self.waiting.pop(0).complete(count)

    def refuse(self, error: Exception) -> None:
        self.waiting.pop(0).fail(error)
