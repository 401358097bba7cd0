"""What a channel has counted is derived from what it keeps anyway."""

import pytest

from leveret.amqp.counted import channel_numbers
from leveret.broker.counts import SIZE_BOUNDS, Sizes
from leveret.management.history import CHANNEL
from leveret.testing.memory_server import MemoryServer
from leveret.wire.frames import body_frames, header_frame, method_frame
from leveret.wire.methods import (
    BasicAck,
    BasicConsume,
    BasicNack,
    BasicPublish,
    ChannelOpen,
    ConnectionOpen,
    ConnectionStartOk,
    ConnectionTuneOk,
    Method,
    QueueDeclare,
    TxCommit,
    TxRollback,
    TxSelect,
)


class Client:
    """One connection with one channel."""

    def __init__(self) -> None:
        self.peer = MemoryServer().connect()
        self.peer.send(b"AMQP\0\0\x09\x01")
        start = ConnectionStartOk(
            client_properties={}, mechanism="PLAIN", response=b"\0guest\0guest", locale="en_US"
        )
        tune = ConnectionTuneOk(channel_max=10, frame_max=131072, heartbeat=0)
        for method in (start, tune, ConnectionOpen(virtual_host="/")):
            self.peer.send(method_frame(0, method.encode()))
        self.say(ChannelOpen(), QueueDeclare(queue="q"))
        self.channel = self.peer.session.channels.open[1]

    def say(self, *methods: Method) -> None:
        for method in methods:
            self.peer.send(method_frame(1, method.encode()))

    def publish(self, size: int = 1) -> None:
        method = BasicPublish(exchange="", routing_key="q").encode()
        content = header_frame(1, b"\0\0", size) + body_frames(1, b"x" * size, 131072)
        self.peer.send(method_frame(1, method) + content)

    def count(self, name: str) -> int:
        return dict(zip(CHANNEL.names, channel_numbers(self.channel), strict=True))[name]


@pytest.fixture
def client():
    return Client()


def test_a_delivery_is_acknowledged_once_it_neither_waits_nor_came_back(client):
    client.say(BasicConsume(queue="q", consumer_tag="c"))
    for _ in range(4):
        client.publish()
    assert (client.count("deliver"), client.count("ack")) == (4, 0)
    client.say(BasicAck(delivery_tag=1))
    client.say(BasicNack(delivery_tag=2, requeue=False))
    client.say(BasicNack(delivery_tag=3, requeue=True))
    assert (client.count("deliver"), client.count("redeliver"), client.count("ack")) == (5, 1, 1)


def test_what_a_transaction_acknowledges_counts_with_the_commit(client):
    client.say(TxSelect(), BasicConsume(queue="q", consumer_tag="c"))
    for _ in range(2):
        client.publish()
    assert client.count("publish") == 0
    client.say(TxCommit())
    assert (client.count("publish"), client.count("deliver")) == (2, 2)
    client.say(BasicAck(delivery_tag=1))
    assert client.count("ack") == 0
    client.say(TxRollback())
    assert client.count("ack") == 0
    client.say(BasicAck(delivery_tag=2, multiple=True), TxCommit())
    assert client.count("ack") == 2


@pytest.mark.parametrize("bound", SIZE_BOUNDS[1:])
def test_every_size_is_in_one_bucket(bound):
    sizes = Sizes()
    sizes.take(bound)
    sizes.take(bound + 1)
    at = SIZE_BOUNDS.index(bound)
    expected = [0] * (len(SIZE_BOUNDS) + 1)
    expected[at] = expected[at + 1] = 1
    assert sizes.buckets(2) == expected


def test_what_is_small_is_what_is_left():
    assert Sizes().buckets(3)[:2] == [3, 0]
