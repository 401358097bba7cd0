"""Frames: type, channel, size, payload, frame-end (spec §2.3.5)."""

from typing import Final

from leveret.wire.constants import (
    CLASS_BASIC,
    FRAME_BODY,
    FRAME_END,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    FRAME_OVERHEAD,
)

PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
# 0-9, sent by some libraries that speak 0-9-1.
PROTOCOL_HEADER_0_9: Final = b"AMQP\x01\x01\x00\x09"
HEARTBEAT: Final = bytes((FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0, FRAME_END))

# What comes before the property flags in a content header frame: the frame's own 7 octets, class,
# weight and body size (spec §2.3.5.2).
PROPERTIES_AT: Final = 7 + 2 + 2 + 8


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
