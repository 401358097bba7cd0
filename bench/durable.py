"""`make bench-durable`: what durability costs, beside RabbitMQ 3.10.8 in the same run.

Names on the command line run some parts only: persistent, publish, latency, recovery, backlog,
larger. Each figure is the median of three runs, the two brokers taking turns, each with
ports and a data folder of its own on one disk (below build/, since a temporary folder may be
memory). A bar that is missed is printed as such and makes the exit code 1.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

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
    ready_messages,
)

RUNS = 3
RECOVERED = int(os.environ.get("LEVERET_BENCH_RECOVERED", "1000000"))
BACKLOG = 500_000
LARGER = int(os.environ.get("LEVERET_BENCH_LARGER", str(5 << 20)))
MEMORY_BYTES = 1 << 30
NAME = "durable"
QUEUE = f"{NAME}.q0000"

RATE_BAR = 8.0
CPU_BAR_US = 6.0
LATENCY_SYNCS, LATENCY_EXTRA_US = 2.0, 60.0
RECOVERY_BAR_SECONDS = 3.0
BACKLOG_BAR = 5.0
RESIDENT_BAR_KIB = 1.4
# What a message through another queue may take while the large one fills or drains (99 of 100).
BESIDE_BAR_MS = 50.0

Figures = dict[str, Any]


class Bench:
    """A folder on a disk, a generator, and the verdicts so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.generator = built_generator(folder)
        self.missed = 0
        self._stack = ExitStack()
        self._rabbitmq: Broker | None = None
        self._folders = 0

    def new_folder(self) -> Path:
        self._folders += 1
        path = self.folder / str(self._folders)
        path.mkdir()
        return path

    def rabbitmq(self) -> Broker:
        """Started when it is first asked for, and kept: it takes seconds to start."""
        if self._rabbitmq is None:
            if not RABBITMQ.exists():
                raise SystemExit("RabbitMQ is not installed (Debian: rabbitmq-server)")
            self._rabbitmq = self._stack.enter_context(rabbitmq(str(self.new_folder())))
        return self._rabbitmq

    def load(self, broker: Broker, *options: str) -> Figures:
        # A queue is durable or not for good, and there is one of each.
        name = NAME if {"--persistent", "--durable"} & set(options) else "transient"
        return broker.load(self.generator, ["--name", name, *options])

    def bar(self, what: str, figure: str, met: bool, bar: str) -> None:
        self.missed += not met
        print(f"  {what:<34}{figure:<44}{bar}: {'met' if met else 'MISSED'}", flush=True)

    def close(self) -> None:
        self._stack.close()


def taking_turns(bench: Bench, options: list[str]) -> tuple[list[Figures], list[Figures]]:
    """The same load on Leveret and on RabbitMQ, alternately."""
    other = bench.rabbitmq()
    with leveret(data=bench.new_folder()) as broker:
        pairs = [(bench.load(broker, *options), bench.load(other, *options)) for _ in range(RUNS)]
    delete_queue(bench, other)
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def delete_queue(bench: Bench, broker: Broker) -> None:
    """What publishing only left behind would burden the next part."""
    bench.load(broker, "--persistent", "--count", "1")


def median(runs: list[Figures], figure: Callable[[Figures], float]) -> float:
    return statistics.median(figure(run) for run in runs)


def consumed(run: Figures) -> float:
    return float(run["consumed"] / run["seconds"])


def published(run: Figures) -> float:
    return float(run["publish_rate"])


def cost(run: Figures) -> float:
    return float(run["broker_cpu_us_per_msg"])


def rates(
    bench: Bench,
    what: str,
    ours: list[Figures],
    theirs: list[Figures],
    figure: Callable[[Figures], float],
    bar: float,
) -> None:
    """How many times faster: the median of what each pair of runs says, since what disturbs the
    machine for a while disturbs both of a pair."""
    ratios = [figure(us) / figure(them) for us, them in zip(ours, theirs, strict=True)]
    ratio, us, them = statistics.median(ratios), median(ours, figure), median(theirs, figure)
    text = f"{us / 1000:7.1f} k/s, RabbitMQ {them / 1000:6.1f} k/s: {ratio:5.1f} x"
    bench.bar(what, text, ratio >= bar, f">= {bar:g} x")
    print(f"  {'  each pair':<34}" + ", ".join(f"{one:.1f} x" for one in ratios), flush=True)


def persistent(bench: Bench) -> None:
    print("persistent, 1 KiB, confirm window 1000, prefetch 1000, one ack for 100")
    ours, theirs = taking_turns(bench, [*A_WHILE, *PERSISTENT, *ACKS])
    rates(bench, "rate", ours, theirs, consumed, RATE_BAR)
    us, them = median(ours, cost), median(theirs, cost)
    figure = f"{us:7.2f} µs, RabbitMQ {them:.1f} µs"
    bench.bar("broker CPU per message", figure, us <= CPU_BAR_US, f"<= {CPU_BAR_US:g} µs")


def publish(bench: Bench) -> None:
    print("the same, publishing only")
    ours, theirs = taking_turns(bench, [*A_WHILE, *PERSISTENT, "--fill"])
    rates(bench, "rate", ours, theirs, published, RATE_BAR)
    print(f"  broker CPU per message            {median(ours, cost):7.2f} µs")


def latency(bench: Bench) -> None:
    print("persistent, 1 KiB, one message under way at a time, publishing only")
    options = [*A_WHILE, "--persistent", "--confirm", "1", "--size", "1024", "--fill"]
    other = bench.rabbitmq()
    syncs, ours, theirs = list[float](), list[Figures](), list[Figures]()
    with leveret(data=bench.new_folder()) as broker:
        for _ in range(RUNS):
            before = write_and_sync_us(bench.folder)
            ours.append(bench.load(broker, *options))
            # The better of two: the bar must not be low because the disk was busy for a while.
            syncs.append(min(before, write_and_sync_us(bench.folder)))
            theirs.append(bench.load(other, *options))
    delete_queue(bench, other)
    bars = [LATENCY_SYNCS * sync + LATENCY_EXTRA_US for sync in syncs]
    took = [confirmed_after(run) for run in ours]
    met = statistics.median(us / bar for us, bar in zip(took, bars, strict=True)) <= 1
    us, them, bar = (
        statistics.median(took),
        median(theirs, confirmed_after),
        statistics.median(bars),
    )
    figure = f"{us:7.0f} µs, RabbitMQ {them:.0f} µs"
    bench.bar("confirm after, p50", figure, met, f"<= {bar:.0f} µs")
    for us, sync in zip(took, syncs, strict=True):
        print(f"  {'  each run':<34}{us:7.0f} µs, a write and sync {sync:.0f} µs")


def confirmed_after(run: Figures) -> float:
    return float(run["confirm_us"]["p50"])


def write_and_sync_us(folder: Path) -> float:
    """The median time of appending 1.1 KiB to a file that is filled with zeros already."""
    size, times = 1126, list[float]()
    path = folder / "probe"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.write(descriptor, bytes(4 << 20))
        os.fsync(descriptor)
        for number in range(1000):
            began = time.perf_counter()
            os.pwrite(descriptor, os.urandom(1) * size, number * size)
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(times) * 1e6


def recovery(bench: Bench) -> None:
    print(f"recovery of {RECOVERED:,} persistent messages of 1 KiB after SIGKILL")
    data, log, runs = bench.new_folder(), bench.folder / "recovery.log", list[float]()
    with leveret(data=data) as broker:
        bench.load(broker, *PERSISTENT, "--fill", "--count", str(RECOVERED))
        broker.kill()
    for run in range(RUNS):
        began = time.perf_counter()
        log.write_bytes(b"")
        with leveret(data=data, log=log) as broker:
            while (count := ready_messages(broker.port, QUEUE)) != RECOVERED:
                if count is not None or time.perf_counter() - began > 60:
                    bench.bar("messages", f"{count or 0:,} are there", False, f"{RECOVERED:,}")
                    return
            runs.append(time.perf_counter() - began)
            if run < RUNS - 1:
                broker.kill()
                continue
            drained = bench.load(broker, "--drain", "--durable", *ACKS, "--size", "1024")
            right = drained["consumed"] == RECOVERED
            bench.bar("messages", f"{drained['consumed']:,} drained", right, f"{RECOVERED:,}")
    seconds = statistics.median(runs)
    figure = f"{seconds:7.2f} s ({min(runs):.2f} to {max(runs):.2f})"
    met = seconds <= RECOVERY_BAR_SECONDS
    bench.bar("start to the count", figure, met, f"<= {RECOVERY_BAR_SECONDS:g} s")
    for line in log.read_text().splitlines():
        if "recover" in line:
            print(f"  the broker: {line}")


def backlog(bench: Bench) -> None:
    print(f"{BACKLOG:,} transient messages of 1 KiB, filled and drained")
    filling = ["--fill", "--count", str(BACKLOG), "--size", "1024"]
    draining = ["--drain", "--count", str(BACKLOG), *ACKS, "--size", "1024"]
    other = bench.rabbitmq()
    ours, theirs = list[tuple[Figures, Figures]](), list[tuple[Figures, Figures]]()
    resident = list[float]()
    for _ in range(RUNS):
        # A fresh process: what an earlier backlog left in it would hide what this one takes.
        with leveret(data=bench.new_folder()) as broker:
            before = broker.resident_mb()
            fill = bench.load(broker, *filling)
            resident.append((broker.resident_mb() - before) * 1024 / BACKLOG)
            ours.append((fill, bench.load(broker, *draining)))
        theirs.append((bench.load(other, *filling), bench.load(other, *draining)))
    us, them = [fill for fill, _ in ours], [fill for fill, _ in theirs]
    rates(bench, "fill", us, them, published, BACKLOG_BAR)
    us, them = [drain for _, drain in ours], [drain for _, drain in theirs]
    rates(bench, "drain", us, them, consumed, BACKLOG_BAR)
    kib = statistics.median(resident)
    met = kib <= RESIDENT_BAR_KIB
    bench.bar("RSS per message", f"{kib:7.2f} KiB", met, f"<= {RESIDENT_BAR_KIB:g} KiB")


def larger(bench: Bench) -> None:
    print(f"{LARGER:,} messages of 1 KiB with {MEMORY_BYTES >> 20:,} MiB allowed, beside a queue")
    settings = {"LEVERET_MEMORY_HIGH_WATERMARK_BYTES": str(MEMORY_BYTES)}
    with leveret(data=bench.new_folder(), settings=settings) as broker:
        for what, options in (("transient", []), ("persistent", ["--persistent"])):
            count = ["--count", str(LARGER), "--size", "1024", "--wait", "30", *options]
            confirms = ["--confirm", "1000"] if options else []
            fill = beside(bench, broker, ["--fill", *count, *confirms])
            drain = beside(bench, broker, ["--drain", *count, *ACKS])
            whole = drain["consumed"] == LARGER
            figure = f"{published(fill) / 1000:6.1f} and {consumed(drain) / 1000:6.1f} k/s"
            bench.bar(f"{what}, filled and drained", figure, whole, f"{LARGER:,} in order")
            slowest = max(fill["beside_ms"], drain["beside_ms"])
            met = slowest <= BESIDE_BAR_MS
            bench.bar("  another queue, p99", f"{slowest:7.2f} ms", met, f"<= {BESIDE_BAR_MS:g} ms")
            resident = max(fill["rss_kb_peak"], drain["rss_kb_peak"]) / 1024
            met = resident <= MEMORY_BYTES >> 20
            bench.bar("  RSS, peak", f"{resident:7.0f} MiB", met, f"<= {MEMORY_BYTES >> 20} MiB")


def beside(bench: Bench, broker: Broker, options: list[str]) -> Figures:
    """A load, and what messages through another queue take meanwhile."""
    command = [str(bench.generator), "--port", str(broker.port), "--name", "beside"]
    command += ["--rate", "200", "--autoack", "--size", "100", "--seconds", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as probe:
        figures = bench.load(broker, *options)
        output, _ = probe.communicate(timeout=60)
    figures["beside_ms"] = json.loads(output)["latency_us"]["p99"] / 1000
    return figures


PARTS = {part.__name__: part for part in (persistent, publish, latency, recovery, backlog, larger)}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
        return 2
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder))
        try:
            for name in names or PARTS:
                PARTS[name](bench)
        finally:
            bench.close()
    print("every bar is met" if not bench.missed else f"{bench.missed} bars are MISSED")
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
