"""Dead letters that cannot be published are each on their own; many of them leave others time."""

import logging

import pytest
from pamqp.commands import Basic, Queue

from conversations.memory import Server
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.dead_letter import LETTERS_PER_TURN
from leveret.broker.queues.kept_letters import RETRY_SECONDS
from leveret.wire.field import LONG_MAX, MAX_TABLE_ELEMENTS
from peer import Peer, Typed, longstr, table

# The flags of properties of which there are headers and nothing else.
HEADERS_ONLY = b"\x20\x00"
PERSISTENT = Basic.Properties(delivery_mode=2)
ROUTING_KEY = "x-dead-letter-routing-key"
TO_DEAD = {"x-dead-letter-exchange": "", ROUTING_KEY: "dead"}
SAFE = TO_DEAD | {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


def declare(peer: Peer, name: str, **arguments: object) -> None:
    peer.call(Queue.Declare(queue=name, durable=True, arguments=arguments))


def let_die(peer: Peer, queue: str, properties: Basic.Properties | bytes = PERSISTENT) -> None:
    peer.publish(1, "", queue, b"of " + queue.encode(), properties)
    got = peer.call(Basic.Get(queue=queue))
    peer.send_method(1, Basic.Reject(got.delivery_tag, requeue=False))


def queue_of(server: Server, name: str) -> ClassicQueue:
    return server.broker.vhosts["/"].queues[name]


def lead_astray(server: Server, name: str) -> None:
    """As a definition from before such keys were refused."""
    queue_of(server, name).rules.dead_letter_routing_key = "k" * 256


def test_a_letter_that_cannot_be_published_is_dropped_alone(
    peer: Peer, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("hopeless", "good"):
        declare(peer, name, **TO_DEAD)
    declare(peer, "dead")
    lead_astray(server, "hopeless")
    let_die(peer, "hopeless")
    let_die(peer, "good")
    assert peer.call(Basic.Get(queue="dead")).body == b"of good"
    assert queue_of(server, "hopeless").unacked_count == 0
    (record,) = (each for each in caplog.records if each.levelno == logging.ERROR)
    assert record.getMessage().startswith(
        "vhost '/': a dead letter of queue 'hopeless' leads nowhere because it cannot be published:"
    )


def test_one_that_must_be_taken_waits_until_it_can_be_published(peer: Peer, server: Server) -> None:
    declare(peer, "hopeless", **SAFE)
    declare(peer, "dead")
    lead_astray(server, "hopeless")
    let_die(peer, "hopeless")
    hopeless = queue_of(server, "hopeless")
    assert (hopeless.waiting_count, queue_of(server, "dead").ready_count) == (1, 0)
    hopeless.rules.dead_letter_routing_key = "dead"
    server.advance(200)
    assert (hopeless.waiting_count, queue_of(server, "dead").ready_count) == (0, 1)


def test_one_that_amqp_cannot_carry_is_not_tried_again(
    peer: Peer, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Its death names all the keys of CC once more, and for so many there is no room."""
    declare(peer, "q", **{name: value for name, value in SAFE.items() if name != ROUTING_KEY})
    keys = longstr(b"".join(b"S" + longstr(b"q") for _ in range(MAX_TABLE_ELEMENTS - 1)))
    let_die(peer, "q", HEADERS_ONLY + table({"CC": Typed("A", keys)}))
    q = queue_of(server, "q")
    assert (q.ready_count, q.unacked_count, q.waiting_count) == (0, 0, 0)
    server.advance(RETRY_SECONDS * 2)
    (record,) = (each for each in caplog.records if each.levelno == logging.ERROR)
    assert "of queue 'q' leads nowhere because it cannot be published" in record.getMessage()


def test_deaths_are_counted_as_far_as_a_number_goes(peer: Peer) -> None:
    declare(peer, "q", **TO_DEAD)
    declare(peer, "dead")
    earlier = table({"count": LONG_MAX, "queue": b"q", "reason": b"rejected"})
    deaths = Typed("A", longstr(b"F" + earlier))
    let_die(peer, "q", HEADERS_ONLY + table({"x-death": deaths}))
    (death,) = peer.call(Basic.Get(queue="dead")).properties.headers["x-death"]
    assert death["count"] == LONG_MAX


def test_many_letters_leave_the_loop_to_others_and_keep_their_order(
    peer: Peer, server: Server
) -> None:
    many = LETTERS_PER_TURN * 2
    declare(peer, "q", **TO_DEAD)
    declare(peer, "dead")
    peer.call(Basic.Consume(queue="q"))
    for number in range(many):
        peer.publish(1, "", "q", str(number).encode())
        peer.expect(Basic.Deliver)
    peer.send_method(1, Basic.Nack(0, multiple=True, requeue=False))
    assert queue_of(server, "dead").ready_count == LETTERS_PER_TURN
    peer.publish(1, "", "q", b"between")
    peer.expect(Basic.Deliver)
    server.advance(0)
    assert queue_of(server, "dead").ready_count == many
    came = [peer.call(Basic.Get(queue="dead", no_ack=True)).body for _ in range(many)]
    assert came == [str(number).encode() for number in range(many)]
