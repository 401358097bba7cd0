"""kombu's connections: pools, and going on after a cut."""

import socket
import threading
import time
from dataclasses import replace
from queue import Queue as Inbox

import pytest
from kombu import Connection, Producer, Queue, pools
from kombu.common import maybe_declare
from kombu.exceptions import ChannelLimitExceeded, ConnectionLimitExceeded, OperationalError
from kombu.mixins import ConsumerMixin

from .waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.timeout(40)

AT_ONCE = {"interval_start": 0, "interval_step": 0.1, "interval_max": 0.5, "max_retries": 20}


@pytest.fixture
def connect(server, proxy):
    """Opens connections and closes them before the proxy goes."""
    opened = []

    def open_connection(to=server, **settings):
        opened.append(Connection(to.url, **settings))
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


def bound(queue, channel):
    queue = queue(channel)
    queue.declare()
    return queue


def ready(queue):
    return queue.queue_declare(passive=True).message_count


def payload(queue):
    message = queue.get(no_ack=True)
    return None if message is None else message.payload


class TestPools:
    @pytest.fixture(autouse=True)
    def _closed_before_the_server_is(self, server):
        yield
        pools.reset()

    def test_connections_are_used_again_up_to_the_limit(self, connect):
        pools.set_limit(2)
        connections, template = pools.connections, connect()
        with connections[template].acquire(block=True) as first:
            first.connect()
            socket_of_first = first.connection.sock.fileno()
            with connections[template].acquire(block=True) as second:
                second.connect()
                with pytest.raises(ConnectionLimitExceeded):
                    connections[template].acquire(block=False)
        with connections[template].acquire(block=True) as again:
            assert again.connected
            assert again.connection.sock.fileno() == socket_of_first

    def test_producers_of_a_pool_publish(self, connect, channel):
        queue = bound(Queue("inbox"), channel)
        producers, template = pools.producers, connect()
        for n in range(4):
            with producers[template].acquire(block=True) as producer:
                producer.publish(n, routing_key="inbox", declare=[queue])
        eventually(lambda: ready(queue) == 4, "four messages are ready")
        assert [payload(queue) for _ in range(4)] == [0, 1, 2, 3]

    def test_channels_of_a_pool_are_limited(self, connection):
        pool = connection.ChannelPool(limit=1)
        with pool.acquire(), pytest.raises(ChannelLimitExceeded):
            pool.acquire(block=False)


class TestLostConnections:
    @pytest.fixture
    def cuttable(self, connect, server, proxy):
        return connect(server.behind(proxy), transport_options={"confirm_publish": True})

    def test_a_publish_with_retry_goes_through_a_cut(self, cuttable, proxy, channel):
        queue = bound(Queue("inbox"), channel)
        with cuttable.Producer() as producer:
            producer.publish("before", routing_key="inbox")
            for n in range(5):
                proxy.cut()
                producer.publish(n, routing_key="inbox", retry=True, retry_policy=AT_ONCE)
        assert [payload(queue) for _ in range(7)] == ["before", 0, 1, 2, 3, 4, None]

    def test_ensure_does_it_again_on_a_new_connection(self, cuttable, proxy, channel):
        queue = bound(Queue("inbox"), channel)
        producer = cuttable.Producer()
        errors = []

        def remember(error, _pause):
            errors.append(error)

        publish = cuttable.ensure(producer, producer.publish, errback=remember, **AT_ONCE)
        publish("before", routing_key="inbox")
        proxy.cut()
        publish("after", routing_key="inbox")
        assert errors
        assert [payload(queue), payload(queue)] == ["before", "after"]

    def test_without_retry_the_loss_is_a_connection_error(self, cuttable, proxy):
        with cuttable.Producer() as producer:
            maybe_declare(Queue("inbox"), producer.channel)
            proxy.cut()
            with pytest.raises(cuttable.recoverable_connection_errors):
                producer.publish("lost", routing_key="inbox", retry=False)

    def test_nobody_listening_is_said_once_the_attempts_are_used_up(self, connect, server):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            connection = connect(replace(server, port=silent.getsockname()[1]))
            with pytest.raises(OperationalError, match="refused"):
                connection.ensure_connection(
                    max_retries=2, interval_start=0, interval_step=0, interval_max=0
                )

    def test_a_consumer_mixin_goes_on_after_a_cut(self, cuttable, proxy, channel):
        class Worker(ConsumerMixin):
            def __init__(self, connection):
                self.connection = connection
                self.arrived = Inbox()
                self.ready = Inbox()

            def get_consumers(self, consumer_class, channel):
                return [consumer_class([Queue("work")], callbacks=[self.on_task])]

            def on_consume_ready(self, connection, channel, consumers, **kwargs):
                self.ready.put(connection)

            def on_task(self, body, message):
                self.arrived.put((body, message.delivery_info["redelivered"]))
                if body != "unacknowledged" or message.delivery_info["redelivered"]:
                    message.ack()

        producer = Producer(channel)
        worker = Worker(cuttable)
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        worker.ready.get(timeout=PATIENCE_SECONDS)
        producer.publish("unacknowledged", routing_key="work")
        assert worker.arrived.get(timeout=PATIENCE_SECONDS) == ("unacknowledged", False)

        proxy.cut()

        worker.ready.get(timeout=PATIENCE_SECONDS)
        assert worker.arrived.get(timeout=PATIENCE_SECONDS) == ("unacknowledged", True)
        producer.publish("last", routing_key="work")
        assert worker.arrived.get(timeout=PATIENCE_SECONDS) == ("last", False)
        worker.should_stop = True
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()

    def test_heartbeats_are_checked(self, connect):
        connection = connect(heartbeat=1)
        connection.connect()
        assert connection.get_heartbeat_interval() == 1
        # Three intervals of silence are a cut at the latest; this takes four.
        four_seconds_from_now = time.monotonic() + 4
        while time.monotonic() < four_seconds_from_now:
            # Shorter than the pause between two of the server's, which would go on for ever.
            with pytest.raises(socket.timeout):
                connection.drain_events(timeout=0.2)
            connection.heartbeat_check()
        assert connection.connected
        bound(Queue("still-there"), connection.default_channel)
