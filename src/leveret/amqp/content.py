"""Content on its way in: a basic.publish whose header and body frames have not all come yet.

The frames are kept as they are; only their sizes are added up (spec §2.3.5.2).
"""

from typing import Final

from mypy_extensions import i64

from leveret.errors import FrameError, UnexpectedFrame
from leveret.wire.constants import CLASS_BASIC, FRAME_BODY, FRAME_HEADER, FRAME_OVERHEAD

# RabbitMQ's hard limit, whatever max_message_size_bytes says.
MAX_BODY_SIZE: Final = 536870912
_NO_HEADER: Final = (
    f"expected content header for class {CLASS_BASIC}, got non content header frame instead"
)
_NO_BODY: Final = "expected content body, got non content body frame instead"


class Content:
    """`publish` is the payload of the basic.publish that announced it."""

    __slots__ = ("body_size", "frames", "header_size", "largest_frame", "publish", "received")

    def __init__(self, publish: bytes) -> None:
        self.publish = publish
        self.frames: list[bytes] = []
        self.header_size: i64 = 0
        self.body_size: i64 = 0
        self.received: i64 = 0
        self.largest_frame: i64 = 0

    def add(self, kind: i64, frame: bytes) -> bool:
        """Take one frame; returns whether the content is whole now.

        Raises `UnexpectedFrame` (505) out of order or past the announced size, `FrameError` (501)
        for a size beyond all measure.
        """
        if self.header_size == 0:
            if kind != FRAME_HEADER:
                raise UnexpectedFrame(_NO_HEADER)
            self._add_header(frame)
        else:
            self.received += len(frame) - FRAME_OVERHEAD
            if kind != FRAME_BODY or self.received > self.body_size:
                raise UnexpectedFrame(_NO_BODY)
        self.frames.append(frame)
        if len(frame) > self.largest_frame:
            self.largest_frame = len(frame)
        return self.received == self.body_size

    def _add_header(self, frame: bytes) -> None:
        class_id = int.from_bytes(frame[7:9], "big")
        if class_id != CLASS_BASIC:
            raise UnexpectedFrame(
                f"expected content header for class {CLASS_BASIC}, "
                f"got one for class {class_id} instead"
            )
        if frame[9:11] != b"\x00\x00":
            raise UnexpectedFrame(_NO_HEADER)
        size = int.from_bytes(frame[11:19], "big")
        if size > MAX_BODY_SIZE:
            raise FrameError(
                f"content body size {size} exceeds maximum allowed size {MAX_BODY_SIZE}"
            )
        self.body_size = size
        self.header_size = len(frame)
