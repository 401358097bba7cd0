"""aio-pika against the broker: what asyncio programs do with it."""

import asyncio

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.abc import ExchangeType
from aio_pika.exceptions import ChannelClosed, PublishError
from aio_pika.patterns import RPC

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(30)]

PATIENCE_SECONDS = 10


@pytest_asyncio.fixture
async def connect(broker):
    """Opens robust connections and closes those that the test left open."""
    opened = []

    async def open_connection(url=broker.url, **settings):
        opened.append(await aio_pika.connect_robust(url, **settings))
        return opened[-1]

    yield open_connection
    for connection in opened:
        await connection.close()


@pytest_asyncio.fixture
async def channel(connect):
    return await (await connect()).channel()


class Collected:
    """A consumer's deliveries; `await next()` takes one."""

    def __init__(self):
        self._deliveries = asyncio.Queue()

    async def __call__(self, message):
        await self._deliveries.put(message)

    async def next(self):
        return await asyncio.wait_for(self._deliveries.get(), PATIENCE_SECONDS)

    async def bodies(self, count):
        return [(await self.next()).body for _ in range(count)]

    def empty(self):
        return self._deliveries.empty()


async def ready_count(queue):
    # The robust channel answers a passive declare from its memory; declaring again asks the broker.
    return (await queue.declare()).message_count


async def test_a_message_goes_round(channel, named):
    queue = await channel.declare_queue(named("hello"))
    collected = Collected()
    await queue.consume(collected)

    sent = aio_pika.Message(b"round", headers={"half": 0.5, "nested": {"list": [1, "a", None]}})
    await channel.default_exchange.publish(sent, routing_key=queue.name)
    delivered = await collected.next()
    await delivered.ack()

    assert delivered.body == b"round"
    assert delivered.headers == {"half": 0.5, "nested": {"list": [1, "a", None]}}
    assert delivered.routing_key == queue.name
    assert not delivered.redelivered


async def test_the_queue_iterator_hands_out_messages_in_order(channel, named):
    queue = await channel.declare_queue(named("stream_of_work"))
    for n in range(20):
        await channel.default_exchange.publish(aio_pika.Message(b"%d" % n), queue.name)

    bodies = []
    async with queue.iterator(timeout=PATIENCE_SECONDS) as messages:
        async for message in messages:
            async with message.process():
                bodies.append(message.body)
            if len(bodies) == 20:
                break

    assert bodies == [b"%d" % n for n in range(20)]
    assert await ready_count(queue) == 0


async def test_leaving_the_iterator_early_returns_what_it_had_prefetched(connect, named):
    channel = await (await connect()).channel()
    await channel.set_qos(prefetch_count=5)
    queue = await channel.declare_queue(named("stream_of_work"))
    for n in range(10):
        await channel.default_exchange.publish(aio_pika.Message(b"%d" % n), queue.name)

    async with queue.iterator(timeout=PATIENCE_SECONDS) as messages:
        async for message in messages:
            await message.ack()
            break
    await channel.close()

    other = await (await connect()).channel()
    left = await other.get_queue(queue.name)
    bodies = [(await left.get(no_ack=True)).body for _ in range(9)]
    assert bodies == [b"%d" % n for n in range(1, 10)]
    assert await left.get(fail=False) is None


async def test_concurrent_publishes_each_get_their_confirm(connect, named):
    channel = await (await connect()).channel()
    queue = await channel.declare_queue(named("confirmed"))

    confirms = await asyncio.gather(
        *(
            channel.default_exchange.publish(aio_pika.Message(b"%d" % n), queue.name)
            for n in range(500)
        )
    )

    assert all(type(confirm).__name__ == "Ack" for confirm in confirms)
    assert await ready_count(queue) == 500


async def test_publishers_on_many_channels_do_not_disturb_each_other(connect, named):
    connection = await connect()
    queue = await (await connection.channel()).declare_queue(named("crowd"))

    async def publish_twenty(publisher):
        async with connection.channel() as channel:
            for n in range(20):
                body = b"%d of %d" % (n, publisher)
                await channel.default_exchange.publish(aio_pika.Message(body), queue.name)

    await asyncio.gather(*(publish_twenty(publisher) for publisher in range(20)))

    collected = Collected()
    await queue.consume(collected, no_ack=True)
    bodies = await collected.bodies(400)
    for publisher in range(20):
        own = [body for body in bodies if body.endswith(b" of %d" % publisher)]
        assert own == [b"%d of %d" % (n, publisher) for n in range(20)]


async def test_an_unroutable_message_raises_when_returns_shall_raise(connect, named):
    channel = await (await connect()).channel(on_return_raises=True)

    with pytest.raises(PublishError) as returned:
        await channel.default_exchange.publish(aio_pika.Message(b"come back"), named("nowhere"))

    assert returned.value.message.delivery.reply_code == 312
    assert returned.value.message.delivery.reply_text == "NO_ROUTE"
    assert returned.value.message.body == b"come back"


async def test_an_unroutable_message_is_handed_to_the_return_callback(channel, named):
    returned = Collected()
    channel.return_callbacks.add(lambda _channel, message: asyncio.create_task(returned(message)))

    await channel.default_exchange.publish(aio_pika.Message(b"come back"), named("nowhere"))

    assert (await returned.next()).body == b"come back"


async def test_a_requeued_message_is_redelivered(channel, named):
    queue = await channel.declare_queue(named("again"))
    await channel.default_exchange.publish(aio_pika.Message(b"again"), queue.name)

    first = await queue.get(timeout=PATIENCE_SECONDS)
    await first.nack(requeue=True)
    second = await queue.get(timeout=PATIENCE_SECONDS)
    await second.reject(requeue=True)
    third = await queue.get(timeout=PATIENCE_SECONDS)
    await third.reject(requeue=False)

    assert [m.redelivered for m in (first, second, third)] == [False, True, True]
    assert await queue.get(fail=False) is None


async def test_an_exclusive_queue_is_free_once_its_connection_closed(connect, named):
    name = named("private")
    owner = await connect()
    await (await owner.channel()).declare_queue(name, exclusive=True)
    intruder = await (await connect()).channel()
    with pytest.raises(ChannelClosed, match="RESOURCE_LOCKED"):
        await intruder.declare_queue(name, exclusive=True)

    await owner.close()

    heir = await (await connect()).channel()
    await heir.declare_queue(name, exclusive=True)


class TestExchanges:
    @pytest_asyncio.fixture
    async def bound(self, channel, named):
        """Declares an exchange and a queue bound to it, as often as a test wants."""

        async def declare(exchange_type, *bindings):
            exchange = await channel.declare_exchange(named("ex"), exchange_type)
            queues = []
            for number, binding in enumerate(bindings):
                queue = await channel.declare_queue(named(f"queue_{number}"))
                await queue.bind(exchange, **binding)
                queues.append(queue)
            return exchange, queues

        return declare

    async def ready(self, queues):
        return [await ready_count(queue) for queue in queues]

    async def test_direct(self, bound):
        exchange, queues = await bound(
            ExchangeType.DIRECT, {"routing_key": "red"}, {"routing_key": "blue"}
        )
        await exchange.publish(aio_pika.Message(b""), "red")
        assert await self.ready(queues) == [1, 0]

    async def test_fanout(self, bound):
        exchange, queues = await bound(ExchangeType.FANOUT, {}, {})
        await exchange.publish(aio_pika.Message(b""), "whatever")
        assert await self.ready(queues) == [1, 1]

    async def test_topic(self, bound):
        exchange, queues = await bound(
            ExchangeType.TOPIC, {"routing_key": "*.eu.#"}, {"routing_key": "order.*"}
        )
        await exchange.publish(aio_pika.Message(b""), "order.eu.berlin")
        await exchange.publish(aio_pika.Message(b""), "order.eu")
        assert await self.ready(queues) == [2, 1]

    async def test_headers(self, bound):
        table = {"format": "pdf", "type": "report"}
        exchange, queues = await bound(
            ExchangeType.HEADERS,
            {"arguments": {"x-match": "all", **table}},
            {"arguments": {"x-match": "any", **table}},
            {"arguments": table},  # without x-match it is all
        )
        await exchange.publish(aio_pika.Message(b"", headers=table), "")
        await exchange.publish(aio_pika.Message(b"", headers={"format": "pdf"}), "")
        await exchange.publish(aio_pika.Message(b"", headers={"format": "zip"}), "")
        assert await self.ready(queues) == [1, 2, 1]

    async def test_an_exchange_bound_to_another_passes_messages_on(self, channel, named, bound):
        inner, [queue] = await bound(ExchangeType.FANOUT, {})
        outer = await channel.declare_exchange(named("outer"), ExchangeType.TOPIC)
        await inner.bind(outer, routing_key="news.#")

        await outer.publish(aio_pika.Message(b"passed on"), "news.local")
        await outer.publish(aio_pika.Message(b"not bound"), "weather")
        assert await self.ready([queue]) == [1]

        await inner.unbind(outer, routing_key="news.#")
        await outer.publish(aio_pika.Message(b"unbound"), "news.local")
        assert await self.ready([queue]) == [1]


async def test_remote_procedure_calls_answer_and_fail_as_the_function_does(connect, named):
    async def divide(*, dividend, divisor):
        return dividend // divisor

    async with (await connect()).channel() as serving, (await connect()).channel() as calling:
        server = await RPC.create(serving)
        client = await RPC.create(calling)
        await server.register(named("divide"), divide, auto_delete=True)

        quotients = await asyncio.gather(
            *(client.call(named("divide"), {"dividend": n, "divisor": 7}) for n in range(30))
        )
        assert quotients == [n // 7 for n in range(30)]
        with pytest.raises(ZeroDivisionError):
            await client.call(named("divide"), {"dividend": 1, "divisor": 0})

        await client.close()
        await server.close()


class TestReconnection:
    @pytest_asyncio.fixture
    async def cuttable(self, broker, connect, proxy):
        """A robust connection through the proxy."""
        return await connect(
            None,
            host=proxy.host,
            port=proxy.port,
            login=broker.username,
            password=broker.password,
            reconnect_interval=0.05,
        )

    async def cut(self, proxy, connection):
        reconnected = asyncio.Event()
        connection.reconnect_callbacks.add(lambda *_: reconnected.set())
        proxy.cut()
        await asyncio.wait_for(reconnected.wait(), PATIENCE_SECONDS)

    async def test_a_consumer_goes_on_after_its_connection_was_cut(
        self, channel, cuttable, proxy, named
    ):
        consuming = await cuttable.channel()
        queue = await consuming.declare_queue(named("survivor"))
        collected = Collected()
        await queue.consume(collected)
        await channel.default_exchange.publish(aio_pika.Message(b"unacked"), queue.name)
        assert not (await collected.next()).redelivered

        await self.cut(proxy, cuttable)
        again = await collected.next()
        await again.ack()
        await channel.default_exchange.publish(aio_pika.Message(b"after"), queue.name)

        assert (again.body, again.redelivered) == (b"unacked", True)
        assert (await collected.next()).body == b"after"

    async def test_a_publisher_goes_on_after_its_connection_was_cut(
        self, channel, cuttable, proxy, named
    ):
        publishing = await cuttable.channel()
        queue = await channel.declare_queue(named("survivor"))
        await publishing.default_exchange.publish(aio_pika.Message(b"before"), queue.name)

        await self.cut(proxy, cuttable)
        await publishing.default_exchange.publish(aio_pika.Message(b"after"), queue.name)

        collected = Collected()
        await queue.consume(collected, no_ack=True)
        assert await collected.bodies(2) == [b"before", b"after"]

    async def test_exclusive_queues_and_their_bindings_are_declared_anew(
        self, channel, cuttable, proxy, named
    ):
        consuming = await cuttable.channel()
        exchange = await channel.declare_exchange(named("news"), ExchangeType.FANOUT)
        queue = await consuming.declare_queue(named("private"), exclusive=True)
        await queue.bind(exchange.name)
        collected = Collected()
        await queue.consume(collected, no_ack=True)

        await self.cut(proxy, cuttable)
        await exchange.publish(aio_pika.Message(b"after"), "")

        assert (await collected.next()).body == b"after"
