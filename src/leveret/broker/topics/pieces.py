"""What binding keys are made of: words, and pieces of several words that many of them have.

The pieces are learned from the binding keys as LZW learns those of a text: one becomes longer by
the word that has often come after it, with as many `*` between the two: those need not be looked
for, so a piece begins and ends with a word. So where few words make all binding keys, a long one is
few pieces, each of which stands in many; and where words are many, each is a piece of its own.
Words of two pieces may have a `#` between them, where nothing else is before the next `#`: they are
one piece too, if that is common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import append, pop, vec
from mypy_extensions import i32, i64

if TYPE_CHECKING:
    from leveret.broker.topics.keys import Shelf

# The number of `*`.
ANY_WORD: Final = 0

# How a piece is made: not, as it is a word; of the piece before it and a last one, which is a word,
# or is any piece, with a `#` between the two, and `*` between them as far as it has more words than
# they; of the piece before it, where so many words lead it; or as the place where so many words are
# left, whatever they are.
WORD: Final = 0
LONGER: Final = 1
APART: Final = 2
LED: Final = 3
LEFT: Final = 4
# That in the lowest bits of a number, then that of the last piece or how many words, how many words
# it has itself, and the number of the piece before.
KIND_MASK: Final = 7
LAST_BIT: Final = 3
LAST_MASK: Final = (1 << 25) - 1
COUNT_BIT: Final = 28
COUNT_MASK: Final = 31
BEFORE_BIT: Final = 33
_BY_MASK: Final = (1 << BEFORE_BIT) - 1
_WORD_MADE: Final = 1 << COUNT_BIT

# What a code has room for.
_NUMBER_MOST: Final = (1 << 23) - 1
# So many words lead one at most; and there are so many `*` between two, or behind one, at most.
LEAD_MOST: Final = 31
GAP_MOST: Final = 31
# How often must something have come after a piece to become part of it: once for so many binding
# keys as there are, and a few times at least. A routing key pays for each piece.
_SHARE: Final = 32
_COMMON_LEAST: Final = 8
# Counts are kept for so many that follow. With fewer, a word with many followers, each of them in a
# third of the binding keys, would teach nothing.
_COUNTED_MOST: Final = 256
# More than any word is seen.
_ALWAYS: Final = 1 << 60


class Piece:
    """What is at this number, used so many times: in binding keys, or in other pieces.

    A word has a name, and was seen so many times in binding keys, whatever has become of those; the
    other pieces know their `last` word and the `rarest`, as it was when they were made, and how
    often a word of theirs is another one than the word before."""

    __slots__ = (
        "_counted", "changes", "last", "longer", "name", "number", "rarest", "seen", "shelf",
        "uses",
    )  # fmt: skip

    def __init__(self, number: i64, name: str, rarest: Piece | None) -> None:
        self.number: i64 = number
        self.name = name
        self.rarest: Piece = self if rarest is None else rarest
        self.last: Piece = self
        self.changes: i64 = 0
        self.seen: i64 = 0
        self.uses: i64 = 0
        # Of a word: the binding keys that are looked for by it, if any are.
        self.shelf: Shelf | None = None
        # Those that it is before, by how they are made. A number that is used again inherits the
        # count of what had it before, which is as good as any.
        self.longer: dict[int, Piece] | None = None
        self._counted: dict[int, int] | None = None

    def about_seen(self) -> i64:
        """About how many times it is in binding keys: as its rarest word, and half of that for each
        change, as two words that follow each other are rarer than either of them."""
        return self.rarest.seen >> self.changes

    def grows(self, by: int, common: i64) -> bool:
        """Whether this has come after it often enough, now that it does once more."""
        if self.uses < common:
            return False
        counted = self._counted
        if counted is None:
            counted = {}
            self._counted = counted
        times = counted.get(by, 0) + 1
        if times >= common:
            counted.pop(by, None)
            return True
        if times > 1 or len(counted) < _COUNTED_MOST:
            counted[by] = times
        else:
            # The algorithm of Misra and Gries.
            self._counted = {each: left - 1 for each, left in counted.items() if left > 1}
        return False


class Pieces:
    """The pieces of an exchange's binding keys, and how each is `made`, by number."""

    def __init__(self) -> None:
        self.common_least: i64 = _COMMON_LEAST
        # The binding keys that they make.
        self.key_count: i64 = 0
        self.any_word = Piece(ANY_WORD, "*", None)
        self.any_word.seen = _ALWAYS
        self._words: dict[str, Piece] = {"*": self.any_word}
        # At a number that is not used is `*`, whose own is 0.
        self._numbered: list[Piece] = []
        self._unused: vec[i32] = vec[i32]()
        self.made: vec[i64] = vec[i64]()
        self._clear()

    def numbers(self) -> int:
        """More than any piece's number; 1 if there is none but `*`."""
        return len(self._numbered)

    def word(self, name: str) -> Piece | None:
        return self._words.get(name)

    def numbered(self, number: i64) -> Piece:
        return self._numbered[int(number)]

    def count(self, piece: Piece) -> i64:
        return self.made[piece.number] >> COUNT_BIT & COUNT_MASK

    def cut(self, words: list[str]) -> list[tuple[Piece, int]]:
        """The pieces of these words, which have no `#` among them, and how many words come before
        each. A `*` is in none, unless it comes first: so pieces may have gaps between them."""
        placed: list[tuple[Piece, int]] = []
        piece: Piece | None = None
        begin = 0
        end: i64 = 0
        for at, name in enumerate(words):
            if name == "*" and piece is not None and at - end < GAP_MOST:
                continue
            word = self._words.get(name)
            if word is None:
                word = self._new(name, None)
                self._words[name] = word
            if word is not self.any_word:
                word.seen += 1
            following = None if piece is None else self._learned(piece, LONGER, at - end, word)
            if following is None:
                if piece is not None:
                    placed.append((piece, begin))
                following = word
                begin = at
            piece = following
            end = at + 1
        if piece is not None:
            placed.append((piece, begin))
        for piece, _ in placed:
            piece.uses += 1
        return placed

    def join(self, piece: Piece, gap: i64, other: Piece) -> Piece | None:
        """The two with so many `*` and a `#` between them as one piece, if they are; it is used
        instead of them."""
        joined = self._learned(piece, APART, gap, other)
        if joined is not None:
            joined.uses += 1
            self.drop(piece)
            self.drop(other)
        return joined

    def lead(self, piece: Piece, words: i64) -> Piece | None:
        """The piece where so many words lead it, if it is common; that is used instead."""
        by = self.count(piece) << COUNT_BIT | words << LAST_BIT | LED
        led = None if piece.longer is None else piece.longer.get(int(by))
        if led is None:
            if words > LEAD_MOST or piece.uses < self.common_least:
                return None
            led = self._make(piece, by, piece.rarest)
        led.uses += 1
        self.drop(piece)
        return led

    def leave(self, words: i64) -> Piece:
        """The place where so many words are left; it is used once more."""
        by = words << LAST_BIT | LEFT
        longer = self.any_word.longer
        left = None if longer is None else longer.get(int(by))
        if left is None:
            left = self._make(self.any_word, by, self.any_word)
        left.uses += 1
        return left

    def drop(self, piece: Piece) -> None:
        """It is used once less."""
        piece.uses -= 1
        if piece.uses or piece is self.any_word:
            return
        made = self.made[piece.number]
        kind = made & KIND_MASK
        if kind == WORD:
            del self._words[piece.name]
        else:
            before = self.numbered(made >> BEFORE_BIT)
            assert before.longer is not None
            del before.longer[int(made & _BY_MASK)]
            self.drop(before)
            if kind in (LONGER, APART):
                self.drop(self.numbered(made >> LAST_BIT & LAST_MASK))
        self._numbered[int(piece.number)] = self.any_word
        self._unused = append(self._unused, i32(piece.number))
        if len(self._unused) == len(self._numbered) - 1:
            self._clear()

    def _clear(self) -> None:
        self._numbered = [self.any_word]
        self._unused = vec[i32]()
        self.made = vec[i64]([_WORD_MADE])

    def _learned(self, piece: Piece, kind: i64, gap: i64, last: Piece) -> Piece | None:
        count = self.count(piece) + gap + self.count(last)
        if count > COUNT_MASK:
            return None
        by = count << COUNT_BIT | last.number << LAST_BIT | kind
        longer = piece.longer
        if longer is not None:
            known = longer.get(int(by))
            if known is not None:
                return known
        common = self.key_count // _SHARE
        if common < self.common_least:
            common = self.common_least
        if not piece.grows(int(by), common):
            return None
        last.uses += 1
        rarest = piece.rarest if piece.rarest.seen < last.rarest.seen else last.rarest
        longer_one = self._make(piece, by, rarest)
        longer_one.last = last.last
        longer_one.changes = piece.changes + last.changes
        if piece.last is not last:
            longer_one.changes += 1
        return longer_one

    def _make(self, before: Piece, by: i64, rarest: Piece) -> Piece:
        piece = self._new("", rarest)
        self.made[piece.number] = before.number << BEFORE_BIT | by
        before.uses += 1
        if before.longer is None:
            before.longer = {}
        before.longer[int(by)] = piece
        return piece

    def _new(self, name: str, rarest: Piece | None) -> Piece:
        """A piece at a number of its own, and a word so far."""
        if len(self._unused) == 0:
            number: i64 = len(self._numbered)
            if number > _NUMBER_MOST:
                raise MemoryError(f"a topic exchange has no more than {_NUMBER_MOST} words")
            self.made = append(self.made, _WORD_MADE)
            self._numbered.append(self.any_word)
        else:
            self._unused, unused = pop(self._unused)
            number = i64(unused)
            self.made[number] = _WORD_MADE
        piece = Piece(number, name, rarest)
        self._numbered[int(number)] = piece
        return piece
