"""A broker in a process of its own, with one data folder over several lives: it can be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from peer import Peer, TcpWire

START_SECONDS = 30
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("RABBITMQ_", "LEVERET_"))
}


class BrokerProcess:
    """`data` is the broker's folder; its log and its ready file lie in `folder`. Settings are
    those of `leveret.config`, under their names there. `program` is what the interpreter runs."""

    def __init__(self, folder: Path, data: Path | None = None, **settings: object) -> None:
        self.data = data or folder / "data"
        self.log = folder / "broker.log"
        self.port = 0
        self.program = ["-m", "leveret"]
        self._ready = folder / "ready.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._peers: list[Peer] = []
        self._log_before = 0
        self._environment = CLEAN | {
            "LEVERET_" + name.upper(): str(value) for name, value in settings.items()
        }

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def begin(self) -> None:
        """Start it, and do not wait. Connections to an earlier life are closed."""
        self._close_peers()
        self._ready.unlink(missing_ok=True)
        command = ["serve", "--data", str(self.data), "--host", "127.0.0.1", "--port", "0"]
        with self.log.open("ab") as log:
            self._log_before = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, *self.program, *command, "--ready-file", str(self._ready)],
                stdout=log,
                stderr=log,
                env=self._environment | {"LEVERET_HTTP_ENABLED": "false"},
            )

    def start(self) -> None:
        """Start it, and wait until clients can connect."""
        self.begin()
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.exists():
            assert self._process.poll() is None, f"the broker ended:\n{self.last_words()}"
            assert time.monotonic() < deadline, f"the broker did not start:\n{self.last_words()}"
            time.sleep(0.002)  # another process: there is only the file to look at
        self.port = int(json.loads(self._ready.read_text())["amqp"].split(":")[-1].split("/")[0])

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone; harmless when it is gone already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.ask_to_stop()
        assert self._process is not None
        return self._process.wait(START_SECONDS)

    def ask_to_stop(self) -> None:
        """SIGTERM, and do not wait."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def ended(self) -> bool:
        """Whether it is gone."""
        return self._process is None or self._process.poll() is not None

    def connect(self) -> Peer:
        """A raw connection with channel 1 open."""
        self._peers.append(peer := Peer(TcpWire("127.0.0.1", self.port)))
        return peer.handshake().open_channels()

    def close(self) -> None:
        """Kill it, and close every connection to it."""
        self.kill()
        self._close_peers()

    def said(self) -> str:
        """Its log since it was started last."""
        with self.log.open(encoding="utf-8") as log:
            log.seek(self._log_before)
            return log.read()

    def last_words(self) -> str:
        """The end of its log."""
        return self.said()[-3000:]

    def _close_peers(self) -> None:
        for peer in self._peers:
            peer.close()
        self._peers.clear()
