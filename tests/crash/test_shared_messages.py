"""A message of several queues stays with each of them until that one has settled it, wherever
compaction takes the record and the acknowledgements, and however often the broker starts."""

from random import Random
from time import process_time

import pytest
from mypy_extensions import i32, i64

from crash.small_store import Events, SmallStore
from effort import effort
from leveret.broker.message import Message
from leveret.broker.seams import Queue
from leveret.store.log.format import (
    HEADER_SIZE,
    ID_SIZE,
    OFFSET_BITS,
    SALT_SIZE,
    batch_header,
    read_batch_header,
    segment_name,
)
from leveret.store.log.recovery import Recovery
from leveret.testing import FaultyDisk

QUEUES = (11, 12)
# Of 20,000 queues that settle one message: it takes 0.2 s, and took 6 s.
BOUND_SECONDS = 2.0
Key = tuple[int, int]


class Given(Events):
    """Notes which ticket each queue was given last."""

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[int, int] = {}

    def enqueued(self, message: Message, queues: list[Queue], ticket: i64) -> None:
        for queue in queues:
            self.tickets[int(queue.id)] = int(ticket)


def found_on(disk: FaultyDisk) -> set[Key]:
    """The messages that a start finds, by queue and ticket."""
    recovery = Recovery(disk, "log")
    recovery.run()
    return {
        (queue_id, int(ticket))
        for queue_id, queue in recovery.queues.items()
        for ticket in queue.tickets
    }


@pytest.mark.parametrize("seed", range(effort(40)))
def test_each_queue_keeps_what_it_has_not_settled(seed: int) -> None:
    dice = Random(seed)
    disk = FaultyDisk()
    small = SmallStore(disk).open(*QUEUES)
    living: list[Key] = []
    for life in range(8):
        for _ in range(150):
            what = dice.random()
            if not living or what < 0.4:
                queues = dice.choice([(11,), (12,), QUEUES])
                ticket = small.publish(b"m" * dice.randrange(300), *queues)
                living.extend((queue_id, ticket) for queue_id in queues)
            elif what < 0.9:
                # A few stay for long, in segments where little else does.
                small.settle(*living.pop(dice.randrange(5 if len(living) > 5 else 0, len(living))))
            else:
                small.turn()
        small.turn()
        assert found_on(disk) == set(living), f"in life {life}"
        if life % 2:
            small.stop()
        disk = disk.at(len(disk.operations))
        small = SmallStore(disk).open(*QUEUES)


@pytest.mark.parametrize("count", [0x8000, 0xFFFF, 0x10000, 0x20001])
def test_a_message_may_be_in_any_number_of_queues(count: int) -> None:
    small = SmallStore(FaultyDisk(), 1 << 22).open(*range(1, count + 1))
    small.store.events = given = Given()
    ticket = small.publish(b"to all", *small.queues)
    small.turn()
    assert list(given.tickets) == list(small.queues)
    assert max(given.tickets.values()) == ticket, "others are durable later than what is confirmed"
    assert small.store.is_durable(ticket)
    assert small.events.failures == []
    for queue_id, each in given.tickets.items():
        places = small.store.log.places
        assert places.find(each) != 0, f"queue {queue_id} has nothing on disk"


@pytest.mark.parametrize("order", [1, -1])
def test_many_queues_of_one_message_cost_a_start_no_more_than_as_many_messages(order: int) -> None:
    disk = FaultyDisk()
    queue_ids = range(1, 20_001)
    small = SmallStore(disk, 1 << 22).open(*queue_ids)
    ticket = small.publish(b"to all", *queue_ids)
    small.turn()
    before = process_time()
    for queue_id in queue_ids[::order][:10_000]:
        small.settle(queue_id, ticket)
    small.turn()
    assert found_on(disk) == {(queue_id, ticket) for queue_id in queue_ids[::order][10_000:]}
    assert process_time() - before < BOUND_SECONDS


def test_a_log_may_name_the_queues_of_a_message_in_any_order() -> None:
    disk = FaultyDisk()
    small = SmallStore(disk).open(11, 12, 13)
    ticket = small.publish(b"to all", 11, 12, 13)
    small.turn()
    path, at = f"log/{segment_name(1)}", HEADER_SIZE
    octets = disk.content(path)
    salt = octets[at : at + SALT_SIZE]
    header = read_batch_header(octets, at, salt, i64((1 << OFFSET_BITS) + at))
    assert header is not None
    index = octets[at + HEADER_SIZE :][: header.index_size]
    ids = b"".join([number.to_bytes(ID_SIZE, "big") for number in (13, 11, 12)])
    index = index[: -len(ids)] + ids
    start = batch_header(
        salt,
        header.location,
        header.number,
        header.synced,
        header.last_ticket,
        i32(0),
        index,
        header.data_size,
    )
    disk.open(path).write(at, start + index)
    small.store.close()
    small = SmallStore(disk).open(11, 12, 13)
    assert found_on(disk) == {(queue_id, ticket) for queue_id in (11, 12, 13)}
    for queue_id in (13, 12, 11):
        small.settle(queue_id, ticket)
        small.turn()
        assert found_on(disk) == {(left, ticket) for left in range(11, queue_id)}
