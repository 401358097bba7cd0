"""Frames: type, channel, size, payload, frame-end (spec §2.3.5)."""

from typing import Final

from librt.strings import read_i16_be, read_i32_be, read_i64_be
from mypy_extensions import i64

from leveret.wire.constants import (
    CLASS_BASIC,
    FRAME_BODY,
    FRAME_END,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    FRAME_OVERHEAD,
)

# 0-9, sent by some libraries that speak 0-9-1.
PROTOCOL_HEADER_0_9: Final = b"AMQP\x01\x01\x00\x09"
HEARTBEAT: Final = bytes((FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0, FRAME_END))

# A frame may be this much larger than negotiated: RabbitMQ lets a client forget that frame_max
# counts the frame's own octets.
FRAME_TOLERANCE: Final = 8
# What comes before the property flags in a content header frame: the frame's own 7 octets, class,
# weight and body size (spec §2.3.5.2).
PROPERTIES_AT: Final = 7 + 2 + 2 + 8
# Type, channel and size: enough to refuse a frame that is too large.
FRAME_HEADING: Final = 7
# The fewest octets that a frame of each type can have: its own 8 and what must be in it.
FRAME_MIN: Final[dict[int, int]] = {
    FRAME_METHOD: FRAME_OVERHEAD + 4,
    FRAME_HEADER: FRAME_OVERHEAD + 12,
    FRAME_BODY: FRAME_OVERHEAD,
    FRAME_HEARTBEAT: FRAME_OVERHEAD,
}
METHOD_FRAME_MIN: Final = FRAME_OVERHEAD + 4
# More than any frame; the size field has 32 bits.
MAX_FRAME: Final = 1 << 33
# Up to the property flags, these, and the frame end.
HEADER_FRAME_MIN: Final = PROPERTIES_AT + 2 + 1


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    """One frame of any type."""
    return b"".join(
        (
            kind.to_bytes(1, "big"),
            channel.to_bytes(2, "big"),
            len(payload).to_bytes(4, "big"),
            payload,
            b"\xce",
        )
    )


def method_frame(channel: int, payload: bytes) -> bytes:
    """A method's payload, as `Method.encode` gives it, in its frame."""
    return frame(FRAME_METHOD, channel, payload)


def header_frame(channel: int, properties: bytes, body_size: int) -> bytes:
    """The content header of a message of class basic; `properties` are encoded."""
    payload = b"".join(
        (CLASS_BASIC.to_bytes(2, "big"), b"\x00\x00", body_size.to_bytes(8, "big"), properties)
    )
    return frame(FRAME_HEADER, channel, payload)


def body_frames(channel: int, body: bytes, frame_max: int) -> bytes:
    """A body in as many frames as `frame_max` octets each allow; none for an empty body."""
    share = frame_max - FRAME_OVERHEAD
    return b"".join(
        frame(FRAME_BODY, channel, body[at : min(at + share, len(body))])
        for at in range(0, len(body), share)
    )


def whole_content(data: bytes, at: i64, end: i64, frame_size_max: i64) -> i64:
    """Where the content that begins at `at` ends, if it is whole and its body at most one frame.

    0 for anything else, faulty content included. `end` is where the data ends; that header and
    body are of one channel is checked, which one is not.
    """
    if end - at < HEADER_FRAME_MIN or data[at] != FRAME_HEADER:
        return 0
    stop = at + (i64(read_i32_be(data, at + 3)) & 0xFFFFFFFF) + FRAME_OVERHEAD
    if stop - at < HEADER_FRAME_MIN or stop - at > frame_size_max or stop > end:
        return 0
    # class and weight; the weight is always 0
    if data[stop - 1] != FRAME_END or i64(read_i32_be(data, at + 7)) != CLASS_BASIC << 16:
        return 0
    body_size = read_i64_be(data, at + 11)
    if body_size == 0:
        return stop
    if body_size < 0 or body_size + FRAME_OVERHEAD > frame_size_max:
        return 0
    last = stop + body_size + FRAME_OVERHEAD
    if last > end or data[stop] != FRAME_BODY or data[last - 1] != FRAME_END:
        return 0
    if (i64(read_i32_be(data, stop + 3)) & 0xFFFFFFFF) != body_size:
        return 0
    channel = read_i16_be(data, at + 1)
    return last if read_i16_be(data, stop + 1) == channel else 0
