"""Whatever the order in which a store makes messages durable: each publish is answered once, in
order, never before its time, and never by an ack that covers what was refused."""

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import frame as pamqp_frame
from pamqp.commands import Basic

from effort import effort
from leveret.amqp.confirms import Confirms
from leveret.broker.counts import Counts
from property.sequences import stories
from unit.doubles import TicketStore

REFUSED = -1
STEPS = st.one_of(
    st.just(("publish transient", 0)),
    st.just(("publish", 0)),
    st.just(("publish what is refused", 0)),
    st.tuples(st.just("commit"), st.integers(0, 100)),
    st.tuples(st.just("commit up to"), st.integers(0, 100)),
    st.just(("answer", 0)),
    st.just(("fail", 0)),
)


class Publisher:
    """Knows of each of its sequence numbers what the store does, and what it was told."""

    def __init__(self) -> None:
        self.store = TicketStore()
        self.confirms = Confirms(self.store, Counts())
        self.tickets: list[int] = []
        self.failed: set[int] = set()
        self.answered: list[tuple[int, bool]] = []

    def publish(self, ticket: int) -> None:
        self.tickets.append(ticket)
        self.confirms.take(ticket)

    def publish_refused(self) -> None:
        self.tickets.append(REFUSED)
        self.confirms.refuse()

    def waiting(self) -> list[int]:
        answered = self.store.durable_tickets | self.failed
        return [t for t in self.tickets if t > 0 and t not in answered]

    def listen(self) -> None:
        data = self.confirms.answers(1)
        while data:
            size, _, method = pamqp_frame.unmarshal(data)
            data = data[size:]
            assert isinstance(method, Basic.Ack | Basic.Nack)
            self.hear(method)
        for number, acked in self.answered:
            ticket = self.tickets[number - 1]
            durable = ticket == 0 or ticket in self.store.durable_tickets
            assert durable if acked else ticket in self.failed | {REFUSED}
        assert [number for number, _ in self.answered] == list(range(1, len(self.answered) + 1))

    def hear(self, method: Basic.Ack | Basic.Nack) -> None:
        number = method.delivery_tag
        assert number is not None
        assert 1 <= number <= len(self.tickets)
        first = len(self.answered) + 1 if method.multiple else number
        self.answered += [(n, isinstance(method, Basic.Ack)) for n in range(first, number + 1)]


@settings(max_examples=effort(150), deadline=None)
@given(stories(STEPS))
def test_every_publish_is_answered_once_and_never_too_early(steps: list[tuple[str, int]]) -> None:
    publisher = Publisher()
    for step, number in steps:
        waiting = publisher.waiting()
        if step == "publish transient":
            publisher.publish(0)
        elif step == "publish":
            publisher.publish(publisher.store.ticket())
        elif step == "publish what is refused":
            publisher.publish_refused()
        elif step == "fail":
            publisher.failed.update(waiting)
            publisher.confirms.fail_waiting()
        elif step == "commit" and waiting:
            publisher.store.durable_tickets.add(waiting[number % len(waiting)])
        elif step == "commit up to" and waiting:
            publisher.store.durable_tickets.update(waiting[: number % len(waiting) + 1])
        elif step == "answer":
            publisher.listen()
    publisher.store.durable_tickets.update(publisher.waiting())
    publisher.listen()
    assert len(publisher.answered) == len(publisher.tickets)
    assert not publisher.confirms.unanswered()
