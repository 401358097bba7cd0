"""RabbitMQ's tutorials for Python, anew: what each of them shows has to be seen here too.

Work queues and publisher confirms have files of their own.
"""

import uuid

import pika
import pytest
from pika.exchange_type import ExchangeType

from .worker import Worker, pump, settle_deliveries

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def subscribe(connect):
    """Starts a receiver on a temporary queue of its own, bound with the given keys."""

    def start(exchange, *binding_keys):
        connection = connect()
        channel = connection.channel()
        temporary = channel.queue_declare(queue="", exclusive=True).method.queue
        for binding_key in binding_keys or ("",):
            channel.queue_bind(temporary, exchange, binding_key)
        return Worker(connection, temporary, auto_ack=True)

    return start


@pytest.fixture
def publisher(connect):
    """A channel on which each publish waits for its confirm: afterwards it has been routed."""
    channel = connect().channel()
    channel.confirm_delivery()
    return channel


class TestHelloWorld:
    def test_a_sent_message_is_received(self, connect, start_worker, named, declare_shared):
        hello = named("hello")
        with connect() as connection:
            channel = connection.channel()
            declare_shared(channel, hello)
            channel.basic_publish(exchange="", routing_key=hello, body=b"Hello hare!")

        receiver = start_worker(hello, auto_ack=True)
        pump(receiver, until=lambda: receiver.received)

        assert receiver.bodies == [b"Hello hare!"]
        assert not receiver.received[0].redelivered

    def test_the_receiver_may_declare_the_queue_first_and_wait(
        self, connect, start_worker, named, declare_shared
    ):
        hello = named("hello")
        declare_shared(connect().channel(), hello)
        receiver = start_worker(hello, auto_ack=True)

        sender = connect().channel()
        declare_shared(sender, hello)
        sender.basic_publish("", hello, b"Hello hare!")
        pump(receiver, until=lambda: receiver.received)

        assert receiver.bodies == [b"Hello hare!"]

    def test_messages_arrive_in_the_order_in_which_they_were_sent(
        self, connect, start_worker, named, declare_shared
    ):
        hello = named("hello")
        sender = connect().channel()
        declare_shared(sender, hello)
        receiver = start_worker(hello, auto_ack=True)
        bodies = [b"message %d" % n for n in range(200)]

        for body in bodies:
            sender.basic_publish("", hello, body)
        pump(receiver, until=lambda: len(receiver.received) == len(bodies))

        assert receiver.bodies == bodies

    def test_mixing_the_old_and_the_new_declaration_is_refused(self, connect, named):
        hello = named("hello")
        channel = connect().channel()
        channel.queue_declare(hello)

        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            channel.queue_declare(hello, durable=True, arguments={"x-queue-type": "quorum"})

        assert refused.value.reply_code == 406
        assert refused.value.reply_text.startswith("PRECONDITION_FAILED - inequivalent arg '")


class TestPublishSubscribe:
    @pytest.fixture
    def logs(self, channel, named):
        logs = named("logs")
        channel.exchange_declare(logs, exchange_type="fanout")
        return logs

    def test_every_subscriber_gets_a_copy(self, connect, start_worker, logs, subscribe):
        first, second = subscribe(logs), subscribe(logs)

        connect().channel().basic_publish(logs, "", b"info: one log line")
        pump(first, second, until=lambda: first.received and second.received)

        assert first.bodies == second.bodies == [b"info: one log line"]

    def test_each_temporary_queue_has_a_fresh_random_name(self, channel):
        names = {channel.queue_declare(queue="", exclusive=True).method.queue for _ in range(20)}

        assert len(names) == 20
        assert all(name.startswith("amq.gen-") for name in names)

    def test_what_is_published_while_nobody_subscribes_is_discarded(self, channel, logs, subscribe):
        channel.basic_publish(logs, "", b"into the void")
        late = subscribe(logs)
        channel.basic_publish(logs, "", b"heard")
        pump(late, until=lambda: late.received)

        assert late.bodies == [b"heard"]

    def test_the_temporary_queue_goes_with_its_connection(self, connect, channel, logs):
        subscriber = connect()
        temporary = subscriber.channel().queue_declare("", exclusive=True).method.queue

        subscriber.close()

        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as missing:
            channel.queue_declare(temporary, passive=True)
        assert missing.value.reply_code == 404

    def test_the_routing_key_does_not_matter_to_a_fanout(self, channel, logs, subscribe):
        subscriber = subscribe(logs)

        channel.basic_publish(logs, "any.key", b"one")
        channel.basic_publish(logs, "", b"two")
        pump(subscriber, until=lambda: len(subscriber.received) == 2)

        assert subscriber.bodies == [b"one", b"two"]


class TestRouting:
    @pytest.fixture
    def direct_logs(self, channel, named):
        exchange = named("direct_logs")
        channel.exchange_declare(exchange, exchange_type=ExchangeType.direct)
        return exchange

    def test_a_queue_gets_only_the_severities_it_is_bound_with(
        self, publisher, direct_logs, subscribe
    ):
        to_disk = subscribe(direct_logs, "error")
        to_screen = subscribe(direct_logs, "info", "warning", "error")

        for severity in ("info", "error", "debug", "warning"):
            publisher.basic_publish(direct_logs, severity, severity.encode())
        pump(to_disk, to_screen, until=lambda: to_disk.received and len(to_screen.received) == 3)
        settle_deliveries(to_disk, to_screen)

        assert to_disk.bodies == [b"error"]
        assert to_screen.bodies == [b"info", b"error", b"warning"]

    def test_two_queues_bound_with_one_key_both_get_the_message(
        self, publisher, direct_logs, subscribe
    ):
        first, second = subscribe(direct_logs, "black"), subscribe(direct_logs, "black")

        publisher.basic_publish(direct_logs, "black", b"hole")
        pump(first, second, until=lambda: first.received and second.received)

        assert first.bodies == second.bodies == [b"hole"]

    def test_a_direct_key_is_compared_whole_and_by_case(self, publisher, direct_logs, subscribe):
        subscriber = subscribe(direct_logs, "error")

        for key in ("Error", "error.disk", "err", "*", "#", "error"):
            publisher.basic_publish(direct_logs, key, key.encode())
        pump(subscriber, until=lambda: subscriber.received)
        settle_deliveries(subscriber)

        assert subscriber.bodies == [b"error"]


class TestTopics:
    @pytest.fixture
    def topic_logs(self, channel, named):
        exchange = named("topic_logs")
        channel.exchange_declare(exchange, exchange_type=ExchangeType.topic)
        return exchange

    @pytest.mark.parametrize(
        ("binding_key", "arriving"),
        [
            ("#", ["kern", "kern.critical", "kern.disk.critical", "cron.critical", ""]),
            ("kern.*", ["kern.critical"]),
            ("*.critical", ["kern.critical", "cron.critical"]),
            ("kern.#", ["kern", "kern.critical", "kern.disk.critical"]),
            ("#.critical", ["kern.critical", "kern.disk.critical", "cron.critical"]),
            ("*.*.*", ["kern.disk.critical"]),
            ("kern.critical", ["kern.critical"]),
            ("*", ["kern"]),
        ],
    )
    def test_a_binding_key_selects_by_words(
        self, publisher, topic_logs, subscribe, binding_key, arriving
    ):
        subscriber = subscribe(topic_logs, binding_key)

        for key in ("kern", "kern.critical", "kern.disk.critical", "cron.critical", ""):
            publisher.basic_publish(topic_logs, key, key.encode())
        pump(subscriber, until=lambda: len(subscriber.received) >= len(arriving))
        settle_deliveries(subscriber)

        assert [body.decode() for body in subscriber.bodies] == arriving

    def test_a_message_that_matches_two_bindings_of_a_queue_arrives_once(
        self, publisher, topic_logs, subscribe
    ):
        subscriber = subscribe(topic_logs, "*.orange.*", "*.*.hare", "lazy.#")

        publisher.basic_publish(topic_logs, "lazy.orange.hare", b"all three bindings")
        publisher.basic_publish(topic_logs, "quick.brown.fox", b"none")
        publisher.basic_publish(topic_logs, "lazy", b"the last one")
        pump(subscriber, until=lambda: len(subscriber.received) == 2)

        assert subscriber.bodies == [b"all three bindings", b"the last one"]


class TestRemoteProcedureCall:
    def fibonacci(self, n: int) -> int:
        a, b = 0, 1
        for _ in range(n):
            a, b = b, a + b
        return a

    def test_the_answer_comes_back_with_the_correlation_id(
        self, connect, start_worker, named, declare_shared
    ):
        rpc_queue = named("rpc_queue")
        declare_shared(connect().channel(), rpc_queue)

        def answer(request):
            server.channel.basic_publish(
                exchange="",
                routing_key=request.properties.reply_to,
                properties=pika.BasicProperties(correlation_id=request.properties.correlation_id),
                body=str(self.fibonacci(int(request.body))).encode(),
            )
            server.channel.basic_ack(request.delivery_tag)

        server = start_worker(rpc_queue, prefetch_count=1, on_delivery=answer)
        client = RpcClient(connect())

        call = client.call(rpc_queue, b"30")
        pump(server, client.connection, until=lambda: call in client.answers)

        assert client.answers == {call: b"832040"}

    def test_answers_in_another_order_reach_their_callers(
        self, connect, start_worker, named, declare_shared
    ):
        rpc_queue = named("rpc_queue")
        declare_shared(connect().channel(), rpc_queue)
        server = start_worker(rpc_queue)
        client = RpcClient(connect())
        calls = {client.call(rpc_queue, b"%d" % n): n for n in range(5)}
        pump(server, until=lambda: len(server.received) == len(calls))

        for request in reversed(server.received):
            server.channel.basic_publish(
                "", request.properties.reply_to, b"answer to " + request.body, request.properties
            )
        pump(client.connection, until=lambda: len(client.answers) == len(calls))

        assert client.answers == {call: b"answer to %d" % n for call, n in calls.items()}

    def test_each_client_is_answered_on_its_own_queue(self, connect, start_worker, named):
        rpc_queue = named("rpc_queue")
        connect().channel().queue_declare(rpc_queue)
        server = start_worker(rpc_queue)
        one, other = RpcClient(connect()), RpcClient(connect())
        call_of_one, call_of_other = one.call(rpc_queue, b"one"), other.call(rpc_queue, b"other")
        pump(server, until=lambda: len(server.received) == 2)

        for request in server.received:
            server.channel.basic_publish(
                "", request.properties.reply_to, request.body, request.properties
            )
        pump(one.connection, other.connection, until=lambda: one.answers and other.answers)

        assert one.answers == {call_of_one: b"one"}
        assert other.answers == {call_of_other: b"other"}


class RpcClient:
    """The tutorial's client, except that it can have several calls out at once."""

    def __init__(self, connection: pika.BlockingConnection) -> None:
        self.connection = connection
        self.answers: dict[str, bytes] = {}
        self._channel = connection.channel()
        self._callback_queue = self._channel.queue_declare("", exclusive=True).method.queue
        self._channel.basic_consume(self._callback_queue, self._answered, auto_ack=True)

    def call(self, queue: str, body: bytes) -> str:
        correlation_id = str(uuid.uuid4())
        self._channel.basic_publish(
            "",
            queue,
            body,
            pika.BasicProperties(reply_to=self._callback_queue, correlation_id=correlation_id),
        )
        return correlation_id

    def _answered(self, _channel, _method, properties, body) -> None:
        self.answers[properties.correlation_id] = body
