"""The tickets of messages that are not in memory, in order: eight octets each."""

from __future__ import annotations

from collections import deque
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

CHUNK: Final = 4096


class Paged:
    """`count` tickets; `size_bytes` is what their messages would take in memory. Each ticket
    carries whether its message was delivered before."""

    def __init__(self) -> None:
        self.count: i64 = 0
        self.size_bytes: i64 = 0
        self._chunks: deque[vec[i64]] = deque()
        self._last: vec[i64] = vec[i64]()
        # How many of the first chunk are taken.
        self._taken: i64 = 0

    def append(self, ticket: i64, redelivered: bool, size_bytes: i64) -> None:
        """One more at the end."""
        if len(self._last) == CHUNK:
            self._chunks.append(self._last)
            self._last = vec[i64]()
        self._last = append(self._last, ticket * 2 + 1 if redelivered else ticket * 2)
        self.count += 1
        self.size_bytes += size_bytes

    def take(self, count: i64) -> list[int]:
        """The first ones, twice their ticket and one more if delivered before."""
        taken: list[int] = []
        # What they take is known of all together only.
        if count >= self.count:
            count = self.count
            self.size_bytes = 0
        elif self.count > 0:
            self.size_bytes -= self.size_bytes // self.count * count
        self.count -= count
        while count > 0:
            chunk = self._chunks[0] if self._chunks else self._last
            at = self._taken
            size = i64(len(chunk))
            while at < size and count > 0:
                taken.append(int(chunk[at]))
                at += 1
                count -= 1
            self._taken = at
            if at == size:
                self._taken = 0
                if self._chunks:
                    self._chunks.popleft()
                else:
                    self._last = vec[i64]()
        return taken

    def redelivered(self) -> list[int]:
        """The tickets of those that were delivered before."""
        found: list[int] = []
        skipped = self._taken
        for chunk in [*self._chunks, self._last]:
            at = skipped
            skipped = 0
            while at < len(chunk):
                value = chunk[at]
                if value & 1 != 0:
                    found.append(int(value >> 1))
                at += 1
        return found
