"""CC and BCC: further routing keys in the headers of a message (sender-selected routing)."""

import pytest
from pamqp.commands import Basic, Confirm, Exchange, Queue, Tx


def with_headers(**headers):
    return Basic.Properties(headers=headers)


def taken(peer, queue):
    return peer.call(Basic.Get(queue=queue, no_ack=True))


@pytest.fixture
def queues(peer, unique_name):
    names = [unique_name(kind) for kind in ("first", "second", "third")]
    for name in names:
        peer.call(Queue.Declare(queue=name))
    return names


def test_cc_and_bcc_are_further_routing_keys(peer, queues):
    """Wire behaviour 42."""
    first, second, third = queues
    peer.publish(1, "", first, b"m", with_headers(CC=[second], BCC=[third]))
    for queue in queues:
        got = taken(peer, queue)
        assert (got.exchange, got.routing_key, got.body) == ("", first, b"m")


def test_cc_stays_and_bcc_goes(peer, queues):
    """Wire behaviour 42."""
    first, second, third = queues
    peer.publish(1, "", first, b"m", with_headers(a=1, CC=[second], BCC=[third], z="z"))
    for queue in queues:
        assert taken(peer, queue).properties.headers == {"a": 1, "CC": [second], "z": "z"}


def test_bcc_goes_where_it_is_all_there_is(peer, queues):
    first, second, _ = queues
    properties = Basic.Properties(content_type="t", headers={"BCC": [second]}, app_id="a")
    peer.publish(1, "", first, b"m", properties)
    for queue in (first, second):
        left = taken(peer, queue).properties
        assert (left.content_type, left.headers, left.app_id) == ("t", {}, "a")


@pytest.mark.parametrize("name", ["CC", "BCC"])
def test_a_queue_gets_one_copy(peer, queues, name):
    """Wire behaviour 42."""
    first, second, _ = queues
    peer.publish(1, "", first, b"m", with_headers(**{name: [first, second, second, first]}))
    for queue in (first, second):
        assert taken(peer, queue).message_count == 0


def test_the_next_message_has_no_copies(peer, queues):
    first, second, third = queues
    peer.publish(1, "", first, b"1", with_headers(CC=[second]))
    peer.publish(1, "", first, b"2")
    peer.publish(1, "", first, b"3", with_headers(CC=[third]))
    peer.publish(1, "", first, b"4", with_headers(a="CC"))
    assert [taken(peer, first).body for _ in range(4)] == [b"1", b"2", b"3", b"4"]
    assert taken(peer, second).message_count == 0
    assert taken(peer, third).body == b"3"


@pytest.mark.parametrize("name", ["cc", "Bcc", "x-CC"])
def test_the_names_of_the_headers_are_exact(peer, queues, name):
    first, second, _ = queues
    peer.publish(1, "", first, b"m", with_headers(**{name: [second]}))
    assert taken(peer, first).properties.headers == {name: [second]}
    assert isinstance(taken(peer, second).method, Basic.GetEmpty)


@pytest.mark.parametrize("name", ["CC", "BCC"])
@pytest.mark.parametrize(
    ("value", "kind"),
    [("key", "longstr"), (5, "signedint"), (None, "void"), ({"a": "b"}, "table"), (True, "bool")],
)
def test_anything_but_an_array_is_refused(peer, q, name, value, kind):
    """Error table: CC/BCC not an array."""
    peer.publish(1, "", q, b"m", with_headers(**{name: value}))
    text = f'PRECONDITION_FAILED - invalid message: {{unacceptable_type_in_header,"{name}",{kind}}}'
    peer.expect_channel_closed(406, text, Basic.Publish)


def test_cc_is_refused_before_bcc(peer, q):
    peer.publish(1, "", q, b"m", with_headers(BCC="key", CC="key"))
    text = 'PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"CC",longstr}'
    peer.expect_channel_closed(406, text, Basic.Publish)


def test_a_missing_exchange_is_found_first(peer):
    peer.publish(1, "no such exchange", "", b"m", with_headers(CC="key"))
    text = "NOT_FOUND - no exchange 'no such exchange' in vhost '/'"
    peer.expect_channel_closed(404, text, Basic.Publish)


def test_what_is_no_string_in_the_array_is_passed_over(peer, queues):
    first, second, _ = queues
    peer.publish(1, "", first, b"m", with_headers(CC=[1, second, True]))
    assert taken(peer, second).body == b"m"


def test_a_mandatory_message_that_a_copy_takes_is_routed(peer, queues):
    first, _, _ = queues
    peer.call(Confirm.Select())
    peer.publish(1, "", "nobody", b"m", with_headers(BCC=[first]), mandatory=True)
    peer.expect(Basic.Ack, 1)
    assert taken(peer, first).routing_key == "nobody"


def test_a_returned_message_has_its_cc_and_no_bcc(peer):
    """Wire behaviour 41."""
    headers = with_headers(CC=["nobody-2"], BCC=["nobody-3"])
    peer.publish(1, "", "nobody", b"m", headers, mandatory=True)
    returned = peer.expect(Basic.Return, 1)
    assert returned.routing_key == "nobody"
    assert returned.properties.headers == {"CC": ["nobody-2"]}


def test_copies_are_routed_by_the_exchange_and_those_bound_to_it(peer, queues, unique_name):
    first, second, third = queues
    outer, inner = unique_name("outer"), unique_name("inner")
    peer.call(Exchange.Declare(exchange=outer, exchange_type="topic"))
    peer.call(Exchange.Declare(exchange=inner, exchange_type="direct"))
    peer.call(Exchange.Bind(destination=inner, source=outer, routing_key="in.*"))
    peer.call(Queue.Bind(queue=first, exchange=outer, routing_key="out.*"))
    peer.call(Queue.Bind(queue=second, exchange=inner, routing_key="in.2"))
    peer.call(Queue.Bind(queue=third, exchange=inner, routing_key="nowhere"))
    peer.publish(1, outer, "out.1", b"m", with_headers(CC=["in.2"], BCC=["nowhere"]))
    for queue in queues:
        assert taken(peer, queue).body == b"m"


def test_an_alternate_exchange_is_asked_when_no_key_matches(peer, queues, unique_name):
    first, second, _ = queues
    outer, alternate = unique_name("outer"), unique_name("alternate")
    peer.call(Exchange.Declare(exchange=alternate, exchange_type="fanout"))
    arguments = {"alternate-exchange": alternate}
    peer.call(Exchange.Declare(exchange=outer, exchange_type="direct", arguments=arguments))
    peer.call(Queue.Bind(queue=first, exchange=outer, routing_key="k"))
    peer.call(Queue.Bind(queue=second, exchange=alternate))
    peer.publish(1, outer, "no", b"1", with_headers(CC=["k"]))
    peer.publish(1, outer, "no", b"2", with_headers(CC=["neither"]))
    assert taken(peer, first).body == b"1"
    assert taken(peer, second).body == b"2"


def test_a_headers_exchange_sees_no_bcc(peer, queues, x):
    first, second, _ = queues
    peer.call(Exchange.Declare(exchange=x, exchange_type="headers"))
    for queue, name in ((first, "CC"), (second, "BCC")):
        peer.call(Queue.Bind(queue=queue, exchange=x, arguments={name: None}))
    peer.publish(1, x, "", b"m", with_headers(CC=["k"], BCC=["k"]))
    assert taken(peer, first).body == b"m"
    assert isinstance(taken(peer, second).method, Basic.GetEmpty)


def test_a_transaction_keeps_the_copies(peer, queues):
    first, second, third = queues
    peer.call(Tx.Select())
    peer.publish(1, "", first, b"1", with_headers(CC=[second]))
    peer.publish(1, "", first, b"2", with_headers(BCC=[third]))
    peer.call(Tx.Commit())
    assert [taken(peer, first).body for _ in range(2)] == [b"1", b"2"]
    assert (taken(peer, second).body, taken(peer, third).body) == (b"1", b"2")
