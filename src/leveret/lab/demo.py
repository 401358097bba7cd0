"""`make demo`: the lab in under a minute, played by real workers on a real broker.

Each scene makes a claim and checks it by what its workers have said. Where one does not hold, the
demonstration says which, and ends with 1.
"""

import logging
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final, NamedTuple

import click

from leveret.lab.terminals import DEADLINE_SECONDS, Late, Terminals, say, say_for
from leveret.testing import EmbeddedBroker

try:
    import pika
except ImportError:
    sys.exit("The demonstration needs pika: pip install pika")

STUDENT: Final = "student"
# The scenes in which one worker is slow work at this pace, however fast the others are.
SLOW_SECONDS_PER_CHARACTER: Final = 0.1
DELIVERY_TIMEOUT_MS: Final = 1000


class DoesNotHold(Exception):
    """A claim is not true; the text says what was seen instead."""


class Stage:
    """What a scene has: terminals, the teacher's own connection, and, where a test wants to see
    the demonstration fail, the order to break what it claims."""

    def __init__(self, terminals: Terminals, broker: EmbeddedBroker, broken: bool) -> None:
        self.worker = terminals.worker
        self.send = terminals.send
        self.wait_until = terminals.wait_until
        self.wait_for_end = terminals.wait_for_end
        self.broken = broken
        credentials = pika.PlainCredentials(STUDENT, STUDENT)
        self._connection = pika.BlockingConnection(
            pika.ConnectionParameters(broker.host, broker.port, STUDENT, credentials)
        )
        self.channel = self._connection.channel()

    def unless_broken(self, *options: str) -> tuple[str, ...]:
        """The options on which the claim rests."""
        return () if self.broken else options

    def close(self) -> None:
        """The scene is over."""
        self._connection.close()

    def messages(self, queue: str) -> int | None:
        """How many messages are ready in a queue; None if there is no such queue."""
        channel = self._connection.channel()
        try:
            return int(channel.queue_declare(queue, passive=True).method.message_count)
        except pika.exceptions.ChannelClosedByBroker:
            return None

    def wait_for_consumers(self, queue: str, count: int) -> None:
        """Wait until the broker has noticed who is there."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.channel.queue_declare(queue, passive=True).method.consumer_count != count:
            if time.monotonic() > deadline:
                raise Late(f"not within {DEADLINE_SECONDS:g} s: queue {queue} has {count} workers")
            self._connection.sleep(0.05)


def expect(what: str, found: object, expected: object) -> None:
    """Check one thing that a claim says."""
    if found != expected:
        raise DoesNotHold(f"{what}: expected {expected}, found {found}")


def hello(stage: Stage) -> None:
    stage.send("hello", "Hello Moon!" if stage.broken else "Hello World!")
    worker = stage.worker("hello")
    stage.wait_until("the message is done", lambda: bool(worker.said("Done with")))
    expect("received by worker 1", worker.said("Received"), ["Hello World!"])
    worker.interrupt()
    stage.wait_for_end(worker)
    expect("exit code of worker 1 after Ctrl-C", worker.code, 0)


def sharing(stage: Stage) -> None:
    tasks = [f"task {number}" for number in range(1, 7)]
    stage.send("shared")
    first = stage.worker("shared")
    if stage.broken:  # who comes late finds that the other has everything
        stage.send("shared", *tasks)
    second = stage.worker("shared")
    if not stage.broken:
        stage.send("shared", *tasks)
    stage.wait_until(
        "six tasks are done",
        lambda: len(first.said("Done with") + second.said("Done with")) == 6,
    )
    expect("done by worker 1", first.said("Done with"), tasks[0::2])
    expect("done by worker 2", second.said("Done with"), tasks[1::2])


def losing(stage: Stage) -> None:
    tasks = [f"task {number}" for number in range(1, 7)]
    stage.send("leaky")
    worker = stage.worker("leaky", *stage.unless_broken("--lose-every", "3"))
    stage.send("leaky", *tasks)
    stage.wait_until(
        "six tasks are over",
        lambda: len(worker.said("Done with") + worker.said("Dropped")) == 6,
    )
    expect("dropped by worker 1", worker.said("Dropped"), ["task 3", "task 6"])
    worker.interrupt()
    stage.wait_for_end(worker)
    expect("messages that came back to the queue", stage.messages("leaky"), 0)


def acknowledging(stage: Stage) -> None:
    acknowledge = stage.unless_broken("--acknowledge")
    stage.send("safe")
    victim = stage.worker("safe", *acknowledge)
    heir = stage.worker("safe", *acknowledge)
    stage.send("safe", "a long task for worker 1", "task 2", "task 3", "task 4")
    stage.wait_until("worker 1 is at work", lambda: bool(victim.said("Received")))
    say("  worker 1 is killed in the middle of its work")
    victim.kill()
    stage.wait_for_end(victim)
    stage.wait_for_consumers("safe", 1)
    # Comes after everything that the broker has given to worker 2 instead of worker 1.
    stage.send("safe", "the end")
    stage.wait_until("worker 2 is through", lambda: "the end" in heir.said("Done with"))
    expect("done by worker 1", victim.said("Done with"), [])
    expect(
        "done by worker 2",
        sorted(heir.said("Done with")),
        ["a long task for worker 1", "task 2", "task 3", "task 4", "the end"],
    )


def timeout(stage: Stage) -> None:
    arguments = {} if stage.broken else {"x-consumer-timeout": DELIVERY_TIMEOUT_MS}
    say(f"  queue 'impatient' gets a delivery timeout of {DELIVERY_TIMEOUT_MS / 1000:g} s")
    stage.channel.queue_declare("impatient", arguments=arguments)
    slow = ("--seconds-per-character", f"{SLOW_SECONDS_PER_CHARACTER:g}")
    sleeper = stage.worker("impatient", "--acknowledge", *slow)
    other = stage.worker("impatient", "--acknowledge", "--seconds-per-character", "0.01")
    stage.send("impatient", "more than two seconds")
    stage.wait_until(
        "worker 1 wakes up",
        lambda: sleeper.code is not None or bool(sleeper.said("Done with")),
    )
    expect("done by worker 1", sleeper.said("Done with"), [])
    expect("exit code of worker 1", sleeper.code, 1)
    expect("done by worker 2", other.said("Done with"), ["more than two seconds"])


def fair_dispatch(stage: Stage) -> None:
    one_at_a_time = stage.unless_broken("--prefetch", "1")
    slow = ("--seconds-per-character", f"{SLOW_SECONDS_PER_CHARACTER:g}")
    stage.send("fair")
    busy = stage.worker("fair", "--acknowledge", *one_at_a_time, *slow)
    quick = stage.worker("fair", "--acknowledge", *one_at_a_time, *slow)
    stage.send("fair", "a task that takes three seconds", "b", "c", "d", "e", "f")
    stage.wait_until(
        "the short tasks are done",
        lambda: len(quick.said("Done with")) == 5 or bool(busy.said("Done with")),
    )
    expect("received by worker 1", busy.said("Received"), ["a task that takes three seconds"])
    expect("done by worker 2", quick.said("Done with"), ["b", "c", "d", "e", "f"])


def deleting(stage: Stage) -> None:
    stage.send("unused", "nobody", "reads", "this")
    stage.send("doomed")
    worker = stage.worker("doomed")
    if not stage.broken:
        for queue, expected in (("unused", 3), ("doomed", 0)):
            count = stage.channel.queue_delete(queue).method.message_count
            say(f"  queue '{queue}' is deleted, and with it its messages: {count}")
            expect(f"messages deleted with queue '{queue}'", count, expected)
    for queue in ("unused", "doomed"):
        say(f"  is queue '{queue}' still there?")
        expect(f"messages in queue '{queue}', which should be gone", stage.messages(queue), None)
    stage.wait_for_end(worker)
    expect("exit code of worker 1", worker.code, 1)


class Claim(NamedTuple):
    """What a scene shows."""

    name: str
    sentence: str
    play: Callable[[Stage], None]


CLAIMS: Final = (
    Claim("hello", "What is sent to a queue reaches a worker, also one that starts later.", hello),
    Claim("sharing", "Two workers on one queue take turns.", sharing),
    Claim("losing", "With automatic acknowledgement, what a worker drops is lost.", losing),
    Claim(
        "acknowledging",
        "With acknowledgements a worker can be killed at work and nothing is lost.",
        acknowledging,
    ),
    Claim(
        "timeout",
        "When a worker sleeps past the delivery timeout, another gets the message.",
        timeout,
    ),
    Claim("fair-dispatch", "With a prefetch of 1, no task waits for a busy worker.", fair_dispatch),
    Claim(
        "deleting", "A deleted queue is gone with its messages, and workers hear of it.", deleting
    ),
)


class BrokersWord(logging.Handler):
    """Shows what the broker logs, as a teacher would see it beside the terminals."""

    def emit(self, record: logging.LogRecord) -> None:
        say_for("the broker's log", record.getMessage())


@click.command()
@click.option(
    "--scene",
    "scenes",
    multiple=True,
    type=click.Choice([claim.name for claim in CLAIMS]),
    help="Play this scene alone, or those that are named so.",
)
@click.option(
    "--seconds-per-character",
    "pace",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="How long the workers work.",
)
@click.option("--break", "broken", type=click.Choice([claim.name for claim in CLAIMS]), hidden=True)
def main(scenes: tuple[str, ...], pace: float, broken: str | None) -> None:
    """Play the lab, and check what it claims."""
    logger = logging.getLogger("leveret")
    logger.handlers = [BrokersWord(logging.WARNING)]
    logger.propagate = False
    failed = []
    with EmbeddedBroker(
        default_user=STUDENT, default_pass=STUDENT, default_vhost=STUDENT
    ) as broker:
        say(f"A broker on port {broker.port}. The student has a vhost of the same name.")
        access = ["--host", broker.host, "--port", str(broker.port), "--vhost", STUDENT]
        access += ["--username", STUDENT, "--password", STUDENT]
        for number, claim in enumerate(CLAIMS, 1):
            if not scenes or claim.name in scenes:
                say(f"\n{number}. {claim.sentence}")
                if not _holds(claim, Terminals(access, pace), broker, claim.name == broken):
                    failed.append(claim.name)
    if failed:
        say(f"\nDoes not hold: {', '.join(failed)}.")
        sys.exit(1)
    say("\nEverything holds.")


def _holds(claim: Claim, terminals: Terminals, broker: EmbeddedBroker, broken: bool) -> bool:
    try:
        with terminals, closing(Stage(terminals, broker, broken)) as stage:
            claim.play(stage)
    except (DoesNotHold, Late, pika.exceptions.AMQPError) as reason:
        say(f"  DOES NOT HOLD: {claim.name}: {reason}")
        return False
    say(f"  holds: {claim.name}")
    return True


if __name__ == "__main__":
    main()
