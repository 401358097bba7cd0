"""Delays and retries as MassTransit, NServiceBus and Spring AMQP build them from TTLs and dead
letters: what waits comes back, when it should, and says where it has been."""

import threading
import time
from typing import Any

import pika
import pytest

from .frameworks import DELAY_LEVELS, DELIVERY, NServiceBus, SpringAmqp, delay_level


@pytest.fixture
def nservicebus(channel, named):
    yield NServiceBus(channel, named)
    if named("x") != "x":  # a server that stays keeps nothing of it
        for level in range(DELAY_LEVELS):
            channel.queue_delete(delay_level(level))
            channel.exchange_delete(delay_level(level))
        channel.exchange_delete(DELIVERY)


@pytest.fixture
def spring(channel, named):
    return SpringAmqp(channel, named)


def next_message(channel: Any, queue: str, within_seconds: float = 10) -> Any:
    """(method, properties, body) of the next delivery, which is acknowledged."""
    for delivery in channel.consume(queue, auto_ack=True, inactivity_timeout=within_seconds):
        channel.cancel()
        assert delivery[0] is not None, f"nothing came within {within_seconds} s"
        return delivery


@pytest.mark.parametrize("seconds", [1, 3])
def test_a_delayed_message_climbs_down_its_bits_and_arrives_in_time(nservicebus, seconds):
    """1 is one level, 3 is two."""
    sales = nservicebus.endpoint("sales")
    nservicebus.delays()
    nservicebus.deliver_to("sales")
    exchange, key = nservicebus.delayed("sales", seconds)
    began = time.monotonic()
    nservicebus.channel.basic_publish(
        exchange, key, b"later", pika.BasicProperties(delivery_mode=2)
    )
    method, properties, body = next_message(nservicebus.channel, sales)
    assert seconds - 0.05 < time.monotonic() - began < seconds + 2
    assert body == b"later"
    assert method.exchange == DELIVERY
    assert method.routing_key == key
    visited = [death["queue"] for death in properties.headers["x-death"]]
    assert visited == [delay_level(level) for level in range(seconds.bit_length())]
    assert {death["reason"] for death in properties.headers["x-death"]} == {"expired"}


def test_a_rejected_message_comes_back_from_the_retry_queue(spring):
    spring.declare(retry_ms=100)
    channel = spring.channel
    channel.basic_publish(spring.exchange, "orders", b"order")
    method, _, _ = channel.basic_get(spring.queue)
    channel.basic_reject(method.delivery_tag, requeue=False)
    method, properties, body = next_message(channel, spring.queue)
    assert (method.exchange, method.routing_key, body) == (spring.exchange, "orders", b"order")
    deaths = [(death["queue"], death["reason"]) for death in properties.headers["x-death"]]
    assert deaths == [(spring.retry, "expired"), (spring.queue, "rejected")]
    assert properties.headers["x-first-death-queue"] == spring.queue


def test_after_three_attempts_a_message_is_parked(spring):
    """As listeners do it: they count the rejections in x-death."""
    spring.declare(retry_ms=50)
    channel = spring.channel
    channel.basic_publish(spring.exchange, "orders", b"poison")
    attempts = 0

    def listen(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        nonlocal attempts
        attempts += 1
        deaths = (properties.headers or {}).get("x-death", [])
        rejected = sum(death["count"] for death in deaths if death["reason"] == "rejected")
        assert rejected == attempts - 1
        if rejected < 2:
            channel.basic_reject(method.delivery_tag, requeue=False)
            return
        channel.basic_publish(spring.dead_letters, "parked", body, properties)
        channel.basic_ack(method.delivery_tag)
        channel.stop_consuming()

    channel.basic_consume(spring.queue, listen)
    alarm = threading.Timer(
        20, channel.connection.add_callback_threadsafe, [channel.stop_consuming]
    )
    alarm.start()
    channel.start_consuming()
    alarm.cancel()
    assert attempts == 3
    assert next_message(channel, spring.parking_lot)[2] == b"poison"
