"""Octets that are no frames, and frames that are no methods."""

import struct

import pytest
from pamqp.commands import Basic, Channel, Connection, Exchange, Queue

from peer import (
    BODY,
    HEADER,
    HEARTBEAT,
    METHOD,
    fields,
    frame,
    longstr,
    method_frame,
    shortstr,
    table,
)

SILENT_CLOSE_SECONDS = 3


def method(class_id, method_id, arguments=b"", channel=1):
    return frame(METHOD, channel, struct.pack(">HH", class_id, method_id) + arguments)


@pytest.mark.parametrize("channel", [0, 1, 5])
@pytest.mark.parametrize("kind", [0, 4, 5, 7, 9, 65, 255])
def test_an_unknown_frame_type_closes_the_connection(peer, kind, channel):
    """Error table: bad frame type."""
    peer.send_raw(frame(kind, channel, b"abc"))
    text = f'FRAME_ERROR - type {kind}, all octets = <<"abc">>: unknown_frame'
    peer.expect_connection_closed(501, text)


@pytest.mark.parametrize(
    ("payload", "octets"),
    [
        (b"", "all octets = <<>>"),
        (b"\0", "all octets = <<0>>"),
        (b"a\nb", 'all octets = <<"a\\nb">>'),
        (b"ab\0", "all octets = <<97,98,0>>"),
        (b"x" * 16, 'all octets = <<"xxxxxxxxxxxxxxxx">>'),
        (b"x" * 17, 'first 16 octets = <<"xxxxxxxxxxxxxxxx">>'),
    ],
)
def test_the_octets_of_a_bad_frame_are_shown_as_erlang_shows_them(peer, payload, octets):
    peer.send_raw(frame(9, 0, payload))
    peer.expect_connection_closed(501, f"FRAME_ERROR - type 9, {octets}: unknown_frame")


@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize(
    ("payload", "octets"), [(b"", "<<>>"), (b"\0", "<<0>>"), (b"\0\x3c\0", "<<0,60,0>>")]
)
def test_a_method_frame_too_short_for_a_method(peer, channel, payload, octets):
    peer.send_raw(frame(METHOD, channel, payload))
    text = f"FRAME_ERROR - type 1, all octets = {octets}: unknown_frame"
    peer.expect_connection_closed(501, text)


def test_a_header_frame_too_short_for_a_header(peer):
    peer.send_raw(frame(HEADER, 1, b"\0\x3c\0"))
    text = "FRAME_ERROR - type 2, all octets = <<0,60,0>>: unknown_frame"
    peer.expect_connection_closed(501, text)


def test_a_wrong_frame_end_closes_the_connection(peer):
    """Error table: bad frame end; wire behaviour 12."""
    peer.send_raw(frame(METHOD, 1, b"\0\x14\0\x0b", end=0))
    text = "FRAME_ERROR - type 1, all octets = <<0,20,0,11>>: {invalid_frame_end_marker,0}"
    peer.expect_connection_close(501, text)


def test_a_frame_too_large_is_refused_by_its_heading(peer):
    """Error table: frame too large; wire behaviour 11."""
    peer.send_raw(struct.pack(">BHI", BODY, 1, 131_073))
    text = "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,131073,131064}"
    peer.expect_connection_close(501, text)


def test_the_frame_size_agreed_is_the_limit(stranger):
    """Wire behaviour 11."""
    small = stranger().handshake(frame_max=4096).open_channels()
    small.send_raw(struct.pack(">BHI", BODY, 1, 4097))
    text = "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}"
    small.expect_connection_close(501, text)


@pytest.mark.parametrize("size", [131_064, 131_065, 131_072])
def test_eight_octets_too_many_are_tolerated(peer, size):
    """Wire behaviour 11."""
    peer.send_raw(method(60, 40, b"\0\0" + shortstr("") + shortstr("nobody") + b"\1"))
    peer.send_raw(frame(HEADER, 1, struct.pack(">HHQH", 60, 0, size, 0)))
    peer.send_raw(frame(BODY, 1, b"x" * size))
    assert len(peer.expect(Basic.Return).body) == size


@pytest.mark.parametrize("channel", [1, 5])
def test_a_heartbeat_belongs_on_channel_zero(peer, channel):
    """Error table: heartbeat on channel ≠ 0."""
    peer.send_raw(frame(HEARTBEAT, channel, b""))
    peer.expect_connection_closed(505, "UNEXPECTED_FRAME - type 8, all octets = <<>>")


def test_a_heartbeat_carries_nothing(peer):
    """Wire behaviour 8."""
    peer.send_raw(frame(HEARTBEAT, 0, b"abc"))
    text = 'FRAME_ERROR - type 8, all octets = <<"abc">>: unknown_frame'
    peer.expect_connection_closed(501, text)


def test_a_heartbeat_is_taken_at_any_time(stranger):
    """Wire behaviour 8: also by those who agreed on none, and between the frames of a content."""
    peer = stranger()
    beat = frame(HEARTBEAT, 0, b"")
    peer.greet()
    peer.send_raw(beat)
    peer.log_in()
    peer.expect(Connection.Tune)
    peer.send_raw(beat)
    peer.send_method(0, Connection.TuneOk(2047, 131_072, 0))
    peer.send_raw(beat)
    peer.call(Connection.Open("/"), 0)
    peer.open_channels()
    peer.send_raw(method(60, 40, b"\0\0" + shortstr("") + shortstr("nobody") + b"\1"))
    peer.send_raw(beat)
    peer.send_raw(frame(HEADER, 1, struct.pack(">HHQH", 60, 0, 1, 0)))
    peer.send_raw(beat)
    peer.send_raw(frame(BODY, 1, b"x"))
    assert peer.expect(Basic.Return).body == b"x"


def test_content_on_channel_zero_closes_the_connection(peer):
    peer.send_raw(frame(BODY, 0, b"abc"))
    peer.expect_connection_closed(505, 'UNEXPECTED_FRAME - type 3, all octets = <<"abc">>')


@pytest.mark.parametrize("channel", [0, 1, 5])
@pytest.mark.parametrize(("class_id", "method_id"), [(77, 10), (50, 99), (10, 99), (0, 0)])
def test_an_unknown_method_ends_the_connection(peer, channel, class_id, method_id):
    peer.send_raw(method(class_id, method_id, channel=channel))
    peer.expect_connection_ended()


@pytest.mark.parametrize(
    ("command", "arguments", "octets"),
    [
        (Basic.Qos, b"\0\0", "<<0,0>>"),
        (Basic.Qos, b"", "<<>>"),
        (Basic.Qos, b"\0" * 7 + b"zzz", "<<0,0,0,0,0,0,0,122,122,122>>"),
        (Queue.Declare, b"\0\0\x10abc", "<<0,0,16,97,98,99>>"),
        (Queue.Declare, b"\0\0\1q\0\0\0\0\x10abc", "<<0,0,1,113,0,0,0,0,16,97,98,99>>"),
        (Queue.Declare, b"\0\0\1q\2\0\0\0\0zz", "<<0,0,1,113,2,0,0,0,0,122,122>>"),
        (Queue.Declare, b"abcdef", "<<97,98,99,100,101,102>>"),
    ],
)
def test_arguments_too_short_or_too_long_close_the_connection(peer, command, arguments, octets):
    peer.send_raw(method(*divmod(command.index, 1 << 16), arguments))
    peer.expect_connection_closed(501, f"FRAME_ERROR - cannot decode {octets}", command)


@pytest.mark.parametrize(
    "content",
    [
        shortstr("key") + b"Zxx",
        shortstr("key") + b"I\0",
        shortstr("key"),
        b"\x10key",
        shortstr("key") + b"S\0\0\0\xffabc",
        shortstr("key") + b"F\0\0\0\xffabc",
        shortstr("key") + b"A" + longstr(b"Z"),
    ],
)
def test_a_malformed_table_ends_the_connection(peer, q, content):
    arguments = b"\0\0" + shortstr(q) + b"\4" + longstr(content)
    peer.send_raw(method(50, 10, arguments))
    peer.expect_connection_ended()


def test_a_truncated_connection_close_ends_the_connection(peer):
    peer.send_raw(method(10, 50, b"\0\1", channel=0))
    peer.expect_connection_ended()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (Queue.Declare, b"\0\0" + shortstr(b"\xff\xfe") + b"\0\0\0\0\0"),
        (Queue.Bind, b"\0\0" + shortstr("q") + shortstr("x") + shortstr(b"\xff") + b"\0\0\0\0\0"),
        (Exchange.Declare, b"\0\0" + shortstr("x") + shortstr(b"\xc3") + b"\0\0\0\0\0"),
        (Basic.Consume, b"\0\0" + shortstr("") + shortstr(b"\xff") + b"\0\0\0\0\0"),
    ],
    ids=["queue name", "routing key", "exchange type", "consumer tag"],
)
def test_a_short_string_is_utf_8(peer, command, arguments):
    """Wire behaviour 49."""
    peer.send_raw(method(*divmod(command.index, 1 << 16), arguments))
    peer.expect_connection_closed(501, "FRAME_ERROR - Malformed UTF-8 in shortstr")


def test_a_routing_key_being_published_is_not_looked_at(peer):
    """Wire behaviour 49 does not hold for basic.publish."""
    peer.send_raw(method(60, 40, b"\0\0" + shortstr("") + shortstr(b"\xff\xfe") + b"\0"))
    peer.send_raw(frame(HEADER, 1, struct.pack(">HHQH", 60, 0, 0, 0)))
    peer.expect_nothing()


def test_a_long_string_is_opaque(peer, q):
    """Wire behaviour 49."""
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments={"x-anything": b"\xff\xfe"}))


def test_a_key_may_come_twice(peer, q):
    twice = longstr(fields({"x-anything": 1}) + fields({"x-anything": 2}))
    peer.send_raw(method(50, 10, b"\0\0" + shortstr(q) + b"\4" + twice))
    peer.expect(Queue.DeclareOk)


def test_frames_may_come_octet_by_octet(peer, q):
    data = method(50, 10, b"\0\0" + shortstr(q) + b"\4" + table({"x-anything": [1, "two"]}))
    for octet in data:
        peer.send_raw(bytes([octet]))
    assert peer.expect(Queue.DeclareOk).queue == q


def test_before_the_login_a_bad_frame_ends_in_silence(stranger, server):
    """Error table: bad frame end, size, type; before authentication."""
    peers = []
    for logged_in in (False, True):
        for data in (
            frame(METHOD, 0, b"\0\x0a\0\x0b", end=0),
            struct.pack(">BHI", METHOD, 0, 200_000),
            frame(4, 0, b"abc"),
            frame(HEARTBEAT, 1, b""),
            frame(BODY, 0, b"abc"),
            frame(METHOD, 0, b"\0"),
            frame(METHOD, 1, b"\0\x14\0\x0a\0"),
        ):
            peer = stranger()
            peer.greet()
            if logged_in:
                peer.log_in()
                peer.expect(Connection.Tune)
            peer.send_raw(data)
            peers.append(peer)
    server.advance(SILENT_CLOSE_SECONDS)
    for peer in peers:
        peer.expect_eof(SILENT_CLOSE_SECONDS + 2)


SERVER_SPEAKS = [
    Queue.DeclareOk("q", 0, 0),
    Queue.DeleteOk(0),
    Basic.ConsumeOk("tag"),
    Basic.CancelOk("tag"),
    Basic.GetEmpty(),
    Basic.QosOk(),
    Channel.OpenOk(),
    Channel.FlowOk(True),
    Channel.CloseOk(),
    Connection.Open("/"),
    Connection.Close(200, "bye", 0, 0),
]


@pytest.mark.parametrize("command", SERVER_SPEAKS, ids=lambda command: command.name)
def test_a_method_that_is_not_a_client_s_closes_the_connection(peer, command):
    peer.send_method(1, command)
    text = "COMMAND_INVALID - unimplemented method"
    peer.expect_connection_closed(503, text, type(command))


@pytest.mark.parametrize(
    "command", [Basic.Deliver("tag", 1, False, "", ""), Basic.Return(312, "NO_ROUTE", "", "")]
)
def test_a_delivery_to_the_server_closes_the_connection(peer, command):
    """RabbitMQ waits for the content before it says so."""
    header = frame(HEADER, 1, struct.pack(">HHQH", 60, 0, 0, 0))
    peer.send_raw(method_frame(1, command) + header)
    text = "COMMAND_INVALID - unimplemented method"
    peer.expect_connection_closed(503, text, type(command))


def test_a_ticket_is_granted_to_those_who_still_ask(peer):
    """access.request, from AMQP 0-8."""
    peer.send_raw(method(30, 10, shortstr("/data") + b"\0"))
    assert peer.next_raw() == (METHOD, 1, b"\0\x1e\0\x0b\0\1")
