"""What recovery has found of a queue stays in step: tickets, and when their messages are due."""

from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import append

from leveret.store.log.recovered import RecoveredQueue

I63 = st.integers(1, (1 << 63) - 1)
FOUND = st.lists(st.tuples(I63, st.just(0) | I63), unique_by=lambda each: each[0])


def recovered(found: list[tuple[int, int]]) -> RecoveredQueue:
    queue = RecoveredQueue()
    for ticket, due_ms in found:
        queue.tickets = append(queue.tickets, ticket)
        if due_ms:
            queue.note_due(due_ms)
    return queue


@given(FOUND)
def test_due_times_go_with_their_tickets(found: list[tuple[int, int]]) -> None:
    queue = recovered(found)
    queue.sort()
    dues = queue.dues if any(due for _, due in found) else [0] * len(found)
    assert list(zip(queue.tickets, dues, strict=True)) == sorted(found)


@given(FOUND)
def test_a_queue_in_which_nothing_waits_has_no_due_times(found: list[tuple[int, int]]) -> None:
    queue = recovered([(ticket, 0) for ticket, _ in found])
    queue.sort()
    assert list(queue.tickets) == sorted(ticket for ticket, _ in found)
    assert len(queue.dues) == 0


@given(FOUND, I63)
def test_it_has_the_tickets_that_were_found(found: list[tuple[int, int]], other: int) -> None:
    queue = recovered(found)
    queue.sort()
    assert all(queue.has(ticket) for ticket, _ in found)
    assert queue.has(other) == (other in dict(found))
