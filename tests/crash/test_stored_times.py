"""When a message was stored is known after any restart, and times go on meanwhile."""

import time

import pytest
from pamqp.commands import Basic, Confirm, Queue

from leveret.broker.message import StoredMessage
from leveret.store.log.format import HEADER_SIZE
from leveret.testing import FaultyDisk

from .broker_process import BrokerProcess
from .small_store import SmallStore


def times_of(small: SmallStore) -> list[float]:
    """When the recovered messages of queue 1 were stored, in seconds."""
    answer = small.store.fetch(small.queues[1].recovered)
    small.turn()
    assert isinstance(answer.value, list)
    times: list[float] = []
    for message in answer.value:
        assert isinstance(message, StoredMessage)
        times.append(message.stored_ms / 1000)
    return times


def test_a_message_has_the_time_of_its_commit() -> None:
    disk = FaultyDisk()
    small = SmallStore(disk).open(1)
    began = small.clock.now()
    for number in range(3):
        small.publish(b"%d" % number, 1)
        small.turn()
    small.stop()
    assert times_of(SmallStore(disk).open(1)) == [began, began + 1, began + 2]


def test_a_message_that_is_copied_forward_keeps_its_time() -> None:
    disk = FaultyDisk()
    small = SmallStore(disk, 4096).open(1, 2)
    began: list[float] = []
    for number in range(40):
        if number % 8 == 0:
            began.append(small.clock.now())
            small.publish(b"kept", 1)
            small.turn()
        ticket = small.publish(bytes(500), 2)
        small.turn()
        small.settle(2, ticket)
        small.turn()
    assert min(small.store.log.space.segments) > 1, "nothing was copied"
    small.stop()
    assert times_of(SmallStore(disk).open(1)) == began


def test_nothing_is_written_behind_what_an_older_format_has() -> None:
    disk = FaultyDisk()
    small = SmallStore(disk).open(1)
    small.publish(b"before", 1)
    small.stop()
    again = SmallStore(disk)
    recovery = again.store.open()
    assert recovery.active is not None
    older = recovery.active
    older.format = 1
    end = older.end
    again.queues = {1: small.queues[1]}
    again.store.recover([], all_known=False)
    again.turn()
    again.publish(b"after", 1)
    again.stop()
    assert (older.sealed, older.end) == (True, end + HEADER_SIZE)
    found = SmallStore(disk).open(1)
    assert found.found.damage == []
    assert list(found.served()[1].values()) == [b"before", b"after"]


@pytest.fixture
def broker(tmp_path):
    process = BrokerProcess(tmp_path)
    process.start()
    yield process
    process.close()


def test_a_message_expires_at_its_time_whatever_happened_meanwhile(broker):
    """As in RabbitMQ 3.10.8, where the times go on while it is stopped."""
    peer = broker.connect()
    peer.call(Queue.Declare(queue="q", durable=True, arguments={"x-message-ttl": 4000}))
    peer.call(Confirm.Select())
    began = time.monotonic()
    peer.publish(1, "", "q", b"m", Basic.Properties(delivery_mode=2))
    peer.expect(Basic.Ack, 1)
    broker.kill()
    broker.start()
    peer = broker.connect()
    count = peer.call(Queue.Declare(queue="q", passive=True)).message_count
    while count:
        time.sleep(0.02)
        count = peer.call(Queue.Declare(queue="q", passive=True)).message_count
    waited = time.monotonic() - began
    assert 3.9 < waited < 4.5
