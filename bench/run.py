"""`make bench`: broker CPU per message, start, idle memory; beside RabbitMQ where it is installed.

The load comes from `amqpload`, a neutral generator in C that is not part of this project:
AMQPLOAD_SOURCE names its source (by default it is looked for beside the project), and a C compiler
builds it. Each figure is the median of three runs. Brokers run one after the other in one go, each
on a port and in a folder of its own, so that the ratios mean something where the machine is noisy;
a bar that is not met is printed as such and makes the exit code 1.
"""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path(os.environ.get("AMQPLOAD_SOURCE", ROOT.parent / "shared/bench/amqpload.c"))
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
RUNS = 3

# name, options of the generator, bar in µs of broker CPU per message (compiled)
SCENARIOS = [
    ("16 B, automatic ack", ["--autoack", "--size", "16"], 0.8),
    ("16 B, acks", ["--prefetch", "1000", "--multi-ack", "100", "--size", "16"], 1.2),
    ("1 KiB, automatic ack", ["--autoack", "--size", "1024"], 2.0),
    ("1 KiB, acks", ["--prefetch", "1000", "--multi-ack", "100", "--size", "1024"], 2.0),
    (
        "1 KiB persistent, confirms, acks",
        [
            "--persistent",
            "--confirm",
            "1000",
            "--prefetch",
            "1000",
            "--multi-ack",
            "100",
            "--size",
            "1024",
        ],
        None,
    ),
    (
        "fan-out to 10 queues, 100 B",
        [
            "--exchange",
            "fanout",
            "--queues",
            "10",
            "--consumers",
            "10",
            "--size",
            "100",
            "--autoack",
        ],
        None,
    ),
]
UNCOMPILED_BAR_US = 18.0
START_BAR_SECONDS = 0.7
IDLE_BAR_MB = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether something on the port speaks AMQP."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
    except OSError:
        return False


class Broker:
    """A broker process under measurement."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], port: int) -> None:
        self.name = name
        self.process = process
        self.port = port
        began = time.perf_counter()
        while not accepts(port):
            if process.poll() is not None or time.perf_counter() - began > 60:
                raise SystemExit(f"{name} does not start")
            time.sleep(0.005)
        self.start_seconds = time.perf_counter() - began

    def resident_mb(self) -> float:
        """Resident memory of the process and its descendants."""
        listing = subprocess.run(
            ["ps", "-o", "rss=", "-g", str(os.getpgid(self.process.pid))],
            capture_output=True,
            text=True,
            check=True,
        )
        return sum(int(line) for line in listing.stdout.split()) / 1024

    def measure(self, generator: Path, options: list[str]) -> dict[str, float]:
        """One run of the generator."""
        result = subprocess.run(
            [
                str(generator),
                "--port",
                str(self.port),
                "--pid",
                str(self.process.pid),
                "--seconds",
                "2.5",
                *options,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        figures = json.loads(result.stdout)
        if "error" in figures:
            raise SystemExit(f"{self.name}: {figures['error']}")
        if figures["gaps"] or figures["duplicates"] or figures["out_of_order"]:
            raise SystemExit(f"{self.name} delivered wrongly: {result.stdout}")
        return {
            "us": figures["broker_cpu_us_per_msg"],
            "rate": figures["consumed"] / figures["seconds"],
        }


@contextmanager
def running(
    name: str, command: list[str], environment: dict[str, str], port: int
) -> Iterator[Broker]:
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Broker(name, process, port)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def leveret(name: str, sources: str | None) -> Iterator[Broker]:
    port = free_port()
    environment = {"PYTHONPATH": sources} if sources else {}
    command = [sys.executable, "-m", "leveret", "serve", "--ephemeral", "--http-port", "0"]
    with running(name, [*command, "--port", str(port)], environment, port) as broker:
        yield broker


@contextmanager
def rabbitmq(folder: str) -> Iterator[Broker]:
    port, distribution, mapper = free_port(), free_port(), free_port()
    plugins = Path(folder) / "enabled_plugins"
    plugins.write_text("[].\n")
    environment = {
        "HOME": folder,
        "RABBITMQ_NODENAME": f"bench{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_MNESIA_BASE": folder,
        "RABBITMQ_LOG_BASE": folder,
        "RABBITMQ_CONFIG_FILE": f"{folder}/none",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
    }
    with running("RabbitMQ 3.10.8", [str(RABBITMQ)], environment, port) as broker:
        yield broker


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
    for (what, options, _), bar in zip(SCENARIOS, bars, strict=True):
        runs = [broker.measure(generator, options) for _ in range(RUNS)]
        cost = statistics.median(run["us"] for run in runs)
        rate = max(run["rate"] for run in runs)
        report.line(what, f"{cost:8.3f} µs   {rate / 1000:8.0f} k/s", cost, bar)
        figures.append(cost)
    return figures


def main() -> int:
    compiler = shutil.which("cc")
    if compiler is None or not SOURCE.exists():
        print(f"bench needs a C compiler and amqpload.c; AMQPLOAD_SOURCE names it (now {SOURCE})")
        return 1
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        generator = Path(folder) / "amqpload"
        subprocess.run([compiler, "-O2", "-pthread", "-o", str(generator), str(SOURCE)], check=True)
        with leveret("Leveret, as installed", None) as broker:
            seconds, idle = broker.start_seconds, broker.resident_mb()
            ours = measure(broker, generator, report, [bar for _, _, bar in SCENARIOS])
        report.line("start to first AMQP answer", f"{seconds:8.2f} s", seconds, START_BAR_SECONDS)
        report.line("idle RSS", f"{idle:8.1f} MB", idle, IDLE_BAR_MB)
        with leveret("Leveret, plain Python", str(ROOT / "src")) as broker:
            measure(broker, generator, report, [UNCOMPILED_BAR_US] * len(SCENARIOS))
        if RABBITMQ.exists():
            with rabbitmq(folder) as broker:
                theirs = measure(broker, generator, report, [None] * len(SCENARIOS))
            print("RabbitMQ's CPU per message as a multiple of Leveret's")
            for (what, _, _), us, them in zip(SCENARIOS, ours, theirs, strict=True):
                print(f"  {what:<36}{them / us:8.1f} x")
        else:
            print("RabbitMQ is not installed (Debian: rabbitmq-server): no comparison")
    return 0 if report.met else 1


if __name__ == "__main__":
    sys.exit(main())
