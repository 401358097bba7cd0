"""Messages whose headers are as large as a client may send them: what the broker adds has room."""

import logging
from contextlib import suppress

import pytest
from pamqp.commands import Basic, Confirm, Queue

from conversations.memory import Server
from leveret.broker.content import with_headers
from leveret.wire.field import (
    KIND_ARRAY,
    KIND_VOID,
    MAX_TABLE_DEPTH,
    MAX_TABLE_ELEMENTS,
    MAX_TAKEN_ELEMENTS,
    Field,
)
from leveret.wire.properties import Properties
from peer import Peer, Silence, Typed, longstr, table
from unit.doubles import a_message

QUORUM = {"x-queue-type": "quorum"}
# The flags of properties: headers and delivery mode.
FLAGS = b"\x30\x00"
PERSISTENT = b"\x02"


def full(name: str = "a", value: bytes = b"V") -> bytes:
    """Properties of a persistent message with as many elements in its headers as there may be."""
    elements = longstr(value * (MAX_TABLE_ELEMENTS - 1))
    return FLAGS + table({name: Typed("A", elements)}) + PERSISTENT


def deep() -> bytes:
    """The same, with as many levels as there may be."""
    value = longstr(b"")
    for _ in range(MAX_TABLE_DEPTH - 2):
        value = longstr(b"A" + value)
    return FLAGS + table({"a": Typed("A", value)}) + PERSISTENT


@pytest.fixture
def q(peer: Peer) -> str:
    peer.call(Queue.Declare(queue="q", durable=True, arguments=QUORUM))
    peer.call(Confirm.Select())
    return "q"


def publish(peer: Peer, queue: str, properties: bytes) -> None:
    peer.publish(1, "", queue, b"m", properties)
    peer.expect(Basic.Ack)


def states(server: Server, name: str = "q") -> tuple[int, int, int]:
    queue = server.broker.vhosts["/"].queues[name]
    return queue.ready_count, queue.unacked_count, queue.unacked_bytes


def test_one_more_is_refused(peer: Peer, q: str) -> None:
    elements = longstr(b"V" * MAX_TABLE_ELEMENTS)
    peer.publish(1, "", q, b"m", FLAGS + table({"a": Typed("A", elements)}) + PERSISTENT)
    peer.expect_connection_closed(541, "INTERNAL_ERROR")


def test_basic_get_from_a_quorum_queue_says_the_count(peer: Peer, server: Server, q: str) -> None:
    publish(peer, q, full())
    got = peer.call(Basic.Get(queue=q))
    assert got.properties.headers["x-delivery-count"] == 0
    assert states(server) == (0, 1, 1)


def test_a_message_comes_back(peer: Peer, server: Server, q: str) -> None:
    publish(peer, q, full())
    peer.call(Basic.Consume(queue=q))
    first = peer.expect(Basic.Deliver)
    peer.send_method(1, Basic.Reject(first.delivery_tag, requeue=True))
    second = peer.expect(Basic.Deliver)
    assert second.properties.headers["x-delivery-count"] == 1
    peer.send_method(1, Basic.Ack(second.delivery_tag))
    peer.call(Basic.Qos())
    assert states(server) == (0, 0, 0)


def test_a_message_dies(peer: Peer) -> None:
    """Twice: what its deaths say is decoded again."""
    peer.call(Queue.Declare(queue="third"))
    for name, next_name in (("first", "second"), ("second", "third")):
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": next_name}
        peer.call(Queue.Declare(queue=name, arguments=arguments))
    peer.publish(1, "", "first", b"m", full())
    for name in ("first", "second"):
        got = peer.call(Basic.Get(queue=name))
        peer.send_method(1, Basic.Reject(got.delivery_tag, requeue=False))
    headers = peer.call(Basic.Get(queue="third")).properties.headers
    assert [death["queue"] for death in headers["x-death"]] == ["second", "first"]


@pytest.mark.parametrize("properties", [full(), deep()], ids=["elements", "levels"])
def test_it_is_traced(peer: Peer, server: Server, q: str, properties: bytes) -> None:
    peer.call(Queue.Declare(queue="heard"))
    peer.call(Queue.Bind(queue="heard", exchange="amq.rabbitmq.trace", routing_key="#"))
    server.set_tracing("/", True)
    publish(peer, q, properties)
    peer.call(Basic.Get(queue=q))
    keys = [peer.call(Basic.Get(queue="heard")).routing_key for _ in range(2)]
    assert keys == ["publish.", "deliver.q"]


def test_what_is_too_large_to_be_traced_is_delivered(
    peer: Peer, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Each key of CC is told of twice, in the properties and as a key."""
    peer.call(Queue.Declare(queue="q"))
    peer.call(Queue.Declare(queue="heard"))
    peer.call(Queue.Bind(queue="heard", exchange="amq.rabbitmq.trace", routing_key="#"))
    server.set_tracing("/", True)
    peer.publish(1, "", "q", b"m", full("CC", b"S" + longstr(b"q")))
    peer.call(Basic.Consume(queue="q"))
    assert peer.expect(Basic.Deliver).body == b"m"
    assert states(server) == (0, 1, 1)
    assert states(server, "heard") == (0, 0, 0)
    told = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert [each.getMessage().split(":")[1] for each in told] == [
        " a message is not told of with the key publish.",
        " a message is not told of with the key deliver.q",
    ]


def test_a_circle_of_traces_and_dead_letters_ends(peer: Peer, server: Server) -> None:
    """Each delivery is told of, and what tells of it dies and is delivered."""
    to_seen = {
        "x-max-length": 0,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "seen",
    }
    peer.call(Queue.Declare(queue="seen"))
    peer.call(Queue.Declare(queue="heard", arguments=to_seen))
    peer.call(Queue.Bind(queue="heard", exchange="amq.rabbitmq.trace", routing_key="deliver.#"))
    peer.call(Basic.Consume(queue="seen", no_ack=True))
    server.set_tracing("/", True)
    peer.publish(1, "", "seen", b"m")
    came = 0
    with suppress(Silence):
        while True:
            assert peer.expect(Basic.Deliver).body == b"m"
            came += 1
    assert came > 1
    server.set_tracing("/", False)
    peer.publish(1, "", "seen", b"afterwards")
    assert peer.expect(Basic.Deliver).body == b"afterwards"
    assert states(server, "seen") == (0, 0, 0)


def test_without_room_a_message_is_delivered_as_it_is() -> None:
    nothing = Field(KIND_VOID, None)
    elements = [nothing] * (MAX_TAKEN_ELEMENTS - 1)
    message = a_message(b"m", properties=Properties(headers={"a": Field(KIND_ARRAY, elements)}))
    assert with_headers(message, {"b": nothing}) is message
    assert with_headers(message, {"a": nothing}) is not message
