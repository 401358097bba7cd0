"""A code: one step of looking for a binding key in a routing key, as a number.

It names a piece, and tells how far on that may begin: anywhere, or here. A part, which is what has
no `#` in it, begins with a piece that may be anywhere; its others must be there then. Which of them
comes first is free: so it is the rarest, if that is well rarer than the one that the part begins
with, and the others are mostly there too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

# From the lowest bit on.
# How far on the piece may begin. 254 is the most: those 256 words are all the same.
LIMIT_MASK: Final = 255
ANYWHERE: Final = 254
HERE: Final = 0
# How many words on the next one is looked for. Eight bits can be read at once.
ADVANCE_BIT: Final = 8
WORDS_MASK: Final = 255
# What only a part needs that is not here, and may be further on: where in it the piece begins, how
# many codes before this one its first code is, and how many words come from its begin on, to the
# binding key's end.
OFFSET_BIT: Final = 16
BACK_BIT: Final = 24
REST_BIT: Final = 32
# More than there are words: what must be at one place is not looked for further on.
NO_REST: Final = 255
# The number of the piece. That it is none below 0 helps the compiler.
NUMBER_BIT: Final = 40
NUMBER_MASK: Final = (1 << 24) - 1


def code(number: i64, limit: i64, advance: i64, offset: i64, back: i64, rest: i64) -> i64:
    return (
        number << NUMBER_BIT
        | rest << REST_BIT
        | back << BACK_BIT
        | offset << OFFSET_BIT
        | advance << ADVANCE_BIT
        | limit
    )
