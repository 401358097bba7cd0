"""Publishing: what arrives is what was sent, and what cannot be routed."""

import struct

import pytest
from pamqp.commands import Basic, Channel, Exchange, Queue

from peer import BODY, HEADER, METHOD, fields, frame, longstr, method_frame, shortstr, table


@pytest.fixture
def queue(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    return q


PLAIN_PROPERTIES = (
    shortstr("text/plain")
    + shortstr("gzip")
    + table({"z": 1, "a": 2})
    + bytes([2, 9])  # delivery mode, priority
    + b"".join(map(shortstr, ("correlation", "reply", "60000", "message")))
    + struct.pack(">Q", 1_700_000_000)
    + b"".join(map(shortstr, ("type", "guest", "application", "cluster")))
)
ODD_FIELDS = [
    b"t\1",
    b"b\xff",
    b"B\xff",
    b"s\x80\x00",
    b"u\xff\xff",
    b"I\xff\xff\xff\xff",
    b"i\xff\xff\xff\xff",
    b"l" + b"\xff" * 8,
    b"f" + struct.pack(">f", 1.5),
    b"d" + struct.pack(">d", -0.0),
    b"D\2\0\0\1\0",
    b"S" + longstr(b"\xff\xfe not UTF-8"),
    b"A" + longstr(b"I\0\0\0\1V" + b"A\0\0\0\0"),
    b"T" + struct.pack(">Q", 2**63 - 1),
    b"F" + table({"b": {"c": None}, "a": []}),
    b"V",
    b"x" + longstr(b"\0\xff"),
]
ODD_HEADERS = b"".join(
    shortstr(f"key {len(ODD_FIELDS) - n}") + encoded for n, encoded in enumerate(ODD_FIELDS)
)


@pytest.mark.parametrize(
    "properties",
    [
        b"\0\0",
        b"\xff\xfc" + PLAIN_PROPERTIES,
        b"\x20\0" + longstr(ODD_HEADERS),
        b"\x20\0" + table({"key": 1}),
        b"\x20\0" + longstr(fields({"twice": 1}) + fields({"twice": 2})),
        b"\x80\0" + shortstr(b"\xff\xfe"),
        b"\x80\0" + shortstr(""),
    ],
    ids=[
        "none",
        "all fourteen",
        "every field type",
        "headers",
        "a key twice",
        "not UTF-8",
        "empty",
    ],
)
def test_properties_come_back_octet_for_octet(peer, queue, properties):
    """Wire behaviours 46, 47 and 48."""
    peer.publish(1, "", queue, b"body", properties)
    got = peer.call(Basic.Get(queue=queue))
    assert got.header == struct.pack(">HHQ", 60, 0, 4) + properties


@pytest.mark.parametrize("mode", [0, 3, 255])
def test_a_delivery_mode_is_one_or_two(peer, queue, mode):
    """Wire behaviour 46."""
    peer.publish(1, "", queue, b"", b"\x10\0" + bytes([mode]))
    text = f"PRECONDITION_FAILED - invalid message: {{delivery_mode_unknown,{mode}}}"
    peer.expect_channel_closed(406, text, Basic.Publish)


@pytest.mark.parametrize("size", [0, 1, 131_064, 131_065, 400_000])
def test_a_body_of_any_size_comes_back(peer, queue, size):
    """Wire behaviour 11."""
    body = bytes(range(256)) * (size // 256 + 1)
    peer.publish(1, "", queue, body[:size])
    assert peer.call(Basic.Get(queue=queue)).body == body[:size]


def test_a_body_is_cut_to_the_frame_size_agreed(stranger, q):
    """Wire behaviour 11: frame_max counts the whole frame."""
    small = stranger().handshake(frame_max=4096).open_channels()
    small.call(Queue.Declare(queue=q, exclusive=True))
    small.send_raw(method_frame(1, Basic.Publish(routing_key=q)))
    small.send_raw(frame(HEADER, 1, struct.pack(">HHQH", 60, 0, 10_000, 0)))
    for size in (4088, 4088, 1824):
        small.send_raw(frame(BODY, 1, b"x" * size))
    small.send_method(1, Basic.Get(queue=q))
    frames = [small.next_raw() for _ in range(5)]
    assert [kind for kind, _, _ in frames] == [METHOD, HEADER, BODY, BODY, BODY]
    assert [len(payload) for _, _, payload in frames[2:]] == [4088, 4088, 1824]


def test_an_empty_body_has_no_body_frame(peer, queue):
    """Wire behaviour 11."""
    peer.publish(1, "", queue)
    peer.send_method(1, Basic.Get(queue=queue))
    assert [peer.next_raw()[0] for _ in range(2)] == [METHOD, HEADER]
    peer.expect_nothing()


def test_what_cannot_be_routed_is_dropped(peer):
    """Wire behaviour 37."""
    peer.publish(1, "", "nobody", b"lost")
    peer.publish(1, "amq.topic", "nobody", b"lost")
    peer.expect_nothing()


@pytest.mark.parametrize("exchange", ["", "amq.direct", "amq.fanout", "amq.topic", "amq.headers"])
def test_what_is_mandatory_and_cannot_be_routed_comes_back(peer, exchange):
    """Error table: mandatory unroutable; wire behaviour 41."""
    properties = b"\x20\0" + longstr(ODD_HEADERS)
    peer.publish(1, exchange, "no such.key", b"body", properties, mandatory=True)
    returned = peer.expect(Basic.Return)
    assert (returned.reply_code, returned.reply_text) == (312, "NO_ROUTE")
    assert (returned.exchange, returned.routing_key) == (exchange, "no such.key")
    assert returned.header == struct.pack(">HHQ", 60, 0, 4) + properties
    assert returned.body == b"body"


def test_what_is_mandatory_and_routed_does_not_come_back(peer, queue):
    peer.publish(1, "", queue, mandatory=True)
    peer.expect_nothing()


def test_an_alternate_exchange_takes_what_cannot_be_routed(peer, queue, x):
    """Wire behaviour 54."""
    peer.call(Exchange.Declare(exchange=x, arguments={"alternate-exchange": "amq.direct"}))
    peer.call(Queue.Bind(queue=queue, exchange="amq.direct", routing_key=queue))
    peer.publish(1, x, queue, b"the other way", mandatory=True)
    assert peer.call(Basic.Get(queue=queue)).body == b"the other way"


def test_a_missing_alternate_exchange_routes_nowhere(peer, x):
    """Wire behaviour 54."""
    peer.call(Exchange.Declare(exchange=x, arguments={"alternate-exchange": "nowhere"}))
    peer.publish(1, x, "key", mandatory=True)
    assert peer.expect(Basic.Return).exchange == x


def test_alternate_exchanges_may_point_at_each_other(peer, unique_name):
    """Wire behaviour 54."""
    one, two = unique_name("exchange"), unique_name("exchange")
    peer.call(Exchange.Declare(exchange=one, arguments={"alternate-exchange": two}))
    peer.call(Exchange.Declare(exchange=two, arguments={"alternate-exchange": one}))
    peer.publish(1, one, "key", mandatory=True)
    assert peer.expect(Basic.Return).exchange == one


def test_an_exchange_that_matched_does_not_ask_its_alternate(peer, queue, x, unique_name):
    """Wire behaviour 54."""
    spare = unique_name("queue")
    peer.call(Queue.Declare(queue=spare, exclusive=True))
    peer.call(Queue.Bind(queue=spare, exchange="amq.fanout"))
    peer.call(Exchange.Declare(exchange=x, arguments={"alternate-exchange": "amq.fanout"}))
    peer.call(Queue.Bind(queue=queue, exchange=x, routing_key="key"))
    peer.publish(1, x, "key")
    assert isinstance(peer.call(Basic.Get(queue=queue)).method, Basic.GetOk)
    assert isinstance(peer.call(Basic.Get(queue=spare)).method, Basic.GetEmpty)


def test_content_of_two_channels_may_interleave(peer, queue):
    """Wire behaviour 13."""
    peer.open_channels([2])
    head = struct.pack(">HHQH", 60, 0, 2, 0)
    for channel in (1, 2):
        peer.send_method(channel, Basic.Publish(routing_key="nobody", mandatory=True))
    for kind, payloads in ((HEADER, (head, head)), (BODY, (b"1", b"a")), (BODY, (b"2", b"b"))):
        for channel, payload in zip((1, 2), payloads, strict=True):
            peer.send_raw(frame(kind, channel, payload))
    assert peer.expect(Basic.Return, 1).body == b"12"
    assert peer.expect(Basic.Return, 2).body == b"ab"


def test_what_was_published_before_the_channel_closed_is_kept(peer, queue):
    peer.open_channels([2])
    peer.publish(2, "", queue, b"kept")
    peer.call(Channel.Close(200, "bye", 0, 0), 2)
    assert peer.call(Basic.Get(queue=queue)).body == b"kept"


def test_messages_of_one_channel_stay_in_order(peer, queue):
    for n in range(200):
        peer.publish(1, "", queue, b"%d" % n)
    peer.call(Basic.Consume(queue=queue, no_ack=True))
    got = [peer.expect(Basic.Deliver).body for _ in range(200)]
    assert got == [b"%d" % n for n in range(200)]
