"""The octets of the log: segment headers, batches, indexes, records (docs/log-format.md).

A segment is a file: a header, then batches, then, once the log has moved on, a seal. A batch is
what one commit wrote: a header with a checksum of its own, an index, and the records that the index
lists. All integers are big-endian. Checksums are CRC-32 as zlib computes it.

A location is a segment's number and an offset in it, as one integer.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from librt.strings import (
    BytesWriter,
    read_i16_be,
    read_i32_be,
    read_i64_be,
    write_i16_be,
    write_i32_be,
    write_i64_be,
)
from mypy_extensions import i16, i32, i64

from leveret.broker.message import CopiedMessage, Message, StoredMessage

# 2 has the time in records; 3 has keys of BCC there, returns, and what is shared; 4 has when
# messages are due.
FORMAT: Final = 4
CHECKSUM_CRC32: Final = 1
MAGIC: Final = b"LEVERET\n"
SALT_SIZE: Final = 8
HEADER_SIZE: Final = 64
CRC_AT: Final = 60

# Flags of a batch. A seal ends its segment; a clean stop vouches for what was not delivered.
SEAL: Final = 1
CLEAN_STOP: Final = 2

# Kinds of index entries.
PUBLISH: Final = 1
SETTLE: Final = 2
MARK: Final = 3
RETURN: Final = 4
COUNT_MAX: Final = 0x7FFFFFFF
PUBLISH_SIZE: Final = 16
# Flags of a PUBLISH. It was copied forward and once had more queues; it says when it is due.
SHARED: Final = 1
DUE: Final = 2
DUE_SIZE: Final = 8
# As many as an entry of a message can have.
QUEUES_MAX: Final = 0xFFFF
GROUP_SIZE: Final = 16
ID_SIZE: Final = 8

# Of records without a time, as format 1 has them; it follows the header.
RECORD_HEADER: Final = 32
TIME_SIZE: Final = 8
# Added to the size of exchange and routing key in a record's header: the message is persistent.
PERSISTENT: Final = 0x8000
# The same: the record has a time.
TIMED: Final = 0x4000
# The same: the record has keys of BCC, encoded as long strings, behind their size in octets.
COPIED: Final = 0x2000
KEYS_SIZE_SIZE: Final = 4
OFFSET_BITS: Final = 32
OFFSET_MASK: Final = 0xFFFFFFFF
# A location is a signed integer of 64 bits.
NUMBER_END: Final = 1 << 31


def segment_name(number: int) -> str:
    """The file name of a segment."""
    return f"{number:016x}.segment"


def segment_number(name: str) -> int:
    """The number in a segment's file name; 0 if it is none."""
    stem = name.removesuffix(".segment")
    if len(stem) != 16 or stem == name:
        return 0
    try:
        number = int(stem, 16)
    except ValueError:
        return 0
    # Whatever else can be read as a number is not a name that was given here.
    return number if number < NUMBER_END and segment_name(number) == name else 0


# --- segment headers ---


def segment_header(number: int, salt: bytes) -> bytes:
    """What a segment begins with. `salt` begins each of its batches: eight random octets, so that
    no message body and no leftover of the file's earlier life can pass for a batch."""
    start = b"".join(
        (
            MAGIC,
            FORMAT.to_bytes(2, "big"),
            CHECKSUM_CRC32.to_bytes(2, "big"),
            bytes(4),
            number.to_bytes(8, "big"),
            salt,
            bytes(CRC_AT - 32),
        )
    )
    return start + crc32(start).to_bytes(4, "big")


class SegmentHeader:
    """What a segment header says; `valid` is whether its checksum holds."""

    def __init__(self, octets: bytes) -> None:
        whole = len(octets) == HEADER_SIZE
        self.blank = not any(octets)
        self.valid = (
            whole
            and octets[:8] == MAGIC
            and crc32(octets[:CRC_AT]) == int.from_bytes(octets[CRC_AT:], "big")
        )
        self.format = int.from_bytes(octets[8:10], "big") if self.valid else 0
        self.checksum = int.from_bytes(octets[10:12], "big") if self.valid else 0
        self.number = int.from_bytes(octets[16:24], "big") if self.valid else 0
        self.salt = octets[24:32] if self.valid else b""


# --- batch headers ---


def batch_header(
    salt: bytes,
    location: i64,
    number: i64,
    synced: i64,
    last_ticket: i64,
    flags: i32,
    index: bytes,
    data_size: i64,
) -> bytes:
    """What a batch begins with. `synced` is the location below which everything was on disk when
    the batch was written; `last_ticket` the highest ticket given by then."""
    writer = BytesWriter()
    writer.write(salt)
    write_i64_be(writer, location)
    write_i64_be(writer, number)
    write_i64_be(writer, synced)
    write_i64_be(writer, last_ticket)
    write_i32_be(writer, i32(len(index)))
    write_i32_be(writer, flags)
    write_i64_be(writer, data_size)
    write_i32_be(writer, signed(crc32(index)))
    start = writer.getvalue()
    return start + crc32(start).to_bytes(4, "big")


class BatchHeader:
    """What a batch header says. Sizes are in octets; `size` is that of the whole batch."""

    __slots__ = (
        "data_size",
        "flags",
        "index_crc",
        "index_size",
        "last_ticket",
        "location",
        "number",
        "size",
        "synced",
    )

    def __init__(self, octets: bytes, at: i64) -> None:
        self.location = read_i64_be(octets, at + 8)
        self.number = read_i64_be(octets, at + 16)
        self.synced = read_i64_be(octets, at + 24)
        self.last_ticket = read_i64_be(octets, at + 32)
        self.index_size = i64(read_i32_be(octets, at + 40)) & 0xFFFFFFFF
        self.flags = i64(read_i32_be(octets, at + 44))
        self.data_size = read_i64_be(octets, at + 48)
        self.index_crc = i64(read_i32_be(octets, at + 56)) & 0xFFFFFFFF
        self.size = HEADER_SIZE + self.index_size + self.data_size


def read_batch_header(octets: bytes, at: i64, salt: bytes, location: i64) -> BatchHeader | None:
    """The batch header at `at`, if there is one that belongs to this place."""
    if at + HEADER_SIZE > len(octets) or octets[at : at + SALT_SIZE] != salt:
        return None
    crc = i64(read_i32_be(octets, at + CRC_AT)) & 0xFFFFFFFF
    if i64(crc32(octets[at : at + CRC_AT])) != crc:
        return None
    header = BatchHeader(octets, at)
    if header.location != location or header.index_size < 0 or header.data_size < 0:
        return None
    return header


def signed(crc: int) -> i32:
    """An unsigned 32-bit number as the signed one of the same octets."""
    return i32(crc if crc < 0x80000000 else crc - 0x100000000)


# --- index entries ---


def write_publish(
    writer: BytesWriter,
    ticket: i64,
    ids: list[int],
    record_size: i64,
    shared: bool = False,
    due_ms: i64 = 0,
) -> None:
    """The entry of a message: its queues, `QUEUES_MAX` at most, and the size of its record.
    `shared` is a message that was copied forward and once had more queues. `due_ms` is when it is
    due, in milliseconds of the time of day since 1970; 0 if nobody waits for that."""
    count = len(ids)
    writer.append(PUBLISH)
    writer.append((SHARED if shared else 0) | (DUE if due_ms > 0 else 0))
    write_i16_be(writer, i16(count if count < 0x8000 else count - 0x10000))
    write_i32_be(writer, i32(record_size))
    write_i64_be(writer, ticket)
    for queue_id in ids:
        write_i64_be(writer, i64(queue_id))
    if due_ms > 0:
        write_i64_be(writer, due_ms)


def write_group(writer: BytesWriter, kind: i64, queue_id: i64, tickets: bytes) -> None:
    """An entry that says one thing of many messages of one queue; `tickets` are encoded, with those
    of a RETURN how often each has come back."""
    write_i32_be(writer, i32(kind << 24))
    write_i32_be(writer, i32(len(tickets) // ID_SIZE))
    write_i64_be(writer, queue_id)
    writer.write(tickets)


def packed(acquired: int, failed: int) -> int:
    """How often a message has come back in all, and because it failed, as one number."""
    return min(acquired, COUNT_MAX) << 32 | min(failed, COUNT_MAX)


def unpacked(counts: int) -> tuple[int, int]:
    """What was `packed`."""
    return counts >> 32, counts & COUNT_MAX


class IndexReader:
    """Goes through the entries of an index. After `next` has said which kind comes: of a PUBLISH
    `ticket`, `ids`, `shared`, `due_ms` (0 if that is not said) and the place of its record,
    `record_at` and `record_size`; of others `queue_id` and, by `next_ticket`, the tickets. Behind
    each ticket of a RETURN, `next_ticket` gives how often the message has come back (`packed`).

    `data_at` is where the records begin. The index is one whose checksum held; entries that make
    no sense all the same end the reading, and `broken` says so.
    """

    def __init__(self, index: bytes, data_at: i64) -> None:
        self.broken = False
        self.ticket: i64 = 0
        self.ids: list[int] = []
        self.shared = False
        self.due_ms: i64 = 0
        self.record_at: i64 = data_at
        self.record_size: i64 = 0
        self.queue_id: i64 = 0
        self._index = index
        self._at: i64 = 0
        self._tickets_at: i64 = 0
        self._tickets_end: i64 = 0

    def next(self) -> i64:
        """The kind of the next entry; 0 at the end."""
        index = self._index
        at = self._at
        end = i64(len(index))
        if at == end:
            return 0
        if at + PUBLISH_SIZE > end:
            self.broken = True
            return 0
        kind = i64(index[at])
        flags = i64(index[at + 1])
        count = i64(read_i16_be(index, at + 2)) & 0xFFFF
        if kind != PUBLISH:
            flags = 0
            count = i64(read_i32_be(index, at + 4)) & 0xFFFFFFFF
        numbers_end = at + PUBLISH_SIZE + count * ID_SIZE
        stop = numbers_end + DUE_SIZE if flags & DUE != 0 else numbers_end
        if stop > end or kind < PUBLISH or kind > RETURN or (kind == RETURN and count & 1 != 0):
            self.broken = True
            return 0
        if kind == PUBLISH:
            self.record_at += self.record_size
            self.record_size = i64(read_i32_be(index, at + 4)) & 0xFFFFFFFF
            self.ticket = read_i64_be(index, at + 8)
            self.shared = flags & SHARED != 0
            ids: list[int] = []
            at += PUBLISH_SIZE
            while at < numbers_end:
                ids.append(int(read_i64_be(index, at)))
                at += ID_SIZE
            self.ids = ids
            self.due_ms = read_i64_be(index, at) if flags & DUE != 0 else 0
        else:
            self.queue_id = read_i64_be(index, at + 8)
            self._tickets_at = at + GROUP_SIZE
            self._tickets_end = stop
        self._at = stop
        return kind

    def next_ticket(self) -> i64:
        """The next ticket of a SETTLE, MARK or RETURN; 0 after the last."""
        at = self._tickets_at
        if at >= self._tickets_end:
            return 0
        self._tickets_at = at + ID_SIZE
        return read_i64_be(self._index, at)


# --- records ---


def record_prefix(message: Message, ticket: i64, stored_ms: i64) -> bytes:
    """What stands before a message's frames in its record; its first four octets are a checksum of
    all that follows, frames included. `stored_ms` is the time of day."""
    tail = message.tail
    writer = BytesWriter()
    channel = message.channel
    write_i16_be(writer, i16(channel if channel < 0x8000 else channel - 0x10000))
    size = i64(len(tail)) + TIMED
    keys = b""
    if isinstance(message, CopiedMessage):
        size += COPIED
        keys = _write_keys(message.bcc)
    write_i16_be(writer, i16(size - PERSISTENT if message.persistent else size))
    write_i32_be(writer, i32(message.header_size))
    write_i32_be(writer, i32(message.largest_frame))
    write_i64_be(writer, message.body_size)
    write_i64_be(writer, ticket)
    write_i64_be(writer, stored_ms)
    writer.write(keys)
    writer.write(tail)
    rest = writer.getvalue()
    return crc32(message.frames, crc32(rest)).to_bytes(4, "big") + rest


def record_size(message: Message) -> i64:
    """The size of the record of a message, in octets."""
    size = RECORD_HEADER + TIME_SIZE + i64(len(message.tail)) + i64(len(message.frames))
    if isinstance(message, CopiedMessage):
        size += i64(len(_write_keys(message.bcc)))
    return size


def read_record(octets: bytes, at: i64, size: i64, ticket: i64) -> Message | None:
    """The message of the record at `at`; None if the record is damaged or another's."""
    end = at + size
    if size < RECORD_HEADER or at < 0 or end > len(octets):
        return None
    tail_size = i64(read_i16_be(octets, at + 6)) & 0xFFFF
    persistent = tail_size >= PERSISTENT
    timed = tail_size & TIMED != 0
    tail_at = at + RECORD_HEADER
    if timed:
        tail_at += TIME_SIZE
    keys_at = tail_at + KEYS_SIZE_SIZE
    if tail_size & COPIED != 0:
        if not timed or keys_at > end:
            return None
        tail_at = keys_at + (i64(read_i32_be(octets, tail_at)) & 0xFFFFFFFF)
    tail_end = tail_at + (tail_size & (COPIED - 1))
    if tail_end > end or read_i64_be(octets, at + 24) != ticket:
        return None
    frames = octets[tail_end:end]
    crc = i64(read_i32_be(octets, at)) & 0xFFFFFFFF
    if i64(crc32(frames, crc32(octets[at + 4 : tail_end]))) != crc:
        return None
    tail = octets[tail_at:tail_end]
    channel = i64(read_i16_be(octets, at + 4)) & 0xFFFF
    header_size = i64(read_i32_be(octets, at + 8))
    largest_frame = i64(read_i32_be(octets, at + 12))
    body_size = read_i64_be(octets, at + 16)
    if timed:
        stored_ms = read_i64_be(octets, at + RECORD_HEADER)
        if tail_size & COPIED != 0:
            return CopiedMessage(
                frames,
                tail,
                channel,
                header_size,
                body_size,
                largest_frame,
                persistent,
                stored_ms,
                _read_keys(octets, keys_at, tail_at),
            )
        return StoredMessage(
            frames, tail, channel, header_size, body_size, largest_frame, persistent, stored_ms
        )
    return Message(frames, tail, channel, header_size, body_size, largest_frame, persistent)


def _write_keys(keys: list[str]) -> bytes:
    writer = BytesWriter()
    for key in keys:
        octets = key.encode("utf-8", "surrogateescape")
        write_i32_be(writer, i32(len(octets)))
        writer.write(octets)
    written = writer.getvalue()
    return len(written).to_bytes(KEYS_SIZE_SIZE, "big") + written


def _read_keys(octets: bytes, at: i64, end: i64) -> list[str]:
    keys: list[str] = []
    while at + KEYS_SIZE_SIZE <= end:
        start = at + KEYS_SIZE_SIZE
        at = start + (i64(read_i32_be(octets, at)) & 0xFFFFFFFF)
        keys.append(octets[start:at].decode("utf-8", "surrogateescape"))
    return keys
