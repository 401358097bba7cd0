"""py-amqp: the client below kombu and Celery."""

import time
from datetime import UTC, datetime
from decimal import Decimal

import amqp
import pytest
from amqp import exceptions

from .waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.timeout(40)


@pytest.fixture
def connect(server):
    """Opens connections and closes those that the test left open."""
    opened = []

    def open_connection(to=server, **settings):
        settings = {
            "host": to.address,
            "userid": to.username,
            "password": to.password,
            "virtual_host": to.vhost,
            "connect_timeout": PATIENCE_SECONDS,
        } | settings
        opened.append(amqp.Connection(**settings))
        opened[-1].connect()
        return opened[-1]

    yield open_connection
    for connection in opened:
        if connection.connected:
            connection.close()
        connection.collect()


@pytest.fixture
def connection(connect):
    return connect()


@pytest.fixture
def channel(connection):
    return connection.channel()


class Collected:
    """A consumer's deliveries, each as the client hands it out."""

    def __init__(self, connection):
        self.messages = []
        self._connection = connection

    def __call__(self, message):
        self.messages.append(message)

    def take(self, count):
        while len(self.messages) < count:
            self._connection.drain_events(timeout=PATIENCE_SECONDS)
        taken, self.messages = self.messages[:count], self.messages[count:]
        return taken


def publish(channel, queue, *bodies):
    for body in bodies:
        channel.basic_publish(amqp.Message(body), routing_key=queue)


def read_for_ever(connection):
    while True:
        connection.blocking_read(timeout=PATIENCE_SECONDS)


def counts(channel, queue):
    declared = channel.queue_declare(queue, passive=True)
    return declared.message_count, declared.consumer_count


class TestMessages:
    def test_a_message_comes_as_it_was_sent(self, connection, channel):
        channel.queue_declare("hello")
        collected = Collected(connection)
        channel.basic_consume("hello", callback=collected, no_ack=True)
        properties = {
            "content_type": "text/plain",
            "application_headers": {
                "text": "grüße",
                "yes": True,
                "small": -1,
                "large": 1 << 40,
                "half": 0.5,
                "price": Decimal("12.50"),
                "when": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC).replace(tzinfo=None),
                "nothing": None,
                "nested": {"list": [1, "two", {"three": 3}]},
            },
            "delivery_mode": 2,
            "priority": 5,
            "correlation_id": "c",
            "reply_to": "r",
            "message_id": "m",
            "timestamp": 1_777_777_777,
            "type": "t",
            "app_id": "a",
        }

        channel.basic_publish(amqp.Message(b"\x00\xff", **properties), routing_key="hello")

        [message] = collected.take(1)
        assert (message.body, message.properties) == (b"\x00\xff", properties)
        assert message.delivery_info["routing_key"] == "hello"

    def test_a_body_of_many_frames_comes_whole(self, connection, channel):
        body = bytes(range(256)) * 4096
        channel.queue_declare("large")
        publish(channel, "large", body)
        assert channel.basic_get("large", no_ack=True).body == body

    def test_get_from_an_empty_queue_answers_none(self, channel):
        channel.queue_declare("empty")
        assert channel.basic_get("empty") is None

    def test_deliveries_are_acknowledged_returned_and_dropped(self, connection, channel):
        channel.queue_declare("work")
        publish(channel, "work", "a", "b", "c", "d")
        collected = Collected(connection)
        channel.basic_qos(0, 4, False)
        channel.basic_consume("work", callback=collected)
        a, b, c, d = collected.take(4)

        channel.basic_ack(b.delivery_tag, multiple=True)
        channel.basic_reject(c.delivery_tag, requeue=True)
        channel.basic_reject(d.delivery_tag, requeue=False)

        [again] = collected.take(1)
        assert (again.body, again.delivery_info["redelivered"]) == ("c", True)
        assert not a.delivery_info["redelivered"]
        channel.basic_recover(requeue=True)
        [once_more] = collected.take(1)
        channel.basic_ack(once_more.delivery_tag)
        assert counts(channel, "work") == (0, 1)

    def test_prefetch_holds_deliveries_back(self, connect, connection, channel):
        channel.queue_declare("work")
        publish(channel, "work", *"abc")
        collected = Collected(connection)
        channel.basic_qos(0, 1, False)
        channel.basic_consume("work", callback=collected)
        [first] = collected.take(1)
        assert counts(channel, "work") == (2, 1)
        assert collected.messages == []
        channel.basic_ack(first.delivery_tag)
        assert [message.body for message in collected.take(1)] == ["b"]

    def test_exchanges_are_bound_to_exchanges(self, channel):
        channel.exchange_declare("outer", "topic", auto_delete=False)
        channel.exchange_declare("inner", "fanout", auto_delete=False)
        channel.exchange_bind("inner", "outer", "news.#")
        queue = channel.queue_declare("", exclusive=True).queue
        channel.queue_bind(queue, "inner")
        channel.basic_publish(amqp.Message("on"), "outer", "news.local")
        channel.exchange_unbind("inner", "outer", "news.#")
        channel.basic_publish(amqp.Message("off"), "outer", "news.local")
        assert counts(channel, queue) == (1, 0)
        assert channel.queue_purge(queue) == 1
        assert channel.queue_delete(queue) == 0


class TestConfirms:
    def test_a_publish_waits_for_its_confirm(self, connect):
        channel = connect(confirm_publish=True).channel()
        channel.queue_declare("sure")
        confirmed = []
        channel.events["basic_ack"].add(lambda tag, multiple: confirmed.append(tag))
        publish(channel, "sure", *"abc")
        assert confirmed == [1, 2, 3]
        assert counts(channel, "sure") == (3, 0)

    def test_an_unroutable_message_comes_back_before_its_confirm(self, connect):
        channel = connect(confirm_publish=True).channel()
        returned = []
        channel.events["basic_return"].add(lambda *what: returned.append(what))
        channel.basic_publish(amqp.Message("lost"), routing_key="nowhere", mandatory=True)
        [(error, exchange, routing_key, message)] = returned
        assert (error.reply_code, error.reply_text) == (312, "NO_ROUTE")
        assert (exchange, routing_key, message.body) == ("", "nowhere", "lost")

    def test_a_refused_publish_raises_in_the_publisher(self, connect):
        channel = connect(confirm_publish=True).channel()
        with pytest.raises(exceptions.NotFound, match="no exchange 'missing'"):
            channel.basic_publish(amqp.Message("lost"), "missing", "key")


class TestErrors:
    def test_a_missing_queue_is_not_found(self, channel):
        with pytest.raises(exceptions.NotFound, match="no queue 'missing'") as error:
            channel.queue_declare("missing", passive=True)
        assert (error.value.reply_code, error.value.method_name) == (404, "Queue.declare")

    def test_a_reserved_name_is_access_refused(self, channel):
        with pytest.raises(exceptions.AccessRefused, match=r"contains reserved prefix 'amq\.\*'"):
            channel.queue_declare("amq.mine")

    def test_the_exclusive_queue_of_another_is_resource_locked(self, connect, channel):
        channel.queue_declare("mine", exclusive=True)
        with pytest.raises(exceptions.ResourceLocked, match="cannot obtain exclusive access"):
            connect().channel().queue_declare("mine", passive=True)

    def test_another_declaration_is_precondition_failed(self, channel):
        channel.queue_declare("kept", durable=True, auto_delete=False)
        with pytest.raises(exceptions.PreconditionFailed, match="inequivalent arg 'durable'"):
            channel.queue_declare("kept", durable=False, auto_delete=False)

    def test_a_channel_that_was_closed_is_used_again(self, channel):
        """The client opens the channel anew, under the same number, when it was closed."""
        number = channel.channel_id
        for _ in range(3):
            with pytest.raises(exceptions.NotFound):
                channel.queue_declare("missing", passive=True)
        channel.queue_declare("there")
        publish(channel, "there", "still works")
        assert channel.basic_get("there", no_ack=True).body == "still works"
        assert channel.channel_id == number

    def test_an_unknown_exchange_type_ends_the_connection(self, connection, channel):
        with pytest.raises(exceptions.InvalidCommand, match="unknown exchange type"):
            channel.exchange_declare("odd", "x-nope-nope")
        assert not connection.connected

    def test_a_wrong_password_is_access_refused(self, connect):
        with pytest.raises(exceptions.AccessRefused, match="Login was refused"):
            connect(password="guess")

    def test_a_missing_vhost_is_not_allowed(self, connect):
        with pytest.raises(exceptions.NotAllowed, match="vhost missing not found"):
            connect(virtual_host="missing")


class TestConnections:
    @pytest.mark.parametrize("mechanism", ["PLAIN", "AMQPLAIN"])
    def test_each_mechanism_logs_in(self, connect, mechanism):
        assert connect(login_method=mechanism).channel().is_open

    def test_the_blocked_notice_is_negotiated_and_nothing_is_blocked(self, connect):
        notices = []
        connection = connect(on_blocked=notices.append, on_unblocked=lambda: notices.append(""))
        assert connection.server_capabilities["connection.blocked"] is True
        assert connection.client_properties["capabilities"]["connection.blocked"] is True
        channel = connection.channel()
        channel.queue_declare("flowing")
        collected = Collected(connection)
        channel.basic_consume("flowing", callback=collected, no_ack=True)
        publish(channel, "flowing", *"abc")
        assert [message.body for message in collected.take(3)] == ["a", "b", "c"]
        assert notices == []

    def test_channel_numbers_are_used_again(self, connection):
        channels = [connection.channel() for _ in range(20)]
        numbers = {channel.channel_id for channel in channels}
        for channel in channels:
            channel.close()
        assert {connection.channel().channel_id for _ in range(20)} == numbers

    def test_flow_stays_active(self, channel):
        assert channel.flow(True) is True

    def test_a_consumer_learns_that_its_queue_is_gone(self, connect, connection, channel):
        cancelled = []
        channel.queue_declare("brief")
        tag = channel.basic_consume("brief", on_cancel=cancelled.append)
        connect().channel().queue_delete("brief")
        connection.drain_events(timeout=PATIENCE_SECONDS)
        assert cancelled == [tag]

    def test_a_consumer_that_does_not_listen_for_its_end_gets_an_exception(
        self, connect, connection, channel
    ):
        channel.queue_declare("brief")
        channel.basic_consume("brief", callback=Collected(connection))
        connect().channel().queue_delete("brief")
        with pytest.raises(exceptions.ConsumerCancelled):
            connection.drain_events(timeout=PATIENCE_SECONDS)

    def test_a_cut_connection_is_one_of_the_connection_errors(self, connect, server, proxy):
        connection = connect(server.behind(proxy))
        channel = connection.channel()
        channel.queue_declare("work")
        proxy.cut()
        with pytest.raises(connection.connection_errors):
            connection.drain_events(timeout=PATIENCE_SECONDS)


class TestHeartbeats:
    def test_the_server_sends_two_in_each_interval(self, connect):
        connection = connect(heartbeat=2)
        arrived_at = []
        for _ in range(3):
            connection.blocking_read(timeout=PATIENCE_SECONDS)
            arrived_at.append(time.monotonic())
            connection.send_heartbeat()
        assert 1.5 < arrived_at[-1] - arrived_at[0] < 3

    def test_a_client_that_sends_them_stays(self, connect):
        connection = connect(heartbeat=1)
        assert connection.heartbeat == 1
        # Three intervals of silence are a cut at the latest; this takes four.
        four_seconds_from_now = time.monotonic() + 4
        while time.monotonic() < four_seconds_from_now:
            connection.blocking_read(timeout=PATIENCE_SECONDS)
            connection.heartbeat_tick()
        assert connection.channel().is_open

    def test_a_client_that_sends_none_is_cut_after_three_intervals(self, connect):
        connection = connect(heartbeat=1)
        opened_at = time.monotonic()
        with pytest.raises(connection.connection_errors):
            read_for_ever(connection)
        assert 2.5 < time.monotonic() - opened_at < 4.5
