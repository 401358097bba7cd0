"""x-recent-history: who binds later gets the last messages first (features 2.2)."""

import pytest
from pamqp.commands import Basic, Exchange, Queue, Tx

from peer import unchecked

TYPE = "x-recent-history"
LENGTH = "x-recent-history-length"


def declare(peer, x, **arguments):
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    peer.call(Exchange.Declare(exchange=x, exchange_type=TYPE, arguments=given))


def publish(peer, x, *bodies, **properties):
    for body in bodies:
        peer.publish(1, x, f"key-{body.decode()}", body, Basic.Properties(**properties))


@pytest.fixture
def consumed(peer, q):
    """A queue of which everything is heard on channel 2."""
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.open_channels([2])
    peer.call(Basic.Consume(queue=q, no_ack=True), channel=2)
    return q


def bodies(peer, count):
    return [peer.expect(Basic.Deliver, 2).body for _ in range(count)]


def nothing_more(peer, queue):
    """What comes through the queue itself comes after all that a binding has brought."""
    peer.publish(1, "", queue, b"the end")
    assert bodies(peer, 1) == [b"the end"]


def test_what_was_published_before_is_there_once_a_queue_is_bound(peer, x, consumed):
    declare(peer, x)
    publish(peer, x, b"1", b"2", headers={"a": 1}, delivery_mode=2)
    peer.call(Queue.Bind(queue=consumed, exchange=x, routing_key="another"))
    first = peer.expect(Basic.Deliver, 2)
    assert (first.body, first.exchange, first.routing_key) == (b"1", x, "key-1")
    assert (first.redelivered, first.properties.headers) == (False, {"a": 1})
    assert bodies(peer, 1) == [b"2"]
    publish(peer, x, b"3")
    assert bodies(peer, 1) == [b"3"]


def test_it_is_the_last_ones_as_many_as_the_argument_says(peer, x, consumed):
    declare(peer, x, x_recent_history_length=2)
    publish(peer, x, b"1", b"2", b"3")
    peer.call(Queue.Bind(queue=consumed, exchange=x))
    assert bodies(peer, 2) == [b"2", b"3"]
    nothing_more(peer, consumed)


def test_without_the_argument_they_are_twenty(peer, x, consumed):
    declare(peer, x)
    publish(peer, x, *(b"%d" % n for n in range(25)))
    peer.call(Queue.Bind(queue=consumed, exchange=x))
    assert bodies(peer, 20) == [b"%d" % n for n in range(5, 25)]
    nothing_more(peer, consumed)


def test_each_binding_brings_them_anew_but_not_one_that_is_there(peer, x, consumed):
    declare(peer, x)
    publish(peer, x, b"1")
    for key in ("a", "b", "b"):
        peer.call(Queue.Bind(queue=consumed, exchange=x, routing_key=key))
    assert bodies(peer, 2) == [b"1", b"1"]
    nothing_more(peer, consumed)


@pytest.mark.parametrize("value", [True, False, 1, "true"])
def test_a_message_may_ask_not_to_be_remembered(peer, x, consumed, value):
    declare(peer, x)
    publish(peer, x, b"1", headers={"x-recent-history-no-store": value})
    peer.call(Queue.Bind(queue=consumed, exchange=x))
    if value is not True:
        assert bodies(peer, 1) == [b"1"]
    nothing_more(peer, consumed)


def test_an_exchange_that_is_bound_gets_the_newest_first(peer, x, consumed, unique_name):
    """All of them lead somewhere, or RabbitMQ's plugin crashes."""
    between = unique_name("exchange")
    declare(peer, x)
    publish(peer, x, b"1", b"3")
    peer.call(Exchange.Declare(exchange=between, exchange_type="topic"))
    peer.call(Queue.Bind(queue=consumed, exchange=between, routing_key="key-1"))
    peer.call(Queue.Bind(queue=consumed, exchange=between, routing_key="key-3"))
    peer.call(Exchange.Bind(destination=between, source=x))
    assert bodies(peer, 2) == [b"3", b"1"]
    nothing_more(peer, consumed)


def test_what_another_exchange_passes_on_is_remembered(peer, x, consumed, unique_name):
    source = unique_name("exchange")
    declare(peer, x)
    peer.call(Exchange.Declare(exchange=source, exchange_type="fanout"))
    peer.call(Exchange.Bind(destination=x, source=source))
    publish(peer, source, b"1")
    peer.call(Queue.Bind(queue=consumed, exchange=x))
    got = peer.expect(Basic.Deliver, 2)
    assert (got.exchange, got.routing_key) == (source, "key-1")


def test_what_is_only_remembered_leads_nowhere(peer, x):
    declare(peer, x)
    peer.publish(1, x, "k", b"back", mandatory=True)
    assert peer.expect(Basic.Return).body == b"back"


def test_an_exchange_declared_again_remembers_nothing(peer, x, consumed):
    declare(peer, x)
    publish(peer, x, b"1")
    peer.call(Exchange.Delete(exchange=x))
    declare(peer, x)
    peer.call(Queue.Bind(queue=consumed, exchange=x))
    nothing_more(peer, consumed)


def test_what_a_transaction_publishes_is_remembered_at_once(peer, x, consumed):
    declare(peer, x)
    peer.call(Tx.Select())
    publish(peer, x, b"rolled back")
    peer.call(Tx.Rollback())
    peer.call(Queue.Bind(queue=consumed, exchange=x))
    assert bodies(peer, 1) == [b"rolled back"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-1, "-1"),
        ("5", '<<"5">>'),
        ("", "<<>>"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "undefined"),
    ],
)
def test_the_length_is_a_positive_integer(peer, x, value, shown):
    """Error table: bad argument value."""
    declared = unchecked(
        Exchange.Declare, exchange=x, exchange_type=TYPE, arguments={LENGTH: value}
    )
    peer.send_method(1, declared)
    text = f"PRECONDITION_FAILED - Invalid argument {shown}, '{LENGTH}' must be a positive integer"
    peer.expect_channel_closed(406, text, Exchange.Declare)
