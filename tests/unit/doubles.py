"""What stands in for the neighbours of a small structure in its tests."""

from leveret.broker.compat import Compat
from leveret.broker.counts import Churn
from leveret.broker.message import Entry, Message
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.dead_letter import DeadLetter
from leveret.broker.queues.paging import Paging
from leveret.broker.queues.stored import is_absent
from leveret.broker.seams import Backend, Consumer, Credentials, MessageStore, Pending, Queue
from leveret.testing import ManualClock
from leveret.wire.frames import body_frames, header_frame
from leveret.wire.properties import Properties

TRANSIENT = b"\x00\x00"


def a_message(
    body: bytes = b"",
    exchange: str = "",
    routing_key: str = "q",
    properties: Properties | None = None,
) -> Message:
    encoded = TRANSIENT if properties is None else properties.encode()
    header = header_frame(1, encoded, len(body))
    frames = header + body_frames(1, body, 4096)
    names = (exchange.encode(), routing_key.encode())
    tail = b"".join(bytes([len(name)]) + name for name in names)
    return Message(frames, tail, 1, len(header), len(body), len(frames), _persistent(properties))


def _persistent(properties: Properties | None) -> bool:
    return properties is not None and properties.delivery_mode == 2


class TicketStore(MessageStore):
    """Gives tickets; the test says when they are durable. Remembers what it was given."""

    def __init__(self) -> None:
        self.last_ticket = 0
        self.durable_tickets: set[int] = set()
        self.settled: list[int] = []
        self.given: list[str] = []

    def ticket(self) -> int:
        self.last_ticket += 1
        return self.last_ticket

    def append(self, message: Message, queues: list[Queue]) -> int:
        ticket = self.ticket()
        self.given.append(f"append {message.body().decode()}")
        for queue in queues:
            queue.publish(message, ticket)
        return ticket

    def settle(self, queue: Queue, ticket: int) -> None:
        self.settled.append(ticket)
        self.given.append(f"settle {ticket}")

    def returned(self, queue: Queue, ticket: int, acquired: int, failed: int) -> None:
        self.given.append(f"returned {ticket} {acquired} {failed}")

    def is_durable(self, ticket: int) -> bool:
        return ticket in self.durable_tickets

    def barrier(self) -> int:
        self.given.append("barrier")
        return self.ticket()

    def fetch(self, tickets: list[int]) -> Pending:
        raise AssertionError("nothing has left memory")


class KeepingStore(TicketStore):
    """Gives messages back that have left memory; at once, or when the test says so (`give`)."""

    def __init__(self, at_once: bool = True) -> None:
        super().__init__()
        self.at_once = at_once
        self.kept: dict[int, Message] = {}
        self.asked: list[tuple[list[int], Pending]] = []

    def append(self, message: Message, queues: list[Queue]) -> int:
        self.kept[self.last_ticket + 1] = message
        return super().append(message, queues)

    def spill(self, message: Message) -> int:
        self.kept[-self.ticket()] = message
        return -self.last_ticket

    def fetch(self, tickets: list[int]) -> Pending:
        answer = Pending()
        self.asked.append((tickets, answer))
        if self.at_once:
            self.give()
        return answer

    def give(self) -> None:
        """Answer what was asked for."""
        asked, self.asked = self.asked, []
        for tickets, answer in asked:
            answer.complete([self.kept.get(ticket) for ticket in tickets])


class Graveyard:
    """Stands for a vhost: remembers the dead letters of a queue, as body and reason."""

    def __init__(self) -> None:
        self.compat = Compat()
        self.wall_offset = 0.0
        self.letters: list[tuple[bytes, str]] = []
        self.dead_letters = self
        self.churn = Churn()

    def take(self, letter: DeadLetter) -> None:
        message = letter.message
        if is_absent(message):
            # Who publishes dead letters fetches their content.
            message = letter.queue.store.kept[int(letter.ticket)]
        self.letters.append((message.body(), letter.reason))
        if letter.ticket:
            letter.queue.store.settle(letter.queue, letter.ticket)


class LimitedConsumer(Consumer):
    """Takes as many unacked entries as its limit says; remembers all it got, as bodies."""

    def __init__(
        self, name: str = "c", limit: int = 1_000_000, no_ack: bool = False, log: object = None
    ) -> None:
        super().__init__(name, no_ack, False)
        self.limit = limit
        self.unacked: list[Entry] = []
        self.got: list[bytes] = []
        self.redelivered: list[bool] = []
        self.cancellations = 0
        self.log: list[tuple[str, bytes]] = log if isinstance(log, list) else []

    def credit(self) -> bool:
        return (len(self.got) if self.no_ack else len(self.unacked)) < self.limit

    def deliver(self, entry: Entry) -> None:
        entry.consumer = self
        self.unacked.append(entry)
        self._got(entry.message, entry.redelivered)

    def deliver_settled(self, message: Message, redelivered: bool) -> None:
        self._got(message, redelivered)

    def cancelled(self) -> None:
        self.cancellations += 1

    def _got(self, message: Message, redelivered: bool) -> None:
        self.got.append(message.body())
        self.redelivered.append(redelivered)
        self.log.append((self.tag, message.body()))


def a_queue(
    store: MessageStore | None = None,
    clock: ManualClock | None = None,
    name: str = "q",
    durable: bool = False,
) -> ClassicQueue:
    store = TicketStore() if store is None else store
    clock = ManualClock() if clock is None else clock
    return ClassicQueue(name, durable, None, False, {}, store, clock, Paging())


def an_entry(queue: Queue, position: int = 0) -> Entry:
    return Entry(a_message(), queue, position, 0)


class RecordingBackend(Backend):
    """Lets everybody in and remembers which permissions it was asked for; `refuse` names those
    that it refuses."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refuse: set[tuple[str, str]] = set()

    def authenticate(self, credentials: Credentials, host: str) -> Pending:
        return Pending.of("")

    def authorise(self, user: str, vhost: str, permission: str, name: str) -> bool:
        self.asked.append((permission, name))
        return (permission, name) not in self.refuse

    def vhost_access(self, user: str, vhost: str) -> bool:
        return True


def answer_of(pending: Pending) -> object:
    """The value of an answer that must be there already."""
    assert pending.done, "no answer yet"
    if pending.error is not None:
        raise pending.error
    return pending.value
