"""`make bench-management`: what lists and scrapes cost a broker at work.

10,000 queues, 1,000 connections and a backlog of 500,000 messages; the load generator runs as fast
as it can. Meanwhile a page is asked for every second, as by five people who each look at one (a
browser asks again after five), totals as often, a whole list and what Prometheus scrapes every five
seconds. A bar that is not met is printed as such and makes the exit code 1. How late the loop is
says the broker's own probe, `leveret_loop_lag_max_seconds`; `leveret_loop_held_max_seconds` beside
it leaves out the time that others had the processor. All share the machine, so who loads and reads
has a lower priority than the broker. On a machine that is busy otherwise the figures mean little.

MANAGEMENT_SECONDS, 60 by default, is how long the load lasts, without readers and with them by
turns: a machine is not always equally fast.
"""

import base64
import contextlib
import hashlib
import http.client
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from brokers import Broker, Peer, built_generator, free_port, leveret
from run import Report

QUEUES = 10_000
CONNECTIONS = 1_000
BACKLOG = 500_000
ROUNDS = 2
SECONDS = float(os.environ.get("MANAGEMENT_SECONDS", "60"))
LOAD = ["--size", "16", "--prefetch", "1000", "--multi-ack", "100"]
# As fast as they can, and with as many consumers as keep up: the backlog stays what it is.
PEERS = ["--producers", "2", "--consumers", "4"]

PAGES = (
    "/api/queues?page=1&page_size=100",
    "/api/queues?page=70&page_size=100&sort=messages&sort_reverse=true",
    "/api/queues?page=1&use_regex=true&pagination=false&name=^lab\\.9&page_size=100",
    "/api/connections?page=3&page_size=100&sort=channels",
)
WHOLE = ("/api/queues", "/api/connections", "/api/bindings", "/api/queues?columns=name,messages")
TOTALS = ("/api/overview", "/api/vhosts", "/api/nodes")
SCRAPES = ("/metrics", "/metrics/per-object")
# paths, seconds from one request to the next
READERS = ((PAGES, 1.0), (WHOLE, 5.0), (TOTALS, 1.0), (SCRAPES, 5.0))

PAGE_BAR_MS = 100.0
LAG_BAR_MS = 20.0
LOST_BAR_PERCENT = 10.0
# Added to the priority numbers of who is not the broker, and of the generator once more.
NICE = 10
LOGIN = {"Authorization": f"Basic {base64.b64encode(b'guest:guest').decode()}"}


def definitions(folder: Path) -> Path:
    """A file with many queues, which the broker reads when it starts."""
    queues = [
        {"name": f"lab.{number:05}", "vhost": "/", "durable": True, "arguments": {}}
        for number in range(QUEUES)
    ]
    found = {
        "users": [{"name": "guest", "password_hash": _hash("guest"), "tags": "administrator"}],
        "vhosts": [{"name": "/"}],
        "permissions": [
            {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
        ],
        "queues": queues,
    }
    path = folder / "definitions.json"
    path.write_text(json.dumps(found))
    return path


def _hash(password: str) -> str:
    salt = b"salt"
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def get(port: int, path: str) -> tuple[int, int, float]:
    """Status, octets, seconds; over a connection of its own."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=LOGIN)
        response = connection.getresponse()
        size = len(response.read())
        return response.status, size, time.perf_counter() - began
    finally:
        connection.close()


class Lag:
    """What the broker says of the last minute: the highest lag and how long the loop was held by
    itself, in seconds; and of all its looks those at which it was later than 20 ms."""

    def __init__(self, port: int) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=LOGIN)
        with urllib.request.urlopen(request, timeout=60) as response:
            lines = response.read().decode().splitlines()
        found = dict(line.rsplit(" ", 1) for line in lines if line.startswith("leveret_loop"))
        self.highest = float(found["leveret_loop_lag_max_seconds"])
        self.held = float(found["leveret_loop_held_max_seconds"])
        self.looks = int(found["leveret_loop_lag_seconds_count"])
        self.late = self.looks - int(found['leveret_loop_lag_seconds_bucket{le="0.02"}'])


def read(
    port: int, paths: tuple[str, ...], pause: float, stop: Event, found: "SimpleQueue[Any]"
) -> None:
    """In a process: ask for the paths in turn; what is found is (path, octets, seconds)."""
    taken: list[tuple[str, int, float]] = []
    turn = 0
    while not stop.wait(pause):
        path = paths[turn % len(paths)]
        turn += 1
        status, size, seconds = get(port, path)
        if status == 200:
            taken.append((path, size, seconds))
        elif status != 404:
            raise SystemExit(f"{path}: {status}")
    found.put(taken)


def ping(port: int, stop: Event, found: "SimpleQueue[Any]") -> None:
    """In a process: the seconds that answers to a passive declare take."""
    peer = Peer(port)
    peer.declare_passively("lab.00000")
    taken: list[float] = []
    while not stop.wait(0.002):
        began = time.perf_counter()
        peer.declare_passively("lab.00000")
        taken.append(time.perf_counter() - began)
    found.put(taken)


class Background:
    """A process that works until it is stopped."""

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        self._stop = multiprocessing.Event()
        self._found: SimpleQueue[Any] = SimpleQueue(ctx=multiprocessing.get_context())
        self._process = multiprocessing.Process(
            target=work, args=(*arguments, self._stop, self._found)
        )
        self._process.start()

    def result(self) -> Any:
        self._stop.set()
        found = self._found.get()
        self._process.join()
        return found


def cpu_seconds(broker: Broker) -> float:
    """What the broker has used so far."""
    fields = Path(f"/proc/{broker.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def under_load(
    broker: Broker, generator: Path, http_port: int, readers: tuple[tuple[Any, float], ...]
) -> tuple[float, list[float], list[Any]]:
    """Messages a second, answers to pings, and what the readers found."""
    pinger = Background(ping, broker.port)
    reading = [Background(read, http_port, *reader) for reader in readers]
    options = ["--seconds", str(SECONDS), "--name", "load", *LOAD, *PEERS]
    figures = broker.load(generator, options, weighed=False)
    found = [each.result() for each in reading]
    rate = figures["consumed"] / figures["seconds"]
    return rate, pinger.result(), [row for rows in found for row in rows]


def give_way() -> None:
    """Have this process and those it starts give way to the broker. Linux shares time between
    sessions first, and the broker has one of its own."""
    with contextlib.suppress(OSError):
        os.setsid()
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(f"{NICE}\n")


def yielding(generator: Path) -> Path:
    """The generator with a lower priority."""
    path = generator.with_name("yielding")
    path.write_text(f'#!/bin/sh\nexec nice -n {NICE} "{generator}" "$@"\n')
    path.chmod(0o755)
    return path


def alone(report: Report, broker: Broker, http_port: int) -> None:
    """What each answer takes while nobody else wants anything: the median of five."""
    for path in (*PAGES, *WHOLE, *TOTALS, *SCRAPES):
        status, size, _ = get(http_port, path)
        if status == 404:
            continue
        times, cpu = [], cpu_seconds(broker)
        for _ in range(5):
            # Old enough not to be shared.
            time.sleep(1.1)
            times.append(get(http_port, path)[2] * 1000)
        used = (cpu_seconds(broker) - cpu) / 5 * 1000
        figure = f"{statistics.median(times):8.1f} ms  {size / 1000:8.0f} kB  {used:6.0f} ms CPU"
        report.line(_short(path), figure, 0, None)


def _short(path: str) -> str:
    return path if len(path) <= 34 else f"{path[:31]}..."


class Phase:
    """What was seen in the times under load with the same readers: messages a second in each,
    answers to pings in seconds, what the readers found, what the broker said of its lag."""

    def __init__(self, name: str, readers: tuple[tuple[Any, float], ...]) -> None:
        self.name = name
        self.readers = readers
        self.rates: list[float] = []
        self.pings: list[float] = []
        self.found: list[tuple[str, int, float]] = []
        self.highest = self.held = self.busy = 0.0
        self.late = self.looks = 0

    def run(self, broker: Broker, generator: Path, http_port: int) -> None:
        before, cpu, began = Lag(http_port), cpu_seconds(broker), time.perf_counter()
        rate, pings, found = under_load(broker, generator, http_port, self.readers)
        self.busy = (cpu_seconds(broker) - cpu) / (time.perf_counter() - began)
        after = Lag(http_port)
        self.rates.append(rate)
        self.pings += pings
        self.found += found
        self.highest = max(self.highest, after.highest)
        self.held = max(self.held, after.held)
        self.late += after.late - before.late
        self.looks += after.looks - before.looks


def main() -> int:
    report = Report()
    give_way()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        generator = yielding(built_generator(folder))
        http_port = free_port()
        settings = {"LEVERET_LOAD_DEFINITIONS": str(definitions(folder))}
        broker = stack.enter_context(leveret(settings=settings, http_port=http_port))
        peers = [Peer(broker.port) for _ in range(CONNECTIONS)]
        broker.load(generator, ["--fill", "--count", str(BACKLOG), "--name", "backlog", *LOAD])
        print(f"{QUEUES} queues, {CONNECTIONS} connections, {BACKLOG} messages, nothing else")
        alone(report, broker, http_port)
        print(f"while messages pass as fast as they can, {ROUNDS} times {SECONDS:g} s")
        plain, reading = Phase("without readers", ()), Phase("with readers", READERS)
        for _ in range(ROUNDS):
            plain.run(broker, generator, http_port)
            reading.run(broker, generator, http_port)
        summary(report, plain, reading)
        print(
            f"  the broker was busy {reading.busy:.0%} of the time; {broker.resident_mb():.0f} MB"
        )
        for peer in peers:
            peer.close()
    return 0 if report.met else 1


def summary(report: Report, plain: Phase, reading: Phase) -> None:
    for phase in (plain, reading):
        rates = ", ".join(f"{rate / 1000:.0f}" for rate in phase.rates)
        report.line(f"messages {phase.name}", f"{rates} k/s", 0, None)
        ordered = sorted(phase.pings)
        median, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        figure = (
            f"{median * 1e3:8.1f} ms   p99 {high * 1e3:.1f} ms   longest {ordered[-1] * 1e3:.1f}"
        )
        report.line(f"answer to a ping {phase.name}", figure, 0, None)
    lost = (1 - sum(reading.rates) / sum(plain.rates)) * 100
    report.line("throughput lost", f"{lost:8.1f} %", lost, LOST_BAR_PERCENT)
    for paths, bar in ((PAGES, PAGE_BAR_MS), (WHOLE, None), (TOTALS, None), (SCRAPES, None)):
        for path in paths:
            times = [seconds * 1e3 for each, _, seconds in reading.found if each == path]
            if times:
                figure = f"{statistics.median(times):8.1f} ms   longest {max(times):.1f} ms"
                report.line(_short(path), figure, max(times), bar)
    for phase, bar in ((plain, None), (reading, LAG_BAR_MS)):
        highest = phase.highest * 1e3
        report.line(f"highest lag {phase.name}", f"{highest:8.1f} ms", highest, bar)
        report.line("without the time of others", f"{phase.held * 1e3:8.1f} ms", 0, None)
        print(f"  {phase.late} of {phase.looks} looks {phase.name} were later than 20 ms")


if __name__ == "__main__":
    sys.exit(main())
