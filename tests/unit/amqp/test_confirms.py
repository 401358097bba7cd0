"""Which publishes of a channel are answered when, and in how few frames."""

import pytest
from pamqp import frame as pamqp_frame
from pamqp.commands import Basic

from leveret.amqp.confirms import Confirms
from leveret.broker.counts import Counts
from unit.doubles import TicketStore


@pytest.fixture
def store() -> TicketStore:
    return TicketStore()


@pytest.fixture
def confirms(store: TicketStore) -> Confirms:
    return Confirms(store, Counts())


def answers(confirms: Confirms) -> list[tuple[str, int, bool]]:
    data, found = confirms.answers(7), []
    while data:
        size, channel, method = pamqp_frame.unmarshal(data)
        data = data[size:]
        assert channel == 7
        assert isinstance(method, Basic.Ack | Basic.Nack)
        assert method.delivery_tag is not None
        found.append((method.name, method.delivery_tag, bool(method.multiple)))
    return found


def test_what_was_not_stored_is_confirmed_at_once(confirms: Confirms) -> None:
    confirms.take(0)
    assert answers(confirms) == [("Basic.Ack", 1, False)]
    assert not confirms.unanswered()


def test_what_gathered_is_confirmed_with_one_frame(confirms: Confirms) -> None:
    for _ in range(1000):
        confirms.take(0)
    assert answers(confirms) == [("Basic.Ack", 1000, True)]


def test_a_pending_publish_holds_back_those_behind_it(
    confirms: Confirms, store: TicketStore
) -> None:
    pending = store.ticket()
    for ticket in (0, pending, 0):
        confirms.take(ticket)
    assert answers(confirms) == [("Basic.Ack", 1, False)]
    assert answers(confirms) == []
    assert confirms.unanswered()
    store.durable_tickets.add(pending)
    assert answers(confirms) == [("Basic.Ack", 3, True)]


def test_a_refusal_waits_for_those_before_it(confirms: Confirms, store: TicketStore) -> None:
    pending = store.ticket()
    confirms.take(pending)
    confirms.refuse()
    confirms.take(0)
    assert answers(confirms) == []
    store.durable_tickets.add(pending)
    assert answers(confirms) == [
        ("Basic.Ack", 1, False),
        ("Basic.Nack", 2, False),
        ("Basic.Ack", 3, False),
    ]
    assert not confirms.unanswered()


def test_a_publish_is_confirmed_once(confirms: Confirms, store: TicketStore) -> None:
    confirms.take(0)
    answers(confirms)
    assert answers(confirms) == []
    confirms.take(0)
    assert answers(confirms) == [("Basic.Ack", 2, False)]


def test_what_the_store_failed_to_keep_is_refused_alone(
    confirms: Confirms, store: TicketStore
) -> None:
    """Wire behaviour 38: a multiple ack covers nothing that was nacked."""
    for ticket in (0, 0, store.ticket(), store.ticket()):
        confirms.take(ticket)
    confirms.fail_waiting()
    confirms.take(0)
    assert answers(confirms) == [
        ("Basic.Ack", 2, True),
        ("Basic.Nack", 3, False),
        ("Basic.Nack", 4, False),
        ("Basic.Ack", 5, False),
    ]
    assert not confirms.unanswered()


def test_what_was_durable_before_the_store_failed_is_confirmed(
    confirms: Confirms, store: TicketStore
) -> None:
    lost, kept = store.ticket(), store.ticket()
    confirms.take(lost)
    confirms.take(kept)
    store.durable_tickets.add(kept)
    confirms.fail_waiting()
    assert answers(confirms) == [("Basic.Nack", 1, False), ("Basic.Ack", 2, False)]


def test_nothing_published_is_nothing_to_answer(confirms: Confirms) -> None:
    assert answers(confirms) == []
    assert not confirms.unanswered()
