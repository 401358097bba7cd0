"""A routing key, and whether a binding key matches it (spec §3.1.3.3).

What a binding key has before its first `#` and after its last one can be at one place only. What it
has between two `#` is looked for from left to right, and the first place where it is will do, as
what follows may be anywhere after it.

Where a piece is in the routing key is found once, when the first binding key asks for it: so each
of them takes a step for each of its pieces. ADR 10 says why, and what was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64, u8

from leveret.broker.topics.keys import (
    CODES,
    LEAST,
    MOST,
    NEXT,
    PROBE,
    PROBE_PLACE,
    TAIL_END,
    TAIL_WORDS,
)
from leveret.broker.topics.pieces import ANY_WORD, CODE_BITS, COUNT_BIT, COUNT_MASK, FOLLOWS

if TYPE_CHECKING:
    from leveret.broker.seams import Destination
    from leveret.broker.topics.keys import Shelf
    from leveret.broker.topics.pieces import Piece, Pieces

# Rows of the masks: places of any word; and of a word that the routing key does not have, none.
_ANY_ROW: Final = 0
_ABSENT_ROW: Final = 1
# A piece that has not been asked for has no row, nor has a word that is in no binding key.
_UNSEEN: Final = -1
_UNKNOWN: Final = -2

# Of 255 characters, all of which are dots.
_WORDS_MAX: Final = 256

# How far from a place on a piece begins. 254 is the most: those 256 words are all the same.
_FURTHEST: Final = 254
_NOWHERE: Final = 255
_NOWHERE_BITS: Final = 8
# A piece that is at one place only has its row of distances in one that all of those share. It ends
# in that of a piece which is nowhere; and there is one more of those, for what was not asked for.
_ABSENT: Final = _FURTHEST + 1
_UNASKED: Final = _FURTHEST + 2
_SHARED: Final = vec[u8]([_FURTHEST - at for at in range(_ABSENT)] + [_NOWHERE] * (2 + _WORDS_MAX))

# So many numbers stay allocated from one routing key to the next.
_KEPT_MOST: Final = 1 << 18

_MASK_BITS: Final = 5
_MASK_SIZE: Final = 1 << _MASK_BITS
_LAST_BIT: Final = _MASK_SIZE - 1
_ALL_BITS: Final = (1 << _MASK_SIZE) - 1
_POWERS: Final = vec[i64]([1 << bit for bit in range(_MASK_SIZE)])
# Which bit a power of two is: divided by 37, each leaves another number.
_PRIME: Final = 37
_BIT_OF: Final = vec[i64]([0] * _PRIME)
for _bit in range(_MASK_SIZE):
    _BIT_OF[(1 << _bit) % _PRIME] = _bit


class Text:
    """A routing key, whose words are counted as places, from 0.

    A piece that was asked for has a row of `_distances`: for each place, how far from it on the
    piece begins for the first time. A word, and a piece that is at several places, has a row of
    `_masks`: a bit for each place where it begins."""

    __slots__ = (
        "_distance_rows", "_distances", "_distances_used", "_length", "_masks", "_pieces",
        "_row_count", "_rows", "_seen", "_width", "_words",
    )  # fmt: skip

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._length: i64 = 0
        # The row of the word at each place.
        self._words: vec[i32] = vec[i32]()
        self._masks: vec[i64] = vec[i64]()
        self._width: i64 = 0
        self._row_count: i64 = 0
        self._distances: vec[u8] = _SHARED[:]
        self._distances_used: i64 = 0
        # By the number of a piece: its row of masks, and where its row of distances begins.
        self._rows: vec[i32] = vec[i32]()
        self._distance_rows: vec[i32] = vec[i32]()
        self._seen: list[Piece] = []

    def read(self, words: list[str]) -> list[Shelf]:
        """Be the routing key of these words, until `forget`. Where binding keys are that may match:
        on the shelves of `*` and of those of the words that binding keys have."""
        # The one before may have failed for want of memory.
        self.forget()
        pieces = self._pieces
        while len(self._rows) < pieces.numbers():
            self._rows = append(self._rows, _UNSEEN)
        while len(self._distance_rows) < pieces.numbers():
            self._distance_rows = append(self._distance_rows, _UNASKED)
        rows = self._rows
        length: i64 = len(words)
        self._length = length
        self._distances_used = len(_SHARED)
        width = (length >> _MASK_BITS) + 1
        self._width = width
        self._row_count = 0
        while self._row_count <= _ABSENT_ROW:
            self._add_row()
        any_word = pieces.any_word
        rows[ANY_WORD] = _ANY_ROW
        self._seen.append(any_word)
        shelves: list[Shelf] = []
        if any_word.shelf is not None:
            shelves.append(any_word.shelf)
        while len(self._words) < length:
            self._words = append(self._words, _UNKNOWN)
        text = self._words
        for at, name in enumerate(words):
            place: i64 = at
            word = pieces.word(name)
            row: i64 = _UNKNOWN
            if word is not None and word is not any_word:
                row = i64(rows[word.number])
                if row == _UNSEEN:
                    row = self._add_row()
                    self._seen.append(word)
                    rows[word.number] = i32(row)
                    if word.shelf is not None:
                        shelves.append(word.shelf)
                self._masks[row * width + (place >> _MASK_BITS)] |= _POWERS[place & _LAST_BIT]
            self._masks[_ANY_ROW * width + (place >> _MASK_BITS)] |= _POWERS[place & _LAST_BIT]
            text[place] = i32(row)
        return shelves

    def forget(self) -> None:
        """Be none."""
        for piece in self._seen:
            self._rows[piece.number] = _UNSEEN
            self._distance_rows[piece.number] = _UNASKED
        self._seen.clear()
        if len(self._distances) + len(self._masks) + len(self._words) > _KEPT_MOST:
            self._distances = _SHARED[:]
            self._masks = vec[i64]()
            self._words = vec[i32]()

    def match(self, shelf: Shelf, destinations: list[Destination]) -> None:
        """Append where those of the shelf's keys lead that match."""
        length = self._length
        text = self._words
        rows = self._rows
        distance_rows = self._distance_rows
        records = shelf.records
        all_destinations = shelf.destinations
        record: i64 = 0
        number: i64 = -1
        following: i64 = 0
        end: i64 = len(records)
        while following < end:
            record = following
            following = record + i64(records[record + NEXT])
            number += 1
            if length < i64(records[record + LEAST]) or length > i64(records[record + MOST]):
                continue
            row = i64(rows[i64(records[record + PROBE])])
            if row != _ANY_ROW:
                place = i64(records[record + PROBE_PLACE])
                if row != i64(text[place if place >= 0 else place + length]):
                    continue
            last = length - i64(records[record + TAIL_WORDS])
            at = record + i64(records[record + TAIL_END])
            if at > record + CODES and not self._has(records, record + CODES, at, last):
                continue
            # Finding a piece may move the table.
            distances = self._distances
            place = 0
            while at < following:
                code = i64(records[at])
                row = i64(distance_rows[code >> CODE_BITS])
                distance = i64(distances[row + place])
                # One that follows must be there. One that may be anywhere is mostly somewhere: so
                # this is predicted well, where asking which of the two it is would not be.
                if distance <= _FURTHEST & ((code & FOLLOWS) - 1):
                    place += distance + (code >> COUNT_BIT & COUNT_MASK)
                    at += 1
                elif row == _UNASKED:
                    self._find_distances(code >> CODE_BITS)
                    distances = self._distances
                elif distance == _NOWHERE:
                    break
                else:
                    place = self._end_elsewhere(records, record, at, place + distance)
                    if place > last:
                        break
                    while at < following and i64(records[at]) & FOLLOWS:
                        at += 1
            else:
                if place > last:
                    continue
                destination = all_destinations[number]
                if isinstance(destination, list):
                    destinations.extend(destination)
                else:
                    destinations.append(destination)

    def _has(self, codes: vec[i32], at: i64, end: i64, place: i64) -> bool:
        """Whether these pieces are there, one after the other, from this place on."""
        distances = self._distances
        distance_rows = self._distance_rows
        while at < end:
            code = i64(codes[at])
            row = i64(distance_rows[code >> CODE_BITS])
            if distances[row + place] == 0:
                place += code >> COUNT_BIT & COUNT_MASK
                at += 1
            elif row == _UNASKED:
                self._find_distances(code >> CODE_BITS)
                distances = self._distances
            else:
                return False
        return True

    def _end_elsewhere(self, records: vec[i32], record: i64, at: i64, place: i64) -> i64:
        """The first place where a part has ended that has this piece, which begins at this place or
        at one after it."""
        head = record + i64(records[record + TAIL_END])
        first = at
        count: i64 = 0
        while i64(records[first]) & FOLLOWS:
            if first == head:
                # That part can be nowhere else.
                return self._length + 1
            first -= 1
            count += i64(records[first]) >> COUNT_BIT & COUNT_MASK
        place -= count
        limit = record + i64(records[record + NEXT])
        end = at
        while end < limit and i64(records[end]) & FOLLOWS:
            count += i64(records[end]) >> COUNT_BIT & COUNT_MASK
            end += 1
        last = self._length - count
        rows = self._rows
        masks = self._masks
        width = self._width
        mask = place >> _MASK_BITS
        bits = _ALL_BITS >> (place & _LAST_BIT) << (place & _LAST_BIT)
        while place <= last:
            if mask == last >> _MASK_BITS:
                bits &= _ALL_BITS >> (_LAST_BIT - (last & _LAST_BIT))
            offset: i64 = 0
            at = first
            while at < end and bits != 0:
                code = i64(records[at])
                row = i64(rows[code >> CODE_BITS])
                if row == _UNSEEN:
                    row = self._find(code >> CODE_BITS)
                    masks = self._masks
                beside = row * width + mask + (offset >> _MASK_BITS)
                bits &= (masks[beside] | masks[beside + 1] << _MASK_SIZE) >> (offset & _LAST_BIT)
                offset += code >> COUNT_BIT & COUNT_MASK
                at += 1
            place = mask << _MASK_BITS
            if bits != 0:
                return place + _BIT_OF[(bits & -bits) % _PRIME] + count
            place += _MASK_SIZE
            mask += 1
            bits = _ALL_BITS
        return self._length + 1

    def _row(self, number: i64) -> i64:
        row = i64(self._rows[number])
        return self._find(number) if row == _UNSEEN else row

    def _distance_row(self, number: i64) -> i64:
        row = i64(self._distance_rows[number])
        return self._find_distances(number) if row == _UNASKED else row

    def _find(self, number: i64) -> i64:
        """Find where a piece begins; its row."""
        piece = self._pieces.numbered(number)
        before = piece.before
        row: i64 = _ABSENT_ROW
        if before is not None:
            begun = self._row(before.number)
            word = self._row(piece.last)
            row = self._add_row()
            masks = self._masks
            at = row * self._width
            end = at + self._width
            first = begun * self._width
            beside = word * self._width + (before.count >> _MASK_BITS)
            offset = before.count & _LAST_BIT
            while at < end:
                bits = masks[first]
                if bits != 0:
                    masks[at] = bits & (masks[beside] | masks[beside + 1] << _MASK_SIZE) >> offset
                at += 1
                first += 1
                beside += 1
        self._seen.append(piece)
        self._rows[number] = i32(row)
        return row

    def _find_distances(self, number: i64) -> i64:
        """Find how far on a piece begins, from each place on; where its row begins."""
        piece = self._pieces.numbered(number)
        before = piece.before
        row: i64 = _ABSENT
        if before is None:
            row = self._distances_of(number)
        else:
            first = self._distance_row(before.number)
            if first == _ABSENT:
                # Nor is the longer one anywhere.
                pass
            elif piece.apart:
                row = self._distances_apart(first, before.count, self._distance_row(piece.last))
            elif first > _ABSENT:
                row = first if self._is_where(number, before.number) else self._distances_of(number)
            else:
                # It is where that one is, or nowhere.
                place = _FURTHEST - first + before.count
                if place < self._length and (
                    piece.last == ANY_WORD or self._words[place] == self._rows[piece.last]
                ):
                    row = first
        self._seen.append(piece)
        self._distance_rows[number] = i32(row)
        return row

    def _is_where(self, number: i64, other: i64) -> bool:
        """Whether one piece is wherever the other is, which it begins with."""
        at = self._row(number) * self._width
        beside = self._row(other) * self._width
        masks = self._masks
        end = at + self._width
        while at < end:
            if masks[at] != masks[beside]:
                return False
            at += 1
            beside += 1
        return True

    def _distances_of(self, number: i64) -> i64:
        """Where the row begins of a piece of words, of which masks tell where it is."""
        at = self._row(number) * self._width
        masks = self._masks
        row: i64 = _ABSENT
        base: i64 = 0
        while base <= self._length:
            bits = masks[at + (base >> _MASK_BITS)]
            if bits != 0:
                if row != _ABSENT or bits & (bits - 1) != 0:
                    return self._fill_distances(at)
                row = _FURTHEST - base - _BIT_OF[bits % _PRIME]
            base += _MASK_SIZE
        return row

    def _fill_distances(self, at: i64) -> i64:
        row = self._add_distances()
        distances = self._distances
        masks = self._masks
        distance: i64 = _NOWHERE
        place = self._length
        while place >= 0:
            bit = masks[at + (place >> _MASK_BITS)] >> (place & _LAST_BIT) & 1
            # 0, or one more, or as far as nowhere: without branches, which are hard to predict.
            distance = (distance + 1) & (bit - 1)
            distance -= distance >> _NOWHERE_BITS
            distances[row + place] = u8(distance)
            place -= 1
        return row

    def _distances_apart(self, first: i64, count: i64, then: i64) -> i64:
        """Where the row begins of two pieces with a `#` between them, the first of so many words,
        whose rows begin there."""
        row = self._add_distances()
        distances = self._distances
        place: i64 = 0
        while place <= self._length:
            distance = i64(distances[first + place])
            if distance <= _FURTHEST:
                more = i64(distances[then + place + distance + count])
                distance = distance + more if more <= _FURTHEST else _NOWHERE
            distances[row + place] = u8(distance)
            place += 1
        return row

    def _add_distances(self) -> i64:
        row = self._distances_used
        self._distances_used = row + self._length + 1
        distances = self._distances
        while len(distances) < self._distances_used:
            distances = append(distances, 0)
        self._distances = distances
        return row

    def _add_row(self) -> i64:
        """A row without any bit."""
        row = self._row_count
        self._row_count = row + 1
        at = row * self._width
        # One mask more: the next one is read with each.
        end = at + self._width + 1
        masks = self._masks
        while len(masks) < end:
            masks = append(masks, 0)
        while at < end:
            masks[at] = 0
            at += 1
        self._masks = masks
        return row
