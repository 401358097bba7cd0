"""x-dead-letter-strategy: at-least-once. A dead letter stays until it is taken (features 2.3)."""

import logging

import pytest
from pamqp.commands import Basic, Exchange, Queue

from conversations.memory import Server
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.kept_letters import RETRY_SECONDS
from peer import Peer

PERSISTENT = Basic.Properties(delivery_mode=2)
SAFE = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "dlx",
}


def declare(peer: Peer, **changes: object) -> None:
    arguments = SAFE | {f"x-{name.replace('_', '-')}": value for name, value in changes.items()}
    peer.call(Queue.Declare(queue="q", durable=True, arguments=arguments))


def a_dead_letter(peer: Peer, body: bytes = b"m") -> None:
    peer.publish(1, "", "q", body, PERSISTENT)
    got = peer.call(Basic.Get(queue="q"))
    peer.send_method(1, Basic.Reject(got.delivery_tag, requeue=False))


def add_target(peer: Peer, name: str = "dead", **arguments: object) -> None:
    peer.call(Exchange.Declare(exchange="dlx", exchange_type="fanout"))
    given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    peer.call(Queue.Declare(queue=name, durable=True, arguments=given))
    peer.call(Queue.Bind(queue=name, exchange="dlx"))


def count(peer: Peer, name: str = "dead") -> int:
    return int(peer.call(Queue.Declare(queue=name, passive=True)).message_count)


def queue_of(server: Server) -> ClassicQueue:
    return server.broker.vhosts["/"].queues["q"]


def test_a_letter_that_is_taken_is_gone_from_its_queue(peer: Peer, server: Server) -> None:
    add_target(peer)
    declare(peer)
    a_dead_letter(peer)
    assert (count(peer), queue_of(server).waiting_count) == (1, 0)
    headers = peer.call(Basic.Get(queue="dead")).properties.headers
    assert headers["x-first-death-reason"] == "rejected"


@pytest.mark.parametrize("exchange_is_there", [True, False])
def test_a_letter_that_has_nowhere_to_go_waits_until_it_has(
    peer: Peer, server: Server, exchange_is_there: bool
) -> None:
    if exchange_is_there:
        peer.call(Exchange.Declare(exchange="dlx", exchange_type="fanout"))
    declare(peer)
    a_dead_letter(peer)
    assert queue_of(server).waiting_count == 1
    server.advance(RETRY_SECONDS * 3)
    add_target(peer)
    server.advance(RETRY_SECONDS)
    assert (count(peer), queue_of(server).waiting_count) == (1, 0)
    assert peer.call(Basic.Get(queue="dead")).properties.headers["x-death"][0]["count"] == 1


def test_a_letter_that_a_full_queue_refuses_waits_until_there_is_room(
    peer: Peer, server: Server
) -> None:
    add_target(peer, max_length=1, overflow="reject-publish")
    declare(peer)
    a_dead_letter(peer, b"first")
    a_dead_letter(peer, b"second")
    assert (count(peer), queue_of(server).waiting_count) == (1, 1)
    assert peer.call(Basic.Get(queue="dead", no_ack=True)).body == b"first"
    server.advance(RETRY_SECONDS)
    assert peer.call(Basic.Get(queue="dead", no_ack=True)).body == b"second"
    assert queue_of(server).waiting_count == 0


def test_a_queue_that_has_a_letter_does_not_get_it_again_for_another_that_refused_it(
    peer: Peer, server: Server
) -> None:
    add_target(peer, "roomy")
    add_target(peer, "full", max_length=0, overflow="reject-publish")
    declare(peer)
    a_dead_letter(peer)
    server.advance(RETRY_SECONDS * 3)
    assert (count(peer, "roomy"), count(peer, "full")) == (1, 0)
    assert queue_of(server).waiting_count == 1
    peer.call(Queue.Delete(queue="full"))
    server.advance(RETRY_SECONDS)
    assert (count(peer, "roomy"), queue_of(server).waiting_count) == (1, 0)


def test_letters_keep_their_order(peer: Peer, server: Server) -> None:
    declare(peer)
    for number in range(600):
        a_dead_letter(peer, b"%d" % number)
    add_target(peer)
    server.advance(RETRY_SECONDS)
    bodies = [peer.call(Basic.Get(queue="dead", no_ack=True)).body for _ in range(600)]
    assert bodies == [b"%d" % number for number in range(600)]


def test_the_letter_tells_when_it_died_and_not_when_it_was_taken(
    peer: Peer, server: Server
) -> None:
    vhost = server.broker.vhosts["/"]
    vhost.dead_letters.now = lambda: 1_700_000_000.0
    declare(peer)
    a_dead_letter(peer)
    vhost.dead_letters.now = lambda: 1_700_000_180.0
    add_target(peer)
    server.advance(RETRY_SECONDS)
    death = peer.call(Basic.Get(queue="dead")).properties.headers["x-death"][0]
    assert death["time"].timestamp() == 1_700_000_000.0


def test_kept_letters_fill_their_queue(peer: Peer, server: Server) -> None:
    declare(peer, max_length=2)
    for _ in range(2):
        a_dead_letter(peer)
    peer.publish(1, "", "q", b"too many", PERSISTENT)
    queue = queue_of(server)
    assert (queue.ready_count, queue.waiting_count) == (0, 2)
    assert queue.ready_count + queue.unacked_count + queue.waiting_count == 2
    add_target(peer)
    server.advance(RETRY_SECONDS)
    peer.publish(1, "", "q", b"one more", PERSISTENT)
    assert (queue.ready_count, queue.waiting_count) == (1, 0)


def test_nothing_is_tried_while_there_is_nothing_to_try(peer: Peer, server: Server) -> None:
    declare(peer)
    a_dead_letter(peer)
    add_target(peer)
    server.advance(RETRY_SECONDS)
    assert queue_of(server).ruled is None
    server.advance(RETRY_SECONDS * 10)
    assert server.clock.pending() == 0


@pytest.mark.parametrize("end", [Queue.Purge(queue="q"), Queue.Delete(queue="q")])
def test_purging_and_deleting_take_kept_letters_along(
    peer: Peer, server: Server, end: Queue.Purge | Queue.Delete
) -> None:
    declare(peer)
    a_dead_letter(peer)
    assert peer.call(end).message_count == 1
    add_target(peer)
    server.advance(RETRY_SECONDS * 2)
    assert count(peer) == 0


def test_expired_messages_are_kept_too(peer: Peer, server: Server) -> None:
    declare(peer, message_ttl=1000)
    peer.publish(1, "", "q", b"m", PERSISTENT)
    server.advance(1)
    assert (queue_of(server).ready_count, queue_of(server).waiting_count) == (0, 1)
    add_target(peer)
    server.advance(RETRY_SECONDS)
    assert (
        peer.call(Basic.Get(queue="dead")).properties.headers["x-death"][0]["reason"] == "expired"
    )


def test_with_another_strategy_kept_letters_have_one_more_chance(
    peer: Peer, server: Server
) -> None:
    policy = {
        "dead-letter-strategy": "at-least-once",
        "dead-letter-exchange": "dlx",
        "overflow": "reject-publish",
    }
    server.set_policy("/", "p", "q", policy)
    peer.call(Queue.Declare(queue="q", durable=True, arguments={"x-queue-type": "quorum"}))
    a_dead_letter(peer)
    assert queue_of(server).waiting_count == 1
    server.set_policy("/", "p", "q", policy | {"dead-letter-strategy": "at-most-once"})
    server.advance(0)
    assert queue_of(server).waiting_count == 0


def test_without_reject_publish_the_strategy_is_at_most_once_and_the_log_says_so(
    peer: Peer, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """As in RabbitMQ."""
    with caplog.at_level(logging.WARNING, "leveret.queue"):
        declare(peer, overflow="drop-head")
    assert "at-most-once, because at-least-once does not go together" in caplog.text
    a_dead_letter(peer)
    assert queue_of(server).waiting_count == 0


def test_a_classic_queue_does_not_know_the_strategy(peer: Peer) -> None:
    name = "x-dead-letter-strategy"
    peer.send_method(1, Queue.Declare(queue="q", arguments={name: "at-least-once"}))
    peer.expect_channel_closed(
        406,
        f"PRECONDITION_FAILED - invalid arg '{name}' for queue 'q' in vhost '/' of queue type "
        "rabbit_classic_queue",
        (50, 10),
    )
