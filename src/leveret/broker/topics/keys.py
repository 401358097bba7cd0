"""The binding keys of a topic exchange that are found by the same word.

They are looked through one after the other, so each is numbers in two tables: a message that has
the word reads those from end to end, and not an object for each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import append, vec
from mypy_extensions import i64

from leveret.broker.topics.codes import ANYWHERE, HERE, NO_REST, NUMBER_BIT, code
from leveret.broker.topics.pieces import LEAD_MOST

if TYPE_CHECKING:
    from leveret.broker.seams import Binding, Destination
    from leveret.broker.topics.pieces import Piece, Pieces

# What the entry of a binding key has, in this order.
# From how many words to how many a routing key has that may match.
LEAST: Final = 0
MOST: Final = 1
# A word before the first `#` or after the last one, and its place, which is from the end if
# negative; or `*`.
PROBE: Final = 2
PROBE_PLACE: Final = 3
# Where its codes begin, and end.
BEGIN: Final = 4
END: Final = 5
ENTRY: Final = 6

# More words than a routing key has.
ANY_NUMBER: Final = 1 << 30

# A part is looked for by a later piece if that is rarer than its first one by such a share of it: a
# quarter, as a power of two.
_RARER: Final = 2


class BindingKey:
    """A binding key and its bindings: the one of this number on a shelf."""

    __slots__ = ("bindings", "number", "shelf")

    def __init__(self, shelf: Shelf, number: i64) -> None:
        self.bindings: list[Binding] = []
        self.shelf = shelf
        self.number: i64 = number

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
    """Binding keys by number: their entries, their codes, and where each leads: to several, if not
    to one. Those that were removed are there until they are most of them."""

    __slots__ = ("_removed", "codes", "count", "destinations", "entries", "keys")

    def __init__(self) -> None:
        self.count: i64 = 0
        self.keys: list[BindingKey] = []
        # A message that matches thousands of them reads no object for each.
        self.destinations: list[Destination | list[Destination]] = []
        self.entries: vec[i64] = vec[i64]()
        self.codes: vec[i64] = vec[i64]()
        self._removed: i64 = 0

    def add(self, entry: vec[i64], codes: vec[i64]) -> BindingKey:
        number = int(self.count)
        key = BindingKey(self, self.count)
        # What an add that failed for want of memory has left goes.
        self.keys[number:] = [key]
        self.destinations[number:] = [[]]
        entry[BEGIN] = len(self.codes)
        entry[END] = len(self.codes) + len(codes)
        all_codes = _joined(self.codes, codes, 0, len(codes))
        self.entries = _joined(self.entries, entry, 0, ENTRY)
        self.codes = all_codes
        self.count += 1
        return key

    def remove(self, key: BindingKey, pieces: Pieces) -> None:
        entry = key.number * ENTRY
        at = self.entries[entry + BEGIN]
        while at < self.entries[entry + END]:
            pieces.drop(pieces.numbered(self.codes[at] >> NUMBER_BIT))
            at += 1
        # No routing key has as many words.
        self.entries[entry + LEAST] = ANY_NUMBER
        key.number = -1
        self._removed += 1
        pieces.key_count -= 1
        if self._removed * 2 > self.count:
            self._tidy()

    def _tidy(self) -> None:
        keys: list[BindingKey] = []
        destinations: list[Destination | list[Destination]] = []
        entries = vec[i64]()
        codes = vec[i64]()
        for key in self.keys[: int(self.count)]:
            if key.number >= 0:
                at = key.number * ENTRY
                keys.append(key)
                destinations.append(self.destinations[int(key.number)])
                entries = _joined(entries, self.entries, at, at + ENTRY)
                begin = len(codes)
                codes = _joined(codes, self.codes, self.entries[at + BEGIN], self.entries[at + END])
                entries[len(entries) - ENTRY + BEGIN] = begin
                entries[len(entries) - ENTRY + END] = len(codes)
        for number, key in enumerate(keys):
            key.number = number
        self.keys = keys
        self.destinations = destinations
        self.entries = entries
        self.codes = codes
        self.count = len(keys)
        self._removed = 0


def _joined(numbers: vec[i64], others: vec[i64], at: i64, end: i64) -> vec[i64]:
    """The numbers, and those of others from one place to another."""
    while at < end:
        numbers = append(numbers, others[at])
        at += 1
    return numbers


def shelve(words: list[str], pieces: Pieces) -> BindingKey:
    """A binding key of these words, on the shelf of that one of them which has the fewest."""
    entry = vec[i64]([0] * ENTRY)
    codes = _encoded(words, entry, pieces)
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
    key = rarest.shelf.add(entry, codes)
    pieces.key_count += 1
    return key


def _encoded(words: list[str], entry: vec[i64], pieces: Pieces) -> vec[i64]:
    """The codes of these words; told in the entry is which routing keys are looked at."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "#":
            parts.append([])
        else:
            parts[-1].append(word)
    head = parts[0]
    tail = parts[-1] if len(parts) > 1 else []
    least = len(words) - len(parts) + 1
    entry[LEAST] = least
    entry[MOST] = least if len(parts) == 1 else ANY_NUMBER
    codes = _with(vec[i64](), pieces.cut(head), HERE, len(head), NO_REST)
    rest: i64 = least - len(head)
    # The piece that the part before is, with others before that one if they are one; or none, if it
    # is several. And how many `*` it has behind.
    alone: Piece | None = None
    gap = 0
    for part in parts[1:-1]:
        placed = pieces.cut(part)
        piece = placed[0][0] if len(placed) == 1 else None
        joined = None if alone is None or piece is None else pieces.join(alone, gap, piece)
        if piece is not None:
            gap = len(part) - int(pieces.count(piece))
        if piece is not None and joined is not None:
            count = pieces.count(joined)
            begin = rest + count - pieces.count(piece)
            codes[len(codes) - 1] = code(joined.number, ANYWHERE, count + gap, 0, 0, begin)
        else:
            codes = _with(codes, _rarest_first(placed, pieces), ANYWHERE, len(part), rest)
        alone = piece if joined is None else joined
        rest -= len(part)
    if tail:
        steps = [(pieces.leave(rest), 0), *pieces.cut(tail)]
        codes = _with(codes, steps, ANYWHERE, len(tail), rest)
    for words_at, first in ((head, 0), (tail, -len(tail))):
        for place, name in enumerate(words_at):
            probe = pieces.word(name)
            if entry[PROBE] == 0 and probe is not None:
                entry[PROBE] = probe.number
                entry[PROBE_PLACE] = first + place
    return codes


def _rarest_first(placed: list[tuple[Piece, int]], pieces: Pieces) -> list[tuple[Piece, int]]:
    """The same in the order in which they are looked for."""
    first, _ = placed[0]
    rarest, least = 0, first.about_seen()
    least -= least >> _RARER
    for at, (piece, before) in enumerate(placed):
        if piece.about_seen() < least and before <= LEAD_MOST:
            rarest, least = at, piece.about_seen()
    if rarest == 0:
        return placed
    piece, before = placed[rarest]
    led = pieces.lead(piece, before)
    return placed if led is None else [(led, 0), *placed[:rarest], *placed[rarest + 1 :]]


def _with(
    codes: vec[i64], steps: list[tuple[Piece, int]], limit: i64, count: int, rest: i64
) -> vec[i64]:
    """The codes, and those of a part of so many words, at whose begin so many are left."""
    ends = [before for _, before in steps[1:]] + [count]
    for back, (piece, before) in enumerate(steps):
        allowed = limit if back == 0 else HERE
        codes = append(codes, code(piece.number, allowed, ends[back] - before, before, back, rest))
    return codes
