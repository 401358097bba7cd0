"""x-delayed-message: messages that wait in their exchange.

The contract is that of RabbitMQ's plugin rabbitmq_delayed_message_exchange, which no release
carries with it. The clock is moved by hand, so this file talks to the server in memory only.
"""

import pytest
from pamqp.commands import Basic, Confirm, Exchange, Queue, Tx

from leveret.broker.queues.classic import ClassicQueue


def delayed(milliseconds, **headers):
    return Basic.Properties(headers={"x-delay": milliseconds, **headers}, delivery_mode=2)


def declare(peer, x, inner="direct", **more):
    arguments = {"x-delayed-type": inner, **more.pop("arguments", {})}
    peer.call(
        Exchange.Declare(exchange=x, exchange_type="x-delayed-message", arguments=arguments, **more)
    )


@pytest.fixture
def bound(peer, q, x):
    declare(peer, x, durable=True)
    peer.call(Queue.Declare(queue=q, durable=True))
    peer.call(Queue.Bind(queue=q, exchange=x, routing_key="k"))
    return q


def taken(peer, queue):
    return peer.call(Basic.Get(queue=queue, no_ack=True))


def is_empty(peer, queue):
    return peer.call(Queue.Declare(queue=queue, passive=True)).message_count == 0


def test_a_message_comes_when_its_delay_is_over(peer, server, bound, x):
    peer.publish(1, x, "k", b"m", delayed(5000))
    server.advance(4.99)
    assert is_empty(peer, bound)
    server.advance(0.02)
    got = taken(peer, bound)
    assert (got.exchange, got.routing_key, got.body, got.redelivered) == (x, "k", b"m", False)
    assert is_empty(peer, bound)


def test_the_header_comes_with_its_sign_turned(peer, server, bound, x):
    peer.publish(1, x, "k", b"m", delayed(5000, a="b"))
    server.advance(6)
    assert taken(peer, bound).properties.headers == {"x-delay": -5000, "a": "b"}


@pytest.mark.parametrize("delay", [0, -1, -5000, "soon", None, True, {}])
def test_what_is_no_positive_number_is_no_delay(peer, bound, x, delay):
    peer.publish(1, x, "k", b"m", delayed(delay))
    assert taken(peer, bound).properties.headers == {"x-delay": delay}


def test_a_message_without_the_header_is_routed_at_once(peer, bound, x):
    peer.publish(1, x, "k", b"m")
    assert taken(peer, bound).body == b"m"


def test_a_delay_may_be_text_and_very_long(peer, server, bound, x):
    peer.publish(1, x, "k", b"text", delayed("1000"))
    peer.publish(1, x, "k", b"long", delayed(90 * 86400 * 1000))
    server.advance(2)
    assert taken(peer, bound).body == b"text"
    server.advance(89 * 86400)
    assert is_empty(peer, bound)
    server.advance(86400)
    got = taken(peer, bound)
    assert (got.body, got.properties.headers) == (b"long", {"x-delay": -90 * 86400 * 1000})


def test_messages_come_in_the_order_in_which_they_are_due(peer, server, bound, x):
    for delay in (3000, 1000, 2000, 1000):
        peer.publish(1, x, "k", f"{delay}".encode(), delayed(delay))
    server.advance(10)
    bodies = [taken(peer, bound).body for _ in range(4)]
    assert bodies == [b"1000", b"1000", b"2000", b"3000"]


def test_equal_delays_keep_the_order_of_publishing(peer, server, bound, x):
    for number in range(1000):
        peer.publish(1, x, "k", b"%d" % number, delayed(1000))
    server.advance(2)
    assert [taken(peer, bound).body for _ in range(1000)] == [b"%d" % n for n in range(1000)]


def test_consumers_get_what_is_due(peer, server, bound, x):
    peer.call(Basic.Consume(queue=bound, consumer_tag="c"))
    peer.publish(1, x, "k", b"m", delayed(3_000_000))
    peer.expect_nothing()
    server.advance(3001)
    assert peer.expect(Basic.Deliver, 1).body == b"m"
    server.advance(1700)  # the acknowledgement timeout runs from the delivery
    peer.expect_nothing()


@pytest.mark.parametrize("inner", ["fanout", "topic", "x-random"])
def test_it_routes_as_the_inner_type_does(peer, server, q, x, inner):
    declare(peer, x, inner)
    peer.call(Queue.Declare(queue=q))
    peer.call(Queue.Bind(queue=q, exchange=x, routing_key="*.b"))
    peer.publish(1, x, "a.b", b"m", delayed(10))
    server.advance(1)
    assert taken(peer, q).body == b"m"


def test_bindings_count_when_it_is_due(peer, server, q, x):
    declare(peer, x)
    peer.publish(1, x, "k", b"m", delayed(1000))
    peer.call(Queue.Declare(queue=q))
    peer.call(Queue.Bind(queue=q, exchange=x, routing_key="k"))
    server.advance(2)
    assert taken(peer, q).body == b"m"


@pytest.mark.parametrize(
    "arguments",
    [{}, *({"x-delayed-type": each} for each in ("no-such-type", 1, "x-delayed-message"))],
)
def test_the_inner_type_must_be_one(peer, x, arguments):
    declare = Exchange.Declare(exchange=x, exchange_type="x-delayed-message", arguments=arguments)
    peer.send_method(1, declare)
    text = (
        "PRECONDITION_FAILED - Invalid argument, 'x-delayed-type' must be an existing exchange type"
    )
    peer.expect_channel_closed(406, text, Exchange.Declare)


def test_a_binding_that_the_inner_type_refuses_is_refused(peer, q, x):
    declare(peer, x, "x-consistent-hash")
    peer.call(Queue.Declare(queue=q))
    peer.send_method(1, Queue.Bind(queue=q, exchange=x, routing_key="0"))
    text = "PRECONDITION_FAILED - The binding key must be greater than 0"
    peer.expect_channel_closed(406, text, Queue.Bind)


def test_a_mandatory_message_that_waits_is_routed(peer, server, bound, x):
    peer.call(Confirm.Select())
    peer.publish(1, x, "nowhere", b"m", delayed(1000), mandatory=True)
    peer.expect(Basic.Ack, 1)
    server.advance(2)
    peer.expect_nothing()


def test_an_alternate_exchange_takes_what_is_due_and_leads_nowhere(peer, server, q, unique_name):
    alternate, x = unique_name("alternate"), unique_name("delayed")
    peer.call(Exchange.Declare(exchange=alternate, exchange_type="fanout"))
    peer.call(Queue.Declare(queue=q))
    peer.call(Queue.Bind(queue=q, exchange=alternate))
    declare(peer, x, arguments={"alternate-exchange": alternate})
    peer.publish(1, x, "nowhere", b"m", delayed(1000))
    assert is_empty(peer, q)
    server.advance(2)
    assert taken(peer, q).body == b"m"


def test_copies_are_delayed_with_their_message(peer, server, bound, x, unique_name):
    cc, bcc = unique_name("cc"), unique_name("bcc")
    for queue in (cc, bcc):
        peer.call(Queue.Declare(queue=queue))
        peer.call(Queue.Bind(queue=queue, exchange=x, routing_key=queue))
    peer.publish(1, x, "k", b"m", delayed(1000, CC=[cc], BCC=[bcc]))
    server.advance(2)
    for queue in (bound, cc, bcc):
        assert taken(peer, queue).properties.headers == {"x-delay": -1000, "CC": [cc]}


def test_a_fanout_before_it_goes_on_at_once(peer, server, bound, x, unique_name):
    fanout, direct = unique_name("fanout"), unique_name("direct")
    peer.call(Exchange.Declare(exchange=fanout, exchange_type="fanout"))
    peer.call(Queue.Declare(queue=direct))
    peer.call(Queue.Bind(queue=direct, exchange=fanout))
    peer.call(Exchange.Bind(destination=x, source=fanout))
    peer.call(Confirm.Select())
    peer.publish(1, fanout, "k", b"m", delayed(1000))
    peer.expect(Basic.Ack, 1)
    assert taken(peer, direct).properties.headers == {"x-delay": 1000}
    assert is_empty(peer, bound)
    server.advance(2)
    assert taken(peer, bound).properties.headers == {"x-delay": -1000}


def test_a_transaction_delays_what_it_commits(peer, server, bound, x):
    peer.call(Tx.Select())
    peer.publish(1, x, "k", b"kept", delayed(1000))
    peer.call(Tx.Commit())
    peer.publish(1, x, "k", b"given up", delayed(1000))
    peer.call(Tx.Rollback())
    server.advance(2)
    assert taken(peer, bound).body == b"kept"
    assert is_empty(peer, bound)


@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize("durable", [True, False])
def test_messages_of_every_kind_are_delayed(peer, server, q, x, mode, durable):
    declare(peer, x, "fanout", durable=durable)
    peer.call(Queue.Declare(queue=q))
    peer.call(Queue.Bind(queue=q, exchange=x))
    properties = Basic.Properties(headers={"x-delay": 100}, delivery_mode=mode)
    peer.publish(1, x, "", b"m", properties)
    server.advance(1)
    assert taken(peer, q).properties.delivery_mode == mode


def test_what_waits_goes_with_its_exchange(peer, server, bound, x):
    for delay in (1000, 2000):
        peer.publish(1, x, "k", b"m", delayed(delay))
    peer.call(Exchange.Delete(exchange=x))
    declare(peer, x)
    peer.call(Queue.Bind(queue=bound, exchange=x, routing_key="k"))
    server.advance(10)
    assert is_empty(peer, bound)


def test_nothing_is_polled(peer, server, bound, x):
    before = server.clock.pending()
    for delay in (5000, 3000, 4000):
        peer.publish(1, x, "k", b"m", delayed(delay * 1000))
    assert server.clock.pending() == before + 1
    assert not any(isinstance(q, ClassicQueue) and q.name == x for q in queues(server))


def queues(server):
    return server.broker.vhosts["/"].queues.values()
