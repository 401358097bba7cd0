"""kombu: exchanges, messages and declarations above py-amqp."""

import amqp.exceptions
import pytest
from kombu import Connection, Consumer, Exchange, Producer, Queue, binding
from kombu.common import Broadcast
from kombu.exceptions import ContentDisallowed
from kombu.transport import native_delayed_delivery

from .waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.timeout(40)


@pytest.fixture
def connect(server):
    """Opens connections and closes those that the test left open."""
    opened = []

    def open_connection():
        opened.append(Connection(server.url))
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.release()


@pytest.fixture
def connection(connect):
    return connect()


@pytest.fixture
def channel(connection):
    return connection.default_channel


@pytest.fixture
def producer(channel):
    return Producer(channel)


class Collected:
    """A consumer's decoded deliveries."""

    def __init__(self, connection, queues, **options):
        self.messages = []
        self._connection = connection
        self._consumer = Consumer(
            connection.default_channel, queues, on_message=self.messages.append, **options
        )
        self._consumer.consume()

    def take(self, count):
        while len(self.messages) < count:
            self._connection.drain_events(timeout=PATIENCE_SECONDS)
        taken, self.messages[:] = self.messages[:count], self.messages[count:]
        return taken

    def payloads(self, count):
        return [message.payload for message in self.take(count)]


def bound(queue, channel):
    queue = queue(channel)
    queue.declare()
    return queue


def ready(queue):
    return queue.queue_declare(passive=True).message_count


def payload(queue):
    message = queue.get(no_ack=True)
    return None if message is None else message.payload


class TestExchanges:
    def test_direct(self, connection, producer, channel):
        exchange = Exchange("colours", "direct")
        red = bound(Queue("red", exchange, "red"), channel)
        both = bound(Queue("both", [binding(exchange, key) for key in ("red", "blue")]), channel)
        producer.publish("a", exchange=exchange, routing_key="red")
        producer.publish("b", exchange=exchange, routing_key="blue")
        assert [payload(both), payload(both), payload(both)] == ["a", "b", None]
        assert [payload(red), payload(red)] == ["a", None]

    def test_fanout(self, producer, channel):
        exchange = Exchange("news", "fanout")
        queues = [bound(Queue(name, exchange), channel) for name in ("one", "two")]
        producer.publish("all", exchange=exchange, routing_key="whatever")
        assert [payload(queue) for queue in queues] == ["all", "all"]

    def test_topic(self, producer, channel):
        exchange = Exchange("logs", "topic")
        errors = bound(Queue("errors", exchange, "*.error"), channel)
        kernel = bound(Queue("kernel", exchange, "kernel.#"), channel)
        producer.publish("a", exchange=exchange, routing_key="kernel.error")
        producer.publish("b", exchange=exchange, routing_key="kernel")
        assert [payload(errors), payload(errors)] == ["a", None]
        assert [payload(kernel), payload(kernel)] == ["a", "b"]

    def test_headers(self, producer, channel):
        exchange = Exchange("reports", "headers")
        table = {"format": "pdf", "pages": 3}
        every = Queue("every", exchange, binding_arguments={"x-match": "all"} | table)
        some = Queue("some", exchange, binding_arguments={"x-match": "any"} | table)
        every, some = bound(every, channel), bound(some, channel)
        producer.publish("a", exchange=exchange, headers=table)
        producer.publish("b", exchange=exchange, headers={"format": "pdf", "pages": 4})
        assert [payload(every), payload(every)] == ["a", None]
        assert [payload(some), payload(some)] == ["a", "b"]

    def test_an_exchange_passes_on_to_another_until_unbound(self, producer, channel):
        outer, inner = Exchange("outer", "topic")(channel), Exchange("inner", "fanout")(channel)
        queue = bound(Queue("inbox", inner), channel)
        outer.declare()
        inner.bind_to(outer, "news.#")
        producer.publish("on", exchange=outer, routing_key="news.local")
        inner.unbind_from(outer, "news.#")
        producer.publish("off", exchange=outer, routing_key="news.local")
        assert [payload(queue), payload(queue)] == ["on", None]

    def test_a_broadcast_reaches_each_listener_and_leaves_nothing(self, connect, producer):
        listeners = []
        for _ in range(2):
            connection = connect()
            listeners.append(Collected(connection, [Broadcast("alarm")], no_ack=True))
        names = [listener._consumer.queues[0].name for listener in listeners]
        producer.publish("fire", exchange=Exchange("alarm", "fanout"))
        assert [listener.payloads(1) for listener in listeners] == [["fire"], ["fire"]]
        assert len(set(names)) == 2

        listeners[0]._consumer.cancel()

        with pytest.raises(amqp.exceptions.NotFound):  # it was auto-delete
            Queue(names[0])(producer.channel).queue_declare(passive=True)


class TestMessages:
    @pytest.mark.parametrize("compression", [None, "gzip", "bzip2"])
    @pytest.mark.parametrize("serializer", ["json", "pickle"])
    def test_payloads_come_back_decoded(self, connection, producer, serializer, compression):
        sent = {"text": "grüße" * 100, "numbers": [1, 2.5, None]}
        collected = Collected(connection, [Queue("inbox")], no_ack=True, accept=[serializer])
        producer.publish(sent, "inbox", serializer=serializer, compression=compression)
        assert collected.payloads(1) == [sent]

    def test_octets_stay_octets(self, connection, producer):
        collected = Collected(connection, [Queue("inbox")], no_ack=True)
        producer.publish(b"\x00\xff", routing_key="inbox")
        [message] = collected.take(1)
        assert (message.body, message.content_encoding) == (b"\x00\xff", "binary")

    def test_headers_and_properties_come_with_the_message(self, connection, producer):
        collected = Collected(connection, [Queue("inbox")], no_ack=True)
        headers = {"retries": 3, "eta": None, "nested": {"args": ["a", 1, True]}}
        producer.publish(
            {}, routing_key="inbox", headers=headers, correlation_id="c", reply_to="r", priority=3
        )
        [message] = collected.take(1)
        assert message.headers == headers
        assert message.properties["correlation_id"] == "c"
        assert message.properties["reply_to"] == "r"
        assert message.properties["priority"] == 3
        assert message.properties["delivery_mode"] == 2
        assert message.delivery_info["routing_key"] == "inbox"

    def test_messages_are_acknowledged_requeued_and_rejected(self, connection, producer, channel):
        queue = bound(Queue("work"), channel)
        for letter in "abc":
            producer.publish(letter, routing_key="work")
        a, b, c = (queue.get() for _ in range(3))
        a.ack()
        b.requeue()
        c.reject()
        again = queue.get()
        assert (again.payload, again.delivery_info["redelivered"]) == ("b", True)
        again.ack()
        assert queue.get() is None

    def test_a_raised_prefetch_brings_what_was_held_back(self, connection, producer):
        """Celery raises it so, for the channel, with each task that waits for its time."""
        assert not connection.qos_semantics_matches_spec  # the server says it is RabbitMQ 3
        arrived = []
        consumer = Consumer(producer.channel, [Queue("work")], on_message=arrived.append)
        consumer.qos(prefetch_count=1, apply_global=True)
        consumer.consume()
        for letter in "abc":
            producer.publish(letter, routing_key="work")

        for allowed in (1, 2, 3):
            consumer.qos(prefetch_count=allowed, apply_global=True)
            while len(arrived) < allowed:
                connection.drain_events(timeout=PATIENCE_SECONDS)
            Queue("work")(producer.channel).queue_declare(passive=True)  # and no delivery with it
            assert [message.payload for message in arrived] == list("abc")[:allowed]

    def test_queues_are_purged_and_deleted(self, producer, channel):
        queue = bound(Queue("inbox"), channel)
        for letter in "abc":
            producer.publish(letter, routing_key="inbox")
        eventually(lambda: ready(queue) == 3, "three messages are ready")
        with pytest.raises(amqp.exceptions.PreconditionFailed, match="not empty"):
            queue.delete(if_empty=True)
        assert queue.purge() == 3
        assert queue.delete(if_unused=True, if_empty=True) == 0

    def test_what_is_not_accepted_is_not_decoded(self, connection, producer):
        queue = bound(Queue("inbox"), producer.channel)
        producer.publish({"a": 1}, routing_key="inbox", serializer="pickle")
        message = queue.get(accept=["json"], no_ack=True)
        with pytest.raises(ContentDisallowed):
            message.decode()


class TestSimpleQueue:
    def test_messages_go_through_in_order(self, connection):
        with connection.SimpleQueue("simple") as queue:
            for n in range(3):
                queue.put({"n": n})
            eventually(lambda: queue.qsize() == 3, "three messages are ready")
            for n in range(3):
                message = queue.get(timeout=PATIENCE_SECONDS)
                assert message.payload == {"n": n}
                message.ack()
            with pytest.raises(queue.Empty):
                queue.get_nowait()
            with pytest.raises(queue.Empty):
                queue.get(timeout=0.05)

    def test_what_was_not_acknowledged_is_there_for_the_next(self, connect):
        with connect() as connection, connection.SimpleQueue("simple") as queue:
            queue.put("again")
            assert queue.get(timeout=PATIENCE_SECONDS).payload == "again"
        with connect() as connection, connection.SimpleQueue("simple") as queue:
            message = queue.get(timeout=PATIENCE_SECONDS)
            assert message.delivery_info["redelivered"]
            message.ack()

    def test_a_buffer_forgets(self, connection):
        with connection.SimpleBuffer("buffer") as queue:
            queue.put("gone once seen")
            assert queue.get(timeout=PATIENCE_SECONDS).payload == "gone once seen"


class TestDeclarations:
    def test_the_usual_arguments_are_accepted(self, producer, channel):
        arguments = {
            "expires": 60.0,
            "message_ttl": 300.0,
            "max_length": 100_000,
            "max_length_bytes": 1 << 30,
            "max_priority": 10,
        }
        queue = bound(Queue("reply", durable=False, **arguments), channel)
        producer.publish("kept", routing_key="reply", expiration=60, priority=9)
        assert payload(queue) == "kept"
        bound(Queue("reply", durable=False, **arguments), channel)  # it is the same
        with pytest.raises(amqp.exceptions.PreconditionFailed, match="inequivalent arg"):
            bound(Queue("reply", durable=False, **arguments | {"expires": 61.0}), channel)

    def test_a_publish_declares_what_it_needs(self, producer, channel):
        exchange = Exchange("orders", "direct")
        queue = Queue("orders", exchange, "new")
        producer.publish("first", exchange=exchange, routing_key="new", declare=[queue])
        assert payload(queue(channel)) == "first"

    def test_a_missing_queue_is_a_channel_error(self, connection, channel):
        with pytest.raises(connection.channel_errors):
            Queue("missing", no_declare=True)(channel).queue_declare(passive=True)
        assert connection.connected
        bound(Queue("there"), channel)

    @pytest.mark.parametrize("queue_type", ["classic", "quorum"])
    def test_the_levels_of_delayed_delivery_are_declared(self, connection, producer, queue_type):
        """28 exchanges and queues; a message waits in the queue of the highest bit of its delay."""
        native_delayed_delivery.declare_native_delayed_delivery_exchanges_and_queues(
            connection, queue_type
        )
        target = Queue("work", Exchange("work", "topic"), "work")
        channel = producer.channel
        target(channel).declare()
        native_delayed_delivery.bind_queue_to_native_delayed_delivery_exchange(connection, target)
        top = native_delayed_delivery.level_name(native_delayed_delivery.MAX_LEVEL)
        delivery = native_delayed_delivery.CELERY_DELAYED_DELIVERY_EXCHANGE

        def publish(seconds):
            key = native_delayed_delivery.calculate_routing_key(seconds, "work")
            producer.publish(seconds, exchange=Exchange(top, no_declare=True), routing_key=key)

        def level(number):
            return Queue(native_delayed_delivery.level_name(number), no_declare=True)(channel)

        publish(1 << 26)
        publish(5 << 20)
        producer.publish("due", exchange=delivery, routing_key="0." * 28 + "work")
        eventually(lambda: ready(level(26)) == ready(level(22)) == 1, "both wait at their levels")
        assert ready(level(20)) == 0
        assert payload(target(channel)) == "due"
