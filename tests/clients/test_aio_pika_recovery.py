"""aio-pika under load and through lost connections: what its robust connection promises."""

import asyncio

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from .waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]


@pytest_asyncio.fixture
async def connect(server, proxy):
    """Opens robust connections and closes them before the proxy goes."""
    opened = []

    async def open_connection(to=server):
        opened.append(await aio_pika.connect_robust(to.url, reconnect_interval=0.05))
        return opened[-1]

    yield open_connection
    for connection in opened:
        await connection.close()


@pytest_asyncio.fixture
async def connection(connect):
    return await connect()


@pytest_asyncio.fixture
async def cuttable(connect, server, proxy):
    return await connect(server.behind(proxy))


class Collected(asyncio.Queue):
    """A consumer's deliveries."""

    async def __call__(self, message):
        await self.put(message)

    async def next(self):
        return await asyncio.wait_for(self.get(), PATIENCE_SECONDS)


async def publish(channel, queue, *bodies):
    for body in bodies:
        await channel.default_exchange.publish(aio_pika.Message(body), queue)


class TestLoad:
    async def test_thousands_of_publishes_on_some_channels_are_all_confirmed(self, connection):
        channels = [await connection.channel() for _ in range(4)]
        queue = await channels[0].declare_queue("load")

        async def publish_all(number, channel):
            publishes = [
                channel.default_exchange.publish(aio_pika.Message(b"%d %d" % (number, n)), "load")
                for n in range(1000)
            ]
            return await asyncio.gather(*publishes)

        confirms = await asyncio.gather(
            *(publish_all(number, channel) for number, channel in enumerate(channels))
        )

        assert {type(confirm).__name__ for each in confirms for confirm in each} == {"Ack"}
        collected = Collected()
        await queue.consume(collected, no_ack=True)
        bodies = [(await collected.next()).body for _ in range(4000)]
        for number in range(4):
            own = [body for body in bodies if body.startswith(b"%d " % number)]
            assert own == [b"%d %d" % (number, n) for n in range(1000)]

    async def test_confirms_come_while_the_same_channel_consumes(self, connection):
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        queue = await channel.declare_queue("ring")
        laps = Collected()

        async def pass_on(message):
            async with message.process():
                lap = int(message.body)
                if lap < 100:
                    await publish(channel, "ring", b"%d" % (lap + 1))
                else:
                    await laps.put(lap)

        await queue.consume(pass_on)
        await asyncio.gather(*(publish(channel, "ring", b"0") for _ in range(10)))
        assert [await laps.next() for _ in range(10)] == [100] * 10


class TestCuts:
    async def test_consumers_on_some_channels_go_on_with_their_prefetch(
        self, connection, cuttable, proxy
    ):
        publishing = await connection.channel()
        consumers = []
        for number in range(3):
            channel = await cuttable.channel()
            await channel.set_qos(prefetch_count=1)
            queue = await channel.declare_queue(f"work-{number}", durable=True)
            collected = Collected()
            await queue.consume(collected)
            await publish(publishing, queue.name, b"a", b"b")
            assert (await collected.next()).body == b"a"
            consumers.append((queue, collected))

        proxy.cut()

        for queue, collected in consumers:
            again = await collected.next()
            assert (again.body, again.redelivered) == (b"a", True)
            await queue.declare()  # what was delivered before the answer is here with the answer
            assert collected.empty()  # one at a time, as before
            await again.ack()
            last = await collected.next()
            assert (last.body, last.redelivered) == (b"b", False)
            await last.ack()

    async def test_nothing_that_was_confirmed_is_lost(self, connection, cuttable, proxy):
        publishing = await cuttable.channel()
        queue = await (await connection.channel()).declare_queue("kept", durable=True)

        async def publish_until_confirmed(body):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    try:
                        return await publish(publishing, "kept", body)
                    except CONNECTION_EXCEPTIONS:
                        await asyncio.sleep(0.02)

        bodies = [b"%d" % n for n in range(300)]
        for n, body in enumerate(bodies):
            if n % 100 == 50:
                proxy.cut()
            await publish_until_confirmed(body)

        collected = Collected()
        await queue.consume(collected, no_ack=True)
        missing = set(bodies)
        while missing:
            missing.discard((await collected.next()).body)

    async def test_each_message_of_a_backlog_is_done_through_cuts(
        self, connection, cuttable, proxy
    ):
        publishing = await connection.channel()
        channel = await cuttable.channel()
        await channel.set_qos(prefetch_count=20)
        queue = await channel.declare_queue("backlog", durable=True)
        await asyncio.gather(*(publish(publishing, "backlog", b"%d" % n) for n in range(500)))
        done = set()
        all_done = asyncio.Event()

        async def work(message):
            try:
                await message.ack()
            except CONNECTION_EXCEPTIONS:
                return  # it will come again
            if message.body not in done:
                done.add(message.body)
                if len(done) in (100, 300):
                    proxy.cut()
                elif len(done) == 500:
                    all_done.set()

        await queue.consume(work)
        await asyncio.wait_for(all_done.wait(), PATIENCE_SECONDS)


class TestDeletedQueues:
    async def test_the_channel_of_a_cancelled_consumer_stays_open(self, server):
        connection = await aio_pika.connect(server.url)
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("brief")
            cancelled = Collected()
            underlying = await channel.get_underlay_channel()
            underlying.on_consumer_cancel_callbacks.add(cancelled)
            tag = await queue.consume(Collected())

            other = await connection.channel()
            await other.queue_delete("brief")

            assert (await cancelled.next()).consumer_tag == tag
            await channel.declare_queue("another")

    async def test_a_robust_consumer_comes_back_with_its_queue(self, connect):
        channel = await (await connect()).channel()
        queue = await channel.declare_queue("brief", durable=True)
        collected = Collected()
        await queue.consume(collected)
        other = await (await connect()).channel()
        await other.queue_delete("brief")

        declared = await other.declare_queue("brief", durable=True)

        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await declared.declare()).consumer_count == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.02)  # nobody tells; the server has to be asked
        await publish(other, "brief", b"still there")
        assert (await collected.next()).body == b"still there"
