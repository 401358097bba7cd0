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

from leveret.broker.topics.codes import (
    ADVANCE_BIT,
    BACK_BIT,
    HERE,
    LIMIT_MASK,
    NUMBER_BIT,
    NUMBER_MASK,
    OFFSET_BIT,
    REST_BIT,
    WORDS_MASK,
)
from leveret.broker.topics.keys import BEGIN, END, ENTRY, LEAST, MOST, PROBE, PROBE_PLACE
from leveret.broker.topics.pieces import (
    ANY_WORD,
    APART,
    BEFORE_BIT,
    COUNT_BIT,
    COUNT_MASK,
    GAP_MOST,
    KIND_MASK,
    LAST_BIT,
    LAST_MASK,
    LEAD_MOST,
    LED,
    LEFT,
    WORD,
)

if TYPE_CHECKING:
    from leveret.broker.seams import Destination
    from leveret.broker.topics.keys import Shelf
    from leveret.broker.topics.pieces import Pieces

# Rows of the masks: places of any word; and of a word that the routing key does not have, none.
_ANY_ROW: Final = 0
_ABSENT_ROW: Final = 1
# A piece that has not been asked for has no row, nor has a word that is in no binding key.
_UNSEEN: Final = -1
_UNKNOWN: Final = -2

# Of 255 characters, all of which are dots.
_WORDS_MAX: Final = 256

# How far from a place on a piece begins, if it does. As a number, for what is made of the name
# `ANYWHERE`, of another module, is no constant to the compiler.
_FURTHEST: Final = 254
_NOWHERE: Final = 255
# A piece that is at one place only has its row of distances in one that all of those share. It ends
# in that of a piece which is nowhere; and there is one more of those, for what was not asked for.
# Behind each row it goes on for as many words as lead a piece at most.
_ABSENT: Final = _FURTHEST + 1
_UNASKED: Final = _FURTHEST + 2
_SHARED: Final = vec[u8](
    [_FURTHEST - at for at in range(_ABSENT)] + [_NOWHERE] * (2 + _WORDS_MAX + LEAD_MOST + GAP_MOST)
)

# So many times at most a binding key goes on where a piece of a part is further on, to see whether
# the rest is there too: mostly it is. Then it looks at all places at once where the part may begin.
_LEAPS: Final = 4

# So many numbers stay allocated from one routing key to the next.
_KEPT_MOST: Final = 1 << 18

_MASK_BITS: Final = 5
_MASK_SIZE: Final = 1 << _MASK_BITS
_LAST_BIT: Final = _MASK_SIZE - 1
_ALL_BITS: Final = (1 << _MASK_SIZE) - 1
# What an index is masked with so that the compiler knows it not to be from the end: else it keeps
# that one in a register too, for each index, and the loop that matters takes longer.
_UNSIGNED: Final = (1 << 32) - 1
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
        "_chosen", "_distance_rows", "_distances", "_distances_used", "_length", "_masks",
        "_pieces", "_row_count", "_rows", "_seen", "_seen_count", "_width", "_words",
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
        # The numbers of the binding keys that are looked for.
        self._chosen: vec[i64] = vec[i64]()
        # The numbers of the pieces that have rows.
        self._seen: vec[i32] = vec[i32]()
        self._seen_count: i64 = 0

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
        self._see(ANY_WORD)
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
                    self._see(word.number)
                    rows[word.number] = i32(row)
                    if word.shelf is not None:
                        shelves.append(word.shelf)
                self._masks[row * width + (place >> _MASK_BITS)] |= _POWERS[place & _LAST_BIT]
            self._masks[_ANY_ROW * width + (place >> _MASK_BITS)] |= _POWERS[place & _LAST_BIT]
            text[place] = i32(row)
        return shelves

    def forget(self) -> None:
        """Be none."""
        seen = self._seen
        rows = self._rows
        distance_rows = self._distance_rows
        at: i64 = 0
        while at < self._seen_count:
            number = i64(seen[at])
            rows[number] = _UNSEEN
            distance_rows[number] = _UNASKED
            at += 1
        self._seen_count = 0
        if len(self._distances) + len(self._masks) + len(self._words) > _KEPT_MOST:
            self._distances = _SHARED[:]
            self._masks = vec[i64]()
            self._words = vec[i32]()

    def _see(self, number: i64) -> None:
        if self._seen_count == len(self._seen):
            self._seen = append(self._seen, 0)
        self._seen[self._seen_count] = i32(number)
        self._seen_count += 1

    def match(self, shelf: Shelf, destinations: list[Destination]) -> None:
        """Append where those of the shelf's keys lead that match.

        Two of them are looked for at a time: each step waits for the one before it, and meanwhile
        the other key takes one. This is where the time goes."""
        entries = shelf.entries
        codes = shelf.codes
        distance_rows = self._distance_rows
        distances = self._distances
        length = self._length
        count = self._choose(entries)
        chosen = self._chosen
        following: i64 = 0
        matched: i64 = 0
        # A key's number, or -1 if it does not match; where in its codes it is, and in the words.
        number: i64 = -1
        at: i64 = 0
        end: i64 = 0
        place: i64 = 0
        leaps: i64 = 0
        other: i64 = -1
        other_at: i64 = 0
        other_end: i64 = 0
        other_place: i64 = 0
        other_leaps: i64 = 0
        code: i64 = 0
        distance: i64 = 0
        row: i64 = 0
        other_code: i64 = 0
        other_distance: i64 = 0
        other_row: i64 = 0
        while True:
            stop = at + other_end - other_at
            if stop > end:
                stop = end
            while at < stop:
                code = codes[at & _UNSIGNED]
                other_code = codes[other_at & _UNSIGNED]
                row = i64(distance_rows[code >> NUMBER_BIT & NUMBER_MASK])
                other_row = i64(distance_rows[other_code >> NUMBER_BIT & NUMBER_MASK])
                distance = i64(distances[row + place])
                other_distance = i64(distances[other_row + other_place])
                # What must be here is mostly here, and what may be anywhere is mostly somewhere: so
                # this is predicted well, where to ask which of the two it is would not be.
                if distance > code & LIMIT_MASK or other_distance > other_code & LIMIT_MASK:
                    break
                place += distance + (code >> ADVANCE_BIT & WORDS_MASK)
                other_place += other_distance + (other_code >> ADVANCE_BIT & WORDS_MASK)
                at += 1
                other_at += 1
            else:
                if at < end:
                    # It is the other one that has come to its end.
                    number, other = other, number
                    at, other_at = other_at, at
                    end, other_end = other_end, end
                    place, other_place = other_place, place
                    leaps, other_leaps = other_leaps, leaps
                # It may still have `*` for words that are not there.
                if number >= 0 and place <= length:
                    chosen[matched] = number
                    matched += 1
                if following < count:
                    number = chosen[following]
                    at = entries[number * ENTRY + BEGIN]
                    end = entries[number * ENTRY + END]
                    place = 0
                    leaps = _LEAPS
                    following += 1
                elif other_at < other_end:
                    # It is the last one: looked for twice, and told once.
                    number, at, end = -1, other_at, other_end
                    place, leaps = other_place, other_leaps
                elif other >= 0:
                    number, place, other = other, other_place, -1
                else:
                    break
                continue
            if row == _UNASKED or other_row == _UNASKED:
                if row == _UNASKED:
                    self._find_distances(code >> NUMBER_BIT)
                if other_row == _UNASKED:
                    self._find_distances(other_code >> NUMBER_BIT)
                # That may have moved the table.
                distances = self._distances
                continue
            # If it is further on, so must be the part that it is in. This is there for each of the
            # keys, as a call would cost about as much as all that it does.
            if distance > code & LIMIT_MASK:
                at -= code >> BACK_BIT & WORDS_MASK
                place += distance - (code >> OFFSET_BIT & WORDS_MASK)
                leaps -= 1
                if leaps < 0:
                    place = self._begin(codes, at, end, place)
                if place + (code >> REST_BIT & WORDS_MASK) > length:
                    at = end
                    number = -1
            if other_distance > other_code & LIMIT_MASK:
                other_at -= other_code >> BACK_BIT & WORDS_MASK
                other_place += other_distance - (other_code >> OFFSET_BIT & WORDS_MASK)
                other_leaps -= 1
                if other_leaps < 0:
                    other_place = self._begin(codes, other_at, other_end, other_place)
                if other_place + (other_code >> REST_BIT & WORDS_MASK) > length:
                    other_at = other_end
                    other = -1
        all_destinations = shelf.destinations
        at = 0
        while at < matched:
            destination = all_destinations[chosen[at]]
            if isinstance(destination, list):
                destinations.extend(destination)
            else:
                destinations.append(destination)
            at += 1

    def _choose(self, entries: vec[i64]) -> i64:
        """Choose those that may match, by how many words they have, and by one of them: how many
        there are."""
        length = self._length
        text = self._words
        rows = self._rows
        chosen = self._chosen
        count: i64 = 0
        number: i64 = 0
        at: i64 = 0
        while at < len(entries):
            if entries[at + LEAST] <= length <= entries[at + MOST]:
                row = i64(rows[entries[at + PROBE]])
                place = entries[at + PROBE_PLACE]
                if place < 0:
                    place += length
                if row == _ANY_ROW or row == i64(text[place]):
                    if count == len(chosen):
                        chosen = append(chosen, 0)
                    chosen[count] = number
                    count += 1
            number += 1
            at += ENTRY
        self._chosen = chosen
        return count

    def _begin(self, codes: vec[i64], at: i64, end: i64, place: i64) -> i64:
        """Where the part begins whose codes do so here, at this place or at the first one after it;
        further on than there are words, if nowhere."""
        first = at
        last = self._length - (codes[first] >> REST_BIT & WORDS_MASK)
        rows = self._rows
        masks = self._masks
        width = self._width
        mask = place >> _MASK_BITS
        bits = _ALL_BITS >> (place & _LAST_BIT) << (place & _LAST_BIT)
        while place <= last:
            if mask == last >> _MASK_BITS:
                bits &= _ALL_BITS >> (_LAST_BIT - (last & _LAST_BIT))
            at = first
            while bits != 0 and at < end:
                code = codes[at]
                if code & LIMIT_MASK != HERE and at != first:
                    break
                row = i64(rows[code >> NUMBER_BIT])
                if row == _UNSEEN:
                    row = self._find(code >> NUMBER_BIT)
                    masks = self._masks
                offset = code >> OFFSET_BIT & WORDS_MASK
                beside = row * width + mask + (offset >> _MASK_BITS)
                bits &= (masks[beside] | masks[beside + 1] << _MASK_SIZE) >> (offset & _LAST_BIT)
                at += 1
            place = mask << _MASK_BITS
            if bits != 0:
                return place + _BIT_OF[(bits & -bits) % _PRIME]
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
        made = self._pieces.made[number]
        kind = made & KIND_MASK
        row: i64 = _ABSENT_ROW
        if kind != WORD:
            before = made >> BEFORE_BIT
            last = made >> LAST_BIT & LAST_MASK
            begun: i64 = _ANY_ROW
            count = last
            if kind == LED:
                then = self._row(before)
            else:
                begun = self._row(before)
                count = self._place_of_last(made)
                then = self._row(last)
            row = self._add_row()
            masks = self._masks
            at = row * self._width
            end = at + self._width
            first = begun * self._width
            beside = then * self._width + (count >> _MASK_BITS)
            offset = count & _LAST_BIT
            while at < end:
                bits = masks[first]
                if bits != 0:
                    masks[at] = bits & (masks[beside] | masks[beside + 1] << _MASK_SIZE) >> offset
                at += 1
                first += 1
                beside += 1
        self._see(number)
        self._rows[number] = i32(row)
        return row

    def _find_distances(self, number: i64) -> i64:
        """Find how far on a piece begins, from each place on; where its row begins."""
        made = self._pieces.made[number]
        kind = made & KIND_MASK
        before = made >> BEFORE_BIT
        last = made >> LAST_BIT & LAST_MASK
        row: i64 = _ABSENT
        if kind == WORD:
            row = self._distances_of(number)
        elif kind == LEFT:
            # All 256 words are the same, if there are as many: the last but one will do for one.
            place = self._length - last
            row = _FURTHEST - place if place < _FURTHEST else 0
        elif kind == LED:
            row = self._distance_row(before)
            if row != _ABSENT:
                shared = row < _ABSENT
                row += last
                if shared and row > _ABSENT:
                    row = _ABSENT
        else:
            first = self._distance_row(before)
            count = self._place_of_last(made)
            if first == _ABSENT:
                # Nor is the longer one anywhere.
                pass
            elif kind == APART:
                row = self._distances_apart(first, count, self._distance_row(last))
            elif first > _ABSENT:
                row = first if self._is_where(number, before) else self._distances_of(number)
            else:
                # It is where that one is, or nowhere.
                place = _FURTHEST - first + count
                if place < self._length and self._words[place] == self._rows[last]:
                    row = first
        self._see(number)
        self._distance_rows[number] = i32(row)
        return row

    def _place_of_last(self, made: i64) -> i64:
        """How many words of a piece come before its last one."""
        last = self._pieces.made[made >> LAST_BIT & LAST_MASK]
        return (made >> COUNT_BIT & COUNT_MASK) - (last >> COUNT_BIT & COUNT_MASK)

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
        place = self._length
        while place >= 0 and masks[at + (place >> _MASK_BITS)] >> (place & _LAST_BIT) & 1 == 0:
            distances[row + place] = _NOWHERE
            place -= 1
        distance: i64 = 0
        while place >= 0:
            bit = masks[at + (place >> _MASK_BITS)] >> (place & _LAST_BIT) & 1
            # 0, or one more: without a branch, which is hard to predict.
            distance = (distance + 1) & (bit - 1)
            distances[row + place] = u8(distance)
            place -= 1
        return row

    def _distances_apart(self, first: i64, count: i64, then: i64) -> i64:
        """Where the row begins of two pieces with a `#` between them, the first of so many words,
        whose rows begin there."""
        row = self._add_distances()
        distances = self._distances
        place: i64 = 0
        if first < _ABSENT:
            # That one is at one place: up to there it is as far to the other one.
            last = _FURTHEST - first
            distance = i64(distances[then + last + count])
            if distance <= _FURTHEST:
                distance += last
                while place <= last:
                    distances[row + place] = u8(distance - place)
                    place += 1
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
        behind = row + self._length + 1
        self._distances_used = behind + LEAD_MOST + GAP_MOST
        distances = self._distances
        while len(distances) < self._distances_used:
            distances = append(distances, 0)
        self._distances = distances
        while behind < self._distances_used:
            distances[behind] = _NOWHERE
            behind += 1
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
