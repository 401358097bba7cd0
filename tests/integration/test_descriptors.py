"""File descriptors run out, and the broker does not."""

import contextlib
import json
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from pathlib import Path

import pika
import pytest

LIMIT = 64


@pytest.fixture
def broker(tmp_path):
    """A process with few descriptors; yields its ready file and where its log is."""
    ready, log = tmp_path / "ready.json", tmp_path / "log"
    arguments = ["--port=0", "--http-port=0", f"--data={tmp_path / 'data'}"]
    arguments.append(f"--ready-file={ready}")
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "leveret", "serve", "--host=127.0.0.1", *arguments],
            stderr=stream,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT)),
        )
    try:
        deadline = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)  # another process: there is only the file to look at
        yield json.loads(ready.read_text()), log
    finally:
        process.terminate()
        process.wait(20)


def ask(ready, path):
    base, _, rest = ready["http"].partition("guest:guest@")
    request = urllib.request.Request(f"{base}{rest}api/{path}")
    request.add_header("Authorization", "Basic " + b64encode(b"guest:guest").decode())
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def wait_for(log: Path, sentence: str) -> None:
    deadline = time.monotonic() + 10
    while sentence not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)  # another process: there is only its log to look at


def test_connections_stop_before_operators_and_files_have_none_left(broker):
    ready, log = broker
    address = pika.URLParameters(ready["amqp"])
    with pika.BlockingConnection(address) as connection, contextlib.ExitStack() as crowd:
        for _ in range(2 * LIMIT):
            crowd.enter_context(socket.create_connection((address.host, address.port)))
        wait_for(log, "as many as file descriptors allow")
        assert ask(ready, "overview")["object_totals"]["connections"] == 1
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True)
        for _ in range(100):
            channel.basic_publish("", "kept", bytes(10_000), pika.BasicProperties(delivery_mode=2))
    pika.BlockingConnection(address).close()
    said = log.read_text()
    assert said.count("as many as file descriptors allow") == 1
    assert "Traceback" not in said
    assert "Too many open files" not in said
