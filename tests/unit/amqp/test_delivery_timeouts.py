"""The acknowledgement timeout of each queue, and what becomes of the messages."""

import pytest
from pamqp.commands import Basic, Channel, Queue, Tx

from conversations.memory import Server
from leveret.broker.queues import dead_letter
from peer import Peer, unchecked

TIMEOUT = "x-consumer-timeout"


def declare(peer: Peer, name: str, timeout_ms: int | None = None, messages: int = 1) -> None:
    arguments = {} if timeout_ms is None else {TIMEOUT: timeout_ms}
    peer.call(Queue.Declare(queue=name, arguments=arguments))
    for number in range(messages):
        peer.publish(1, "", name, b"%d" % number)


def expect_timeout(peer: Peer, timeout_ms: int, channel: int = 1) -> None:
    close = peer.expect(Channel.Close, channel)
    assert (close.reply_code, close.class_id, close.method_id) == (406, 0, 0)
    assert f"Timeout value used: {timeout_ms} ms." in close.reply_text
    peer.send_method(channel, Channel.CloseOk())


@pytest.mark.parametrize("timeout_ms", [1, 500, 60_000, 7_200_000])
def test_a_queue_has_its_own_timeout(peer: Peer, server: Server, timeout_ms: int) -> None:
    declare(peer, "q", timeout_ms)
    peer.call(Basic.Get(queue="q"))
    server.advance(timeout_ms / 1000 * 0.9)
    peer.expect_nothing()
    server.advance(timeout_ms / 1000 * 0.2)
    expect_timeout(peer, timeout_ms)


def test_the_soonest_of_several_queues_ends_the_channel(peer: Peer, server: Server) -> None:
    declare(peer, "slow", 90_000)
    declare(peer, "default")
    declare(peer, "fast", 5_000)
    for name in ("slow", "default", "fast"):
        peer.call(Basic.Get(queue=name))
    server.advance(4.9)
    peer.expect_nothing()
    server.advance(0.2)
    expect_timeout(peer, 5_000)


@pytest.mark.parametrize("order", [("slow", "fast"), ("fast", "slow")])
def test_each_delivery_has_the_time_of_its_queue(
    peer: Peer, server: Server, order: tuple[str, str]
) -> None:
    declare(peer, "slow", 90_000)
    declare(peer, "fast", 5_000)
    tags = {name: peer.call(Basic.Get(queue=name)).delivery_tag for name in order}
    peer.send_method(1, Basic.Ack(tags["fast"]))
    server.advance(89)
    peer.expect_nothing()
    server.advance(2)
    expect_timeout(peer, 90_000)


def test_a_later_delivery_may_be_due_sooner(peer: Peer, server: Server) -> None:
    declare(peer, "slow", 90_000)
    declare(peer, "fast", 5_000)
    peer.call(Basic.Get(queue="slow"))
    server.advance(60)
    peer.call(Basic.Get(queue="fast"))
    server.advance(5.1)
    expect_timeout(peer, 5_000)


def test_zero_is_no_timeout(peer: Peer, server: Server) -> None:
    declare(peer, "q", 0)
    peer.call(Basic.Get(queue="q"))
    assert server.clock.pending() == 0
    server.advance(1e9)
    peer.expect_nothing()


def test_a_queue_without_a_timeout_shields_no_other(peer: Peer, server: Server) -> None:
    declare(peer, "never", 0)
    declare(peer, "q", 5_000)
    peer.call(Basic.Get(queue="never"))
    peer.call(Basic.Get(queue="q"))
    server.advance(5.1)
    expect_timeout(peer, 5_000)


def test_the_default_is_a_setting_and_may_be_none() -> None:
    for seconds, expected in ((2.5, 2500), (0, None)):
        server = Server(consumer_timeout_seconds=seconds)
        peer = Peer(server.connect()).handshake().open_channels()
        declare(peer, "q")
        peer.call(Basic.Get(queue="q"))
        server.advance(100)
        if expected is None:
            peer.expect_nothing()
        else:
            expect_timeout(peer, expected)


def test_a_queue_may_be_slower_than_the_default(peer: Peer, server: Server) -> None:
    declare(peer, "q", 7_200_000)
    peer.call(Basic.Get(queue="q"))
    server.advance(3600)
    peer.expect_nothing()


def test_the_messages_go_to_a_consumer_that_waits(connect, peer: Peer, server: Server) -> None:
    declare(peer, "q", 5_000, messages=3)
    other = connect()
    peer.call(Basic.Qos(prefetch_count=2))
    peer.call(Basic.Consume(queue="q"))
    other.call(Basic.Consume(queue="q"))
    assert other.expect(Basic.Deliver).body == b"2"
    other.send_method(1, Basic.Ack(1))
    server.advance(5.1)
    again = [other.expect(Basic.Deliver) for _ in range(2)]
    assert [(each.body, each.redelivered) for each in again] == [(b"0", True), (b"1", True)]


def test_the_same_consumer_number_may_try_again(peer: Peer, server: Server) -> None:
    declare(peer, "q", 5_000)
    for redelivered in (False, True, True):
        peer.call(Basic.Consume(queue="q", consumer_tag="c"))
        delivery = peer.expect(Basic.Deliver)
        assert (delivery.delivery_tag, delivery.redelivered) == (1, redelivered)
        server.advance(5.1)
        expect_timeout(peer, 5_000)
        peer.open_channels()


def test_a_channel_that_ended_has_no_timer_left(peer: Peer, server: Server) -> None:
    declare(peer, "q", 5_000)
    peer.call(Basic.Get(queue="q"))
    assert server.clock.pending() == 1
    peer.call(Channel.Close(200, "", 0, 0))
    assert server.clock.pending() == 0


def test_an_acknowledged_delivery_leaves_no_timer_running_for_ever(
    peer: Peer, server: Server
) -> None:
    declare(peer, "q", 5_000)
    peer.call(Basic.Get(queue="q"))
    peer.send_method(1, Basic.Ack(1))
    server.advance(5.1)
    assert server.clock.pending() == 0


def test_thousands_of_deliveries_need_one_timer(peer: Peer, server: Server) -> None:
    declare(peer, "q", messages=1000)
    peer.call(Basic.Consume(queue="q"))
    for tag in range(1, 1001):
        peer.expect(Basic.Deliver)
        peer.send_method(1, Basic.Ack(tag))
    assert server.clock.pending() == 1


def test_the_time_of_a_dead_letter_begins_when_it_is_delivered(peer: Peer, server: Server) -> None:
    """Though nobody has said anything since it was published."""
    declare(peer, "work", 10_000, messages=0)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "work"}
    peer.call(Queue.Declare(queue="delay", arguments=arguments))
    peer.call(Basic.Consume(queue="work", consumer_tag="t"))
    peer.publish(1, "", "delay", b"m", Basic.Properties(expiration="3600000"))
    server.advance(3600)
    assert peer.expect(Basic.Deliver).body == b"m"
    server.advance(9.9)
    peer.expect_nothing()
    server.advance(0.2)
    expect_timeout(peer, 10_000)


def test_each_of_many_dead_letters_has_the_time_of_the_turn_that_moved_it(
    peer: Peer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn moves one of them, and the next turn is 4 seconds late."""
    call_at = server.clock.call_at
    declare(peer, "work", 10_000, messages=0)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "work"}
    peer.call(Queue.Declare(queue="first", arguments=arguments))
    peer.call(Basic.Consume(queue="work"))
    for number in range(3):
        peer.publish(1, "", "first", b"%d" % number)
        peer.call(Basic.Get(queue="first"))
    with monkeypatch.context() as busy:
        busy.setattr(dead_letter, "TURN_SECONDS", -1.0)
        busy.setattr(server.clock, "call_at", lambda when, call: call_at(when + 4, call))
        peer.send_method(1, Basic.Nack(3, multiple=True, requeue=False))
        server.advance(9)
    deliveries = [peer.expect(Basic.Deliver) for _ in range(3)]
    assert [each.body for each in deliveries] == [b"0", b"1", b"2"]
    peer.send_method(1, Basic.Ack(deliveries[1].delivery_tag, multiple=True))
    server.advance(8.9)
    peer.expect_nothing()
    server.advance(0.2)
    expect_timeout(peer, 10_000)


def test_the_time_begins_when_another_consumers_connection_ends(
    connect, peer: Peer, server: Server
) -> None:
    other = connect()
    declare(peer, "q", 0)
    other.call(Basic.Consume(queue="q"))
    other.expect(Basic.Deliver)
    peer.call(Basic.Consume(queue="q"))
    queue = server.broker.vhosts["/"].queues["q"]
    queue.consumer_timeout_s = 10.0
    server.advance(3600)
    other.close()
    assert peer.expect(Basic.Deliver).body == b"0"
    server.advance(9.9)
    peer.expect_nothing()
    server.advance(0.2)
    expect_timeout(peer, 10_000)


# --- from level 4.3 on ---

QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
def server_4_3() -> Server:
    return Server(compat="4.3")


def a_peer(server: Server, hears: bool = True) -> Peer:
    capabilities = {"capabilities": {"consumer_cancel_notify": hears}}
    return Peer(server.connect()).handshake(client_properties=capabilities).open_channels()


def test_the_servers_timeout_is_for_quorum_queues_only(server_4_3: Server) -> None:
    peer = a_peer(server_4_3)
    peer.call(Queue.Declare(queue="q", durable=True))
    peer.publish(1, "", "q", b"m")
    peer.call(Basic.Consume(queue="q"))
    peer.expect(Basic.Deliver)
    server_4_3.advance(7200)
    peer.expect_nothing()


def test_a_late_consumer_is_cancelled_and_its_channel_goes_on(server_4_3: Server) -> None:
    peer, other = a_peer(server_4_3), a_peer(server_4_3)
    peer.call(Queue.Declare(queue="q", durable=True, arguments=QUORUM))
    peer.call(Basic.Consume(queue="q", consumer_tag="late"))
    peer.publish(1, "", "q", b"1")
    assert peer.expect(Basic.Deliver).delivery_tag == 1
    server_4_3.advance(1000)
    peer.publish(1, "", "q", b"2")
    assert peer.expect(Basic.Deliver).delivery_tag == 2
    other.call(Basic.Consume(queue="q", consumer_tag="other"))
    server_4_3.advance(801)
    assert peer.expect(Basic.Cancel).consumer_tag == "late"
    again = other.expect(Basic.Deliver)
    assert (again.body, again.redelivered) == (b"1", True)
    assert again.properties.headers["x-delivery-count"] == 1
    # The one acknowledges what has gone back, and what it still has; nobody minds.
    peer.send_method(1, Basic.Ack(delivery_tag=1))
    peer.send_method(1, Basic.Ack(delivery_tag=2))
    other.send_method(1, Basic.Ack(delivery_tag=1))
    assert peer.call(Queue.Declare(queue="q", passive=True)).message_count == 0
    other.call(Queue.Declare(queue="q", passive=True))
    queue = server_4_3.broker.vhosts["/"].queues["q"]
    assert (queue.unacked_count, len(queue.consumers)) == (0, 1)
    peer.send_method(1, Basic.Ack(delivery_tag=1))
    assert peer.expect(Channel.Close).reply_code == 406


@pytest.mark.parametrize("multiple", [False, True])
def test_what_went_back_may_be_rejected_too(server_4_3: Server, multiple: bool) -> None:
    peer = a_peer(server_4_3)
    peer.call(Queue.Declare(queue="q", durable=True, arguments=QUORUM))
    peer.call(Basic.Consume(queue="q"))
    for body in (b"1", b"2"):
        peer.publish(1, "", "q", body)
        peer.expect(Basic.Deliver)
    server_4_3.advance(1801)
    peer.expect(Basic.Cancel)
    peer.send_method(1, unchecked(Basic.Nack, delivery_tag=2, multiple=multiple, requeue=False))
    assert peer.call(Queue.Declare(queue="q", passive=True)).message_count == 2


def declare_quorum(peer: Peer, name: str, timeout_ms: int) -> None:
    arguments = QUORUM | {TIMEOUT: timeout_ms}
    peer.call(Queue.Declare(queue=name, durable=True, arguments=arguments))


@pytest.mark.parametrize(("timeout_ms", "pause"), [(2_000, 0.2), (60_000, 1.0)])
def test_one_check_is_for_all_that_falls_due_shortly_after_it(
    server_4_3: Server, timeout_ms: int, pause: float
) -> None:
    """Each looks at all that is unacked, so there is not one for every delivery."""
    peer = a_peer(server_4_3)
    declare_quorum(peer, "q", timeout_ms)
    peer.call(Basic.Consume(queue="q"))
    for _ in range(50):
        peer.publish(1, "", "q", b"m")
        peer.expect(Basic.Deliver)
        server_4_3.advance(pause / 100)
    queue = server_4_3.broker.vhosts["/"].queues["q"]
    server_4_3.advance(timeout_ms / 1000 - pause / 2 + 0.001)
    peer.expect(Basic.Cancel)
    assert queue.unacked_count == 49
    # All are due by now.
    server_4_3.advance(pause * 0.9)
    assert queue.unacked_count == 49
    server_4_3.advance(pause * 0.1)
    assert queue.unacked_count == 0
    assert server_4_3.clock.pending() == 0


def test_a_pause_holds_up_no_delivery_that_has_less_time(server_4_3: Server) -> None:
    peer = a_peer(server_4_3)
    declare_quorum(peer, "slow", 60_000)
    declare_quorum(peer, "fast", 1_000)
    for name in ("slow", "fast"):
        peer.call(Basic.Consume(queue=name, consumer_tag=name))
    for _ in range(2):
        peer.publish(1, "", "slow", b"m")
        peer.expect(Basic.Deliver)
        server_4_3.advance(0.1)
    server_4_3.advance(59.0)
    peer.publish(1, "", "fast", b"m")
    peer.expect(Basic.Deliver)
    server_4_3.advance(0.9)
    assert peer.expect(Basic.Cancel).consumer_tag == "slow"
    server_4_3.advance(0.2)
    assert peer.expect(Basic.Cancel).consumer_tag == "fast"


def three_late(server: Server) -> Peer:
    """Three deliveries, 1 to 3, went back and came again as 4 to 6."""
    peer = a_peer(server)
    declare_quorum(peer, "q", 5_000)
    peer.call(Basic.Consume(queue="q"))
    for _ in range(3):
        peer.publish(1, "", "q", b"m")
        peer.expect(Basic.Deliver)
    server.advance(5.1)
    peer.expect(Basic.Cancel)
    peer.call(Basic.Consume(queue="q"))
    assert [peer.expect(Basic.Deliver).delivery_tag for _ in range(3)] == [4, 5, 6]
    return peer


@pytest.mark.parametrize("up_to", [0, 3, 4, 6])
def test_what_went_back_is_acknowledged_with_all_up_to_a_later_tag(
    server_4_3: Server, up_to: int
) -> None:
    peer = three_late(server_4_3)
    peer.send_method(1, Basic.Ack(delivery_tag=up_to, multiple=True))
    peer.expect_nothing()
    # Once, like any other delivery.
    peer.send_method(1, Basic.Ack(delivery_tag=1))
    close = peer.expect(Channel.Close)
    assert (close.reply_code, close.reply_text) == (
        406,
        "PRECONDITION_FAILED - unknown delivery tag 1",
    )


def test_what_went_back_after_the_acknowledged_tag_may_still_be(server_4_3: Server) -> None:
    peer = three_late(server_4_3)
    peer.send_method(1, Basic.Ack(delivery_tag=2, multiple=True))
    peer.send_method(1, Basic.Ack(delivery_tag=3))
    peer.expect_nothing()
    peer.send_method(1, Basic.Ack(delivery_tag=2))
    assert peer.expect(Channel.Close).reply_code == 406


@pytest.mark.parametrize("method", [Basic.Recover, Basic.RecoverAsync])
def test_nothing_is_acknowledged_any_more_after_it_was_recovered(
    server_4_3: Server, method: type[Basic.Recover]
) -> None:
    peer = three_late(server_4_3)
    peer.send_method(1, unchecked(method, requeue=True))
    if method is Basic.Recover:
        peer.expect(Basic.RecoverOk)
    assert [peer.expect(Basic.Deliver).delivery_tag for _ in range(3)] == [7, 8, 9]
    peer.send_method(1, Basic.Ack(delivery_tag=3))
    close = peer.expect(Channel.Close)
    assert (close.reply_code, close.reply_text) == (
        406,
        "PRECONDITION_FAILED - unknown delivery tag 3",
    )


@pytest.mark.parametrize(("tag", "multiple", "left"), [(1, False, 3), (3, True, 3), (5, True, 1)])
def test_a_transaction_takes_an_acknowledgement_of_what_went_back(
    server_4_3: Server, tag: int, multiple: bool, left: int
) -> None:
    peer = three_late(server_4_3)
    peer.call(Tx.Select())
    peer.send_method(1, Basic.Ack(delivery_tag=tag, multiple=multiple))
    peer.call(Tx.Commit())
    assert server_4_3.broker.vhosts["/"].queues["q"].unacked_count == left
    peer.send_method(1, Basic.Ack(delivery_tag=tag, multiple=multiple))
    assert peer.expect(Channel.Close).reply_code == 406


@pytest.mark.parametrize(("hears", "consumes"), [(False, True), (True, False)])
def test_who_cannot_be_told_loses_the_channel(
    server_4_3: Server, hears: bool, consumes: bool
) -> None:
    peer = a_peer(server_4_3, hears)
    peer.call(Queue.Declare(queue="q", durable=True, arguments=QUORUM))
    peer.publish(1, "", "q", b"m")
    if consumes:
        peer.call(Basic.Consume(queue="q"))
        peer.expect(Basic.Deliver)
    else:
        peer.call(Basic.Get(queue="q"))
    server_4_3.advance(1801)
    expect_timeout(peer, 1_800_000)
