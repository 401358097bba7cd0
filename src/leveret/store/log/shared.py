"""The queues of a message that is in several: their ids, which ascend. There may be thousands, and
each of them settles the message by itself, in whatever order."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leveret.broker.seams import Queue


def ids_of(queues: list[Queue]) -> list[int]:
    """The ids of these queues."""
    return sorted([int(each.id) for each in queues])


def is_in(ids: list[int], queue_id: int) -> bool:
    """Whether a queue is among them."""
    at = bisect_left(ids, queue_id)
    return at < len(ids) and ids[at] == queue_id


def take_out(ids: list[int], queue_id: int) -> bool:
    """A queue has settled it; whether it was among them."""
    at = bisect_left(ids, queue_id)
    if at == len(ids) or ids[at] != queue_id:
        return False
    del ids[at]
    return True
