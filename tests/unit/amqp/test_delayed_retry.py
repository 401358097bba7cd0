"""Messages that come back wait before they are tried again: x-delayed-retry-* (features 2.3)."""

from collections.abc import Callable

import pytest
from pamqp.commands import Basic, Channel, Queue, Tx

from conversations.memory import Server
from leveret.broker.compat import Compat
from leveret.broker.queues.classic import ClassicQueue
from peer import Peer

MIN = "x-delayed-retry-min"
MAX = "x-delayed-retry-max"
TYPE = "x-delayed-retry-type"
BACK_OFF = {TYPE: "all", MIN: 1000, MAX: 2500}
QUORUM = {"x-queue-type": "quorum"}


def declare(peer: Peer, **arguments: object) -> None:
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    peer.call(Queue.Declare(queue="q", durable=True, arguments=given))


def nack(peer: Peer, got: object) -> None:
    peer.send_method(1, Basic.Nack(got.delivery_tag, requeue=True))  # type: ignore[attr-defined]


def reject(peer: Peer, got: object) -> None:
    peer.send_method(1, Basic.Reject(got.delivery_tag, requeue=True))  # type: ignore[attr-defined]


def recover(peer: Peer, got: object) -> None:
    peer.send_method(1, Basic.Recover(requeue=True))


def waits(server: Server, peer: Peer, seconds: float) -> object:
    """The next delivery, which must come then and not before."""
    if seconds:
        server.advance(seconds - 0.001)
        peer.expect_nothing()
        server.advance(0.001)
    return peer.expect(Basic.Deliver)


def queue_of(server: Server) -> ClassicQueue:
    return server.broker.vhosts["/"].queues["q"]


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_each_failure_has_a_message_wait_longer_up_to_the_maximum(
    peer: Peer, server: Server, queue_type: str
) -> None:
    peer.call(
        Queue.Declare(queue="q", durable=True, arguments=BACK_OFF | {"x-queue-type": queue_type})
    )
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    got = peer.expect(Basic.Deliver)
    for seconds in (1.0, 2.0, 2.5, 2.5):
        reject(peer, got)
        got = waits(server, peer, seconds)
        assert got.redelivered  # type: ignore[attr-defined]


def test_without_a_maximum_the_wait_grows_on(peer: Peer, server: Server) -> None:
    declare(peer, x_delayed_retry_type="all", x_delayed_retry_min=1000)
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    got = peer.expect(Basic.Deliver)
    for seconds in range(1, 6):
        reject(peer, got)
        got = waits(server, peer, seconds)


@pytest.mark.parametrize(
    ("retry_type", "back", "wait"),
    [
        ("all", nack, 1.0),
        ("all", reject, 1.0),
        ("failed", nack, 0.0),
        ("failed", recover, 0.0),
        ("failed", reject, 1.0),
        ("returned", nack, 1.0),
        ("returned", recover, 1.0),
        ("returned", reject, 0.0),
        ("disabled", reject, 0.0),
    ],
)
def test_the_type_says_which_messages_wait(
    peer: Peer,
    server: Server,
    retry_type: str,
    back: Callable[[Peer, object], None],
    wait: float,
) -> None:
    declare(peer, x_delayed_retry_type=retry_type, x_delayed_retry_min=1000)
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    back(peer, peer.expect(Basic.Deliver))
    if back is recover:
        peer.expect(Basic.RecoverOk)
    waits(server, peer, wait)


def test_what_a_channel_held_that_ended_has_failed(peer: Peer, server: Server) -> None:
    declare(peer, x_delayed_retry_type="failed", x_delayed_retry_min=1000)
    peer.publish(1, "", "q", b"m")
    peer.open_channels([2])
    peer.call(Basic.Get(queue="q"), 2)
    peer.call(Channel.Close(0, "", 0, 0), 2)
    peer.call(Basic.Consume(queue="q"))
    waits(server, peer, 1.0)


def test_a_transaction_s_returns_wait_from_its_commit_on(peer: Peer, server: Server) -> None:
    declare(peer, x_delayed_retry_type="failed", x_delayed_retry_min=1000)
    for body in (b"1", b"2"):
        peer.publish(1, "", "q", body)
    peer.call(Tx.Select())
    peer.call(Basic.Consume(queue="q"))
    first, second = peer.expect(Basic.Deliver), peer.expect(Basic.Deliver)
    reject(peer, first)
    nack(peer, second)
    server.advance(5)
    peer.expect_nothing()
    peer.send_method(1, Tx.Commit())
    # What waits for nothing is there with the commit.
    frames = [peer.next(1), peer.next(1)]
    assert [frame.body for frame in frames if frame.body] == [b"2"]
    assert waits(server, peer, 1.0).body == b"1"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("level", "waits_s"), [("4.2", [1, 2, 3]), ("4.3", [1, 1, 1])])
def test_a_nack_is_no_failure_from_4_3_on(
    peer: Peer, server: Server, level: str, waits_s: list[int]
) -> None:
    server.broker.vhosts["/"].compat = Compat(level)
    declare(peer, x_queue_type="quorum", x_delayed_retry_type="all", x_delayed_retry_min=1000)
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    got = peer.expect(Basic.Deliver)
    for seconds in waits_s:
        nack(peer, got)
        got = waits(server, peer, seconds)


def test_from_4_3_on_only_failures_count_towards_the_delivery_limit(
    peer: Peer, server: Server
) -> None:
    """Wire behaviour 59."""
    server.broker.vhosts["/"].compat = Compat("4.3")
    declare(peer, x_queue_type="quorum", x_delivery_limit=1)
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    for _ in range(3):
        nack(peer, peer.expect(Basic.Deliver))
    got = peer.expect(Basic.Deliver)
    assert got.properties.headers == {"x-acquired-count": 3}
    reject(peer, got)
    got = peer.expect(Basic.Deliver)
    assert got.properties.headers == {"x-acquired-count": 4, "x-delivery-count": 1}
    reject(peer, got)
    peer.expect_nothing()
    assert queue_of(server).unacked_count == 0


def test_past_the_delivery_limit_nothing_waits(peer: Peer, server: Server) -> None:
    peer.call(Queue.Declare(queue="dead"))
    declare(
        peer,
        **BACK_OFF,
        x_delivery_limit=1,
        x_dead_letter_exchange="",
        x_dead_letter_routing_key="dead",
    )
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    reject(peer, peer.expect(Basic.Deliver))
    reject(peer, waits(server, peer, 1.0))
    assert peer.call(Basic.Get(queue="dead")).body == b"m"


def test_others_are_delivered_meanwhile_and_a_retried_one_goes_before_them(
    peer: Peer, server: Server
) -> None:
    declare(peer, **BACK_OFF)
    for body in (b"1", b"2", b"3"):
        peer.publish(1, "", "q", body)
    reject(peer, peer.call(Basic.Get(queue="q")))
    assert peer.call(Basic.Get(queue="q", no_ack=True)).body == b"2"
    server.advance(1)
    assert peer.call(Basic.Get(queue="q", no_ack=True)).body == b"1"


def test_a_message_that_waits_is_counted_and_is_neither_ready_nor_unacked(
    peer: Peer, server: Server
) -> None:
    declare(peer, **BACK_OFF)
    peer.publish(1, "", "q", b"m")
    reject(peer, peer.call(Basic.Get(queue="q")))
    assert peer.call(Queue.Declare(queue="q", passive=True)).message_count == 0
    queue = queue_of(server)
    assert (queue.ready_count, queue.unacked_count, queue.waiting_count) == (0, 0, 1)
    assert queue.ready_count + queue.unacked_count + queue.waiting_count == 1
    server.advance(1)
    assert (queue.ready_count, queue.unacked_count, queue.waiting_count) == (1, 0, 0)


def test_many_messages_wait_for_one_timer(peer: Peer, server: Server) -> None:
    declare(peer, **BACK_OFF)
    for _ in range(100):
        peer.publish(1, "", "q", b"m")
    pending: list[int] = []
    for _ in range(100):
        reject(peer, peer.call(Basic.Get(queue="q")))
        server.advance(0.001)
        pending.append(server.clock.pending())
    assert set(pending) == {pending[0]}
    server.advance(1)
    assert queue_of(server).ready_count == 100


def test_a_queue_with_a_message_that_waits_is_not_empty(peer: Peer, server: Server) -> None:
    declare(peer, **BACK_OFF)
    peer.publish(1, "", "q", b"m")
    reject(peer, peer.call(Basic.Get(queue="q")))
    peer.send_method(1, Queue.Delete(queue="q", if_empty=True))
    peer.expect_channel_closed(
        406, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty", (50, 40)
    )


def test_purging_a_queue_takes_what_waits_with_it(peer: Peer, server: Server) -> None:
    declare(peer, **BACK_OFF)
    for _ in range(2):
        peer.publish(1, "", "q", b"m")
    reject(peer, peer.call(Basic.Get(queue="q")))
    assert peer.call(Queue.Purge(queue="q")).message_count == 2
    server.advance(10)
    assert (queue_of(server).ready_count, queue_of(server).waiting_count) == (0, 0)


def test_deleting_a_queue_takes_what_waits_with_it(peer: Peer, server: Server) -> None:
    declare(peer, **BACK_OFF)
    peer.publish(1, "", "q", b"m")
    reject(peer, peer.call(Basic.Get(queue="q")))
    before = server.clock.pending()
    assert peer.call(Queue.Delete(queue="q")).message_count == 1
    assert server.clock.pending() == before - 1


def test_a_policy_has_messages_wait_and_the_arguments_go_before_it(
    peer: Peer, server: Server
) -> None:
    server.set_policy("/", "p", ".*", {"delayed-retry-type": "all", "delayed-retry-min": 3000})
    declare(peer, x_delayed_retry_min=1000)
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    reject(peer, peer.expect(Basic.Deliver))
    waits(server, peer, 1.0)


def test_what_waits_already_waits_on_when_the_rule_goes(peer: Peer, server: Server) -> None:
    declare(peer, **BACK_OFF)
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    reject(peer, peer.expect(Basic.Deliver))
    queue = queue_of(server)
    rules = queue.rules
    rules.delayed_retry_type = "disabled"
    queue.obey(rules)
    reject(peer, waits(server, peer, 1.0))
    peer.expect(Basic.Deliver)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (TYPE, "sometimes", "invalid_delayed_retry_type"),
        (TYPE, 1, "{unacceptable_type,signedint}"),
        (MIN, -1, "{value_negative,-1}"),
        (MAX, "1", '"expected integer, got longstr"'),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    peer: Peer, name: str, value: object, reason: str
) -> None:
    peer.send_method(1, Queue.Declare(queue="q", arguments={name: value}))
    peer.expect_channel_closed(
        406,
        f"PRECONDITION_FAILED - invalid arg '{name}' for queue 'q' in vhost '/': {reason}",
        (50, 10),
    )
