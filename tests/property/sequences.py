"""Lists of steps as long as a story needs; left to itself Hypothesis draws five or so."""

from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


def stories(step: st.SearchStrategy[T], longest: int = 80) -> st.SearchStrategy[list[T]]:
    """Any length as likely as any other; the length is drawn first, so that failures shrink."""
    return st.integers(0, longest).flatmap(
        lambda length: st.lists(step, min_size=length, max_size=length)
    )
