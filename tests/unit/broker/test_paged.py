"""Tickets in order, packed."""

from leveret.broker.queues.paged import CHUNK, Paged


def filled(count: int) -> Paged:
    paged = Paged()
    for ticket in range(1, count + 1):
        paged.append(ticket, ticket % 3 == 0, 100)
    return paged


def tickets(packed: list[int]) -> list[int]:
    return [value >> 1 for value in packed]


def test_tickets_come_out_in_their_order() -> None:
    paged = filled(2 * CHUNK + 10)
    taken: list[int] = []
    while paged.count:
        taken += tickets(paged.take(1000))
    assert taken == list(range(1, 2 * CHUNK + 11))


def test_more_cannot_be_taken_than_there_is() -> None:
    assert tickets(filled(3).take(10)) == [1, 2, 3]
    assert Paged().take(10) == []


def test_each_ticket_carries_its_mark() -> None:
    assert [value & 1 for value in filled(4).take(4)] == [0, 0, 1, 0]


def test_tickets_of_spilled_messages_are_negative() -> None:
    paged = Paged()
    paged.append(-5, True, 10)
    paged.append(-6, False, 10)
    packed = paged.take(2)
    assert tickets(packed) == [-5, -6]
    assert [value & 1 for value in packed] == [1, 0]


def test_tickets_may_join_while_others_are_taken() -> None:
    paged = filled(CHUNK - 1)
    paged.take(CHUNK - 2)
    for ticket in range(CHUNK, CHUNK + 3):
        paged.append(ticket, False, 100)
    assert tickets(paged.take(10)) == [CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 2]


def test_marked_ones_are_told_of_what_is_left() -> None:
    paged = filled(CHUNK + 10)
    paged.take(5)
    assert paged.redelivered()[:2] == [6, 9]
    assert paged.redelivered()[-1] == CHUNK + 10 - (CHUNK + 10) % 3


def test_sizes_add_up_and_go_to_nothing() -> None:
    paged = filled(10)
    assert paged.size_bytes == 1000
    paged.take(4)
    assert paged.size_bytes == 600
    paged.take(6)
    assert paged.size_bytes == 0
