"""The lab sheet, step by step: what every student does, and has to see.

Here the workers are in this process, where a test says what each does next. The worker that
students run is in test_lab_worker.
"""

import pika
import pytest

from .worker import pump, settle_deliveries

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def sender(connect, student):
    """The student's own terminal, from which messages are sent."""
    return connect(**student.access).channel()


@pytest.fixture
def hello(sender, named):
    hello = named("hello")
    sender.queue_declare(hello)
    return hello


@pytest.fixture
def start(start_worker, student):
    """Starts one more worker of the student."""

    def start(queue, **settings):
        return start_worker(queue, via=student.access, **settings)

    return start


def send(sender, queue, *bodies):
    for body in bodies:
        sender.basic_publish(exchange="", routing_key=queue, body=body)


def numbered(count):
    return [b"message %d" % n for n in range(1, count + 1)]


class TestOneVhostPerStudent:
    def test_a_student_has_full_control_of_the_own_vhost(self, sender, named):
        queue, exchange = named("hello"), named("logs")
        sender.queue_declare(queue)
        sender.exchange_declare(exchange, exchange_type="fanout")
        sender.queue_bind(queue, exchange)

        sender.basic_publish(exchange, "", b"mine")
        assert sender.basic_get(queue, auto_ack=True)[2] == b"mine"

        sender.exchange_delete(exchange)
        sender.queue_delete(queue)

    def test_another_students_vhost_is_refused(self, connect, enrol):
        """Error table: no access to the vhost."""
        alice, bob = enrol("alice"), enrol("bob")

        with pytest.raises(pika.exceptions.ProbableAccessDeniedError) as refused:
            connect(**{**alice.access, "virtual_host": bob.name})

        text = f"NOT_ALLOWED - access to vhost '{bob.name}' refused for user '{alice.name}'"
        assert text in str(refused.value)

    def test_a_vhost_that_does_not_exist_is_refused(self, connect, student):
        """Error table: vhost missing."""
        with pytest.raises(pika.exceptions.ProbableAccessDeniedError) as refused:
            connect(**{**student.access, "virtual_host": "no-such-vhost"})

        assert "NOT_ALLOWED - vhost no-such-vhost not found" in str(refused.value)

    def test_a_wrong_password_is_refused(self, connect, student):
        """Error table: login refused."""
        wrong = pika.PlainCredentials(student.name, "guessed")

        with pytest.raises(pika.exceptions.ProbableAuthenticationError) as refused:
            connect(**{**student.access, "credentials": wrong})

        text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN"
        assert text in str(refused.value)

    def test_queues_of_one_name_in_two_vhosts_are_two_queues(self, connect, enrol, named):
        alice = connect(**enrol("alice").access).channel()
        bob = connect(**enrol("bob").access).channel()
        hello = named("hello")
        alice.queue_declare(hello)
        bob.queue_declare(hello)

        send(alice, hello, b"for alice only")

        assert bob.basic_get(hello) == (None, None, None)
        assert alice.basic_get(hello, auto_ack=True)[2] == b"for alice only"


class TestHello:
    def test_declaring_a_queue_twice_is_harmless(self, sender, named):
        hello = named("hello")
        sender.queue_declare(hello)
        sender.confirm_delivery()
        send(sender, hello, b"still here")

        again = sender.queue_declare(hello)

        assert (again.method.queue, again.method.message_count) == (hello, 1)

    def test_a_message_to_a_queue_that_does_not_exist_is_dropped_silently(self, sender, named):
        nowhere = named("nowhere")

        send(sender, nowhere, b"dropped")

        declared = sender.queue_declare(nowhere)
        assert declared.method.message_count == 0
        assert sender.basic_get(nowhere) == (None, None, None)

    def test_a_receiver_gets_what_was_sent_before_and_after_it_started(self, sender, hello, start):
        send(sender, hello, b"before")
        receiver = start(hello, auto_ack=True)
        send(sender, hello, b"after")
        pump(receiver, until=lambda: len(receiver.received) == 2)

        assert receiver.bodies == [b"before", b"after"]


class TestDistribution:
    @pytest.mark.parametrize("auto_ack", [True, False])
    @pytest.mark.parametrize("count", [2, 3])
    def test_workers_are_served_strictly_in_turn(self, sender, hello, start, count, auto_ack):
        workers = [start(hello, auto_ack=auto_ack) for _ in range(count)]
        bodies = numbered(4 * count)

        send(sender, hello, *bodies)
        pump(*workers, until=lambda: all(len(worker.received) == 4 for worker in workers))

        for place, worker in enumerate(workers):
            assert worker.bodies == bodies[place::count]

    @pytest.mark.parametrize("count", [2, 3])
    def test_a_backlog_is_shared_in_turn_by_workers_that_take_one_at_a_time(
        self, sender, hello, start, count
    ):
        bodies = numbered(4 * count)
        sender.confirm_delivery()
        send(sender, hello, *bodies)
        workers = [start(hello, prefetch_count=1) for _ in range(count)]

        pump(*workers, until=lambda: all(worker.received for worker in workers))

        for turn in range(2, 5):
            for worker in workers:
                worker.ack_latest()
                pump(worker, until=lambda w=worker, n=turn: len(w.received) == n)

        for place, worker in enumerate(workers):
            assert worker.bodies == bodies[place::count]

    def test_a_backlog_goes_to_the_first_worker_that_takes_everything(self, sender, hello, start):
        """Without a prefetch nothing holds the messages back until a second worker comes."""
        sender.confirm_delivery()
        send(sender, hello, *numbered(20))

        early = start(hello, auto_ack=True)
        late = start(hello, auto_ack=True)
        send(sender, hello, b"fresh 1", b"fresh 2")
        pump(early, late, until=lambda: late.received and len(early.received) == 21)

        assert early.bodies == [*numbered(20), b"fresh 1"]
        assert late.bodies == [b"fresh 2"]

    @pytest.mark.parametrize("auto_ack", [True, False])
    def test_a_worker_added_while_others_run_joins_the_turn(self, sender, hello, start, auto_ack):
        first, second = (start(hello, auto_ack=auto_ack) for _ in range(2))
        send(sender, hello, *numbered(4))
        pump(first, second, until=lambda: len(first.received + second.received) == 4)

        third = start(hello, auto_ack=auto_ack)
        send(sender, hello, b"a", b"b", b"c", b"d", b"e", b"f")
        pump(first, second, third, until=lambda: len(third.received) == 2)
        pump(first, second, until=lambda: len(first.received + second.received) == 8)

        assert first.bodies[2:] == [b"a", b"d"]
        assert second.bodies[2:] == [b"b", b"e"]
        assert third.bodies == [b"c", b"f"]

    def test_fair_dispatch_spares_the_busy_worker(self, sender, hello, start):
        busy, quick = start(hello, prefetch_count=1), start(hello, prefetch_count=1)
        send(sender, hello, b"hard", *numbered(3))
        pump(busy, until=lambda: busy.received)

        for body in numbered(3):
            pump(quick, until=lambda body=body: body in quick.bodies)
            quick.ack_latest()
        settle_deliveries(busy, quick)

        assert busy.bodies == [b"hard"]
        assert quick.bodies == numbered(3)


class TestTheDeliveryTimeout:
    @pytest.mark.leveret(consumer_timeout_seconds=0.5)
    def test_a_worker_that_misses_the_delivery_timeout_is_cut_off(self, sender, hello, start):
        """Error table: acknowledgement timeout."""
        slow = start(hello, prefetch_count=1)
        send(sender, hello, b"job")
        pump(slow, until=lambda: slow.received)
        other = start(hello, prefetch_count=1)

        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as timed_out:
            slow.channel.start_consuming()
        pump(other, until=lambda: other.received)

        assert [(d.body, d.redelivered) for d in other.received] == [(b"job", True)]
        assert slow.connection.is_open
        assert timed_out.value.args == (
            406,
            "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value "
            "used: 500 ms. This timeout value can be configured, see consumers doc guide to learn "
            "more",
        )


class TestDeletingTheQueue:
    def test_delete_tells_how_many_messages_went_with_the_queue(self, sender, hello):
        sender.confirm_delivery()
        send(sender, hello, *numbered(3))

        assert sender.queue_delete(hello).method.message_count == 3

        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as missing:
            sender.queue_declare(hello, passive=True)
        assert missing.value.reply_code == 404

    def test_deleting_a_missing_queue_is_no_error(self, sender, named):
        assert sender.queue_delete(named("nowhere")).method.message_count == 0

    def test_consumers_are_told_that_their_queue_is_gone(self, sender, hello, start):
        worker = start(hello)
        cancelled = []
        worker.channel.add_on_cancel_callback(cancelled.append)

        sender.queue_delete(hello)
        pump(worker, until=lambda: cancelled)

        assert cancelled[0].method.consumer_tag == worker.consumer_tag
        assert worker.channel.is_open

    def test_start_consuming_returns_when_the_queue_is_deleted(self, sender, hello, start):
        worker = start(hello)
        sender.queue_delete(hello)

        worker.channel.start_consuming()

        assert worker.channel.consumer_tags == []

    def test_a_queue_in_use_is_kept_if_asked(self, sender, hello, start, student):
        """Error table: delete if-unused."""
        start(hello)

        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            sender.queue_delete(hello, if_unused=True)

        assert refused.value.args == (
            406,
            f"PRECONDITION_FAILED - queue '{hello}' in vhost '{student.name}' in use",
        )


class TestDurability:
    def test_a_durable_queue_can_be_declared_again_as_durable_only(self, connect, student, named):
        durable = named("task_queue")
        channel = connect(**student.access).channel()
        channel.queue_declare(durable, durable=True)
        channel.queue_declare(durable, durable=True)

        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            channel.queue_declare(durable)

        assert refused.value.args == (
            406,
            f"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{durable}' in vhost "
            f"'{student.name}': received 'false' but current is 'true'",
        )
