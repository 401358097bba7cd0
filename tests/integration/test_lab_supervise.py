"""`leveret lab supervise`: a worker that dies comes back."""

import os
import signal
import sys

import pytest

from .conftest import connection_options
from .program import shipped

pytestmark = pytest.mark.timeout(60)

# A worker that says when it has been told to stop, and takes its time to say goodbye.
POLITE = """
import signal, sys
def stop(number, frame):
    print("told", signal.Signals(number).name, flush=True)
    sys.exit(7)
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
print("at work", flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def supervise(run_program):
    """Supervises a command, with pauses that a test can wait for."""

    def start(*command, pause="0.01"):
        return run_program("-m", "leveret", "lab", "supervise", f"--pause={pause}", "--", *command)

    return start


def python(source):
    return (sys.executable, "-c", source)


def process_of(started):
    """The number in "The worker has started as process 1234."."""
    return int(started.removesuffix(".").rpartition(" ")[2])


def test_a_killed_worker_comes_back_and_works_on_its_message_again(
    supervise, broker, connect, student
):
    channel = connect(**student.access).channel()
    channel.queue_declare("hello")
    channel.basic_publish("", "hello", b"job")
    supervisor = supervise(
        sys.executable,
        shipped("qprocessor.py"),
        *connection_options(broker, student),
        "--acknowledge",
        "--seconds-per-character=0.5",
    )
    first = process_of(supervisor.skips_to("The worker has started"))
    supervisor.skips_to("Received 'job', works 1.5 s")
    os.kill(first, signal.SIGKILL)
    supervisor.reports("The worker died by SIGKILL. It starts again in 0.01 s.")
    assert process_of(supervisor.skips_to("The worker has started")) != first
    supervisor.skips_to("Received 'job' again, works 1.5 s")
    supervisor.reports("Done with 'job'")
    supervisor.interrupt()
    assert supervisor.ends(0) == [
        "SIGINT is passed on to the worker.",
        "Stopped: 1 done, 0 dropped.",
        "The worker has ended with exit code 0.",
    ]


def test_the_pauses_grow_from_death_to_death(supervise):
    supervisor = supervise(*python("raise SystemExit(3)"))
    for pause in ("0.01", "0.02", "0.04", "0.08"):
        supervisor.skips_to("The worker has started as process ")
        supervisor.reports(f"The worker died with exit code 3. It starts again in {pause} s.")


def test_the_first_pause_is_a_second(run_program):
    supervisor = run_program("-m", "leveret", "lab", "supervise", *python("raise SystemExit(3)"))
    supervisor.skips_to("The worker died with exit code 3. It starts again in 1 s.")


def test_a_worker_that_ends_with_0_is_not_started_again(supervise):
    supervisor = supervise(*python("print('enough')"))
    started, *rest = supervisor.ends(0)
    assert started.startswith("The worker has started as process ")
    assert rest == ["enough", "The worker has ended with exit code 0."]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_once_and_the_end_is_the_workers(supervise, number):
    supervisor = supervise(*python(POLITE))
    supervisor.skips_to("at work")
    supervisor.send_signal(number)
    assert supervisor.ends(7) == [
        f"{number.name} is passed on to the worker.",
        f"told {number.name}",
        "The worker has ended with exit code 7.",
    ]


def test_a_worker_that_a_signal_ends_gives_the_code_of_a_shell(supervise):
    supervisor = supervise(*python("import signal; print('up', flush=True); signal.pause()"))
    supervisor.skips_to("up")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.ends(128 + signal.SIGTERM)[-1] == "The worker has ended by SIGTERM."


def test_a_worker_inside_a_shell_hears_it_too(supervise):
    """The shell alone would leave it behind."""
    supervisor = supervise("sh", "-c", '"$0" "$@"; exit $?', *python(POLITE))
    supervisor.skips_to("at work")
    supervisor.interrupt()
    supervisor.skips_to("told SIGINT")


def test_who_stops_it_in_a_pause_does_not_wait(supervise):
    supervisor = supervise(*python("raise SystemExit(3)"), pause="1000")
    supervisor.skips_to("The worker died with exit code 3. It starts again in 30 s.")
    supervisor.interrupt()
    assert supervisor.ends(3) == ["Stopped before it was started again."]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-command", "No such file or directory"),
        ("/", "Permission denied"),
        ("./" + 300 * "x", "File name too long"),
    ],
)
def test_a_command_that_cannot_be_started_is_a_sentence(supervise, command, reason):
    assert supervise(command).ends(1) == [f"Error: Cannot start '{command}': {reason}"]


def test_a_command_is_needed(supervise):
    assert "Missing argument 'COMMAND...'" in supervise().ends(2)[-1]


@pytest.mark.parametrize("pause", ["0", "-1", "soon"])
def test_a_pause_that_is_none_is_a_sentence(supervise, pause):
    assert "Invalid value for '--pause'" in supervise("true", pause=pause).ends(2)[-1]
