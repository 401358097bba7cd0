"""`make bench-delayed`: how late delayed messages come: after a kill -9, and many due at once.

Parts, both without a name: `restart` publishes LEVERET_BENCH_WAITING (1,000,000) messages that are
due in an hour, and in their midst probes that are due every few milliseconds as soon as another
broker can be there, kills the broker, and takes the time of each probe that is due once the new one
is. `storm` publishes LEVERET_BENCH_DELAYED (200,000) that are all due at one moment, in memory and
then on disk, and takes them. Printed are how late the probes were, what a message costs in memory,
and the longest turns of the broker's event loop by the clock and in CPU time: what others on the
machine take is in the former and not in the latter.
"""

import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from brokers import ROOT, Peer, accepts, free_port

WAITING = int(os.environ.get("LEVERET_BENCH_WAITING", "1000000"))
COUNT = int(os.environ.get("LEVERET_BENCH_DELAYED", "200000"))
BODY = b"x" * 100
HOUR_MS = 3_600_000
BAR_MS = 50.0
BAR_OCTETS = 300
PROBE_EVERY_MS = 5
PROBES = 800
PROBES_AT_A_TIME = 10
# From the kill to the first of them.
PROBES_AFTER_SECONDS = 1.0
CHUNK = 2000
QUIET_SECONDS = 3.0


def shortstr(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def table(**values: object) -> bytes:
    fields = b""
    for name, value in values.items():
        fields += shortstr(name.replace("_", "-"))
        if isinstance(value, int):
            fields += b"l" + struct.pack(">q", value)
        else:
            assert isinstance(value, str)
            fields += b"S" + struct.pack(">I", len(value)) + value.encode()
    return struct.pack(">I", len(fields)) + fields


class Client(Peer):
    """One channel, on which it publishes, consumes and waits."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._unconfirmed = 0
        self._confirmed = 0

    def call(self, class_id: int, method_id: int, arguments: bytes) -> bytes:
        self._send(1, struct.pack(">HH", class_id, method_id) + arguments)
        return self._answer()

    def declare(self) -> None:
        """The exchange of delayed messages, and a queue of those whose key is `q`."""
        kind = shortstr("x-delayed-message")
        delayed = table(x_delayed_type="direct")
        self.call(40, 10, b"\0\0" + shortstr("later") + kind + b"\x02" + delayed)
        self.call(50, 10, b"\0\0" + shortstr("q") + b"\x02" + table())
        self.call(
            50, 20, b"\0\0" + shortstr("q") + shortstr("later") + shortstr("q") + b"\0" + table()
        )
        self.call(85, 10, b"\0")

    def publish(self, messages: list[tuple[str, int, bytes]], persistent: bool) -> None:
        """Publish (routing key, delay, body), and wait for the confirms."""
        for at in range(0, len(messages), CHUNK):
            chunk = messages[at : at + CHUNK]
            self._socket.sendall(b"".join(content(*each, persistent) for each in chunk))
            self._unconfirmed += len(chunk)
            self._await_confirms(4 * CHUNK)
        self._await_confirms(0)

    def publish_probes(self, first: float) -> None:
        """The first is due at this time of day. A probe's body is when it is due: that long after
        it was sent, or up to a millisecond or two later, when it had come."""
        for at in range(0, PROBES, PROBES_AT_A_TIME):
            now = time.time()
            probes = []
            for number in range(at, at + PROBES_AT_A_TIME):
                delay_ms = round((first - now) * 1000) + number * PROBE_EVERY_MS
                probes.append(("q", delay_ms, b"%.6f" % (now + delay_ms / 1000)))
            self.publish(probes, True)

    def consume(self) -> None:
        self.call(60, 20, b"\0\0" + shortstr("q") + shortstr("c") + b"\x02" + table())

    def deliveries(self, patience_s: float) -> Iterator[bytes]:
        """The bodies that come, until there is none for so long."""
        self._socket.settimeout(patience_s)
        with suppress(TimeoutError):
            while True:
                self._answer()
                self._answer()
                yield self._answer()
                self._socket.settimeout(QUIET_SECONDS)

    def _await_confirms(self, allowed: int) -> None:
        while self._unconfirmed > allowed:
            confirmed = int(struct.unpack_from(">Q", self._answer(), 4)[0])
            self._unconfirmed -= confirmed - self._confirmed
            self._confirmed = confirmed


def content(key: str, delay_ms: int, body: bytes, persistent: bool) -> bytes:
    method = struct.pack(">HHH", 60, 40, 0) + shortstr("later") + shortstr(key) + b"\0"
    properties = struct.pack(">H", 0x3000) + table(x_delay=delay_ms) + bytes([1 + persistent])
    header = struct.pack(">HHQ", 60, 0, len(body)) + properties
    return b"".join(
        struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"
        for kind, payload in ((1, method), (2, header), (3, body))
    )


class Sleeper:
    """Sleeps for a few milliseconds again and again: how late it is woken is the machine's doing,
    and in what the probes say as well."""

    def __init__(self) -> None:
        self.worst_ms = 0.0
        self._done = False
        self._thread = threading.Thread(target=self._sleep)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done = True
        self._thread.join()

    def _sleep(self) -> None:
        while not self._done:
            began = time.perf_counter()
            time.sleep(PROBE_EVERY_MS / 1000)
            late_ms = (time.perf_counter() - began) * 1000 - PROBE_EVERY_MS
            self.worst_ms = max(self.worst_ms, late_ms)


@contextmanager
def watched(data: Path, port: int, report: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A broker whose loop is watched; it is stopped at the end if it is still there."""
    command = [sys.executable, str(Path(__file__).with_name("held.py")), str(report), "serve"]
    command += ["--port", str(port), "--http-port", "0", "--data", str(data)]
    settings = {"LEVERET_PROMETHEUS_ENABLED": "false", "LEVERET_LOG_LEVEL": "error"}
    process = subprocess.Popen(command, env=os.environ | settings)
    try:
        while not accepts(port):
            if process.poll() is not None:
                raise SystemExit("Leveret does not start")
            time.sleep(0.002)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(120)


def show(report: Path, since: float) -> list[dict[str, Any]]:
    """Print the longest turns after a moment; returns them."""
    found: dict[str, Any] = json.loads(report.read_text())
    turns = [each for each in found["long"] if each["at"] >= since]
    print(f"  the longest turns of the loop since then, of {len(turns)} of 1 ms or more:")
    for turn in turns[:6]:
        after = turn["at"] - since
        print(
            f"    {turn['cpu_ms']:6.1f} ms CPU {turn['ms']:6.1f} ms, {after:6.2f} s after: "
            f"{turn['longest']}"
        )
    for each in [each for each in found["gc"] if each["at"] >= since][:3]:
        print(f"    collector, generation {each['generation']}: {each['ms']:.1f} ms")
    return turns


def late(probes: list[tuple[float, float]]) -> bool:
    """Print how late probes were, in milliseconds, and when after the start they were due; whether
    the bar is met."""
    dues = sorted(due for _, due in probes)
    probes.sort()
    worst, due = probes[-1]
    print(
        f"  {len(probes)} probes, due {dues[0]:.2f} to {dues[-1]:.2f} s after the start: "
        f"median {probes[len(probes) // 2][0]:.1f} ms late, 99 of 100 "
        f"within {probes[len(probes) * 99 // 100][0]:.1f} ms, the latest {worst:.1f} ms, due "
        f"at {due:.2f} s (bar {BAR_MS:g} ms): {'met' if worst <= BAR_MS else 'MISSED'}"
    )
    return worst <= BAR_MS


def restart(folder: Path) -> bool:
    print(f"{WAITING} delayed messages on disk, probes in their midst, kill -9")
    port, report = free_port(), folder / "held.json"
    data = folder / "data"
    with watched(data, port, report) as process:
        client = Client(port)
        client.declare()
        half = [("none", HOUR_MS, BODY)] * (WAITING // 2)
        began = time.time()
        client.publish(half, True)
        # When the other half is there; that may take longer.
        planned = time.time() + 1.5 * (time.time() - began)
        client.publish_probes(planned + PROBES_AFTER_SECONDS)
        client.publish(half, True)
        time.sleep(max(planned - time.time(), 0))
        killed = time.time()
        process.kill()
        process.wait()
        client.close()
    with watched(data, port, report), Sleeper() as sleeper:
        client = Client(port)
        ready = time.time()
        client.consume()
        lateness: list[tuple[float, float]] = []
        for body in client.deliveries(PROBES_AFTER_SECONDS + QUIET_SECONDS):
            due = float(body)
            if due > ready:
                lateness.append(((time.time() - due) * 1000, due - ready))
        client.close()
    print(f"  it was there {ready - killed:.2f} s after the kill")
    met = late(lateness)
    print(f"  (a thread that only slept was woken up to {sleeper.worst_ms:.1f} ms late meanwhile)")
    show(report, ready)
    return met


def resident_octets(process: subprocess.Popen[bytes]) -> int:
    command = ["ps", "-o", "rss=", "-p", str(process.pid)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) * 1024


def storm(folder: Path) -> bool:
    met = [_storm(folder, persistent) for persistent in (False, True)]
    return all(met)


def _storm(folder: Path, persistent: bool) -> bool:
    print(f"{COUNT} delayed messages {'on disk' if persistent else 'in memory'}, due at one moment")
    port, report = free_port(), folder / "held.json"
    with watched(folder / f"data-{persistent}", port, report) as process:
        client = Client(port)
        client.declare()
        client.publish([("none", 1, BODY)] * CHUNK, persistent)
        before = resident_octets(process)
        due = time.time() + 5 + COUNT / 20_000
        for at in range(0, COUNT, CHUNK):
            delay_ms = round((due - time.time()) * 1000)
            number = min(CHUNK, COUNT - at)
            client.publish([("q", delay_ms, BODY)] * number, persistent)
        each = (resident_octets(process) - before) / COUNT - len(BODY)
        early_s = due - time.time()
        client.consume()
        count = sum(1 for _ in client.deliveries(early_s + QUIET_SECONDS))
        took_s = time.time() - QUIET_SECONDS - due
        client.close()
    cheap = each <= BAR_OCTETS
    print(
        f"  one takes {each:.0f} octets of memory beyond its body (bar {BAR_OCTETS}): "
        f"{'met' if cheap else 'MISSED'}"
    )
    print(f"  all were there {early_s:.1f} s before; {count} came within {took_s:.1f} s")
    turns = show(report, due)
    met = count == COUNT and early_s > 0 and all(turn["cpu_ms"] <= BAR_MS for turn in turns)
    print(f"  (bar {BAR_MS:g} ms of CPU in a turn): {'met' if met else 'MISSED'}")
    return met and cheap


def main() -> int:
    parts = sys.argv[1:] or ["restart", "storm"]
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    met = True
    for part in parts:
        with tempfile.TemporaryDirectory(dir=build) as folder:
            met = PARTS[part](Path(folder)) and met
    return 0 if met else 1


PARTS = {"restart": restart, "storm": storm}

if __name__ == "__main__":
    sys.exit(main())
