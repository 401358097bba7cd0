"""What waits for a commit, and what of it is written."""

import pytest

from leveret.broker.message import Message
from leveret.broker.seams import Queue
from leveret.store.log.batch import Batch, Move
from leveret.store.log.format import (
    HEADER_SIZE,
    PUBLISH,
    RETURN,
    SETTLE,
    IndexReader,
    read_batch_header,
    read_record,
    record_size,
)
from leveret.store.log.places import Places
from leveret.store.log.returns import Returns
from leveret.store.log.segment import Segment
from unit.doubles import a_message


class Numbered(Queue):
    def __init__(self, number: int) -> None:
        self.id = number


QUEUES: list[Queue] = [Numbered(1), Numbered(2), Numbered(3)]
MESSAGE = a_message(b"body")


@pytest.fixture
def batch() -> Batch:
    return Batch(100)


class Written:
    """What a batch has written: its entries, and what memory knows now."""

    def __init__(self, batch: Batch, counts: dict[tuple[int, int], int] | None = None) -> None:
        self.segment = Segment(4, b"saltsalt", 1 << 20)
        returns = Returns({})
        returns.counts = counts or {}
        self.places = Places()
        self.copies: dict[int, list[int]] = {}
        self.octets = batch.encode(self.segment, 9, 0, 200, self.places, self.copies, 7, returns)
        header = read_batch_header(self.octets, 0, b"saltsalt", (4 << 32) + HEADER_SIZE)
        assert header is not None
        assert header.size == len(self.octets)
        start = HEADER_SIZE + int(header.index_size)
        reader = IndexReader(self.octets[HEADER_SIZE:start], (4 << 32) + HEADER_SIZE + start)
        self.published: dict[int, list[int]] = {}
        self.dues: dict[int, int] = {}
        self.settled: list[tuple[int, int]] = []
        self.returned: dict[tuple[int, int], int] = {}
        while (kind := reader.next()) != 0:
            if kind == PUBLISH:
                ticket = int(reader.ticket)
                self.published[ticket] = list(reader.ids)
                self.dues[ticket] = int(reader.due_ms)
                at = (int(reader.record_at) & 0xFFFFFFFF) - HEADER_SIZE
                assert read_record(self.octets, at, reader.record_size, ticket) is not None
            while kind == RETURN and (ticket := reader.next_ticket()) != 0:
                self.returned[int(reader.queue_id), int(ticket)] = int(reader.next_ticket())
            while kind == SETTLE and (ticket := reader.next_ticket()) != 0:
                self.settled.append((int(reader.queue_id), int(ticket)))


def test_a_message_is_written_with_its_queues(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:2])
    written = Written(batch)
    assert written.published == {100: [1, 2]}
    assert written.copies == {100: [1, 2]}
    assert written.places.find(100) != 0
    assert written.segment.live_count == 1


def test_a_message_settled_in_time_costs_nothing(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:1])
    batch.cancel(QUEUES[0], 100)
    assert batch.size == 0
    assert not batch.waits()
    assert Written(batch).published == {}


def test_a_message_settled_by_one_of_its_queues_is_written_for_the_others(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES)
    batch.cancel(QUEUES[1], 100)
    batch.cancel(QUEUES[1], 100)  # Once more is harmless.
    written = Written(batch)
    assert written.published == {100: [1, 3]}
    assert written.copies == {100: [1, 3]}


def test_a_message_left_to_one_queue_is_like_any_other(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:2])
    batch.cancel(QUEUES[0], 100)
    written = Written(batch)
    assert written.published == {100: [2]}
    assert written.copies == {}


def test_it_is_written_until_when_a_message_waits(batch: Batch) -> None:
    for number in range(3):
        batch.publish(MESSAGE, QUEUES[: 1 + number])
    batch.note_due(100, 7)
    batch.note_due(102, 5)
    batch.note_due(102, 9)
    size = batch.size
    written = Written(batch)
    assert written.dues == {100: 7, 101: 0, 102: 9}
    assert len(written.octets) == size + HEADER_SIZE


def test_a_message_that_waits_and_is_settled_in_time_costs_nothing(batch: Batch) -> None:
    for _ in range(2):
        batch.publish(MESSAGE, QUEUES[:2])
        batch.note_due(batch.last_ticket(), 7)
    batch.cancel(QUEUES[0], 100)
    batch.cancel(QUEUES[1], 101)
    assert Written(batch).dues == {100: 7, 101: 7}
    for queue, ticket in ((QUEUES[1], 100), (QUEUES[0], 101)):
        batch.cancel(queue, ticket)
    batch.note_due(100, 7)
    batch.note_due(99, 7)
    assert (batch.size, batch.waits(), batch.dues) == (0, False, {})
    assert len(Written(batch).octets) == HEADER_SIZE


def test_what_is_no_time_is_not_noted(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:1])
    size = batch.size
    batch.note_due(100, 0)
    batch.note_due(100, -5)
    assert (batch.size, batch.dues) == (size, {})
    assert Written(batch).published == {100: [1]}


def test_the_size_is_no_less_than_what_is_written(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES)
    batch.publish(MESSAGE, QUEUES[:1])
    batch.cancel(QUEUES[2], 100)
    batch.settle(1, 50, 2)
    batch.settle(2, 51, 3)
    assert len(Written(batch).octets) <= batch.size + HEADER_SIZE


def test_acknowledgements_are_written_by_queue_and_noted_by_segment(batch: Batch) -> None:
    for queue, ticket, segment in ((1, 50, 2), (2, 51, 2), (1, 52, 3)):
        batch.settle(queue, ticket, segment)
    assert sorted(Written(batch).settled) == [(1, 50), (1, 52), (2, 51)]
    assert list(batch.settled_in) == [2, 3]


def test_a_ticket_of_nobody_is_not_written(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:1])
    batch.take_ticket()
    batch.publish(MESSAGE, QUEUES[:1])
    assert list(Written(batch).published) == [100, 102]
    assert batch.last_ticket() == 102


def test_what_a_full_disk_has_room_for_is_all_but_the_messages(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:1])
    batch.note_due(100, 7)
    batch.settle(1, 50, 2)
    size = batch.size
    without = batch.without_messages()
    assert without.size + batch.size == size
    assert Written(without).settled == [(1, 50)]
    written = Written(batch)
    assert (written.published, written.dues, written.settled) == ({100: [1]}, {100: 7}, [])


def test_it_is_told_how_often_messages_have_come_back_by_then(batch: Batch) -> None:
    for key in ((1, 50), (2, 50), (1, 60), (1, 50)):
        batch.note_return(key)
    assert batch.says_anything()
    assert not batch.waits()
    written = Written(batch, {(1, 50): 7, (2, 50): 5, (3, 50): 1})
    assert written.returned == {(1, 50): 7, (2, 50): 5}
    assert (batch.told, written.segment.live_count) == ([(1, 50), (2, 50)], 2)
    assert len(written.octets) - HEADER_SIZE <= batch.size


def test_on_a_full_disk_returns_stay_with_messages_that_have_no_room(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:1])
    batch.note_return((1, 50))
    batch.note_return((1, 100))
    size, counts = batch.size, {(1, 50): 7, (1, 100): 5}
    without = batch.without_messages()
    assert without.size + batch.size == size
    assert Written(without, counts).returned == {(1, 50): 7}
    assert Written(batch, counts).returned == {(1, 100): 5}


def test_a_message_settled_in_time_has_not_come_back(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:1])
    batch.note_return((1, 100))
    batch.cancel(QUEUES[0], 100)
    batch.restart(101)
    assert (batch.size, batch.says_anything()) == (0, False)


def test_a_record_is_copied_as_long_as_it_is_needed(batch: Batch) -> None:
    records = []
    for ticket in (7, 8):
        before = Batch(ticket)
        before.publish(MESSAGE, QUEUES[:1])
        octets = Written(before).octets
        records.append(octets[-int(record_size(MESSAGE)) :])
        batch.move(Move(ticket, [1], records[-1], (3 << 32) + ticket, 1000 + ticket))
    size = batch.size
    assert batch.size_without_messages() == size
    places = Places()
    places.put(7, (3 << 32) + 7, len(records[0]))
    segment = Segment(4, b"saltsalt", 1 << 20)
    octets = batch.encode(segment, 9, 0, 200, places, {}, 7, Returns({}))
    assert [int(move.ticket) for move in batch.moves] == [7]
    assert len(octets) <= size + HEADER_SIZE
    index = IndexReader(octets[HEADER_SIZE:], 0)
    assert (index.next(), index.ticket, index.due_ms) == (PUBLISH, 7, 1007)
    at = (int(batch.moves[0].location) & 0xFFFFFFFF) - HEADER_SIZE
    assert octets[at : at + len(records[0])] == records[0]


def test_a_message_is_at_hand_until_it_is_written(batch: Batch) -> None:
    batch.publish(MESSAGE, QUEUES[:1])
    found = batch.message(100)
    assert isinstance(found, Message)
    assert batch.message(99) is None
    assert batch.message(101) is None
