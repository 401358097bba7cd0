"""Frames of a channel that have come while an answer on it is pending."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import i64


class HeldFrames:
    """In the order in which they came; `size_bytes` is that of all."""

    def __init__(self) -> None:
        self.size_bytes: i64 = 0
        self._frames: deque[bytes] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: bytes) -> None:
        """One more."""
        self._frames.append(frame)
        self.size_bytes += len(frame)

    def take(self) -> bytes:
        """The first, no longer kept."""
        frame = self._frames.popleft()
        self.size_bytes -= len(frame)
        return frame
