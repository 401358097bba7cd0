"""The lab's own worker and sender, run by students in their terminals."""

import signal
import socket
import threading

import pytest

pytestmark = pytest.mark.timeout(60)

# With this a message takes an hour or more: its worker is at work until something happens to it.
AT_WORK = "--seconds-per-character=3600"


@pytest.fixture
def sender(connect, student):
    """The teacher's eye: a channel in the student's vhost."""
    return connect(**student.access).channel()


@pytest.fixture
def hello(sender, named):
    hello = named("hello")
    sender.queue_declare(hello)
    return hello


@pytest.fixture
def send(run_script, student):
    """Sends with send.py, and waits until the server has it all."""

    def send(queue, *bodies):
        program = run_script(student, "send.py", queue, *bodies)
        assert program.ends(0) == [f"Sent '{body}'" for body in bodies]

    return send


def works_on(*bodies, again=False):
    """The lines of a worker that works without a pause."""
    for body in bodies:
        yield f"Received '{body}'{' again' if again else ''}, works 0 s"
        yield f"Done with '{body}'"


def numbered(count):
    return [f"message {n}" for n in range(1, count + 1)]


class TestHello:
    def test_a_worker_prints_what_was_sent_before_and_after_it_started(
        self, send, hello, start_processor
    ):
        send(hello, "before")
        worker = start_processor(hello)
        send(hello, "after")
        worker.reports(*works_on("before", "after"))

    def test_the_work_takes_as_many_seconds_as_the_body_has_characters(
        self, send, hello, start_processor
    ):
        """Characters, not octets; and it can be made faster."""
        worker = start_processor(hello, "--seconds-per-character=0.001")
        send(hello, "Grüße 世界")
        worker.reports("Received 'Grüße 世界', works 0.008 s", "Done with 'Grüße 世界'")

    def test_a_second_for_each_character_is_the_usual_pace(self, run_script, student, send, hello):
        worker = run_script(student, "qprocessor.py", hello)
        worker.skips_to("Waiting")
        send(hello, "1")
        worker.reports("Received '1', works 1 s", "Done with '1'")

    def test_any_octets_are_a_message(self, sender, hello, start_processor):
        worker = start_processor(hello)
        for body in (b"", b"\xff\x00\n", b"it's"):
            sender.basic_publish("", hello, body)
        assert worker.next_line() == "Received '', works 0 s"
        assert worker.skips_to("Received") == r"Received '�\x00\n', works 0 s"
        assert worker.skips_to("Received") == 'Received "it\'s", works 0 s'

    def test_after_ctrl_c_the_next_worker_goes_on(self, send, hello, start_processor):
        first = start_processor(hello)
        send(hello, "one")
        first.reports(*works_on("one"))
        first.interrupt()
        assert first.ends(0) == ["Stopped: 1 done, 0 dropped."]

        second = start_processor(hello)
        send(hello, "two", "three")
        second.reports(*works_on("two", "three"))


class TestSeveralWorkers:
    @pytest.mark.parametrize("options", [(), ("--acknowledge",)])
    @pytest.mark.parametrize("count", [2, 3])
    def test_they_share_the_messages_in_turn(self, send, hello, start_processor, count, options):
        workers = [start_processor(hello, *options) for _ in range(count)]
        bodies = numbered(3 * count)
        send(hello, *bodies)
        for place, worker in enumerate(workers):
            worker.reports(*works_on(*bodies[place::count]))

    def test_one_that_is_added_while_they_run_joins_the_turn(self, send, hello, start_processor):
        first, second = start_processor(hello), start_processor(hello)
        send(hello, "1", "2")
        first.reports(*works_on("1"))
        second.reports(*works_on("2"))

        third = start_processor(hello)
        send(hello, *"abcdef")
        first.reports(*works_on("a", "d"))
        second.reports(*works_on("b", "e"))
        third.reports(*works_on("c", "f"))

    def test_with_a_prefetch_of_one_the_busy_one_is_spared(self, send, hello, start_processor):
        busy = start_processor(hello, "--acknowledge", "--prefetch=1", AT_WORK)
        quick = start_processor(hello, "--acknowledge", "--prefetch=1")
        send(hello, "hard", *numbered(5))
        quick.reports(*works_on(*numbered(5)))
        busy.interrupt()
        assert busy.ends(0) == [
            "Received 'hard', works 14400 s",
            "Stopped: 0 done, 0 dropped.",
        ]


class TestLosing:
    def test_every_third_message_is_lost_and_no_other(self, sender, send, hello, start_processor):
        worker = start_processor(hello, "--lose-every=3")
        send(hello, *numbered(7))
        worker.reports(
            *works_on("message 1", "message 2"),
            "Dropped 'message 3' without working on it",
            *works_on("message 4", "message 5"),
            "Dropped 'message 6' without working on it",
            *works_on("message 7"),
        )
        worker.interrupt()
        assert worker.ends(0) == ["Stopped: 5 done, 2 dropped."]
        assert sender.queue_declare(hello, passive=True).method.message_count == 0

    def test_with_acknowledgements_another_worker_gets_what_was_dropped(
        self, send, hello, start_processor
    ):
        worker = start_processor(hello, "--lose-every=2", "--acknowledge")
        send(hello, "one", "two", "three")
        worker.reports(*works_on("one"), "Dropped 'two' without working on it", *works_on("three"))
        worker.interrupt()
        assert worker.ends(0) == ["Stopped: 2 done, 1 dropped."]

        heir = start_processor(hello, "--acknowledge")
        heir.reports(*works_on("two", again=True))


class TestKilledWorkers:
    def test_without_acknowledgements_everything_they_had_is_lost(
        self, send, hello, start_processor
    ):
        victim = start_processor(hello, AT_WORK)
        send(hello, "in hand", "in the bag")
        victim.skips_to("Received 'in hand'")
        victim.kill()

        heir = start_processor(hello)
        send(hello, "fresh")
        heir.reports(*works_on("fresh"))

    def test_with_acknowledgements_nothing_is_lost(self, send, hello, start_processor):
        victim = start_processor(hello, "--acknowledge", AT_WORK)
        heir = start_processor(hello, "--acknowledge")
        send(hello, *numbered(4))
        victim.skips_to("Received 'message 1'")
        heir.reports(*works_on("message 2", "message 4"))
        victim.kill()
        heir.reports(*works_on("message 1", "message 3", again=True))

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_who_is_stopped_at_work_gives_the_message_back(
        self, send, hello, start_processor, number
    ):
        stopped = start_processor(hello, "--acknowledge", AT_WORK)
        send(hello, "job")
        stopped.skips_to("Received")
        stopped.send_signal(number)
        assert stopped.ends(0) == ["Stopped: 0 done, 0 dropped."]

        heir = start_processor(hello, "--acknowledge")
        heir.reports(*works_on("job", again=True))


class TestLongWork:
    @pytest.mark.leveret(consumer_timeout_seconds=1)
    def test_past_the_delivery_timeout_another_worker_gets_the_message(
        self, send, hello, start_processor
    ):
        """Error table: acknowledgement timeout. What it had not begun goes there too."""
        sleeper = start_processor(hello, "--acknowledge", "--seconds-per-character=0.3")
        send(hello, "sleep", "not begun")
        other = start_processor(hello, "--acknowledge")
        other.reports(*works_on("sleep", "not begun", again=True))
        sleeper.reports("Received 'sleep', works 1.5 s")
        assert sleeper.ends(1) == [
            "We took longer than the delivery timeout. The server has closed the channel and given "
            "the message to another worker: PRECONDITION_FAILED - delivery acknowledgement on "
            "channel 1 timed out. Timeout value used: 1000 ms. This timeout value can be "
            "configured, see consumers doc guide to learn more"
        ]

    @pytest.mark.leveret(heartbeat_seconds=1)
    def test_a_worker_answers_heartbeats_while_it_works(self, send, hello, start_processor):
        """The server gives up a connection after three silent seconds here."""
        worker = start_processor(hello, "--acknowledge", "--seconds-per-character=0.8")
        send(hello, "work")
        worker.reports("Received 'work', works 3.2 s", "Done with 'work'")


class TestTheEnd:
    def test_a_worker_is_told_that_its_queue_was_deleted(self, sender, hello, start_processor):
        worker = start_processor(hello)
        sender.queue_delete(hello)
        assert worker.ends(1) == [
            f"Queue '{hello}' was deleted: there is nothing left to wait for."
        ]

    def test_a_lost_connection_is_a_sentence(self, run_script, student, hello, proxy):
        through = (f"--host={proxy.host}", f"--port={proxy.port}")
        worker = run_script(student, "qprocessor.py", hello, *through)
        worker.skips_to("Waiting")
        proxy.cut()
        (sentence,) = worker.ends(1)
        assert f"The connection to {proxy.host}:{proxy.port} is lost" in sentence

    @pytest.mark.leveret
    def test_a_server_that_stops_is_a_sentence(self, broker, sender, hello, start_processor):
        worker = start_processor(hello)
        sender.connection.close()  # it would not hear that the server says goodbye
        broker.stop()
        assert worker.ends(1) == [
            "The server has closed the connection: CONNECTION_FORCED - broker forced connection "
            "closure with reason 'shutdown'"
        ]


class TestWrongOptions:
    """Both scripts, since both are given the same ones."""

    @pytest.fixture(params=["qprocessor.py", "send.py"])
    def refused(self, request, run_script, student):
        def refused(queue, *options, code=1):
            lines = run_script(student, request.param, queue, *options).ends(code)
            assert not any("Traceback" in line for line in lines)
            return lines[-1]

        return refused

    @pytest.fixture
    def free_port(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        return port

    def test_no_server(self, refused, broker, free_port):
        assert refused("q", f"--port={free_port}") == (
            f"No server answers at {broker.host}:{free_port}. Is it running? "
            "Check --host and --port."
        )

    def test_no_such_host(self, refused, broker):
        assert "No server answers at no-such-host.invalid:" in refused(
            "q", "--host=no-such-host.invalid"
        )
        assert refused("q", "--host=" + 64 * "a") == (
            "A name is not possible. Check --host, --username and --password."
        )

    def test_a_server_of_another_kind(self, refused):
        with socket.create_server(("127.0.0.1", 0)) as server:
            answering = threading.Thread(target=answer_as_a_web_server, args=(server,))
            answering.start()
            port = server.getsockname()[1]
            sentence = refused("q", "--host=127.0.0.1", f"--port={port}")
            answering.join()
        assert sentence == (
            f"What answers at 127.0.0.1:{port} does not speak AMQP. Check --host and --port."
        )

    @pytest.mark.parametrize("option", ["--password=guessed", "--username=nobody"])
    def test_a_refused_login(self, refused, student, option):
        assert "with this password. Check --username and --password." in refused("q", option)

    @pytest.mark.parametrize("name", ["no-such-vhost", 256 * "v", "../x"])
    def test_a_vhost_that_does_not_exist(self, refused, student, name):
        assert refused("q", f"--vhost={name}") == (
            f"There is no vhost '{name}', or user '{student.name}' has no permissions in it. "
            "Check --vhost."
        )

    def test_the_vhost_of_another_student(self, refused, student, enrol):
        bob = enrol("bob")
        assert f"There is no vhost '{bob.name}', or user '{student.name}' has no" in refused(
            "q", f"--vhost={bob.name}"
        )

    @pytest.mark.parametrize("queue", [256 * "q", "\udcff"])
    def test_a_name_that_no_queue_can_have(self, refused, queue):
        assert refused(queue) == (
            "The name of a queue is UTF-8 text of at most 255 bytes. Check --queue."
        )

    @pytest.mark.parametrize("option", ["--username=\udcff", "--password=\udcff"])
    def test_a_name_that_is_not_text(self, refused, option):
        assert refused("q", option) == (
            "A name is not possible. Check --host, --username and --password."
        )

    @pytest.mark.parametrize("port", ["0", "65536", "amqp"])
    def test_a_port_that_is_none(self, refused, port):
        assert "argument --port: " in refused("q", f"--port={port}", code=2)


class TestTheWorkersOwnOptions:
    def test_a_queue_that_does_not_exist(self, run_script, student, named):
        nowhere = named("nowhere")
        assert run_script(student, "qprocessor.py", nowhere).ends(1) == [
            f"There is no queue '{nowhere}' in vhost '{student.name}'. Check --queue, or make the "
            "queue by sending something to it with send.py."
        ]

    def test_a_queue_that_another_connection_has_to_itself(
        self, sender, run_script, student, named
    ):
        own = named("own")
        sender.queue_declare(own, exclusive=True)
        (sentence,) = run_script(student, "qprocessor.py", own).ends(1)
        assert "The server has closed the channel: RESOURCE_LOCKED" in sentence

    @pytest.mark.parametrize(
        "option",
        [
            "--lose-every=0",
            "--lose-every=x",
            "--prefetch=-1",
            "--prefetch=65536",
            "--seconds-per-character=-1",
            "--seconds-per-character=nan",
        ],
    )
    def test_a_number_that_is_not_possible(self, run_script, student, option):
        last = run_script(student, "qprocessor.py", "q", option).ends(2)[-1]
        assert f"error: argument {option.partition('=')[0]}: " in last


class TestSending:
    def test_each_line_of_the_input_is_a_message(self, run_script, student, named, start_processor):
        hello = named("hello")
        program = run_script(student, "send.py", hello)
        program.types("one\n\ntwo without an end")
        assert program.ends(0) == ["Sent 'one'", "Sent ''", "Sent 'two without an end'"]
        start_processor(hello).reports(*works_on("one", "", "two without an end"))

    def test_a_queue_of_another_kind_is_a_sentence(self, sender, run_script, student, named):
        """Error table: redeclare, property differs."""
        durable = named("durable")
        sender.queue_declare(durable, durable=True)
        (sentence,) = run_script(student, "send.py", durable, "lost").ends(1)
        assert (
            "The server has closed the channel: PRECONDITION_FAILED - inequivalent arg 'durable'"
            in sentence
        )


def answer_as_a_web_server(server):
    connection, _ = server.accept()
    with connection:
        connection.recv(64)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
