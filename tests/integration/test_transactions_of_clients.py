"""Transactions as pika and aio-pika offer them."""

import aio_pika
import pika
import pytest

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def work(channel, named):
    work = named("work")
    channel.queue_declare(work, durable=True)
    channel.tx_select()
    return work


def bodies(channel, queue):
    found = []
    while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
        found.append(got[2])
    return found


def test_pika_commits_and_rolls_back(channel, work):
    persistent = pika.BasicProperties(delivery_mode=2)
    channel.basic_publish("", work, b"dropped", persistent)
    channel.tx_rollback()
    for n in range(100):
        channel.basic_publish("", work, b"%d" % n, persistent)
    channel.tx_commit()
    assert bodies(channel, work) == [b"%d" % n for n in range(100)]


def test_pika_passes_messages_on(channel, connect, named, work):
    done = named("done")
    channel.queue_declare(done)
    for body in (b"1", b"2", b"3"):
        channel.basic_publish("", work, body)
    channel.tx_commit()

    channel.basic_qos(prefetch_count=1)
    for method, _properties, body in channel.consume(work):
        channel.basic_publish("", done, body)
        channel.basic_ack(method.delivery_tag)
        channel.tx_commit()
        if body == b"3":
            break
    channel.cancel()

    other = connect().channel()
    assert bodies(other, done) == [b"1", b"2", b"3"]
    assert bodies(other, work) == []


def test_pika_hears_what_is_wrong(channel):
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.tx_commit()
    assert closed.value.args == (406, "PRECONDITION_FAILED - channel is not transactional")


@pytest.mark.asyncio
async def test_aio_pika_takes_back_what_fails_in_the_middle(broker, named):
    connection = await aio_pika.connect_robust(broker.url)
    async with connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.declare_queue(named("orders"), auto_delete=True)

        async def publish(body, divisor):
            async with channel.transaction():
                await channel.default_exchange.publish(aio_pika.Message(body), queue.name)
                return 1 / divisor

        with pytest.raises(ZeroDivisionError):
            await publish(b"half", 0)
        await publish(b"whole", 1)
        assert (await queue.get(no_ack=True)).body == b"whole"
        assert await queue.get(no_ack=True, fail=False) is None
