"""`make bench`: broker CPU per message, start, idle memory; beside RabbitMQ where it is installed.

Each figure is the median of three runs. Brokers run one after the other in one go, each on a port
and in a folder of its own, so that the ratios mean something where the machine is noisy; a bar that
is not met is printed as such and makes the exit code 1.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from brokers import (
    A_WHILE,
    ACKS,
    PERSISTENT,
    RABBITMQ,
    ROOT,
    Broker,
    built_generator,
    leveret,
    rabbitmq,
)

RUNS = 3
FANOUT = ["--exchange", "fanout", "--queues", "10", "--consumers", "10"]

# name, options of the generator
SCENARIOS = [
    ("16 B, automatic ack", ["--autoack", "--size", "16"]),
    ("16 B, acks", [*ACKS, "--size", "16"]),
    ("1 KiB, automatic ack", ["--autoack", "--size", "1024"]),
    ("1 KiB, acks", [*ACKS, "--size", "1024"]),
    ("1 KiB persistent, confirms, acks", [*PERSISTENT, *ACKS]),
    ("fan-out to 10 queues, 100 B", [*FANOUT, "--size", "100", "--autoack"]),
]
# µs of broker CPU per message, compiled
BARS_US = [0.8, 1.2, 2.0, 2.0, None, None]
UNCOMPILED_BAR_US = 18.0
START_BAR_SECONDS = 0.7
IDLE_BAR_MB = 60.0


class Report:
    """Lines as they come, and whether every bar was met."""

    def __init__(self) -> None:
        self.met = True

    def line(self, what: str, figure: str, value: float, bar: float | None) -> None:
        verdict = ""
        if bar is not None:
            met = value <= bar
            self.met = self.met and met
            verdict = f"   bar {bar:g}: {'met' if met else 'NOT MET'}"
        print(f"  {what:<36}{figure}{verdict}", flush=True)


def measure(
    broker: Broker, generator: Path, report: Report, bars: list[float | None]
) -> list[float]:
    print(broker.name)
    figures = []
    for (what, options), bar in zip(SCENARIOS, bars, strict=True):
        runs = [broker.load(generator, [*A_WHILE, *options]) for _ in range(RUNS)]
        cost = statistics.median(run["broker_cpu_us_per_msg"] for run in runs)
        rate = max(run["consumed"] / run["seconds"] for run in runs)
        report.line(what, f"{cost:8.3f} µs   {rate / 1000:8.0f} k/s", cost, bar)
        figures.append(cost)
    return figures


def main() -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        generator = built_generator(Path(folder))
        with leveret() as broker:
            seconds, idle = broker.start_seconds, broker.resident_mb()
            ours = measure(broker, generator, report, BARS_US)
        report.line("start to first AMQP answer", f"{seconds:8.2f} s", seconds, START_BAR_SECONDS)
        report.line("idle RSS", f"{idle:8.1f} MB", idle, IDLE_BAR_MB)
        with leveret("Leveret, plain Python", str(ROOT / "src")) as broker:
            measure(broker, generator, report, [UNCOMPILED_BAR_US] * len(SCENARIOS))
        if RABBITMQ.exists():
            with rabbitmq(folder) as broker:
                theirs = measure(broker, generator, report, [None] * len(SCENARIOS))
            print("RabbitMQ's CPU per message as a multiple of Leveret's")
            for (what, _), us, them in zip(SCENARIOS, ours, theirs, strict=True):
                print(f"  {what:<36}{them / us:8.1f} x")
        else:
            print("RabbitMQ is not installed (Debian: rabbitmq-server): no comparison")
    return 0 if report.met else 1


if __name__ == "__main__":
    sys.exit(main())
