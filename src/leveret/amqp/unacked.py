"""What a channel has delivered and not yet seen settled, by delivery tag.

Tags ascend by one, so the window is a ring indexed by tag (a dict was measured at 1.4 times the
CPU of a delivery with acknowledgement). A tag that stays unacked while thousands run on behind it
would stretch the ring without bound: once the ring is mostly empty such stragglers move to a dict,
and the ring's size follows the number of unacked entries, not the distance between them.
"""

from typing import Final

from mypy_extensions import i64

from leveret.broker.message import Entry

INITIAL_SIZE: Final = 16


class Unacked:
    """`count` entries, among delivery tags from 1 to `last_tag`."""

    def __init__(self) -> None:
        self.count: i64 = 0
        self.last_tag: i64 = 0
        self._ring: list[Entry | None] = [None] * INITIAL_SIZE
        self._mask: i64 = INITIAL_SIZE - 1
        # The ring holds the tags from `_first` up to but without `_end`; every lower one is
        # settled or among the stragglers, every higher one needs no acknowledgement.
        self._first: i64 = 1
        self._end: i64 = 1
        self._stragglers: dict[int, Entry] = {}

    def next_tag(self) -> i64:
        """The tag of a delivery that needs no acknowledgement."""
        self.last_tag += 1
        return self.last_tag

    def add(self, entry: Entry) -> i64:
        """Remember an entry; returns its delivery tag."""
        tag = self.last_tag + 1
        if tag - self._first > self._mask:
            self._make_room(tag)
        self.last_tag = tag
        self._end = tag + 1
        self._ring[tag & self._mask] = entry
        self.count += 1
        return tag

    def settle(self, tag: i64) -> Entry | None:
        """Forget and return the entry of one tag; None if the tag is not unacked."""
        if tag < self._first:
            entry = self._stragglers.pop(int(tag), None)
            if entry is not None:
                self.count -= 1
            return entry
        if tag >= self._end:
            return None
        at = tag & self._mask
        entry = self._ring[at]
        if entry is not None:
            self._ring[at] = None
            self.count -= 1
            if tag == self._first:
                self._first = tag + 1
        return entry

    def restore(self, tag: i64, entry: Entry) -> None:
        """Remember an entry again under the tag that it was settled by."""
        self.count += 1
        if tag < self._first:
            if self._stragglers or self._end - tag > self._mask + 1:
                self._stragglers[int(tag)] = entry
                return
            self._first = tag
        self._ring[tag & self._mask] = entry

    def holds(self, tag: i64) -> bool:
        """Whether the tag is unacked."""
        if tag < self._first:
            return int(tag) in self._stragglers
        return tag < self._end and self._ring[tag & self._mask] is not None

    def settle_up_to(self, tag: i64) -> list[Entry]:
        """Forget and return, in order of their tags, all entries up to this tag; 0 means all."""
        if tag == 0 or tag >= self._end:
            tag = self._end - 1
        settled: list[Entry] = []
        if self._stragglers:
            for old in sorted(self._stragglers):
                if old <= tag:
                    settled.append(self._stragglers.pop(old))
        at = self._first
        ring = self._ring
        mask = self._mask
        while at <= tag:
            entry = ring[at & mask]
            if entry is not None:
                settled.append(entry)
                ring[at & mask] = None
            at += 1
        if at > self._first:
            self._first = at
        self.count -= len(settled)
        return settled

    def up_to(self, tag: i64) -> dict[int, Entry]:
        """The entries up to this tag by their tags, ascending; 0 means all."""
        if tag == 0 or tag >= self._end:
            tag = self._end - 1
        found: dict[int, Entry] = {}
        for old in sorted(self._stragglers):
            if old <= tag:
                found[old] = self._stragglers[old]
        at = self._first
        while at <= tag:
            entry = self._ring[at & self._mask]
            if entry is not None:
                found[int(at)] = entry
            at += 1
        return found

    def _make_room(self, tag: i64) -> None:
        ring = self._ring
        mask = self._mask
        while self._first < self._end and ring[self._first & mask] is None:
            self._first += 1
        if self._first == self._end:
            self._first = tag
        if tag - self._first <= mask:
            return
        size = mask + 1
        mostly_empty = (self.count - len(self._stragglers)) * 4 < size
        larger: list[Entry | None] = ring if mostly_empty else [None] * int(size * 2)
        at = self._first
        while at < self._end:
            entry = ring[at & mask]
            if entry is not None:
                if mostly_empty:
                    self._stragglers[int(at)] = entry
                    ring[at & mask] = None
                else:
                    larger[at & (size * 2 - 1)] = entry
            at += 1
        if mostly_empty:
            self._first = tag
            return
        self._ring = larger
        self._mask = size * 2 - 1
        if tag - self._first > self._mask:
            self._make_room(tag)
