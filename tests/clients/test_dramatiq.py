"""Dramatiq: actors and their queues, above pika."""

import os
import signal
import sys
from queue import Queue

import dramatiq
import pika
import pytest
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.message import Message
from dramatiq.middleware import Retries

from .waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.timeout(60)

START_SECONDS = 30


@pytest.fixture
def make_rabbit(server, proxy):
    """Makes Dramatiq's brokers, which are clients. They end before the proxy does."""
    made = []

    def make(to=server, **settings):
        made.append(RabbitmqBroker(url=to.url, **settings))
        return made[-1]

    yield make
    for rabbit in made:
        rabbit.close()


@pytest.fixture
def rabbit(make_rabbit):
    return make_rabbit()


@pytest.fixture
def start_worker():
    """Starts the worker threads of a broker's actors."""
    started = []

    def start(rabbit, threads=2):
        worker = dramatiq.Worker(rabbit, worker_timeout=50, worker_threads=threads)
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()


class Arrived(Queue):
    def next(self):
        return self.get(timeout=PATIENCE_SECONDS)

    def take(self, count):
        return [self.next() for _ in range(count)]


@pytest.fixture
def arrived():
    return Arrived()


class TestActors:
    def test_an_actor_gets_what_was_sent(self, rabbit, arrived, start_worker):
        @dramatiq.actor(broker=rabbit)
        def work(*arguments, **more):
            arrived.put((arguments, more))

        start_worker(rabbit)
        work.send(1, "zwei", three=[3.5, None])
        assert arrived.next() == ((1, "zwei"), {"three": [3.5, None]})

    def test_actors_have_queues_of_their_own(self, rabbit, arrived, start_worker):
        @dramatiq.actor(broker=rabbit, queue_name="mail")
        def mail(n):
            arrived.put(("mail", n))

        @dramatiq.actor(broker=rabbit, queue_name="images")
        def draw(n):
            arrived.put(("images", n))

        for n in range(10):
            (mail if n % 2 else draw).send(n)
        counts = rabbit.get_queue_message_counts
        eventually(lambda: counts("mail") == (5, 0, 0), "five messages are ready")
        start_worker(rabbit)
        assert sorted(arrived.take(10)) == sorted(
            ("mail" if n % 2 else "images", n) for n in range(10)
        )
        rabbit.join("mail", timeout=10_000)
        rabbit.join("images", timeout=10_000)

    def test_a_pipeline_passes_results_on(self, rabbit, arrived, start_worker):
        @dramatiq.actor(broker=rabbit)
        def double(n):
            return 2 * n

        @dramatiq.actor(broker=rabbit)
        def deliver(n):
            arrived.put(n)

        start_worker(rabbit)
        stages = [double.message(4), double.message(), deliver.message()]
        dramatiq.pipeline(stages, broker=rabbit).run()
        assert arrived.next() == 16

    def test_it_works_without_any_middleware(self, make_rabbit, arrived, start_worker):
        rabbit = make_rabbit(middleware=[])

        @dramatiq.actor(broker=rabbit)
        def work(n):
            arrived.put(n)
            if n == 1:
                raise ValueError("as told")

        worker = start_worker(rabbit)
        for n in range(3):
            work.send(n)
        assert sorted(arrived.take(3)) == [0, 1, 2]
        worker.stop()
        assert rabbit.get_queue_message_counts("default") == (0, 0, 0)

    def test_queues_are_flushed(self, rabbit):
        work = dramatiq.actor(lambda: None, broker=rabbit, actor_name="work")
        for _ in range(3):
            work.send()
            work.send_with_options(delay=3_600_000)
        counts = rabbit.get_queue_message_counts
        eventually(lambda: counts("default") == (3, 3, 0), "three wait, and three for later")
        rabbit.flush_all()
        assert counts("default") == (0, 0, 0)

    def test_priorities_are_declared(self, make_rabbit, arrived, start_worker):
        """x-max-priority is accepted; what it does is not tested here."""
        rabbit = make_rabbit(max_priority=10)

        @dramatiq.actor(broker=rabbit)
        def work(n):
            arrived.put(n)

        start_worker(rabbit)
        work.send_with_options(args=(1,), broker_priority=5)
        assert arrived.next() == 1


class TestLater:
    """Messages for later go to a queue that the worker consumes, too, and wait in the worker."""

    def test_a_failed_message_is_retried_after_a_pause(self, make_rabbit, arrived, start_worker):
        rabbit = make_rabbit(middleware=[Retries(min_backoff=20, max_backoff=50)])

        failures = iter([ValueError("as told")] * 3)

        @dramatiq.actor(broker=rabbit, max_retries=5)
        def fail_three_times():
            arrived.put("tried")
            for failure in failures:
                raise failure

        start_worker(rabbit)
        fail_three_times.send()
        assert arrived.take(4) == ["tried"] * 4
        rabbit.join("default", timeout=10_000)
        assert arrived.empty()

    def test_a_delayed_message_waits(self, rabbit, arrived, start_worker):
        @dramatiq.actor(broker=rabbit)
        def work(n):
            arrived.put(n)

        start_worker(rabbit)
        work.send_with_options(args=("later",), delay=400)
        work.send("now")
        assert arrived.take(2) == ["now", "later"]

    def test_an_immediate_message_overtakes_many_for_later(self, rabbit, arrived, start_worker):
        @dramatiq.actor(broker=rabbit)
        def work(n):
            arrived.put(n)

        for n in range(50):
            work.send_with_options(args=(n,), delay=3_600_000)
        start_worker(rabbit, threads=1)
        work.send("now")
        assert arrived.next() == "now"


class TestConfirms:
    def test_a_deleted_queue_is_declared_again(self, make_rabbit, arrived, server):
        """With confirms a message that found no queue comes back, and is sent once more."""
        rabbit = make_rabbit(confirm_delivery=True)
        work = dramatiq.actor(lambda: None, broker=rabbit, actor_name="work")
        work.send()
        with pika.BlockingConnection(pika.URLParameters(server.url)) as connection:
            connection.channel().queue_delete("default")
        work.send()
        assert rabbit.get_queue_message_counts("default") == (1, 0, 0)


class TestLostConnections:
    def test_a_worker_goes_on_after_a_cut(
        self, make_rabbit, server, proxy, arrived, start_worker, monkeypatch
    ):
        monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
        rabbit = make_rabbit(server.behind(proxy))
        sender = make_rabbit()

        def work(n):
            arrived.put(n)

        dramatiq.actor(work, broker=rabbit)
        send = dramatiq.actor(work, broker=sender).send
        start_worker(rabbit)
        send("before")
        assert arrived.next() == "before"
        proxy.cut()
        send("after")
        while arrived.next() != "after":
            pass  # the acknowledgement of the other may have been lost with its connection

    def test_a_sender_goes_on_after_a_cut(self, make_rabbit, server, proxy):
        rabbit = make_rabbit(server.behind(proxy), confirm_delivery=True)
        work = dramatiq.actor(lambda: None, broker=rabbit, actor_name="work")
        for _ in range(3):
            work.send()
            proxy.cut()
        work.send()
        assert rabbit.get_queue_message_counts("default") == (4, 0, 0)


class TestKilledWorkers:
    @pytest.fixture
    def start_process(self, start):
        def start_process():
            options = ("--processes", "1", "--threads", "2")
            worker = start(sys.executable, "-m", "dramatiq", "dramatiq_actors", *options)
            worker.says("Worker process is ready for action", within_seconds=START_SECONDS)
            return worker

        return start_process

    @pytest.fixture
    def send(self, make_rabbit):
        """Sends to an actor that only the processes know."""
        rabbit = make_rabbit(confirm_delivery=True)

        def send(actor, *arguments, **options):
            message = Message("default", actor, arguments, {}, {})
            rabbit.enqueue(message, **options)

        return send

    def test_the_message_of_a_killed_process_is_done_by_the_next(
        self, start_process, send, tmp_path
    ):
        worker = start_process()
        send("hang_at_first", str(tmp_path / "flag"))
        process = worker.says(r"hanging (\d+)")
        os.kill(int(process[1]), signal.SIGKILL)
        assert worker.wait() != 0  # the other processes end with it
        start_process().says("again")

    def test_what_a_killed_process_kept_for_later_is_not_lost(self, start_process, send, rabbit):
        worker = start_process()
        send("say", "later", delay=3_000)
        counts = rabbit.get_queue_message_counts
        eventually(lambda: counts("default") == (0, 0, 0), "the worker has taken it")
        worker.kill()
        eventually(lambda: counts("default") == (0, 1, 0), "it is back in its queue")
        start_process().says("said later")

    def test_a_process_that_is_asked_to_end_finishes(self, start_process, send):
        worker = start_process()
        send("say", "hello")
        worker.says("said hello")
        worker.ask_to_end()
        assert worker.wait() == 0
