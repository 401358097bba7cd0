"""When delayed messages are due is known at once after any start: indexes say it, and nothing is
read before its time."""

import pytest
from pamqp.commands import Basic, Confirm, Exchange, Queue

from conversations.memory import Server
from leveret.store.memory import MemoryDefinitions
from leveret.testing import FaultyDisk
from peer import Peer

from .small_store import SmallStore

DUE_MS = 1_700_000_000_000
WAITING = 2000


def dues_of(small: SmallStore, queue_id: int) -> list[tuple[int, int]]:
    found = small.found.queues[queue_id]
    return list(zip(found.tickets, found.dues, strict=True))


def test_what_is_copied_forward_is_due_when_it_was_and_there_once() -> None:
    """Whenever the process is killed, between the writing of a copy and the removal too."""
    disk = FaultyDisk()
    small = SmallStore(disk, 4096).open(1, 2)
    expected: list[tuple[int, int]] = []
    copies = 0
    for number in range(40):
        if number % 4 == 0:
            due_ms = 0 if number % 8 else DUE_MS - number
            ticket = small.publish(b"kept", 1)
            if due_ms:
                small.store.due(ticket, due_ms)
            expected.append((ticket, due_ms))
            small.turn()
        began = len(disk.operations)
        ticket = small.publish(bytes(500), 2)
        small.turn()
        small.settle(2, ticket)
        small.turn()
        for moment in range(began, len(disk.operations) + 1):
            again = SmallStore(disk.at(moment), 4096).open(1)
            assert dues_of(again, 1) == expected
            copies += len(again.found._earlier)
    assert copies > 0
    assert min(small.store.log.space.segments) > 1, "nothing was copied"
    small.stop()
    assert dues_of(SmallStore(disk, 4096).open(1), 1) == expected


def test_what_is_known_of_one_queue_costs_another_nothing() -> None:
    disk = FaultyDisk()
    small = SmallStore(disk).open(1, 2)
    for number in range(10):
        small.publish(b"%d" % number, 1)
        small.store.due(small.publish(b"%d" % number, 2), DUE_MS)
    small.turn()
    again = SmallStore(disk).open(1, 2)
    assert len(again.found.queues[1].dues) == 0
    assert [due for _, due in dues_of(again, 2)] == [DUE_MS] * 10


class Life:
    """A broker on a disk, from when its clock shows `now` until it is killed."""

    def __init__(self, disk: FaultyDisk, definitions: MemoryDefinitions, now: float = 1000) -> None:
        self.disk = disk
        self.small = SmallStore(disk, 1 << 20)
        store = self.small.store
        self.server = server = Server(store=store, definitions=definitions)
        store.events = server.broker
        server.advance(now - server.clock.now())
        store.open()
        store.recover(server.broker.durable_queues())
        self.small.turn()
        self.peer = Peer(server.connect()).handshake(server.user, server.password)
        self.peer.open_channels()

    def killed(self) -> FaultyDisk:
        return self.disk.at(len(self.disk.operations))

    def pass_time(self, seconds: float, turns: int = 3) -> None:
        self.server.advance(seconds)
        for _ in range(turns):
            self.small.turn()
            self.server.advance(0)

    def publish(self, exchange: str, key: str, body: bytes, delay_ms: int) -> None:
        properties = Basic.Properties(headers={"x-delay": delay_ms}, delivery_mode=2)
        self.peer.publish(1, exchange, key, body, properties)

    def taken(self, queue: str = "q") -> list[bytes]:
        bodies: list[bytes] = []
        get = Basic.Get(queue=queue, no_ack=True)
        while isinstance((got := self.peer.call(get)).method, Basic.GetOk):
            bodies.append(got.body)
        return bodies


@pytest.fixture
def definitions() -> MemoryDefinitions:
    return MemoryDefinitions()


@pytest.fixture
def life(definitions: MemoryDefinitions) -> Life:
    life = Life(FaultyDisk(), definitions)
    arguments = {"x-delayed-type": "direct"}
    life.peer.call(
        Exchange.Declare(
            exchange="later", exchange_type="x-delayed-message", durable=True, arguments=arguments
        )
    )
    life.peer.call(Queue.Declare(queue="q", durable=True))
    life.peer.call(Queue.Bind(queue="q", exchange="later", routing_key="q"))
    return life


def test_one_of_many_comes_in_time_after_a_kill_and_no_other_is_read(
    life: Life, definitions: MemoryDefinitions
) -> None:
    """Wherever it stands among those that are due later."""
    life.peer.call(Confirm.Select())
    for number in range(WAITING):
        life.publish("later", "q", b"%d" % number, 2500 if number == WAITING // 2 else 3_600_000)
    life.pass_time(0.0)
    tag = 0
    while tag < WAITING:
        tag = life.peer.expect(Basic.Ack, 1).delivery_tag
    again = Life(life.killed(), definitions, now=1001)
    began = len(again.disk.operations)
    again.pass_time(1.499)
    assert again.taken() == []
    again.pass_time(0.001)
    assert again.taken() == [b"%d" % (WAITING // 2)]
    reads = [each for each in again.disk.operations[began:] if each.kind == "read"]
    assert len(reads) == 1
    assert reads[0].size < 1000
    again.pass_time(3600, turns=50)
    assert len(again.taken()) == WAITING - 1


def test_a_dead_letter_does_not_wait_anew_after_a_start(
    life: Life, definitions: MemoryDefinitions
) -> None:
    arguments = {"x-dead-letter-exchange": "later", "x-dead-letter-routing-key": "q"}
    life.peer.call(Queue.Declare(queue="tasks", durable=True, arguments=arguments))
    life.publish("", "tasks", b"m", 5000)
    got = life.peer.call(Basic.Get(queue="tasks"))
    life.peer.send_method(1, Basic.Reject(delivery_tag=got.delivery_tag, requeue=False))
    life.pass_time(4)
    assert life.taken() == []
    again = Life(life.killed(), definitions, now=1004)
    again.pass_time(0.999)
    assert again.taken() == []
    again.pass_time(0.001)
    assert again.taken() == [b"m"]


def test_what_was_due_meanwhile_comes_at_once_in_its_order(
    life: Life, definitions: MemoryDefinitions
) -> None:
    for delay_ms in (3000, 1000, 2000, 60_000):
        life.publish("later", "q", b"%d" % delay_ms, delay_ms)
    life.pass_time(0.0)
    again = Life(life.killed(), definitions, now=1010)
    again.pass_time(0.0)
    assert again.taken() == [b"1000", b"2000", b"3000"]


def test_what_goes_with_its_exchange_is_not_there_after_a_start(
    life: Life, definitions: MemoryDefinitions
) -> None:
    for number in range(10):
        life.publish("later", "q", b"%d" % number, 1000)
    life.pass_time(0.0)
    again = Life(life.killed(), definitions, now=1000.5)
    again.peer.call(Exchange.Delete(exchange="later"))
    again.pass_time(10.0)
    last = Life(again.killed(), definitions, now=1010.5)
    last.pass_time(10.0)
    assert last.taken() == []
    assert last.small.store.log.places.count == 0
