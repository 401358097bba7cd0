"""Every adapter of pika against the broker: what all of them have to be able to do.

The blocking adapter has a file of its own.
"""

from functools import partial

import pika
import pytest
from pika.adapters.asyncio_connection import AsyncioConnection

from .callback_program import Inbox, open_channel, run_program

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(params=[pika.SelectConnection, AsyncioConnection])
def run(request, parameters):
    """Runs a program over the adapter: `run(program)`."""

    def run_on_adapter(program, **settings):
        run_program(request.param, parameters(**settings), program)

    return run_on_adapter


def test_a_message_goes_round(run, named):
    hello = named("hello")

    def program(connection):
        channel = yield open_channel(connection)
        declared = yield partial(channel.queue_declare, hello)
        assert (declared.method.queue, declared.method.message_count) == (hello, 0)
        deliveries = Inbox()
        yield partial(channel.basic_consume, hello, deliveries.put, consumer_tag="reader")

        channel.basic_publish("", hello, b"round")

        _channel, method, _properties, body = yield deliveries.next
        assert body == b"round"
        assert (method.consumer_tag, method.delivery_tag) == ("reader", 1)
        assert (method.exchange, method.routing_key) == ("", hello)
        assert not method.redelivered
        channel.basic_ack(method.delivery_tag)

    run(program)


def test_get_takes_one_message_and_tells_how_many_remain(run, named):
    hello = named("hello")

    def program(connection):
        channel = yield open_channel(connection)
        yield partial(channel.queue_declare, hello)
        channel.basic_publish("", hello, b"first")
        channel.basic_publish("", hello, b"second")

        got = Inbox()
        channel.basic_get(hello, got.put, auto_ack=True)
        _channel, method, _properties, body = yield got.next

        assert (body, method.message_count) == (b"first", 1)

    run(program)


def test_cancel_stops_the_deliveries_and_leaves_the_queue(run, named):
    hello = named("hello")

    def program(connection):
        channel = yield open_channel(connection)
        yield partial(channel.queue_declare, hello)
        deliveries = Inbox()
        yield partial(channel.basic_consume, hello, deliveries.put, consumer_tag="reader")

        cancelled = yield partial(channel.basic_cancel, "reader")
        assert cancelled.method.consumer_tag == "reader"
        confirms = Inbox()
        yield partial(channel.confirm_delivery, confirms.put)
        channel.basic_publish("", hello, b"stays")
        yield confirms.next

        left = yield partial(channel.queue_declare, hello, passive=True)
        assert (left.method.message_count, left.method.consumer_count) == (1, 0)
        assert not deliveries

    run(program)


def test_acks_arrive_at_the_confirm_callback_with_the_numbers_of_the_publishes(run, named):
    queue = named("confirmed")

    def program(connection):
        channel = yield open_channel(connection)
        yield partial(channel.queue_declare, queue)
        confirms = Inbox()
        yield partial(channel.confirm_delivery, confirms.put)

        for number in (1, 2):
            channel.basic_publish("", queue, b"confirm me")
            acked = yield confirms.next
            assert isinstance(acked.method, pika.spec.Basic.Ack)
            assert acked.method.delivery_tag == number

    run(program)


def test_a_mandatory_message_is_returned_before_it_is_confirmed(run, named):
    """Wire behaviour 36."""
    nowhere = named("nowhere")

    def program(connection):
        channel = yield open_channel(connection)
        events = Inbox()
        channel.add_on_return_callback(events.put)
        yield partial(channel.confirm_delivery, events.put)

        properties = pika.BasicProperties(message_id="m-1", headers={"tried": 1})
        channel.basic_publish("", nowhere, b"come back", properties, mandatory=True)

        _channel, method, returned_properties, body = yield events.next
        assert (method.reply_code, method.reply_text) == (312, "NO_ROUTE")
        assert (method.exchange, method.routing_key) == ("", nowhere)
        assert returned_properties == properties
        assert body == b"come back"
        confirm = yield events.next
        assert isinstance(confirm.method, pika.spec.Basic.Ack)

    run(program)


def test_a_channel_error_leaves_the_connection_and_the_channel_number_usable(run, named):
    missing = named("missing")

    def program(connection):
        channel = yield open_channel(connection, 7)
        closed = Inbox()
        channel.add_on_close_callback(closed.put)
        channel.queue_declare(missing, passive=True, callback=closed.put)

        _channel, reason = yield closed.next
        assert reason.reply_code == 404
        assert reason.reply_text == f"NOT_FOUND - no queue '{missing}' in vhost '/'"

        reopened = yield open_channel(connection, 7)
        yield partial(reopened.queue_declare, missing)

    run(program)


def test_a_closed_channel_can_be_opened_again_at_once(run):
    """Wire behaviour 19."""

    def program(connection):
        for _ in range(20):
            channel = yield open_channel(connection, 3)
            closed = Inbox()
            channel.add_on_close_callback(closed.put)
            channel.close()
            yield closed.next

    run(program)


def test_many_channels_each_have_their_own_consumer_and_delivery_tags(run, named):
    """Wire behaviour 21."""
    hello = named("hello")

    def program(connection):
        publisher = yield open_channel(connection)
        yield partial(publisher.queue_declare, hello)
        deliveries = Inbox()
        for _ in range(100):
            channel = yield open_channel(connection)
            yield partial(channel.basic_consume, hello, deliveries.put)

        for n in range(200):
            publisher.basic_publish("", hello, b"%d" % n)

        tags = {}
        bodies = set()
        for _ in range(200):
            channel, method, _properties, body = yield deliveries.next
            tags.setdefault(channel.channel_number, []).append(method.delivery_tag)
            bodies.add(body)
            channel.basic_ack(method.delivery_tag)
        assert len(bodies) == 200
        assert len(tags) == 100
        assert all(own == [1, 2] for own in tags.values())

    run(program)


@pytest.mark.parametrize("size_bytes", [0, 1, 300_000, 5_000_000])
def test_a_body_of_any_size_comes_back_unchanged(run, named, size_bytes):
    hello = named("hello")
    body = patterned(size_bytes)

    def program(connection):
        channel = yield open_channel(connection)
        yield partial(channel.queue_declare, hello)
        deliveries = Inbox()
        yield partial(channel.basic_consume, hello, deliveries.put, auto_ack=True)

        channel.basic_publish("", hello, body)

        _channel, _method, _properties, delivered = yield deliveries.next
        assert delivered == body

    run(program)


def test_the_broker_agrees_to_close(run):
    def program(connection):
        closed = Inbox()
        connection.add_on_close_callback(closed.put)
        connection.close(200, "bye")

        _connection, reason = yield closed.next

        assert isinstance(reason, pika.exceptions.ConnectionClosedByClient)
        assert (reason.reply_code, reason.reply_text) == (200, "bye")

    run(program)


def patterned(size_bytes: int) -> bytes:
    """A body that shows it when one of its frames is lost, doubled or out of order."""
    return b"".join(b"%09d," % n for n in range(size_bytes // 10 + 1))[:size_bytes]
