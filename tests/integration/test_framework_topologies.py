"""What MassTransit, NServiceBus and Spring AMQP declare is declared, twice, and routes."""

from typing import Any

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from .frameworks import DELAY_LEVELS, DELIVERY, MassTransit, NServiceBus, SpringAmqp, delay_level


@pytest.fixture
def masstransit(channel, named):
    return MassTransit(channel, named)


@pytest.fixture
def nservicebus(channel, named):
    yield NServiceBus(channel, named)
    if named("x") != "x":  # a server that stays keeps nothing of it
        for level in range(DELAY_LEVELS):
            channel.queue_delete(delay_level(level))
            channel.exchange_delete(delay_level(level))
        channel.exchange_delete(DELIVERY)


def bodies(channel: Any, queue: str, count: int) -> list[bytes]:
    """The next messages of a queue, and that there is none behind them."""
    found = [channel.basic_get(queue, auto_ack=True)[2] for _ in range(count)]
    assert channel.basic_get(queue, auto_ack=True) == (None, None, None)
    return found


def test_a_published_type_reaches_those_who_take_it_or_its_interface(masstransit):
    placed = masstransit.message_type("OrderPlaced", "IOrderEvent")
    billing = masstransit.endpoint("billing", "OrderPlaced")
    audit = masstransit.endpoint("audit", "IOrderEvent")
    both = masstransit.endpoint("both", "OrderPlaced", "IOrderEvent")
    masstransit.channel.confirm_delivery()
    masstransit.channel.basic_publish(placed, "", b"order", mandatory=True)
    for queue in (billing, audit, both):
        assert bodies(masstransit.channel, queue, 1) == [b"order"]


def test_a_message_that_failed_is_moved_to_the_error_queue_with_its_headers(masstransit, named):
    endpoint = masstransit.endpoint("billing")
    channel = masstransit.channel
    channel.confirm_delivery()
    headers = {"MT-Fault-Message": "no funds", "MT-Reason": "fault"}
    properties = pika.BasicProperties(headers=headers, delivery_mode=2)
    channel.basic_publish(named("billing_error"), "", b"order", properties, mandatory=True)
    _, found, body = channel.basic_get(f"{named('billing_error')}", auto_ack=True)
    assert (found.headers, body) == (headers, b"order")
    assert bodies(channel, endpoint, 0) == []


def test_a_temporary_endpoint_goes_with_its_consumer(masstransit, connect):
    bus = masstransit.temporary_endpoint("bus")
    masstransit.channel.basic_cancel(masstransit.channel.basic_consume(bus, lambda *_: None))
    with pytest.raises(ChannelClosedByBroker, match="404"):
        connect().channel().queue_declare(bus, passive=True)


def test_an_event_reaches_the_subscribers_of_its_base_type(nservicebus):
    event = nservicebus.event("OrderCancelled", "OrderEvent")
    sales, audit = nservicebus.endpoint("sales"), nservicebus.endpoint("audit")
    nservicebus.subscribe("sales", "OrderCancelled")
    nservicebus.subscribe("audit", "OrderEvent")
    nservicebus.channel.confirm_delivery()
    nservicebus.channel.basic_publish(event, "", b"cancelled", mandatory=True)
    for queue in (sales, audit):
        assert bodies(nservicebus.channel, queue, 1) == [b"cancelled"]


def test_every_endpoint_may_declare_all_of_it_again(masstransit, nservicebus):
    for _ in range(2):
        masstransit.message_type("OrderPlaced", "IOrderEvent")
        masstransit.endpoint("billing", "OrderPlaced")
        nservicebus.endpoint("sales")
        nservicebus.delays()
        nservicebus.deliver_to("sales")


def test_a_delay_of_nothing_falls_through_all_levels(nservicebus):
    """27 bindings from exchange to exchange, and none of the queues on the way."""
    sales = nservicebus.endpoint("sales")
    nservicebus.delays()
    nservicebus.deliver_to("sales")
    nservicebus.channel.confirm_delivery()
    key = f"{'0.' * DELAY_LEVELS}{sales}"
    nservicebus.channel.basic_publish(delay_level(27), key, b"now", mandatory=True)
    assert bodies(nservicebus.channel, sales, 1) == [b"now"]
    for level in range(DELAY_LEVELS):
        assert bodies(nservicebus.channel, delay_level(level), 0) == []


@pytest.mark.parametrize("seconds", [2**27, 2**27 + 2**26, 2**20 + 5])
def test_a_long_delay_waits_in_the_queue_of_its_highest_bit(nservicebus, seconds):
    nservicebus.endpoint("sales")
    nservicebus.delays()
    nservicebus.deliver_to("sales")
    nservicebus.channel.confirm_delivery()
    exchange, key = nservicebus.delayed("sales", seconds)
    nservicebus.channel.basic_publish(exchange, key, b"later", mandatory=True)
    waiting = [level for level in range(28) if _ready(nservicebus.channel, delay_level(level))]
    assert waiting == [seconds.bit_length() - 1]


def _ready(channel: Any, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def test_a_listener_s_queues_may_be_declared_by_every_instance(channel, named):
    for _ in range(2):
        SpringAmqp(channel, named).declare(retry_ms=60_000)


def test_a_listener_that_declares_another_ttl_is_refused(channel, named):
    SpringAmqp(channel, named).declare(retry_ms=60_000)
    with pytest.raises(ChannelClosedByBroker) as closed:
        SpringAmqp(channel, named).declare(retry_ms=5_000)
    assert closed.value.reply_code == 406
    assert "inequivalent arg 'x-message-ttl'" in closed.value.reply_text
