"""Opening, closing and failing channels."""

import pytest
from pamqp.commands import Basic, Channel, Confirm, Queue

from peer import BODY, HEADER, frame, header_frame, method_frame, unchecked

OPEN = unchecked(Channel.Open, out_of_band="")
CLOSE = Channel.Close(200, "bye", 0, 0)
NO_QUEUE = "NOT_FOUND - no queue 'nobody' in vhost '/'"
NOT_A_METHOD = "UNEXPECTED_FRAME - expected method frame, got non method frame instead"


@pytest.fixture
def failed(peer):
    """Channel 1 has failed, and the client has not heard of it yet."""
    peer.open_channels([2])
    peer.send_method(1, Queue.Purge(queue="nobody"))
    return peer


def test_channels_need_not_be_opened_in_order(peer):
    peer.open_channels([2047, 5, 3])
    for channel in (3, 5, 2047):
        peer.expect_nothing(channel)


def test_a_channel_is_opened_once(peer):
    """Error table: 2nd channel.open."""
    peer.send_method(1, OPEN)
    peer.expect_connection_closed(504, "CHANNEL_ERROR - second 'channel.open' seen", Channel.Open)


@pytest.mark.parametrize(
    "command",
    [Basic.Qos(), Queue.Declare(queue="mine"), Basic.Ack(1), CLOSE, Channel.CloseOk()],
    ids=lambda command: command.name,
)
def test_a_channel_is_opened_before_use(peer, command):
    """Error table: use before open."""
    peer.send_method(5, command)
    text = "CHANNEL_ERROR - expected 'channel.open'"
    peer.expect_connection_closed(504, text, type(command))


def test_a_channel_is_opened_before_a_publish_is_complete(peer):
    """Error table: use before open; content counts as one."""
    peer.send_raw(method_frame(5, Basic.Publish()) + header_frame(5, 0))
    text = "CHANNEL_ERROR - expected 'channel.open'"
    peer.expect_connection_closed(504, text, Basic.Publish)


@pytest.mark.parametrize(
    "data",
    [header_frame(5, 0), frame(BODY, 5, b"abc"), header_frame(1, 0), frame(BODY, 1, b"")],
    ids=["header, not open", "body, not open", "header, open", "body, open"],
)
def test_content_begins_with_a_method(peer, data):
    """Error table: header or body out of order."""
    peer.send_raw(data)
    peer.expect_connection_closed(505, NOT_A_METHOD)


def test_close_is_answered_and_the_number_is_free(peer):
    """Wire behaviour 19."""
    for _ in range(3):
        peer.call(CLOSE)
        peer.open_channels()


def test_closing_one_channel_leaves_the_others(peer):
    peer.open_channels([2])
    peer.call(CLOSE)
    peer.expect_nothing(2)


def test_an_error_closes_one_channel_only(failed):
    failed.expect_channel_closed(404, NO_QUEUE, Queue.Purge)
    failed.expect_nothing(2)
    failed.open_channels()


def test_a_failed_channel_hears_nothing_but_close_ok(failed):
    """Wire behaviours 18 and 20."""
    failed.expect(Channel.Close, 1)
    failed.publish(1, "nowhere", "key", b"body")
    for command in (Basic.Ack(7), Basic.Qos(), Queue.Declare(queue="amq.mine")):
        failed.send_method(1, command)
    failed.call(Confirm.Select(), 2)
    failed.publish(2, "", "nobody")
    failed.expect(Basic.Ack, 2)
    failed.send_method(1, Channel.CloseOk())
    failed.open_channels()
    failed.expect_nothing()


def test_a_failed_channel_s_number_is_taken_until_close_ok(failed):
    """Wire behaviour 18."""
    failed.expect(Channel.Close, 1)
    failed.send_method(1, OPEN)
    text = "CHANNEL_ERROR - second 'channel.open' seen"
    failed.expect_connection_closed(504, text, Channel.Open)


def test_a_failed_channel_answers_a_close_that_crosses_its_own(failed):
    """Wire behaviour 18."""
    failed.expect(Channel.Close, 1)
    failed.call(CLOSE)
    failed.send_method(1, Channel.CloseOk())
    failed.open_channels()
    failed.expect_nothing()


def test_commands_in_flight_behind_an_error_are_dropped(peer, q):
    """Wire behaviour 18."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    data = method_frame(1, Queue.Purge(queue="nobody"))
    for _ in range(3):
        data += method_frame(1, Basic.Publish(routing_key=q)) + header_frame(1, 0)
    peer.send_raw(data + method_frame(1, Queue.Delete(queue=q)))
    peer.expect_channel_closed(404, NO_QUEUE, Queue.Purge)
    peer.open_channels()
    assert peer.call(Queue.Declare(queue=q, passive=True)).message_count == 0


def test_a_new_channel_of_the_same_number_knows_nothing_of_the_old(peer, q):
    """Wire behaviours 21 and 24."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.publish(1, "", q)
    peer.call(Basic.Get(queue=q))
    peer.call(CLOSE)
    peer.open_channels()
    peer.send_method(1, Basic.Get())
    text = "NOT_FOUND - no previously declared queue"
    peer.expect_channel_closed(404, text, Basic.Get)
    peer.open_channels()
    assert peer.call(Basic.Get(queue=q)).delivery_tag == 1


PUBLISH = method_frame(1, Basic.Publish(routing_key="nobody"))
NO_HEADER = (
    "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead"
)
NO_BODY = "UNEXPECTED_FRAME - expected content body, got non content body frame instead"


@pytest.mark.parametrize(
    "data",
    [
        method_frame(1, Basic.Qos()),
        PUBLISH,
        method_frame(1, CLOSE),
        frame(BODY, 1, b"abc"),
        frame(HEADER, 1, b"\0\x3c\0\1" + bytes(10)),
    ],
    ids=["method", "publish", "channel.close", "body", "header with a weight"],
)
def test_after_publish_comes_a_header(peer, data):
    """Error table: header/body/method out of order; wire behaviour 13."""
    peer.send_raw(PUBLISH + data)
    peer.expect_connection_closed(505, NO_HEADER, Basic.Publish)


@pytest.mark.parametrize("class_id", [0, 50])
def test_the_header_is_of_the_method_s_class(peer, class_id):
    peer.send_raw(PUBLISH + frame(HEADER, 1, bytes([0, class_id]) + bytes(12)))
    text = (
        "UNEXPECTED_FRAME - expected content header for class 60, "
        f"got one for class {class_id} instead"
    )
    peer.expect_connection_closed(505, text, Basic.Publish)


@pytest.mark.parametrize(
    "data",
    [method_frame(1, Basic.Qos()), method_frame(1, CLOSE), header_frame(1, 3)],
    ids=["method", "channel.close", "header"],
)
def test_after_the_header_comes_a_body(peer, data):
    """Error table: header/body/method out of order."""
    peer.send_raw(PUBLISH + header_frame(1, 3) + data)
    peer.expect_connection_closed(505, NO_BODY, Basic.Publish)


@pytest.mark.parametrize("bodies", [[b"abcd"], [b"ab", b"cd"]])
def test_a_body_is_no_longer_than_announced(peer, bodies):
    peer.send_raw(PUBLISH + header_frame(1, 3) + b"".join(frame(BODY, 1, b) for b in bodies))
    peer.send_method(1, Basic.Qos())  # RabbitMQ finds out here only
    peer.expect_connection_closed(505, NO_BODY, Basic.Publish)


@pytest.mark.parametrize("body", [b"abc", b""])
def test_after_a_header_for_no_body_comes_none(peer, body):
    peer.send_raw(PUBLISH + header_frame(1, 0) + frame(BODY, 1, body))
    peer.expect_connection_closed(505, NOT_A_METHOD)


def test_an_empty_body_frame_adds_nothing(peer):
    publish = method_frame(1, Basic.Publish(routing_key="nobody", mandatory=True))
    parts = b"".join(frame(BODY, 1, part) for part in (b"", b"a", b"", b"bc"))
    peer.send_raw(publish + header_frame(1, 3) + parts)
    assert peer.expect(Basic.Return).body == b"abc"


@pytest.mark.parametrize(
    "properties",
    [b"\x80\0\x10abc", b"\0\0junk", b"\x20\0\0\0\0\2\1k", b"\x10\0"],
    ids=["short string too long", "octets left over", "malformed headers", "nothing there"],
)
def test_malformed_properties_end_the_connection(peer, properties):
    peer.send_raw(PUBLISH + header_frame(1, 0, properties))
    peer.expect_connection_ended()
