"""The ledger finds out every kind of lie, and none where there is none."""

import pytest

from .kill_ledger import STREAM, Ledger, Transaction

ORDERS, INVOICES = "orders", "invoices"


@pytest.fixture
def ledger():
    ledger = Ledger()
    ledger.life_begins()
    return ledger


def published(ledger, count=1, transient=False):
    numbers = [ledger.number(1) for _ in range(count)]
    for number in numbers:
        ledger.book(ORDERS).attempted(number, transient)
        ledger.book(ORDERS).confirmed(number)
    return numbers


def take(ledger, number, redelivered, queue=ORDERS):
    """Receive and acknowledge."""
    ledger.book(queue).received(number, redelivered)
    ledger.book(queue).acked(number)


def next_life(ledger):
    ledger.life_ends()
    ledger.life_begins()


def drained(ledger):
    ledger.drained(ORDERS, INVOICES)
    return [violation.split(": ")[2] for violation in ledger.violations]


def test_a_confirmed_message_that_never_comes_is_lost(ledger):
    published(ledger)
    next_life(ledger)
    assert drained(ledger) == ["confirmed, never acknowledged, and lost"]
    assert ledger.counts["lost"] == 1


def test_what_was_never_confirmed_may_go(ledger):
    ledger.book(ORDERS).attempted(ledger.number(1), transient=False)
    next_life(ledger)
    assert drained(ledger) == []


def test_an_ack_may_have_counted_or_not(ledger):
    gone, back = published(ledger, 2)
    for number in (gone, back):
        take(ledger, number, False)
    next_life(ledger)
    take(ledger, back, True)
    assert drained(ledger) == []


def test_an_ack_that_had_counted_in_an_earlier_life_is_not_undone(ledger):
    [number] = published(ledger)
    take(ledger, number, False)
    next_life(ledger)
    assert drained(ledger) == []
    next_life(ledger)
    take(ledger, number, True)
    assert drained(ledger) == ["gone or rolled back, and here"]


def test_a_duplicate_says_so(ledger):
    [number] = published(ledger)
    for _ in range(2):
        take(ledger, number, False)
    assert drained(ledger) == ["a duplicate that is not marked redelivered"]


def test_a_message_comes_after_those_published_before_it(ledger):
    first, second = published(ledger, 2)
    take(ledger, second, False)
    take(ledger, first, False)
    assert drained(ledger) == ["it came after what was published later"]


def test_a_requeued_message_comes_out_of_order(ledger):
    first, second = published(ledger, 2)
    for number, redelivered in ((first, False), (second, False), (first, True)):
        take(ledger, number, redelivered)
    assert drained(ledger) == []


def test_nothing_comes_from_nowhere(ledger):
    take(ledger, 7 * STREAM + 1, False)
    assert drained(ledger) == ["nobody published it"]


def test_a_transient_message_does_not_survive(ledger):
    [number] = published(ledger, transient=True)
    next_life(ledger)
    take(ledger, number, True)
    assert drained(ledger) == ["gone or rolled back, and here"]


def test_a_transient_message_is_not_lost_without_a_crash(ledger):
    published(ledger, transient=True)
    assert drained(ledger) == ["confirmed, never acknowledged, and lost"]


def test_a_purge_takes_what_was_there_and_what_came_until_it_was_answered(ledger):
    published(ledger)
    ledger.book(ORDERS).purge_sent()
    published(ledger)
    assert drained(ledger) == []


def uncertain(ledger):
    """A commit that was not answered, of an acknowledgement and two messages."""
    [order] = published(ledger)
    take(ledger, order, False)
    invoices = [ledger.number(2), ledger.number(2)]
    for number in invoices:
        ledger.book(INVOICES).attempted(number, transient=False)
    ledger.unanswered.append(Transaction(ledger.life, [order], invoices))
    next_life(ledger)
    return order, invoices


def test_a_transaction_has_happened_or_not(ledger):
    order, _ = uncertain(ledger)
    take(ledger, order, True)
    _, invoices = uncertain(ledger)
    for number in invoices:
        take(ledger, number, True, INVOICES)
    assert drained(ledger) == []


def test_the_messages_of_a_transaction_may_be_seen_before_they_are_on_disk(ledger):
    [order] = published(ledger)
    take(ledger, order, False)
    invoice = ledger.number(2)
    ledger.book(INVOICES).attempted(invoice, transient=False)
    ledger.unanswered.append(Transaction(ledger.life, [order], [invoice]))
    ledger.book(INVOICES).received(invoice, False)
    next_life(ledger)
    take(ledger, order, True)
    assert drained(ledger) == []


def test_half_of_a_transaction_is_found_out(ledger):
    _, invoices = uncertain(ledger)
    take(ledger, invoices[0], True, INVOICES)
    assert drained(ledger) == ["half of a transaction's messages"]


def test_the_acks_of_a_transaction_do_not_go_alone(ledger):
    uncertain(ledger)
    assert drained(ledger) == ["its acknowledgement is there, its messages are not"]


def test_the_messages_of_a_transaction_do_not_go_alone(ledger):
    order, invoices = uncertain(ledger)
    take(ledger, order, True)
    for number in invoices:
        take(ledger, number, True, INVOICES)
    assert drained(ledger) == ["its messages are there, its acknowledgements not"]


def test_a_committed_ack_is_not_undone(ledger):
    order, invoices = uncertain(ledger)
    [transaction] = ledger.unanswered
    ledger.committed(transaction, ledger.book(ORDERS), ledger.book(INVOICES))
    ledger.unanswered.clear()
    for number in invoices:
        take(ledger, number, True, INVOICES)
    take(ledger, order, True)
    assert drained(ledger) == ["it was acknowledged in a committed transaction"]
