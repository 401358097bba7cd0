"""The tutorials' work queue, anew: how tasks are shared out, and what becomes of a worker's."""

import pika
import pytest

from .worker import pump, settle_deliveries

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def task_queue(channel, named, declare_shared):
    task_queue = named("task_queue")
    declare_shared(channel, task_queue)
    return task_queue


@pytest.fixture
def new_task(channel, task_queue):
    """Sends tasks as the tutorial's new_task.py does: persistent, through the default exchange."""

    def send(*tasks):
        for task in tasks:
            channel.basic_publish(
                exchange="",
                routing_key=task_queue,
                body=task,
                properties=pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent),
            )

    return send


def test_two_workers_are_served_strictly_in_turn(start_worker, task_queue, new_task):
    first, second = start_worker(task_queue), start_worker(task_queue)

    new_task(b"1", b"2", b"3", b"4", b"5", b"6")
    pump(first, second, until=lambda: len(first.received + second.received) == 6)

    assert first.bodies == [b"1", b"3", b"5"]
    assert second.bodies == [b"2", b"4", b"6"]


def test_under_automatic_acknowledgement_they_are_served_in_turn_too(
    start_worker, task_queue, new_task
):
    first = start_worker(task_queue, auto_ack=True)
    second = start_worker(task_queue, auto_ack=True)

    new_task(b"1", b"2", b"3", b"4", b"5", b"6")
    pump(first, second, until=lambda: len(first.received + second.received) == 6)

    assert first.bodies == [b"1", b"3", b"5"]
    assert second.bodies == [b"2", b"4", b"6"]


def test_a_dead_workers_unacked_tasks_arrive_at_the_other_redelivered(
    start_worker, task_queue, new_task, proxy
):
    survivor = start_worker(task_queue)
    victim = start_worker(task_queue, via={"host": proxy.host, "port": proxy.port})
    new_task(b"1", b"2", b"3", b"4")
    pump(survivor, victim, until=lambda: len(survivor.received + victim.received) == 4)
    assert victim.bodies == [b"2", b"4"]

    proxy.cut()
    pump(survivor, until=lambda: len(survivor.received) == 4)

    assert survivor.bodies == [b"1", b"3", b"2", b"4"]
    assert [delivery.redelivered for delivery in survivor.received] == [False, False, True, True]
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pump(victim, until=lambda: victim.connection.is_closed)


def test_an_acked_task_does_not_come_back(start_worker, task_queue, new_task):
    finished = start_worker(task_queue)
    new_task(b"done", b"forgotten")
    pump(finished, until=lambda: len(finished.received) == 2)
    finished.channel.basic_ack(finished.received[0].delivery_tag)

    finished.connection.close()
    heir = start_worker(task_queue)
    pump(heir, until=lambda: heir.received)
    settle_deliveries(heir)

    assert heir.bodies == [b"forgotten"]
    assert heir.received[0].redelivered


def test_a_worker_that_quits_without_ack_gives_all_its_tasks_back(
    start_worker, task_queue, new_task
):
    forgetful = start_worker(task_queue)
    new_task(b"1", b"2", b"3")
    pump(forgetful, until=lambda: len(forgetful.received) == 3)

    forgetful.connection.close()
    heir = start_worker(task_queue)
    pump(heir, until=lambda: len(heir.received) == 3)

    assert heir.bodies == [b"1", b"2", b"3"]
    assert all(delivery.redelivered for delivery in heir.received)


def test_with_a_prefetch_of_one_a_busy_worker_gets_no_second_task(
    start_worker, task_queue, new_task
):
    busy = start_worker(task_queue, prefetch_count=1)
    quick = start_worker(task_queue, prefetch_count=1)
    new_task(b"hard", b"2", b"3", b"4", b"5")
    pump(busy, until=lambda: busy.received)

    for task in (b"2", b"3", b"4", b"5"):
        pump(quick, until=lambda task=task: task in quick.bodies)
        quick.ack_latest()
    settle_deliveries(busy, quick)

    assert busy.bodies == [b"hard"]
    assert quick.bodies == [b"2", b"3", b"4", b"5"]


def test_a_queue_cannot_be_redeclared_with_another_durability(channel, named):
    """Error table: redeclare, property differs."""
    hello = named("hello")
    channel.queue_declare(hello)

    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        channel.queue_declare(hello, durable=True)

    assert refused.value.args == (
        406,
        f"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{hello}' in vhost '/': "
        "received 'true' but current is 'false'",
    )
