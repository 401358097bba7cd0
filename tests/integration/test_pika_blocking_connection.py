"""pika's BlockingConnection against the broker: bodies, properties, heartbeats, closing."""

import datetime
import select
from decimal import Decimal

import pika
import pytest

from .worker import pump

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def hello(channel, named):
    hello = named("hello")
    channel.queue_declare(hello)
    return hello


# A frame is seven octets of header, the payload and one octet of end: wire behaviour 11.
FRAME_OVERHEAD = 8


@pytest.mark.parametrize("frame_max", [4096, 131072])
@pytest.mark.parametrize("beyond_one_frame", [-1, 0, 1])
def test_a_body_around_the_frame_size_comes_back_unchanged(
    connect, hello, frame_max, beyond_one_frame
):
    channel = connect(frame_max=frame_max).channel()
    body = patterned(frame_max - FRAME_OVERHEAD + beyond_one_frame)

    channel.basic_publish("", hello, body)
    _method, _properties, delivered = channel.basic_get(hello, auto_ack=True)

    assert delivered == body


@pytest.mark.parametrize("size_bytes", [0, 1, 300_000, 5_000_000])
def test_a_body_of_any_size_comes_back_unchanged(channel, hello, size_bytes):
    body = patterned(size_bytes)

    channel.basic_publish("", hello, body)
    _method, _properties, delivered = channel.basic_get(hello, auto_ack=True)

    assert delivered == body


def test_a_reader_with_small_frames_gets_what_came_in_large_ones(connect, channel, hello):
    body = patterned(300_000)
    channel.basic_publish("", hello, body)

    small = connect(frame_max=4096).channel()
    _method, _properties, delivered = small.basic_get(hello, auto_ack=True)

    assert delivered == body


HEADERS = {
    "text": "Häschen",
    "empty text": "",
    "octets": b"\x00\xff",
    "true": True,
    "false": False,
    "small": -5,
    "past 32 bits": 2**40,
    "decimal": Decimal("3.14"),
    "when": datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC),
    "nothing": None,
    "table": {"nested": {"deeper": {"bottom": 1}}, "empty": {}},
    "array": [1, "two", [3, None], {"four": 4}],
}


def test_every_property_comes_back_as_it_was_sent(channel, hello):
    sent = pika.BasicProperties(
        content_type="application/json",
        content_encoding="utf-8",
        headers=HEADERS,
        delivery_mode=2,
        priority=7,
        correlation_id="correlation",
        reply_to="answers",
        expiration="600000",
        message_id="message",
        timestamp=1795435200,
        type="greeting",
        user_id="guest",
        app_id="warren",
        cluster_id="legacy",
    )

    channel.basic_publish("", hello, b"", sent)
    _method, delivered, _body = channel.basic_get(hello, auto_ack=True)

    assert delivered == sent
    assert list(delivered.headers) == list(HEADERS)


def test_absent_properties_stay_absent(channel, hello):
    channel.basic_publish("", hello, b"bare")
    _method, delivered, _body = channel.basic_get(hello, auto_ack=True)

    assert delivered == pika.BasicProperties()


def test_get_from_an_empty_queue_is_an_answer_not_an_error(channel, hello):
    assert channel.basic_get(hello) == (None, None, None)
    assert channel.is_open


def test_a_message_got_without_ack_returns_when_the_channel_closes(connect, channel, hello):
    other = connect().channel()
    channel.basic_publish("", hello, b"borrowed")
    method, _properties, _body = channel.basic_get(hello)
    assert not method.redelivered

    channel.close()

    method, _properties, body = other.basic_get(hello, auto_ack=True)
    assert (body, method.redelivered) == (b"borrowed", True)


def test_the_consume_generator_hands_out_messages_and_cancel_gives_the_rest_back(
    connect, channel, hello
):
    channel.confirm_delivery()
    for n in range(5):
        channel.basic_publish("", hello, b"%d" % n)

    reader = connect().channel()
    taken = []
    for method, _properties, body in reader.consume(hello, inactivity_timeout=10):
        assert method is not None, "no message within 10 s"
        taken.append(body)
        reader.basic_ack(method.delivery_tag)
        if len(taken) == 2:
            break
    reader.cancel()
    reader.close()

    assert taken == [b"0", b"1"]
    left = [channel.basic_get(hello, auto_ack=True)[2] for _ in range(4)]
    assert left == [b"2", b"3", b"4", None]


def test_requeued_messages_take_their_old_places(channel, hello):
    """Wire behaviour 57."""
    for body in (b"1", b"2", b"3"):
        channel.basic_publish("", hello, body)
    got = [channel.basic_get(hello)[0] for _ in range(2)]

    channel.basic_nack(got[0].delivery_tag, requeue=True)
    channel.basic_reject(got[1].delivery_tag, requeue=True)

    assert [channel.basic_get(hello)[2] for _ in range(3)] == [b"1", b"2", b"3"]


def test_a_multiple_ack_settles_everything_up_to_its_tag(connect, channel, hello):
    """Wire behaviour 22."""
    for n in range(4):
        channel.basic_publish("", hello, b"%d" % n)
    got = [channel.basic_get(hello)[0] for _ in range(4)]

    channel.basic_ack(got[2].delivery_tag, multiple=True)
    channel.close()

    other = connect().channel()
    assert other.basic_get(hello, auto_ack=True)[2] == b"3"
    assert other.basic_get(hello)[0] is None


def test_an_ack_of_an_unknown_tag_closes_the_channel_only(channel, hello):
    """Error table: ack of an unknown tag."""
    channel.basic_ack(delivery_tag=99)

    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.queue_declare(hello, passive=True)

    assert closed.value.args == (406, "PRECONDITION_FAILED - unknown delivery tag 99")
    assert channel.connection.is_open
    channel.connection.channel().queue_declare(hello, passive=True)


def test_a_publish_to_a_missing_exchange_closes_the_channel_only(connect, named):
    """Wire behaviour 37."""
    missing = named("missing")
    connection = connect()
    channel = connection.channel(5)
    channel.basic_publish(missing, "key", b"lost")

    pump(connection, until=lambda: channel.is_closed)
    with pytest.raises(pika.exceptions.ChannelWrongStateError):
        channel.basic_publish(missing, "key", b"too late")

    reopened = connection.channel(5)
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        reopened.exchange_declare(missing, passive=True)
    assert closed.value.args == (404, f"NOT_FOUND - no exchange '{missing}' in vhost '/'")


def test_a_client_can_hold_many_channels(connect, start_worker, hello):
    connection = connect()

    channels = [connection.channel() for _ in range(200)]
    for channel in channels:
        channel.basic_publish("", hello, b"%d" % channel.channel_number)

    worker = start_worker(hello, auto_ack=True)
    pump(worker, until=lambda: len(worker.received) == len(channels))
    assert {int(body) for body in worker.bodies} == {int(channel) for channel in channels}


def test_an_exclusive_queue_is_free_again_once_its_connection_has_closed(connect, named):
    """Wire behaviour 15."""
    private = named("private")
    for _ in range(10):
        connection = connect()
        connection.channel().queue_declare(private, exclusive=True)
        connection.close()


def test_an_exclusive_queue_is_locked_to_others(connect, named):
    """Error table: exclusive queue from another connection."""
    private = named("private")
    owner = connect()
    owner.channel().queue_declare(private, exclusive=True)
    owner.channel().queue_declare(private, passive=True)  # any channel of the owner may

    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as locked:
        connect().channel().queue_declare(private, passive=True)

    assert locked.value.reply_code == 405
    assert locked.value.reply_text.startswith(
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{private}'"
    )


def test_heartbeats_keep_an_idle_connection_and_their_absence_ends_one(connect, peer):
    """Wire behaviour 8: a peer is dead after two silent checks.

    Only time can show this: the test takes the two to three seconds until the broker gives the
    silent connection up, and all that while the other one idles.
    """
    idle = connect(heartbeat=1)
    peer.handshake(heartbeat=1)
    silent = peer.wire

    def silent_connection_has_ended():
        readable, _, _ = select.select([silent.socket], [], [], 0)
        return readable and not silent.receive(timeout=1)

    pump(idle, until=silent_connection_has_ended)

    assert idle.is_open
    idle.channel().queue_declare("", exclusive=True)


def test_a_connection_can_be_closed_with_channels_and_consumers_open(connect, hello):
    connection = connect()
    for _ in range(3):
        connection.channel().basic_consume(hello, lambda *_: None)

    connection.close()

    assert connection.is_closed
    left = connect().channel().queue_declare(hello, passive=True)
    assert left.method.consumer_count == 0


def patterned(size_bytes: int) -> bytes:
    """A body that shows it when one of its frames is lost, doubled or out of order."""
    return b"".join(b"%09d," % n for n in range(size_bytes // 10 + 1))[:size_bytes]
