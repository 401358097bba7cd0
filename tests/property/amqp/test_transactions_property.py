"""A transactional channel does what a list of intentions would do, carried out at the commit."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp.commands import Basic, Channel, Queue, Tx

from conversations.memory import Server
from effort import effort
from peer import Peer
from property.sequences import stories
from unit.doubles import TicketStore

OUTCOMES = st.sampled_from(["ack", "discard", "requeue"])
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.booleans(), st.just("")),
    st.tuples(st.just("get"), st.just(0), st.just("")),
    st.tuples(st.just("get"), st.just(0), st.just("")),
    st.tuples(st.just("settle"), st.integers(0, 50), OUTCOMES),
    st.tuples(st.just("settle up to"), st.integers(0, 50), OUTCOMES),
    st.tuples(st.sampled_from(["commit", "rollback"]), st.just(0), st.just("")),
    st.tuples(st.sampled_from(["recover", "reopen"]), st.just(0), st.just("")),
)


@dataclass(order=True)
class Item:
    position: int
    body: bytes = field(compare=False)
    redelivered: bool = field(default=False, compare=False)


class Model:
    """One queue, and one channel that is in a transaction all the time."""

    def __init__(self) -> None:
        self.ready: list[Item] = []
        self.unacked: dict[int, Item] = {}
        self.published: list[bytes] = []
        self.settled: list[tuple[int, Item, str]] = []
        self.last_position = 0
        self.last_tag = 0
        self.gone: list[bytes] = []

    def get(self) -> Item:
        self.last_tag += 1
        item = self.unacked[self.last_tag] = self.ready.pop(0)
        return item

    def settle(self, tags: list[int], outcome: str) -> None:
        self.settled += [(tag, self.unacked.pop(tag), outcome) for tag in tags]

    def commit(self) -> None:
        for body in self.published:
            self.last_position += 1
            self.ready.append(Item(self.last_position, body))
        for _, item, outcome in self.settled:
            if outcome == "requeue":
                self.requeue(item)
            else:
                self.gone.append(item.body)
        self.published, self.settled = [], []

    def rollback(self) -> None:
        self.unacked.update({tag: item for tag, item, _ in self.settled})
        self.published, self.settled = [], []

    def recover(self) -> None:
        for item in self.unacked.values():
            self.requeue(item)
        self.unacked = {}

    def requeue(self, item: Item) -> None:
        item.redelivered = True
        self.ready = sorted([*self.ready, item])


class Client:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.store = TicketStore()
        self.server = Server(store=self.store)
        self.peer = Peer(self.server.connect()).handshake().open_channels()
        self.peer.call(Queue.Declare(queue="q", durable=True))
        self.peer.call(Tx.Select())
        self.published = 0

    def stored(self) -> dict[int, bytes]:
        """The bodies that the store has been given, by ticket."""
        tickets = [each for each in self.store.given if not each.startswith("settle")]
        return {
            ticket: each.removeprefix("append ").encode()
            for ticket, each in enumerate(tickets, start=1)
            if each != "barrier"
        }

    def publish(self, persistent: bool) -> None:
        self.published += 1
        body = b"%d" % self.published
        properties = Basic.Properties(delivery_mode=2 if persistent else 1)
        self.peer.publish(1, "", "q", body, properties)
        self.model.published.append(body)

    def get(self) -> None:
        if not self.model.ready:
            assert isinstance(self.peer.call(Basic.Get(queue="q")).method, Basic.GetEmpty)
            return
        item = self.model.get()
        got = self.peer.call(Basic.Get(queue="q"))
        found = (got.delivery_tag, got.body, got.redelivered)
        assert found == (self.model.last_tag, item.body, item.redelivered)

    def settle(self, number: int, multiple: bool, outcome: str) -> None:
        tags = sorted(self.model.unacked)
        if not tags:
            return
        tag = tags[number % len(tags)]
        self.model.settle([each for each in tags if each <= tag] if multiple else [tag], outcome)
        if outcome == "ack":
            self.peer.send_method(1, Basic.Ack(tag, multiple))
        else:
            self.peer.send_method(1, Basic.Nack(tag, multiple, outcome == "requeue"))

    def commit(self) -> None:
        self.model.commit()
        self.peer.send_method(1, Tx.Commit())
        self.store.durable_tickets.update(range(1, self.store.last_ticket + 1))
        self.server.broker.durable(0, self.store.last_ticket)
        self.peer.expect(Tx.CommitOk)

    def rollback(self) -> None:
        self.model.rollback()
        self.peer.call(Tx.Rollback())

    def recover(self) -> None:
        self.model.recover()
        self.peer.call(Basic.Recover(requeue=True))

    def reopen(self) -> None:
        self.model.rollback()
        self.model.recover()
        self.model.last_tag = 0
        self.peer.call(Channel.Close(200, "", 0, 0))
        self.peer.open_channels()
        self.peer.call(Tx.Select())


@settings(max_examples=effort(200), deadline=None)
@given(stories(STEPS))
def test_nothing_happens_before_the_commit_and_then_all_of_it(
    steps: list[tuple[str, int, str]],
) -> None:
    model = Model()
    client = Client(model)
    for step, number, outcome in steps:
        given = list(client.store.given)
        if step == "publish":
            client.publish(bool(number))
        elif step.startswith("settle"):
            client.settle(number, step == "settle up to", outcome)
        else:
            getattr(client, step)()
        assert step == "commit" or client.store.given == given
        count = client.peer.call(Queue.Declare(queue="q", passive=True)).message_count
        assert count == len(model.ready)
    client.reopen()
    while model.ready:
        client.get()
    client.get()
    stored = client.stored()
    settled = [stored[ticket] for ticket in client.store.settled]
    assert settled == [body for body in model.gone if body in stored.values()]
