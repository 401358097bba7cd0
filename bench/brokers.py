"""What the benchmarks share: broker processes under measurement, and the load generator.

The load comes from `amqpload`, a neutral generator in C that is not part of this project:
AMQPLOAD_SOURCE names its source (by default it is looked for beside the project), and a C compiler
builds it.
"""

import json
import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path(os.environ.get("AMQPLOAD_SOURCE", ROOT.parent / "shared/bench/amqpload.c"))
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
RABBITMQCTL = RABBITMQ.with_name("rabbitmqctl")
# What the load is made of: the generator's options.
PERSISTENT = ["--persistent", "--confirm", "1000", "--size", "1024"]
ACKS = ["--prefetch", "1000", "--multi-ack", "100"]
A_WHILE = ["--seconds", "2.5"]


def built_generator(folder: Path) -> Path:
    """The generator, compiled into this folder; ends the program where that is not possible."""
    compiler = shutil.which("cc")
    if compiler is None or not SOURCE.exists():
        raise SystemExit(
            f"bench needs a C compiler and amqpload.c; AMQPLOAD_SOURCE names it (now {SOURCE})"
        )
    generator = folder / "amqpload"
    subprocess.run([compiler, "-O2", "-pthread", "-o", str(generator), str(SOURCE)], check=True)
    return generator


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
    """A broker process under measurement; `control` is the shell command that orders it about."""

    control = ""

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

    def load(self, generator: Path, options: list[str], weighed: bool = True) -> dict[str, Any]:
        """One run of the generator: its figures. One that is not right ends the program.

        A broker that is `weighed` has its memory looked at five times a second. The kernel walks
        all of it then, and whatever the broker needs new memory for waits until that is done (20
        to 40 ms a gigabyte): no way to find out how long anything takes."""
        command = [str(generator), "--port", str(self.port), *options]
        if weighed:
            command += ["--pid", str(self.process.pid)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        figures: dict[str, Any] = json.loads(result.stdout)
        if "error" in figures:
            raise SystemExit(f"{self.name}: {figures['error']}")
        if figures["gaps"] or figures["duplicates"] or figures["out_of_order"] > 0:
            raise SystemExit(f"{self.name} delivered wrongly: {result.stdout}")
        if figures["nacked"] or figures["unconfirmed"]:
            raise SystemExit(f"{self.name} did not confirm: {result.stdout}")
        return figures

    def kill(self) -> None:
        """SIGKILL."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(
    name: str, command: list[str], environment: dict[str, str], port: int, log: Path | None = None
) -> Iterator[Broker]:
    with open(log or os.devnull, "ab") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Broker(name, process, port)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def leveret(
    name: str = "Leveret, as installed",
    sources: str | None = None,
    data: Path | None = None,
    python: str = sys.executable,
    log: Path | None = None,
    settings: dict[str, str] | None = None,
    http_port: int = 0,
) -> Iterator[Broker]:
    """Leveret as `python` has it installed, or from a folder of sources; it keeps what it keeps
    in `data`, or nothing. `settings` are environment variables; HTTP is on a free port if on none
    that is given."""
    port = free_port()
    environment = {"PYTHONPATH": sources} if sources else {}
    environment |= settings or {}
    command = [python, "-m", "leveret", "serve", "--port", str(port)]
    command += ["--http-port", str(http_port)]
    command += ["--ephemeral"] if data is None else ["--data", str(data)]
    with running(name, command, environment, port, log) as broker:
        yield broker


@contextmanager
def rabbitmq(folder: str, plugins: str = "", settings: str = "") -> Iterator[Broker]:
    """RabbitMQ with ports and a folder of its own, these plugins only, by commas, and the settings
    of a rabbitmq.conf."""
    port, distribution, mapper = free_port(), free_port(), free_port()
    node = f"leveret-peer-{port}@localhost"
    enabled = Path(folder) / "enabled_plugins"
    enabled.write_text(f"[{plugins}].\n")
    configuration = Path(folder) / "rabbitmq.conf"
    configuration.write_text(settings)
    environment = {
        "HOME": folder,
        "RABBITMQ_NODENAME": node,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_MNESIA_BASE": folder,
        "RABBITMQ_LOG_BASE": folder,
        "RABBITMQ_CONFIG_FILE": str(configuration),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(enabled),
    }
    try:
        with running("RabbitMQ 3.10.8", [str(RABBITMQ)], environment, port) as broker:
            words = ["env", *(f"{name}={value}" for name, value in environment.items())]
            broker.control = shlex.join([*words, str(RABBITMQCTL), "-n", node])
            yield broker
    finally:
        # Erlang's name server, which RabbitMQ started for itself and leaves behind.
        subprocess.run(["epmd", "-port", str(mapper), "-kill"], capture_output=True, check=False)


class Peer:
    """A connection with a channel. Raises OSError or EOFError where nobody answers."""

    def __init__(self, port: int) -> None:
        response = b"\0guest\0guest"
        start_ok = struct.pack(">II", 10 << 16 | 11, 0) + b"\5PLAIN"
        start_ok += struct.pack(">I", len(response)) + response + b"\5en_US"
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._stream = self._socket.makefile("rb")
        self._socket.sendall(b"AMQP\x00\x00\x09\x01")
        self._answer()
        self._send(0, start_ok)
        tune = self._answer()
        self._send(0, struct.pack(">I", 10 << 16 | 31) + tune[4:10] + b"\0\0")
        self._send(0, struct.pack(">I", 10 << 16 | 40) + b"\1/\0\0")
        self._answer()
        self._send(1, struct.pack(">I", 20 << 16 | 10) + b"\0")
        self._answer()

    def declare_passively(self, queue: str) -> int:
        """How many messages are ready in a queue; 0 if there is none of the name, which closes the
        channel."""
        name = bytes([len(queue)]) + queue.encode()
        self._send(1, struct.pack(">IH", 50 << 16 | 10, 0) + name + b"\1" + b"\0\0\0\0")
        payload = self._answer()
        if struct.unpack_from(">HH", payload) != (50, 11):
            return 0
        return int(struct.unpack_from(">I", payload, 5 + payload[4])[0])

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _send(self, channel: int, payload: bytes) -> None:
        self._socket.sendall(struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce")

    def _answer(self) -> bytes:
        head = self._stream.read(7)
        if len(head) < 7:
            raise EOFError
        payload: bytes = self._stream.read(struct.unpack(">BHI", head)[2] + 1)[:-1]
        return payload


def ready_messages(port: int, queue: str) -> int | None:
    """How many messages are ready in a queue; None while nobody answers."""
    try:
        peer = Peer(port)
        try:
            return peer.declare_passively(queue)
        finally:
            peer.close()
    except (OSError, EOFError):
        return None
