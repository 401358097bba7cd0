"""The binding keys of a topic exchange that are found by the same word.

They are looked through one after the other, so each has a record of numbers in one table: a
message that has the word reads that from end to end, and not an object for each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64

from leveret.broker.topics.pieces import CODE_BITS, FOLLOWS

if TYPE_CHECKING:
    from leveret.broker.seams import Binding, Destination
    from leveret.broker.topics.pieces import Piece, Pieces

# What a record has, in this order.
# Where the next record begins, from here.
NEXT: Final = 0
# From how many words to how many a routing key has that may match.
LEAST: Final = 1
MOST: Final = 2
# A word before the first `#` or after the last one, and its place, which is from the end if
# negative; or `*`.
PROBE: Final = 3
PROBE_PLACE: Final = 4
# How many words are after the last `#`, and where their codes end, from here.
TAIL_WORDS: Final = 5
TAIL_END: Final = 6
# Where the codes begin: those of the tail. Then come those of the others in their order.
CODES: Final = 7

# More words than a routing key has.
ANY_NUMBER: Final = 1 << 30


class BindingKey:
    """A binding key and its bindings: the one of this number on a shelf, where its record is `at` a
    place."""

    __slots__ = ("at", "bindings", "number", "shelf")

    def __init__(self, shelf: Shelf, number: i64) -> None:
        self.bindings: list[Binding] = []
        self.shelf = shelf
        self.number: i64 = number
        self.at: i64 = len(shelf.records)

    def bind(self, binding: Binding) -> None:
        destinations = self.shelf.destinations
        number = int(self.number)
        before = destinations[number]
        if not self.bindings:
            destinations[number] = binding.destination
        elif isinstance(before, list):
            before.append(binding.destination)
        else:
            destinations[number] = [before, binding.destination]
        self.bindings.append(binding)

    def unbind(self, binding: Binding) -> None:
        at = self.bindings.index(binding)
        del self.bindings[at]
        destinations = self.shelf.destinations
        number = int(self.number)
        before = destinations[number]
        if not isinstance(before, list):
            destinations[number] = []
        elif len(before) == 2:
            destinations[number] = before[1 - at]
        else:
            del before[at]


class Shelf:
    """Binding keys by number, in the order of their records, and where each leads: to several, if
    not to one. Those that were removed are there until they are most of them."""

    __slots__ = ("_removed", "count", "destinations", "keys", "records")

    def __init__(self) -> None:
        self.count: i64 = 0
        self.keys: list[BindingKey] = []
        # A message that matches thousands of them reads no object for each.
        self.destinations: list[Destination | list[Destination]] = []
        self.records: vec[i32] = vec[i32]()
        self._removed: i64 = 0

    def add(self, record: vec[i32]) -> BindingKey:
        number = int(self.count)
        key = BindingKey(self, self.count)
        # What an add that failed for want of memory has left goes.
        self.keys[number:] = [key]
        self.destinations[number:] = [[]]
        self.records = _joined(self.records, record, 0)
        self.count += 1
        return key

    def remove(self, key: BindingKey, pieces: Pieces) -> None:
        at = key.at + CODES
        end = key.at + i64(self.records[key.at + NEXT])
        while at < end:
            pieces.drop(pieces.numbered(i64(self.records[at]) >> CODE_BITS))
            at += 1
        # No routing key has as many words.
        self.records[key.at + LEAST] = ANY_NUMBER
        key.at = -1
        self._removed += 1
        pieces.key_count -= 1
        if self._removed * 2 > self.count:
            self._tidy()

    def _tidy(self) -> None:
        keys: list[BindingKey] = []
        destinations: list[Destination | list[Destination]] = []
        records = vec[i32]()
        for key in self.keys[: int(self.count)]:
            if key.at >= 0:
                keys.append(key)
                destinations.append(self.destinations[int(key.number)])
                records = _joined(records, self.records, key.at)
        self.keys = keys
        self.destinations = destinations
        self.records = records
        self.count = len(keys)
        self._removed = 0
        at: i64 = 0
        for number, key in enumerate(keys):
            key.at = at
            key.number = number
            at += i64(records[at + NEXT])


def _joined(records: vec[i32], others: vec[i32], at: i64) -> vec[i32]:
    """The records, and the one of others at this place."""
    end = at + i64(others[at + NEXT])
    while at < end:
        records = append(records, others[at])
        at += 1
    return records


def shelve(words: list[str], pieces: Pieces) -> BindingKey:
    """A binding key of these words, on the shelf of that one of them which has the fewest."""
    record = _record(words, pieces)
    rarest = pieces.any_word
    fewest: i64 = ANY_NUMBER
    for name in words:
        word = pieces.word(name)
        if word is not None and word is not pieces.any_word:
            shelf = word.shelf
            count = shelf.count if shelf is not None else 0
            if count < fewest:
                rarest = word
                fewest = count
    if rarest.shelf is None:
        rarest.shelf = Shelf()
    key = rarest.shelf.add(record)
    pieces.key_count += 1
    return key


def _record(words: list[str], pieces: Pieces) -> vec[i32]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "#":
            parts.append([])
        else:
            parts[-1].append(word)
    head = parts[0]
    tail = parts[-1] if len(parts) > 1 else []
    least = len(words) - len(parts) + 1
    record = vec[i32]([0] * CODES)
    record[LEAST] = i32(least)
    record[MOST] = i32(least) if len(parts) == 1 else ANY_NUMBER
    record[TAIL_WORDS] = i32(len(tail))
    for piece in pieces.cut(tail):
        record = append(record, i32(piece.code()))
    record[TAIL_END] = i32(len(record))
    for piece in pieces.cut(head):
        record = append(record, i32(piece.code() | FOLLOWS))
    alone: Piece | None = None
    for part in parts[1:-1]:
        cut = pieces.cut(part)
        if len(cut) == 1 and alone is not None:
            joined = pieces.join(alone, cut[0])
            if joined is not None:
                record[len(record) - 1] = i32(joined.code())
                alone = joined
                continue
        for number, piece in enumerate(cut):
            record = append(record, i32(piece.code() | (FOLLOWS if number else 0)))
        alone = cut[0] if len(cut) == 1 else None
    record[NEXT] = i32(len(record))
    for words_at, first in ((head, 0), (tail, -len(tail))):
        for place, name in enumerate(words_at):
            word_piece = pieces.word(name)
            if record[PROBE] == 0 and word_piece is not None:
                record[PROBE] = i32(word_piece.number)
                record[PROBE_PLACE] = i32(first + place)
    return record
