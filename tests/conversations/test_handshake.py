"""From the protocol header to connection.open-ok."""

import pytest
from pamqp.commands import Basic, Channel, Connection, Exchange, Queue

from peer import PROTOCOL_HEADER, frame, longstr, shortstr, unchecked

SILENT_CLOSE_SECONDS = 3


@pytest.mark.parametrize(
    "header",
    [
        b"AMQP\x00\x00\x09\x00",
        b"AMQP\x00\x00\x09\x02",
        b"AMQP\x00\x00\x08\x00",
        b"AMQP\x00\x01\x00\x00",
        b"AMQP\x03\x01\x00\x00",
        b"AMQP\x00\x00\x00\x00",
        b"AMQPAMQP",
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x00",
        b"MQIsdp\x03\x02",
    ],
)
def test_a_wrong_protocol_header_is_answered_with_the_right_one(stranger, header):
    """Wire behaviour 1: and the connection closes."""
    peer = stranger()
    peer.send_raw(header)
    assert peer.receive_raw(8) == PROTOCOL_HEADER
    peer.expect_eof()


def test_a_protocol_header_may_come_octet_by_octet(stranger):
    peer = stranger()
    for octet in PROTOCOL_HEADER:
        peer.send_raw(bytes([octet]))
    peer.expect(Connection.Start)


def test_the_old_header_of_0_9_is_understood(stranger):
    """Wire behaviour 1: as AMQP 0-9 clients wrote it before 0-9-1."""
    peer = stranger()
    peer.send_raw(b"AMQP\x01\x01\x00\x09")
    start = peer.expect(Connection.Start)
    assert (start.version_major, start.version_minor) == (0, 9)


def test_start_names_what_there_is_to_choose(stranger):
    """Wire behaviour 3."""
    start = stranger().greet()
    assert (start.version_major, start.version_minor) == (0, 9)
    assert start.locales == "en_US"
    assert set(start.mechanisms.split(" ")) >= {"PLAIN", "AMQPLAIN"}


def test_start_announces_the_capabilities(stranger):
    """Wire behaviour 3: in a table of their own."""
    properties = stranger().greet().server_properties
    assert properties["capabilities"] == dict.fromkeys(
        [
            "publisher_confirms",
            "exchange_exchange_bindings",
            "basic.nack",
            "consumer_cancel_notify",
            "connection.blocked",
            "consumer_priorities",
            "authentication_failure_close",
            "per_consumer_qos",
            "direct_reply_to",
        ],
        True,
    )
    others = {"product", "version", "cluster_name", "platform", "copyright", "information"}
    assert properties.keys() >= others


@pytest.mark.parametrize("mechanism", ["PLAIN", "AMQPLAIN"])
def test_a_client_logs_in(stranger, mechanism):
    stranger().handshake(mechanism=mechanism).open_channels()


@pytest.mark.parametrize("locale", ["", "de_DE"])
def test_the_locale_does_not_matter(stranger, locale):
    stranger().handshake(locale=locale)


@pytest.mark.parametrize(
    "properties",
    [{}, {"capabilities": 5}, {"capabilities": {}, "connection_name": "tests", "x": [None]}],
)
def test_the_client_s_properties_are_its_own_affair(stranger, properties):
    """Wire behaviour 4."""
    stranger().handshake(client_properties=properties)


def test_the_server_proposes_limits(stranger):
    """Wire behaviour 6."""
    peer = stranger()
    peer.greet()
    peer.log_in()
    tune = peer.expect(Connection.Tune)
    assert (tune.channel_max, tune.frame_max, tune.heartbeat) == (2047, 131_072, 60)


@pytest.mark.parametrize("heartbeat", [0, 1, 3600, 65_535])
def test_the_client_chooses_the_heartbeat(stranger, heartbeat):
    """Wire behaviours 6 and 7."""
    stranger().handshake(heartbeat=heartbeat).open_channels()


@pytest.mark.parametrize(("channel_max", "frame_max"), [(1, 4096), (2047, 131_072), (7, 8192)])
def test_the_client_may_lower_the_limits(stranger, channel_max, frame_max):
    """Wire behaviour 6."""
    stranger().handshake(channel_max=channel_max, frame_max=frame_max).open_channels()


def test_one_channel_too_many_closes_the_connection(stranger):
    """Error table: channel_max exceeded."""
    peer = stranger().handshake(channel_max=3).open_channels([1, 2, 3])
    peer.send_method(4, unchecked(Channel.Open, out_of_band=""))
    text = "NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)"
    peer.expect_connection_closed(530, text)


def test_the_limit_is_of_channels_not_of_their_numbers(stranger):
    stranger().handshake(channel_max=3).open_channels([9, 65_535])


def test_a_closed_channel_does_not_count(stranger):
    peer = stranger().handshake(channel_max=2).open_channels([1, 2])
    peer.call(Channel.Close(200, "bye", 0, 0), 1)
    peer.open_channels([3])


@pytest.mark.parametrize("vhost", ["no such vhost", "", "//"])
def test_a_missing_vhost_closes_the_connection(stranger, vhost):
    """Error table: vhost missing."""
    peer = stranger()
    peer.greet()
    peer.log_in()
    peer.expect(Connection.Tune)
    peer.send_method(0, Connection.TuneOk(2047, 131_072, 0))
    peer.send_method(0, Connection.Open(vhost))
    peer.expect_connection_closed(530, f"NOT_ALLOWED - vhost {vhost} not found", Connection.Open)


def test_the_rest_of_open_is_ignored(stranger):
    peer = stranger()
    peer.greet()
    peer.log_in()
    peer.expect(Connection.Tune)
    peer.send_method(0, Connection.TuneOk(2047, 131_072, 0))
    peer.call(unchecked(Connection.Open, virtual_host="/", capabilities="any", insist=True), 0)


UNEXPECTED = [
    Connection.Start(),
    Connection.StartOk(),
    Connection.SecureOk("secret"),
    Connection.TuneOk(10, 8192, 0),
    Connection.CloseOk(),
    Connection.Blocked("it is not"),
    Channel.Open(),
    Exchange.Declare(exchange="mine"),
    Queue.Declare(queue="mine"),
    Basic.Qos(),
    Basic.Publish(),
]


@pytest.mark.parametrize(
    "command", [*UNEXPECTED, Connection.Close(200, "bye", 0, 0)], ids=lambda command: command.name
)
def test_only_open_is_expected_while_opening(stranger, command):
    """Error table: channel 0 method in wrong state."""
    peer = stranger()
    peer.greet()
    peer.log_in()
    peer.expect(Connection.Tune)
    peer.send_method(0, Connection.TuneOk(2047, 131_072, 0))
    peer.send_method(0, command)
    text = "CHANNEL_ERROR - unexpected method in connection state opening"
    peer.expect_connection_closed(504, text, type(command))


@pytest.mark.parametrize(
    "command", [*UNEXPECTED, Connection.Open("/")], ids=lambda command: command.name
)
def test_channel_zero_has_little_to_say_while_running(peer, command):
    """Error table: channel 0 method in wrong state."""
    peer.send_method(0, command)
    text = "CHANNEL_ERROR - unexpected method in connection state running"
    peer.expect_connection_closed(504, text, type(command))


def test_no_channel_may_speak_while_opening(stranger):
    peer = stranger()
    peer.greet()
    peer.log_in()
    peer.expect(Connection.Tune)
    peer.send_method(0, Connection.TuneOk(2047, 131_072, 0))
    peer.send_method(1, unchecked(Channel.Open, out_of_band=""))
    text = "UNEXPECTED_FRAME - type 1, all octets = <<0,20,0,10,0>>"
    peer.expect_connection_closed(505, text)


def test_the_vhost_s_name_is_utf_8(stranger):
    """Wire behaviour 49."""
    peer = stranger()
    peer.greet()
    peer.log_in()
    peer.expect(Connection.Tune)
    peer.send_method(0, Connection.TuneOk(2047, 131_072, 0))
    peer.send_raw(frame(1, 0, b"\0\x0a\0\x28" + shortstr(b"\xff") + b"\0\0"))
    text = "FRAME_ERROR - Malformed UTF-8 in shortstr"
    peer.expect_connection_closed(501, text, Connection.Open)


def test_a_wrong_password_is_refused_to_clients_that_can_hear_it(stranger):
    """Error table: login refused, with authentication_failure_close."""
    for mechanism in ("PLAIN", "AMQPLAIN"):
        peer = stranger()
        peer.greet()
        peer.log_in(password="wrong", mechanism=mechanism)
        text = (
            f"ACCESS_REFUSED - Login was refused using authentication mechanism {mechanism}. "
            "For details see the broker logfile."
        )
        peer.expect_connection_closed(403, text)


@pytest.mark.parametrize(
    "response", [b"\0nobody\0guest", b"\0\0", b"\0gu\xffest\0guest", b"\0guest\0"]
)
def test_an_unknown_user_is_refused_in_the_same_words(stranger, response):
    peer = stranger()
    peer.greet()
    peer.log_in(response=response)
    text = (
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
        "For details see the broker logfile."
    )
    peer.expect_connection_closed(403, text)


def silent_failures():
    """What ends a handshake without a word, and why."""
    wrong = {"response": b"\0guest\0wrong"}
    capable = {"authentication_failure_close": False}
    login = {"mechanism": "AMQPLAIN"}
    yield "wrong password, no capabilities", {**wrong, "client_properties": {}}
    yield "wrong password, not capable", {**wrong, "client_properties": {"capabilities": capable}}
    yield "unknown mechanism", {"mechanism": "SCRAM"}
    yield "no mechanism", {"mechanism": ""}
    yield "mechanism in lower case", {"mechanism": "plain"}
    yield "PLAIN, empty", {"response": b""}
    yield "PLAIN, no separators", {"response": b"guest"}
    yield "PLAIN, no password", {"response": b"\0guest"}
    yield "PLAIN, for another", {"response": b"other\0guest\0guest"}
    yield "PLAIN, one separator more", {"response": b"\0guest\0guest\0"}
    yield "AMQPLAIN, empty", {**login, "response": b""}
    yield "AMQPLAIN, no password", {**login, "response": shortstr("LOGIN") + b"S" + longstr("x")}
    yield "AMQPLAIN, no table", {**login, "response": b"garbage"}


def test_a_failed_login_ends_in_silence(stranger, server):
    """Error table: login refused, unknown mechanism, bad response; wire behaviour 5.

    All at once, since each takes the server its three seconds.
    """
    failed = {}
    for reason, start_ok in silent_failures():
        failed[reason] = stranger()
        failed[reason].greet()
        failed[reason].log_in(**start_ok)
    server.advance(SILENT_CLOSE_SECONDS)
    for reason, peer in failed.items():
        try:
            peer.expect_eof(SILENT_CLOSE_SECONDS + 2)
        except Exception as error:
            raise AssertionError(reason) from error


LIMITS = [(0, 131_072), (2048, 131_072), (2047, 0), (2047, 131_073), (2047, 4095), (0, 0)]


def test_limits_out_of_bounds_end_in_silence(stranger, server):
    """Error table: tune-ok too high or low; wire behaviour 6."""
    peers = []
    for channel_max, frame_max in LIMITS:
        peer = stranger()
        peer.greet()
        peer.log_in()
        peer.expect(Connection.Tune)
        peer.send_method(0, Connection.TuneOk(channel_max, frame_max, 0))
        peer.send_method(0, Connection.Open("/"))
        peers.append(peer)
    server.advance(SILENT_CLOSE_SECONDS)
    for peer in peers:
        peer.expect_eof(SILENT_CLOSE_SECONDS + 2)


def test_anything_else_before_the_login_ends_in_silence(stranger, server):
    """Error table: channel 0 method in wrong state, before and after start-ok."""
    peers = []
    start_ok_expected = [c for c in UNEXPECTED if not isinstance(c, Connection.StartOk)]
    tune_ok_expected = [c for c in UNEXPECTED if not isinstance(c, Connection.TuneOk)]
    for logged_in, commands in ((False, start_ok_expected), (True, tune_ok_expected)):
        for command in [*commands, Connection.Open("/"), Connection.Close(200, "bye", 0, 0)]:
            peer = stranger()
            peer.greet()
            if logged_in:
                peer.log_in()
                peer.expect(Connection.Tune)
            peer.send_method(0, command)
            peers.append(peer)
    server.advance(SILENT_CLOSE_SECONDS)
    for peer in peers:
        peer.expect_eof(SILENT_CLOSE_SECONDS + 2)
