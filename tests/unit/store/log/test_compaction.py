"""What of a segment is copied forward."""

from leveret.broker.seams import Queue
from leveret.store.log.batch import Batch
from leveret.store.log.compaction import Compaction
from leveret.store.log.format import HEADER_SIZE, OFFSET_BITS, SEAL, batch_header, segment_header
from leveret.store.log.places import Places
from leveret.store.log.returns import Returns
from leveret.store.log.segment import Segment
from unit.doubles import a_message

SALT = b"saltsalt"


class Numbered(Queue):
    def __init__(self, number: int) -> None:
        self.id = number


class Old:
    """A sealed segment with messages 10, 11, 12 of queue 1, of which the last waits, and queue 1's
    acknowledgement of 3."""

    def __init__(self) -> None:
        self.segment = Segment(4, SALT, 1 << 20)
        self.places = Places()
        batch = Batch(10)
        for _ in range(3):
            batch.publish(a_message(b"body"), [Numbered(1)])
        batch.note_due(12, 7)
        batch.settle(1, 3, 2)
        data = batch.encode(self.segment, 1, 0, 12, self.places, {}, 0, Returns({}))
        self.segment.end += len(data)
        seal_at = (4 << OFFSET_BITS) + self.segment.end
        seal = batch_header(SALT, seal_at, 2, seal_at, 12, SEAL, b"", 0)
        self.data = segment_header(4, SALT) + data + seal

    def compaction(self, others: list[Segment], data: bytes = b"") -> Compaction:
        return Compaction(self.segment, data or self.data, others)


def holding(number: int, first: int, last: int) -> Segment:
    segment = Segment(number, SALT, 1 << 20)
    segment.note(first)
    segment.note(last)
    return segment


def test_messages_that_are_needed_are_copied() -> None:
    old = Old()
    old.places.take(11)
    batch = Batch(20)
    compaction = old.compaction([])
    assert compaction.step(batch, old.places, Returns({}))
    assert compaction.finished
    assert [(int(move.ticket), int(move.due_ms)) for move in batch.moves] == [(10, 0), (12, 7)]


def test_acknowledgements_are_copied_if_their_message_may_still_be_there() -> None:
    old = Old()
    batch = Batch(20)
    old.compaction([holding(2, 1, 5)]).step(batch, old.places, Returns({}))
    assert batch.settled == 1
    assert list(batch.settled_in) == [2]


def test_acknowledgements_are_not_copied_for_segments_without_their_message() -> None:
    old = Old()
    batch = Batch(20)
    old.compaction([holding(2, 4, 5)]).step(batch, old.places, Returns({}))
    assert batch.settled == 0


def test_an_acknowledgement_is_kept_for_every_segment_that_may_hold_its_message() -> None:
    old = Old()
    batch = Batch(20)
    old.compaction([holding(2, 1, 5), holding(3, 2, 9)]).step(batch, old.places, Returns({}))
    assert batch.settled == 1
    assert list(batch.settled_in) == [2, 3]


def test_a_segment_without_its_seal_stays() -> None:
    old = Old()
    compaction = old.compaction([], old.data[:-1])
    assert not compaction.step(Batch(20), old.places, Returns({}))
    assert not compaction.finished


def test_a_segment_with_a_wrong_octet_in_a_header_stays() -> None:
    old = Old()
    damaged = bytearray(old.data)
    damaged[HEADER_SIZE + 20] ^= 1
    batch = Batch(20)
    assert not old.compaction([], bytes(damaged)).step(batch, old.places, Returns({}))
    assert not batch.moves
