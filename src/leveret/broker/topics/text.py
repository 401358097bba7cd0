"""A routing key, and whether a binding key matches it (spec §3.1.3.3).

What a binding key has before its first `#` and after its last one can be at one place only. What it
has between two `#` is looked for from left to right, and the first place where it is will do, as
what follows may be anywhere after it.

Where a piece is in the routing key is found once, when the first binding key asks for it: so each
of them takes a step for each of its pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64

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
from leveret.broker.topics.pieces import ANY_WORD, CODE_BITS, COUNT_MASK, FOLLOWS

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

    A piece of words that has been asked for has a row of `_masks`: a bit for each place where it
    begins. One that may be anywhere from a place on has a row of `_ends`: for each place, where the
    piece has ended if it begins there, or else at the first place after; one more than there are
    words, if at none."""

    __slots__ = (
        "_absent_ends", "_end_rows", "_ends", "_ends_used", "_length", "_masks", "_pieces",
        "_row_count", "_rows", "_seen", "_stride", "_width", "_words",
    )  # fmt: skip

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._length: i64 = 0
        # The row of the word at each place.
        self._words: vec[i32] = vec[i32]()
        self._masks: vec[i64] = vec[i64]()
        self._width: i64 = 0
        self._row_count: i64 = 0
        self._ends: vec[i32] = vec[i32]()
        self._stride: i64 = 0
        self._ends_used: i64 = 0
        # The row of every word that the routing key does not have.
        self._absent_ends: i64 = _UNSEEN
        # By the number of a piece: its row, and where its row of `_ends` begins; those that have
        # been asked for.
        self._rows: vec[i32] = vec[i32]()
        self._end_rows: vec[i32] = vec[i32]()
        self._seen: list[Piece] = []

    def read(self, words: list[str]) -> list[Shelf]:
        """Be the routing key of these words, until `forget`. Where binding keys are that may match:
        on the shelves of `*` and of those of the words that binding keys have."""
        # The one before may have failed for want of memory.
        self.forget()
        pieces = self._pieces
        while len(self._rows) < pieces.numbers():
            self._rows = append(self._rows, _UNSEEN)
        while len(self._end_rows) < pieces.numbers():
            self._end_rows = append(self._end_rows, _UNSEEN)
        rows = self._rows
        length: i64 = len(words)
        self._length = length
        self._stride = length + 1
        self._ends_used = 0
        self._absent_ends = _UNSEEN
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
            self._end_rows[piece.number] = _UNSEEN
        self._seen.clear()
        if len(self._ends) + len(self._masks) + len(self._words) > _KEPT_MOST:
            self._ends = vec[i32]()
            self._masks = vec[i64]()
            self._words = vec[i32]()

    def match(self, shelf: Shelf, destinations: list[Destination]) -> None:
        """Append where those of the shelf's keys lead that match."""
        length = self._length
        text = self._words
        rows = self._rows
        width = self._width
        end_rows = self._end_rows
        records = shelf.records
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
            # Finding a piece may move the tables.
            masks = self._masks
            ends = self._ends
            place = 0
            while at < following:
                code = i64(records[at])
                if code & FOLLOWS == 0:
                    row = i64(end_rows[code >> CODE_BITS])
                    if row == _UNSEEN:
                        row = self._find_ends(code >> CODE_BITS)
                        masks = self._masks
                        ends = self._ends
                    place = i64(ends[row + place])
                    at += 1
                else:
                    row = i64(rows[code >> CODE_BITS])
                    if row == _UNSEEN:
                        row = self._find(code >> CODE_BITS)
                        masks = self._masks
                    if masks[row * width + (place >> _MASK_BITS)] >> (place & _LAST_BIT) & 1:
                        place += code & COUNT_MASK
                        at += 1
                    else:
                        place = self._end_elsewhere(records, record, at, place)
                        masks = self._masks
                        while at < following and i64(records[at]) & FOLLOWS:
                            at += 1
                if place > last:
                    break
            else:
                destination = shelf.destinations[int(number)]
                if isinstance(destination, list):
                    destinations.extend(destination)
                else:
                    destinations.append(destination)

    def _has(self, codes: vec[i32], at: i64, end: i64, place: i64) -> bool:
        """Whether these pieces are there, one after the other, from this place on."""
        while at < end:
            code = i64(codes[at])
            row = self._row(code >> CODE_BITS)
            bits = self._masks[row * self._width + (place >> _MASK_BITS)]
            if bits >> (place & _LAST_BIT) & 1 == 0:
                return False
            place += code & COUNT_MASK
            at += 1
        return True

    def _end_elsewhere(self, records: vec[i32], record: i64, at: i64, place: i64) -> i64:
        """The first place where a part has ended that has this piece, which is not at this place,
        where those before it have ended."""
        head = record + i64(records[record + TAIL_END])
        first = at
        count: i64 = 0
        while i64(records[first]) & FOLLOWS:
            if first == head:
                # That part can be nowhere else.
                return self._length + 1
            first -= 1
            count += i64(records[first]) & COUNT_MASK
        place += 1 - count
        limit = record + i64(records[record + NEXT])
        end = at
        while end < limit and i64(records[end]) & FOLLOWS:
            count += i64(records[end]) & COUNT_MASK
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
                offset += code & COUNT_MASK
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

    def _end_row(self, number: i64) -> i64:
        row = i64(self._end_rows[number])
        return self._find_ends(number) if row == _UNSEEN else row

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

    def _find_ends(self, number: i64) -> i64:
        """Find where a piece ends, from each place on; where its row begins."""
        piece = self._pieces.numbered(number)
        before = piece.before
        if piece.count == 0 and before is not None:
            first = self._end_row(before.number)
            then = self._end_row(piece.last)
            row = self._add_end_row()
            self._fill_joined(row, first, then)
        else:
            mask_row = self._row(number)
            row = self._absent_ends
            if mask_row != _ABSENT_ROW or row == _UNSEEN:
                row = self._add_end_row()
                self._fill_ends(row, mask_row * self._width, piece.count)
            if mask_row == _ABSENT_ROW:
                self._absent_ends = row
        self._seen.append(piece)
        self._end_rows[number] = i32(row)
        return row

    def _fill_joined(self, row: i64, first: i64, then: i64) -> None:
        ends = self._ends
        end = row + self._stride
        none = i32(self._length + 1)
        while row < end:
            between = i64(ends[first])
            ends[row] = none if between > self._length else ends[then + between]
            row += 1
            first += 1

    def _fill_ends(self, row: i64, at: i64, count: i64) -> None:
        ends = self._ends
        masks = self._masks
        place: i64 = 0
        base: i64 = 0
        while base <= self._length:
            bits = masks[at]
            while bits != 0:
                begins = base + _BIT_OF[(bits & -bits) % _PRIME]
                bits &= bits - 1
                while place <= begins:
                    ends[row + place] = i32(begins + count)
                    place += 1
            at += 1
            base += _MASK_SIZE
        none = i32(self._length + 1)
        while place <= self._length:
            ends[row + place] = none
            place += 1

    def _add_end_row(self) -> i64:
        row = self._ends_used
        self._ends_used = row + self._stride
        ends = self._ends
        while len(ends) < self._ends_used:
            ends = append(ends, 0)
        self._ends = ends
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
