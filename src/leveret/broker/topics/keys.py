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

    __slots__ = ("_destinations", "at", "bindings", "number", "shelf")

    def __init__(self, shelf: Shelf) -> None:
        self.bindings: list[Binding] = []
        self._destinations: list[Destination] = []
        self.shelf = shelf
        self.number: i64 = len(shelf.keys)
        self.at: i64 = len(shelf.records)

    def bind(self, binding: Binding) -> None:
        self.bindings.append(binding)
        self._destinations.append(binding.destination)
        self._lead()

    def unbind(self, binding: Binding) -> None:
        at = self.bindings.index(binding)
        del self.bindings[at]
        del self._destinations[at]
        self._lead()

    def _lead(self) -> None:
        only = len(self._destinations) == 1
        destinations = self._destinations
        self.shelf.destinations[int(self.number)] = destinations[0] if only else destinations


class Shelf:
    """Binding keys by number, in the order of their records, and where each leads: to several, if
    not to one. Those that were removed are there until they are most of them."""

    __slots__ = ("_removed", "destinations", "keys", "records")

    def __init__(self) -> None:
        self.keys: list[BindingKey] = []
        # A message that matches thousands of them reads no object for each.
        self.destinations: list[Destination | list[Destination]] = []
        self.records: vec[i32] = vec[i32]()
        self._removed: i64 = 0

    def add(self, record: vec[i32]) -> BindingKey:
        key = BindingKey(self)
        self.keys.append(key)
        self.destinations.append([])
        self._append(record, 0)
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
        if self._removed * 2 <= len(self.keys):
            return
        keys, records, destinations = self.keys, self.records, self.destinations
        self.keys = []
        self.records = vec[i32]()
        self.destinations = []
        self._removed = 0
        for number, each in enumerate(keys):
            if each.at >= 0:
                at = each.at
                each.at = len(self.records)
                each.number = len(self.keys)
                self.keys.append(each)
                self.destinations.append(destinations[number])
                self._append(records, at)

    def _append(self, records: vec[i32], at: i64) -> None:
        end = at + i64(records[at + NEXT])
        mine = self.records
        while at < end:
            mine = append(mine, records[at])
            at += 1
        self.records = mine


def shelve(words: list[str], pieces: Pieces) -> BindingKey:
    """A binding key of these words, on the shelf of that one of them which has the fewest."""
    record = _record(words, pieces)
    rarest: Shelf | None = None
    for name in words:
        word = pieces.word(name)
        if word is None or word is pieces.any_word:
            continue
        shelf = _shelf(word)
        if rarest is None or len(shelf.keys) < len(rarest.keys):
            rarest = shelf
    if rarest is None:
        rarest = _shelf(pieces.any_word)
    return rarest.add(record)


def _shelf(word: Piece) -> Shelf:
    if word.shelf is None:
        word.shelf = Shelf()
    return word.shelf


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
