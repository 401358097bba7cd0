"""FastStream: subscribers and publishers as functions, above aio-pika."""

import asyncio

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from faststream import AckPolicy, Path
from faststream.rabbit import (
    Channel,
    ExchangeType,
    RabbitBroker,
    RabbitExchange,
    RabbitMessage,
    RabbitQueue,
)

from .waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(40)]


class Inbox:
    """What handlers have got."""

    def __init__(self):
        self._arrived = asyncio.Queue()

    def put(self, what):
        self._arrived.put_nowait(what)

    async def next(self):
        return await asyncio.wait_for(self._arrived.get(), PATIENCE_SECONDS)

    async def take(self, count):
        """So many, sorted: handlers run beside each other, and finish in any order."""
        return sorted([await self.next() for _ in range(count)])

    def empty(self):
        return self._arrived.empty()


@pytest.fixture
def inbox():
    return Inbox()


@pytest_asyncio.fixture
async def make_stream(server, proxy):
    """Makes FastStream's brokers, which are clients. They end before the proxy does."""
    made = []

    def make(to=server, **settings):
        made.append(RabbitBroker(to.url, logger=None, **settings))
        return made[-1]

    yield make
    for stream in made:
        await stream.stop()


@pytest_asyncio.fixture
async def stream(make_stream):
    return make_stream()


@pytest_asyncio.fixture
async def ready_count(server):
    """Asks the server how many messages of a queue are ready."""
    connection = await aio_pika.connect(server.url)
    channel = await connection.channel()

    async def ask(queue):
        declared = await channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count

    yield ask
    await connection.close()


async def test_a_subscriber_gets_what_is_published(stream, inbox):
    @stream.subscriber("orders")
    async def on_order(order: dict, message: RabbitMessage):
        inbox.put((order, message.headers["shop"], message.correlation_id))

    await stream.start()
    await stream.publish(
        {"item": "Möhre", "count": 3}, "orders", headers={"shop": "7"}, correlation_id="c"
    )
    assert await inbox.next() == ({"item": "Möhre", "count": 3}, "7", "c")


async def test_a_handler_publishes_what_it_returns(stream, inbox):
    @stream.subscriber("numbers")
    @stream.publisher("doubled")
    async def double(number: int) -> int:
        return 2 * number

    @stream.subscriber("doubled")
    async def on_doubled(number: int):
        inbox.put(number)

    await stream.start()
    for n in range(5):
        await stream.publish(n, "numbers")
    assert await inbox.take(5) == [0, 2, 4, 6, 8]


async def test_an_answer_goes_to_the_queue_that_the_question_names(stream, inbox):
    @stream.subscriber("squares")
    async def square(number: int) -> int:
        return number * number

    @stream.subscriber("answers")
    async def on_answer(number: int, message: RabbitMessage):
        inbox.put((message.correlation_id, number))

    await stream.start()
    for n in range(5):
        await stream.publish(n, "squares", reply_to="answers", correlation_id=str(n))
    assert await inbox.take(5) == [("0", 0), ("1", 1), ("2", 4), ("3", 9), ("4", 16)]


async def test_a_request_waits_for_its_answer(stream):
    """The answer comes by direct reply-to, without a queue."""

    @stream.subscriber("squares")
    async def square(number: int) -> int:
        return number * number

    await stream.start()
    for n in range(5):
        answer = await stream.request(n, "squares", timeout=PATIENCE_SECONDS)
        assert await answer.decode() == n * n


async def test_a_request_that_nobody_answers_times_out(stream):
    await stream.start()
    await stream.declare_queue(RabbitQueue("silent"))
    with pytest.raises(TimeoutError):
        await stream.request("?", "silent", timeout=0.2)


async def test_subscribers_of_one_queue_share_its_messages(make_stream, inbox):
    async def subscribe(name):
        stream = make_stream()

        @stream.subscriber("shared", channel=Channel(prefetch_count=1))
        async def on_message(number: int):
            inbox.put((name, number))

        await stream.start()
        return stream

    await subscribe("one")
    stream = await subscribe("two")
    for n in range(10):
        await stream.publish(n, "shared")
    arrived = await inbox.take(10)
    assert sorted(number for _, number in arrived) == list(range(10))
    assert {name for name, _ in arrived} == {"one", "two"}


async def test_prefetch_bounds_what_a_subscriber_has(stream, inbox, ready_count):
    go = asyncio.Event()

    @stream.subscriber("slow", channel=Channel(prefetch_count=2), ack_policy=AckPolicy.ACK)
    async def on_message(number: int):
        inbox.put(number)
        await go.wait()

    await stream.start()
    for n in range(5):
        await stream.publish(n, "slow")
    assert await inbox.take(1) == [0]
    assert await ready_count("slow") == 3
    go.set()
    assert await inbox.take(4) == [1, 2, 3, 4]


class TestExchanges:
    @pytest.fixture
    def listen(self, stream, inbox):
        """Subscribes a handler, which names itself with what it gets."""

        def listen(name, exchange, **options):
            @stream.subscriber(RabbitQueue(name, **options), exchange)
            async def on_message(body: str):
                inbox.put((name, body))

        return listen

    async def test_direct(self, stream, inbox, listen):
        exchange = RabbitExchange("colours", type=ExchangeType.DIRECT)
        listen("red", exchange, routing_key="red")
        listen("blue", exchange, routing_key="blue")
        await stream.start()
        await stream.publish("a", exchange=exchange, routing_key="blue")
        await stream.publish("b", exchange=exchange, routing_key="red")
        assert await inbox.take(2) == [("blue", "a"), ("red", "b")]

    async def test_fanout(self, stream, inbox, listen):
        exchange = RabbitExchange("news", type=ExchangeType.FANOUT)
        listen("one", exchange)
        listen("two", exchange)
        await stream.start()
        await stream.publish("a", exchange=exchange)
        assert await inbox.take(2) == [("one", "a"), ("two", "a")]

    async def test_topic_with_a_part_of_the_key_as_argument(self, stream, inbox):
        exchange = RabbitExchange("logs", type=ExchangeType.TOPIC)

        @stream.subscriber(RabbitQueue("logs", routing_key="logs.{level}"), exchange)
        async def on_log(body: str, level: str = Path()):
            inbox.put((level, body))

        await stream.start()
        await stream.publish("a", exchange=exchange, routing_key="logs.info")
        await stream.publish("b", exchange=exchange, routing_key="logs.error")
        assert await inbox.take(2) == [("error", "b"), ("info", "a")]

    async def test_headers(self, stream, inbox, listen):
        exchange = RabbitExchange("reports", type=ExchangeType.HEADERS)
        table = {"format": "pdf", "pages": 3}
        listen("all", exchange, bind_arguments={"x-match": "all"} | table)
        listen("any", exchange, bind_arguments={"x-match": "any"} | table)
        await stream.start()
        await stream.publish("a", exchange=exchange, headers={"format": "pdf", "pages": 4})
        await stream.publish("b", exchange=exchange, headers=table)
        assert await inbox.take(3) == [("all", "b"), ("any", "a"), ("any", "b")]

    async def test_an_exchange_bound_to_another(self, stream, inbox, listen):
        outer = RabbitExchange("outer", type=ExchangeType.TOPIC)
        inner = RabbitExchange(
            "inner", type=ExchangeType.FANOUT, bind_to=outer, routing_key="news.#"
        )
        listen("inbox", inner)
        await stream.start()
        await stream.publish("on", exchange=outer, routing_key="news.local")
        assert await inbox.next() == ("inbox", "on")


class TestAcknowledgement:
    @pytest.fixture
    def fail_twice(self, stream, inbox):
        """Subscribes a handler that fails for each message the first two times."""

        def subscribe(ack_policy):
            failures = {}

            @stream.subscriber("work", ack_policy=ack_policy)
            async def on_message(body: str, message: RabbitMessage):
                inbox.put((body, message.raw_message.redelivered))
                failures[body] = failures.get(body, 0) + 1
                if failures[body] <= 2:
                    raise ValueError("as told")

        return subscribe

    @pytest.mark.parametrize(
        "ack_policy", [AckPolicy.ACK_FIRST, AckPolicy.ACK, AckPolicy.REJECT_ON_ERROR]
    )
    async def test_a_failure_is_not_tried_again(
        self, stream, inbox, fail_twice, ack_policy, ready_count
    ):
        fail_twice(ack_policy)
        await stream.start()
        await stream.publish("a", "work")
        await stream.publish("b", "work")
        assert await inbox.take(2) == [("a", False), ("b", False)]
        await stream.stop()
        assert await ready_count("work") == 0
        assert inbox.empty()

    async def test_a_failure_is_tried_again_until_it_succeeds(
        self, stream, inbox, fail_twice, ready_count
    ):
        fail_twice(AckPolicy.NACK_ON_ERROR)
        await stream.start()
        await stream.publish("a", "work")
        assert await inbox.take(3) == [("a", False), ("a", True), ("a", True)]
        await stream.stop()
        assert await ready_count("work") == 0

    async def test_a_handler_may_decide_itself(self, stream, inbox, ready_count):
        @stream.subscriber("work", ack_policy=AckPolicy.MANUAL)
        async def on_message(body: str, message: RabbitMessage):
            inbox.put((body, message.raw_message.redelivered))
            if body == "requeue" and not message.raw_message.redelivered:
                await message.nack(requeue=True)
            elif body == "reject":
                await message.reject(requeue=False)
            elif body != "leave":
                await message.ack()

        await stream.start()
        for body in ("requeue", "reject", "ack", "leave"):
            await stream.publish(body, "work")
        assert await inbox.take(5) == [
            ("ack", False),
            ("leave", False),
            ("reject", False),
            ("requeue", False),
            ("requeue", True),
        ]
        await stream.stop()
        assert await ready_count("work") == 1


async def test_a_subscriber_and_a_publisher_go_on_after_a_cut(make_stream, server, proxy, inbox):
    stream = make_stream(server.behind(proxy), reconnect_interval=0.05)

    @stream.subscriber("work", RabbitExchange("work", type=ExchangeType.TOPIC))
    async def on_message(number: int):
        inbox.put(number)

    async def publish(number):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await stream.publish(number, "work", "work")
                except (AMQPError, ChannelInvalidStateError):
                    await asyncio.sleep(0.05)  # the connection is lost; it will come back

    await stream.start()
    await publish(0)
    assert await inbox.next() == 0
    proxy.cut()
    await publish(1)
    while await inbox.next() != 1:
        pass  # the acknowledgement of 0 may have been lost with its connection
