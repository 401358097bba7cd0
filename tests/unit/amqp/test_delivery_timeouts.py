"""The acknowledgement timeout of each queue, and what becomes of the messages."""

import pytest
from pamqp.commands import Basic, Channel, Queue

from conversations.memory import Server
from peer import Peer

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
