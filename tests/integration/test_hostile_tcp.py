"""Strangers at the port: whatever they do, the clients that behave notice nothing."""

import contextlib
import socket

import pytest
from pamqp.commands import Basic, Channel

from peer import PROTOCOL_HEADER

from .worker import pump

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def dial(broker):
    """Opens raw connections and closes them after the test."""
    with contextlib.ExitStack() as opened:

        def open_socket():
            stranger = socket.create_connection((broker.host, broker.port), timeout=10)
            return opened.enter_context(stranger)

        yield open_socket


@pytest.fixture
def echo(channel, named):
    """Proves that a well-behaved client, connected before, is still served."""
    queue = named("echo")
    channel.queue_declare(queue)

    def echo():
        channel.basic_publish("", queue, b"still served")
        assert channel.basic_get(queue, auto_ack=True)[2] == b"still served"

    return echo


def all_that_comes(stranger):
    received = b""
    # Bytes that the server had not read when it closed turn its farewell into a reset.
    with contextlib.suppress(ConnectionResetError):
        while data := stranger.recv(4096):
            received += data
    return received


def test_connect_and_close_at_once_is_harmless(dial, echo, connect):
    """Wire behaviour 2: so do health checks."""
    for _ in range(20):
        dial().close()

    echo()
    connect()


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"AMQP\x00\x00\x08\x00", id="AMQP 0-8"),
        pytest.param(b"AMQP\x00\x01\x00\x00", id="AMQP 1.0"),
        pytest.param(bytes(range(255, 215, -1)), id="garbage"),
        pytest.param(bytes(8), id="zeros"),
    ],
)
def test_another_protocol_is_told_ours_and_shown_out(dial, echo, greeting):
    """Wire behaviour 1."""
    stranger = dial()
    stranger.sendall(greeting)

    assert all_that_comes(stranger) == PROTOCOL_HEADER
    echo()


def test_garbage_after_the_header_ends_that_connection_only(dial, echo):
    stranger = dial()
    stranger.sendall(PROTOCOL_HEADER + b"\xff" * 4096)

    all_that_comes(stranger)
    echo()


def test_half_a_header_and_then_silence_does_not_disturb_others(dial, echo, connect):
    for sent in range(1, 8):
        dial().sendall(PROTOCOL_HEADER[:sent])

    echo()
    connect()


def test_a_client_that_stops_in_the_middle_of_a_frame_does_not_disturb_others(peer, echo):
    peer.handshake()
    peer.call(Channel.Open(), 1)

    peer.send_raw(b"\x01\x00\x01\x00\x00\x10\x00half a frame")
    echo()

    peer.close()
    echo()


def test_two_hundred_connections_that_come_and_go_leave_nothing_behind(dial, echo, connect):
    strangers = [dial() for _ in range(200)]
    for stranger in strangers[::2]:
        stranger.sendall(PROTOCOL_HEADER)
    for stranger in strangers:
        stranger.close()

    echo()
    connect()


# Enough for the stalled reader's half to outgrow every buffer on the way: the sockets' buffers
# take a few megabytes, and RabbitMQ sends a consumer no more than 200 messages ahead.
MESSAGES = 500
BODY_SIZE_BYTES = 65_536


def test_a_consumer_that_never_reads_does_not_stop_another(peer, channel, start_worker, named):
    queue = named("shared")
    channel.queue_declare(queue)
    peer.handshake()
    peer.call(Channel.Open(), 1)
    peer.call(Basic.Consume(queue=queue), 1)  # and from now on it does not read
    reader = start_worker(queue)

    for n in range(MESSAGES):
        channel.basic_publish("", queue, b"%05d" % n + bytes(BODY_SIZE_BYTES - 5))
    pump(reader, until=lambda: len(reader.received) >= MESSAGES // 2, deadline_seconds=30)

    # What the other one was sent, read or not, it did not acknowledge: it comes here now.
    peer.close()
    pump(reader, until=lambda: len(reader.received) == MESSAGES, deadline_seconds=30)

    assert {int(body[:5]) for body in reader.bodies} == set(range(MESSAGES))
