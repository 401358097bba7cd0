"""The octets of the log: what is written is read back, and what is damaged is nothing, never an
exception."""

from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st
from librt.strings import BytesWriter

from effort import effort
from leveret.broker.message import CopiedMessage, Message, StoredMessage
from leveret.store.log.format import (
    COPIED,
    COUNT_MAX,
    HEADER_SIZE,
    MARK,
    PERSISTENT,
    PUBLISH,
    QUEUES_MAX,
    RECORD_HEADER,
    RETURN,
    SETTLE,
    TIME_SIZE,
    TIMED,
    BatchHeader,
    IndexReader,
    SegmentHeader,
    batch_header,
    packed,
    read_batch_header,
    read_record,
    record_prefix,
    record_size,
    segment_header,
    segment_name,
    segment_number,
    unpacked,
    write_group,
    write_publish,
)

SALT = b"saltsalt"
LOCATION = (7 << 32) + 640
U16 = st.integers(0, 0xFFFF)
U31 = st.integers(0, (1 << 31) - 1)
I63 = st.integers(0, (1 << 63) - 1)
IDS = st.lists(I63, min_size=1, max_size=5)
DUES = st.just(0) | st.integers(1, (1 << 63) - 1)
# Entries of messages: ticket, ids, size of the record, shared, due.
PUBLISHES = st.lists(st.tuples(I63, IDS, U31, st.booleans(), DUES), max_size=10)
PARTS = (
    st.binary(max_size=300),
    st.binary(max_size=200),
    U16,
    U31,
    I63,
    U31,
    st.booleans(),
)
# Octets that are no UTF-8 are routing keys too.
KEYS = st.lists(st.binary(max_size=300).map(lambda key: key.decode(errors="surrogateescape")))
MESSAGES = st.builds(Message, *PARTS)
COPIED_MESSAGES = st.builds(CopiedMessage, *PARTS, st.just(0), KEYS)


def fields(message: Message) -> tuple[object, ...]:
    numbers = (message.channel, message.header_size, message.body_size, message.largest_frame)
    return (message.frames, message.tail, *numbers, message.persistent)


def record(message: Message, ticket: int, stored_ms: int = 7) -> bytes:
    return record_prefix(message, ticket, stored_ms) + message.frames


def record_of_format_1(message: Message, ticket: int) -> bytes:
    """Without a time."""
    octets = record(message, ticket)
    size = int.from_bytes(octets[6:8], "big") & ~TIMED
    rest = octets[4:6] + size.to_bytes(2, "big") + octets[8:RECORD_HEADER]
    rest += octets[RECORD_HEADER + TIME_SIZE :]
    return crc32(rest).to_bytes(4, "big") + rest


def an_index() -> bytes:
    writer = BytesWriter()
    write_group(writer, SETTLE, 3, (8).to_bytes(8, "big") + (9).to_bytes(8, "big"))
    write_publish(writer, 10, [3, 4], 100)
    write_publish(writer, 11, [4], 50, True, 1_700_000_000_000)
    write_group(writer, MARK, 4, (7).to_bytes(8, "big"))
    write_group(writer, RETURN, 4, (7).to_bytes(8, "big") + packed(3, 2).to_bytes(8, "big"))
    return writer.getvalue()


def read_all(index: bytes) -> list[tuple[object, ...]]:
    reader = IndexReader(index, 1000)
    found: list[tuple[object, ...]] = []
    while (kind := reader.next()) != 0:
        if kind == PUBLISH:
            place = (reader.record_at, reader.record_size)
            said = (reader.shared, reader.due_ms)
            found.append((kind, reader.ticket, list(reader.ids), *place, *said))
            continue
        tickets = []
        while (ticket := reader.next_ticket()) != 0:
            tickets.append(ticket)
        found.append((kind, reader.queue_id, tickets))
    return [*found, ("broken",)] if reader.broken else found


def test_a_segment_is_named_by_its_number() -> None:
    assert segment_name(0x1F) == "000000000000001f.segment"
    assert segment_number("000000000000001f.segment") == 0x1F


def test_other_names_are_none_of_a_segment() -> None:
    for name in ("", "1.segment", "000000000000001f", "00000000000000zz.segment", "lock"):
        assert segment_number(name) == 0


def test_a_segment_header_says_what_was_written() -> None:
    header = SegmentHeader(segment_header(77, SALT))
    assert (header.valid, header.number, header.salt, header.blank) == (True, 77, SALT, False)


def test_zeros_are_a_blank_header() -> None:
    header = SegmentHeader(bytes(HEADER_SIZE))
    assert header.blank
    assert not header.valid


@given(st.integers(0, HEADER_SIZE - 1), st.integers(1, 255))
def test_a_segment_header_with_a_wrong_octet_is_invalid(at: int, mask: int) -> None:
    octets = bytearray(segment_header(77, SALT))
    octets[at] ^= mask
    assert not SegmentHeader(bytes(octets)).valid


@given(I63, I63, I63, U31, st.binary(max_size=100), st.integers(0, 1 << 40))
def test_a_batch_header_says_what_was_written(
    number: int, synced: int, last_ticket: int, flags: int, index: bytes, data_size: int
) -> None:
    octets = batch_header(SALT, LOCATION, number, synced, last_ticket, flags, index, data_size)
    assert len(octets) == HEADER_SIZE
    header = read_batch_header(b"before" + octets, 6, SALT, LOCATION)
    assert isinstance(header, BatchHeader)
    assert header.number == number
    assert header.synced == synced
    assert header.last_ticket == last_ticket
    assert header.flags == flags
    assert header.size == HEADER_SIZE + len(index) + data_size


@given(st.integers(0, HEADER_SIZE - 1), st.integers(1, 255), st.integers(0, HEADER_SIZE))
def test_a_batch_header_that_is_damaged_is_none(at: int, mask: int, size: int) -> None:
    octets = bytearray(batch_header(SALT, LOCATION, 1, 2, 3, 0, b"index", 10))
    octets[at] ^= mask
    assert read_batch_header(bytes(octets), 0, SALT, LOCATION) is None
    assert read_batch_header(bytes(octets[:size]), 0, SALT, LOCATION) is None


def test_a_batch_header_of_another_place_is_none() -> None:
    octets = batch_header(SALT, LOCATION, 1, 2, 3, 0, b"", 10)
    assert read_batch_header(octets, 0, SALT, LOCATION + 1) is None
    assert read_batch_header(octets, 0, b"othersal", LOCATION) is None


def test_an_index_is_read_as_it_was_written() -> None:
    assert read_all(an_index()) == [
        (SETTLE, 3, [8, 9]),
        (PUBLISH, 10, [3, 4], 1000, 100, False, 0),
        (PUBLISH, 11, [4], 1100, 50, True, 1_700_000_000_000),
        (MARK, 4, [7]),
        (RETURN, 4, [7, packed(3, 2)]),
    ]


def test_a_message_may_be_in_65535_queues() -> None:
    for count in (0x7FFF, 0x8000, QUEUES_MAX):
        writer = BytesWriter()
        ids = list(range(1, count + 1))
        write_publish(writer, 10, ids, 100)
        assert read_all(writer.getvalue()) == [(PUBLISH, 10, ids, 1000, 100, False, 0)]


@given(PUBLISHES)
def test_entries_of_messages_say_when_those_are_due_that_wait(
    publishes: list[tuple[int, list[int], int, bool, int]],
) -> None:
    writer = BytesWriter()
    expected: list[tuple[object, ...]] = []
    at = 1000
    for ticket, ids, size, shared, due_ms in publishes:
        write_publish(writer, ticket, ids, size, shared, due_ms)
        expected.append((PUBLISH, ticket, ids, at, size, shared, due_ms))
        at += size
    assert read_all(writer.getvalue()) == expected


def test_an_entry_of_a_message_that_does_not_wait_is_as_older_formats_have_it() -> None:
    writer = BytesWriter()
    write_publish(writer, 10, [3], 100, True)
    octets = b"\1\1\0\1" + (100).to_bytes(4, "big") + (10).to_bytes(8, "big")
    assert writer.getvalue() == octets + (3).to_bytes(8, "big")


def test_an_entry_that_ends_before_its_due_time_ends_the_reading() -> None:
    writer = BytesWriter()
    write_publish(writer, 10, [3], 100, due_ms=5)
    whole = writer.getvalue()
    assert len(read_all(whole)) == 1
    for size in range(1, len(whole)):
        assert read_all(whole[:size]) == [("broken",)]


def test_what_is_half_of_a_return_ends_the_reading() -> None:
    writer = BytesWriter()
    write_group(writer, RETURN, 4, (7).to_bytes(8, "big"))
    assert read_all(writer.getvalue()) == [("broken",)]


@given(st.integers(0, COUNT_MAX), st.integers(0, COUNT_MAX))
def test_two_counts_are_one_number(acquired: int, failed: int) -> None:
    assert unpacked(packed(acquired, failed)) == (acquired, failed)
    assert packed(acquired, failed) < 1 << 63


@given(st.binary(max_size=200))
@settings(max_examples=effort(300))
def test_an_index_that_makes_no_sense_ends(octets: bytes) -> None:
    read_all(octets)


@given(st.integers(0, len(an_index()) - 1))
def test_a_truncated_index_is_broken_or_ends_at_an_entry(size: int) -> None:
    whole = read_all(an_index())
    read = read_all(an_index()[:size])
    assert read[-1:] == [("broken",)] or read == whole[: len(read)]


@given(MESSAGES, I63, I63)
@settings(max_examples=effort(200))
def test_a_record_is_read_as_it_was_written(message: Message, ticket: int, time_ms: int) -> None:
    octets = record(message, ticket, time_ms)
    assert len(octets) == record_size(message)
    read = read_record(b"before" + octets + b"after", 6, len(octets), ticket)
    assert isinstance(read, StoredMessage)
    assert (fields(read), read.stored_ms) == (fields(message), time_ms)


@given(COPIED_MESSAGES, I63, I63)
@settings(max_examples=effort(200))
def test_a_record_has_the_keys_of_bcc(message: CopiedMessage, ticket: int, time_ms: int) -> None:
    octets = record(message, ticket, time_ms)
    assert len(octets) == record_size(message)
    read = read_record(b"before" + octets + b"after", 6, len(octets), ticket)
    assert isinstance(read, CopiedMessage)
    assert (fields(read), read.stored_ms, read.bcc) == (fields(message), time_ms, message.bcc)


@given(MESSAGES, I63)
@settings(max_examples=effort(200))
def test_a_record_of_format_1_is_read_and_has_no_time(message: Message, ticket: int) -> None:
    octets = record_of_format_1(message, ticket)
    read = read_record(b"before" + octets + b"after", 6, len(octets), ticket)
    assert read is not None
    assert not isinstance(read, StoredMessage)
    assert fields(read) == fields(message)


@given(MESSAGES | COPIED_MESSAGES, st.data())
@settings(max_examples=effort(200))
def test_a_record_with_a_wrong_octet_is_none(message: Message, data: st.DataObject) -> None:
    octets = bytearray(record(message, 5))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    assert read_record(bytes(octets), 0, len(octets), 5) is None


@given(st.binary(max_size=100), st.integers(-5, 120), st.integers(-5, 120))
@settings(max_examples=effort(300))
def test_octets_that_are_no_record_are_none(octets: bytes, at: int, size: int) -> None:
    assert read_record(octets, at, size, 5) is None


def test_a_record_is_of_its_ticket_only() -> None:
    octets = record(Message(b"frames", b"tail", 1, 2, 3, 4, True), 5)
    assert read_record(octets, 0, len(octets), 6) is None
    assert read_record(octets, 0, len(octets) - 1, 5) is None


def test_the_longest_exchange_and_routing_key_fit_beside_the_flags() -> None:
    assert PERSISTENT > TIMED > COPIED > 2 * 256
    message = Message(b"", bytes(512), 1, 2, 3, 4, True)
    read = read_record(record(message, 1), 0, RECORD_HEADER + TIME_SIZE + 512, 1)
    assert read is not None
    assert read.persistent
