"""What binding keys are made of: words, and pieces of several words that many of them have.

The pieces are learned from the binding keys as LZW learns those of a text: one becomes longer by
the word that has often come after it. So where few words make all binding keys, a long one is few
pieces, each of which stands in many; and where words are many, each is a piece of its own. Words of
two pieces may have a `#` between them, where nothing else is before the next `#`: they are one
piece too, if that is common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import append, pop, vec
from mypy_extensions import i32, i64

if TYPE_CHECKING:
    from leveret.broker.topics.keys import Shelf

# The number of `*`.
ANY_WORD: Final = 0

# A code is the number of a piece, how many words it has, and whether it follows the one before with
# no `#` between them.
CODE_BITS: Final = 6
COUNT_BIT: Final = 1
COUNT_MASK: Final = 31
FOLLOWS: Final = 1
# How often must something have come after a piece to become part of it: once for so many binding
# keys as there are, and a few times at least. A routing key pays for each piece.
_SHARE: Final = 32
_COMMON_LEAST: Final = 8
# Counts are kept for so many that follow. With fewer, a word with many followers, each of them in a
# third of the binding keys, would teach nothing.
_COUNTED_MOST: Final = 256


class Piece:
    """A word, or a piece and the word after it, or two pieces and a `#` between them.

    `before` is the piece that comes first, if it is no word, and `last` the number of the word or
    of the piece that comes then, which is `apart` if there is a `#` between them. It has `count`
    words. `uses` are the times it is in binding keys, or in a longer piece."""

    __slots__ = (
        "_counted", "apart", "before", "count", "last", "longer", "name", "number", "shelf",
        "uses",
    )  # fmt: skip

    def __init__(self, number: i64, name: str) -> None:
        self.number: i64 = number
        self.name = name
        self.before: Piece | None = None
        self.last: i64 = number
        self.apart = False
        self.count: i64 = 1
        self.uses: i64 = 0
        # Of a word: the binding keys that are looked for by it, if any are.
        self.shelf: Shelf | None = None
        # By the number of the word; or of the piece, negative, after a `#`. A number that is used
        # again inherits the count of what had it before, which is as good as any.
        self.longer: dict[int, Piece] | None = None
        self._counted: dict[int, int] | None = None

    def code(self) -> i64:
        return self.number << CODE_BITS | self.count << COUNT_BIT

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
    """The pieces of an exchange's binding keys, by number."""

    def __init__(self) -> None:
        self.common_least: i64 = _COMMON_LEAST
        # The binding keys that they make.
        self.key_count: i64 = 0
        self.any_word = Piece(ANY_WORD, "*")
        self._words: dict[str, Piece] = {"*": self.any_word}
        # At a number that is not used is `*`, whose own is 0.
        self._numbered: list[Piece] = [self.any_word]
        self._unused: vec[i32] = vec[i32]()

    def numbers(self) -> int:
        """More than any piece's number; 1 if there is none but `*`."""
        return len(self._numbered)

    def word(self, name: str) -> Piece | None:
        return self._words.get(name)

    def numbered(self, number: i64) -> Piece:
        return self._numbered[int(number)]

    def cut(self, words: list[str]) -> list[Piece]:
        """The pieces of these words, which have no `#` among them."""
        pieces: list[Piece] = []
        piece: Piece | None = None
        for name in words:
            word = self._words.get(name)
            if word is None:
                word = self._new(name)
                self._words[name] = word
            following = None if piece is None else self._longer(piece, int(word.number), word)
            if following is None:
                if piece is not None:
                    pieces.append(piece)
                following = word
            piece = following
        if piece is not None:
            pieces.append(piece)
        for piece in pieces:
            piece.uses += 1
        return pieces

    def join(self, piece: Piece, other: Piece) -> Piece | None:
        """The two with a `#` between them as one piece, if they are; it is used instead of them."""
        joined = self._longer(piece, -int(other.number) - 1, other)
        if joined is not None:
            joined.uses += 1
            self.drop(piece)
            self.drop(other)
        return joined

    def drop(self, piece: Piece) -> None:
        """It is used once less."""
        piece.uses -= 1
        if piece.uses or piece is self.any_word:
            return
        before = piece.before
        if before is None:
            del self._words[piece.name]
        else:
            by = -int(piece.last) - 1 if piece.apart else int(piece.last)
            assert before.longer is not None
            del before.longer[by]
            self.drop(before)
            self.drop(self.numbered(piece.last))
        self._numbered[int(piece.number)] = self.any_word
        self._unused = append(self._unused, i32(piece.number))
        if len(self._unused) == len(self._numbered) - 1:
            self._numbered = [self.any_word]
            self._unused = vec[i32]()

    def _longer(self, piece: Piece, by: int, last: Piece) -> Piece | None:
        longer = piece.longer
        if longer is not None:
            known = longer.get(by)
            if known is not None:
                return known
        # A piece of as many words as a code can tell stays as it is.
        count = piece.count + last.count
        common = self.key_count // _SHARE
        if common < self.common_least:
            common = self.common_least
        if count > COUNT_MASK or not piece.grows(by, common):
            return None
        grown = self._new("")
        grown.before = piece
        grown.last = last.number
        grown.apart = by < 0
        grown.count = count
        piece.uses += 1
        last.uses += 1
        if longer is None:
            longer = {}
            piece.longer = longer
        longer[by] = grown
        return grown

    def _new(self, name: str) -> Piece:
        if len(self._unused) == 0:
            number: i64 = len(self._numbered)
            self._numbered.append(self.any_word)
        else:
            self._unused, unused = pop(self._unused)
            number = i64(unused)
        piece = Piece(number, name)
        self._numbered[int(number)] = piece
        return piece
