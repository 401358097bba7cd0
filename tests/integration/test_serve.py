"""`leveret serve` as a process: start, ready file, refusals in a sentence, stop."""

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
import pytest
from pamqp.commands import Queue

from peer import Peer, TcpWire, method_frame

START_SECONDS = 20
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("RABBITMQ_", "LEVERET_"))
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "leveret", "serve", *arguments]


class Served:
    """A broker process that can be connected to."""

    def __init__(self, process: subprocess.Popen[str], ready: Path) -> None:
        self.process = process
        self.ready = json.loads(ready.read_text())

    def connect(self, url: str | None = None) -> pika.BlockingConnection:
        return pika.BlockingConnection(pika.URLParameters(url or self.ready["amqp"]))

    def stop(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=START_SECONDS)
        return log


@contextmanager
def served(folder: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        command("--port", "0", "--http-port", "0", "--ready-file", str(ready), *arguments),
        stderr=subprocess.PIPE,
        text=True,
        env=CLEAN | environment,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists() and process.poll() is None:
            assert time.monotonic() < deadline, "the broker did not start"
            time.sleep(0.01)  # another process: there is only the file to look at
        if process.poll() is not None:
            pytest.fail(f"the broker ended: {process.communicate()[1]}")
        yield Served(process, ready)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def refused(*arguments: str, **environment: str) -> str:
    """What a broker that cannot start says; it is a sentence, and the exit code is not 0."""
    result = subprocess.run(
        command("--port", "0", "--http-port", "0", *arguments),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        env=CLEAN | environment,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1]


def test_the_ready_file_says_where_clients_connect(tmp_path):
    data = tmp_path / "data"
    with served(tmp_path, "--data", str(data)) as broker:
        ready = broker.ready
        assert set(ready) == {"pid", "amqp", "http", "data"}
        assert (ready["pid"], ready["data"]) == (broker.process.pid, str(data))
        broker.connect().close()
        with urllib.request.urlopen(ready["http"].replace("guest:guest@", "")) as page:
            assert "Leveret" in page.read().decode()
        assert "Server startup complete" in broker.stop()


def test_a_data_folder_is_private(tmp_path):
    data = tmp_path / "data"
    with served(tmp_path, "--data", str(data)):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_connections_with_320_and_exits_with_0(tmp_path, number):
    with served(tmp_path, "--ephemeral") as broker:
        connection = broker.connect()
        broker.process.send_signal(number)
        with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
            connection.sleep(START_SECONDS)  # pika's: serves the connection until it is closed
        assert closed.value.reply_code == 320
        assert closed.value.reply_text == (
            "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"
        )
        assert broker.process.wait(START_SECONDS) == 0
        assert not (tmp_path / "ready.json").exists()


def test_a_second_broker_on_one_data_folder_is_refused(tmp_path):
    with served(tmp_path, "--data", str(tmp_path / "data")) as broker:
        sentence = refused("--data", str(tmp_path / "data"))
        assert "is in use by another broker" in sentence
        assert str(broker.process.pid) in sentence


def test_users_and_vhosts_are_there_after_a_restart(tmp_path):
    data = tmp_path / "data"
    environment = {"RABBITMQ_DEFAULT_USER": "ada", "RABBITMQ_DEFAULT_PASS": "secret"}
    with served(
        tmp_path, "--data", str(data), **environment, RABBITMQ_DEFAULT_VHOST="lab"
    ) as broker:
        assert "//ada:secret@" in broker.ready["amqp"]
        broker.connect().close()
        broker.stop()
    with served(tmp_path, "--data", str(data)) as broker:
        url = f"amqp://ada:secret@127.0.0.1:{urllib.request.urlparse(broker.ready['amqp']).port}/"
        broker.connect(url + "lab").close()
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            broker.connect(url.replace("secret", "guess") + "lab")


def test_a_definitions_file_brings_users_vhosts_permissions_and_topology(tmp_path):
    file = tmp_path / "definitions.json"
    file.write_text(
        json.dumps(
            {
                "rabbit_version": "3.10.8",
                "users": [
                    {
                        "name": "student",
                        # base64(salt + sha256(salt + "student"))
                        "password_hash": "AAECA/+QKu21yQcb7As8C9V0kjmVgLxSq6xgzkwkgxbdTmpF",
                        "hashing_algorithm": "rabbit_password_hashing_sha256",
                        "tags": [],
                    }
                ],
                "vhosts": [{"name": "student"}],
                "permissions": [
                    {
                        "user": "student",
                        "vhost": "student",
                        "configure": ".*",
                        "write": ".*",
                        "read": ".*",
                    }
                ],
                "exchanges": [{"name": "logs", "vhost": "student", "type": "fanout"}],
                "queues": [{"name": "inbox", "vhost": "student"}],
                "bindings": [
                    {
                        "source": "logs",
                        "vhost": "student",
                        "destination": "inbox",
                        "destination_type": "queue",
                        "routing_key": "",
                        "arguments": {},
                    }
                ],
                "policies": [],
            }
        )
    )
    with served(tmp_path, "--ephemeral", "--load-definitions", str(file)) as broker:
        port = urllib.request.urlparse(broker.ready["amqp"]).port
        connection = broker.connect(f"amqp://student:student@127.0.0.1:{port}/student")
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("logs", "", b"hello", mandatory=True)
        assert channel.basic_get("inbox", auto_ack=True)[2] == b"hello"
        connection.close()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cannot be imported: this is not JSON: Input data was truncated"),
        ("[]", "cannot be imported: Expected `object`, got `array`"),
        ('{"users": [{"name": 1}]}', "at `$.users[0].name`"),
        ('{"users": [{"name": "a", "hashing_algorithm": "x"}]}', "unknown hashing_algorithm 'x'"),
        (
            '{"users": [{"name": "a"}], "vhosts": [{"name": "/"}], "permissions": [{"user": "a", '
            '"vhost": "/", "configure": "(", "write": "", "read": ""}]}',
            "'(' is not a regular expression",
        ),
    ],
)
def test_a_bad_definitions_file_is_refused_with_the_place(tmp_path, text, sentence):
    file = tmp_path / "definitions.json"
    file.write_text(text)
    assert sentence in refused("--ephemeral", "--load-definitions", str(file))


def test_settings_come_from_file_environment_and_flags_in_this_order(tmp_path):
    file = tmp_path / "leveret.toml"
    file.write_text('default_user = "file"\ndefault_pass = "file"\nephemeral = true\n')
    with served(tmp_path, "--config", str(file), LEVERET_DEFAULT_USER="environment") as broker:
        assert "//environment:file@" in broker.ready["amqp"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("heartbeat_seconds = -1", "heartbeat_seconds"),
        ('compat = "2.0"', "compat"),
        ("= 1", "is not TOML"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path, text, sentence):
    file = tmp_path / "leveret.toml"
    file.write_text(text)
    assert sentence in refused("--ephemeral", "--config", str(file))


def test_a_setting_that_does_not_exist_is_refused_if_strict(tmp_path):
    file = tmp_path / "leveret.toml"
    file.write_text("amqp_prot = 1")
    sentence = refused("--ephemeral", "--strict", "--config", str(file))
    assert "amqp_prot is unknown" in sentence
    assert "did you mean amqp_port?" in sentence


def test_a_password_that_breaks_the_rules_is_refused_for_the_default_user_too(tmp_path):
    file = tmp_path / "rabbitmq.conf"
    file.write_text("credential_validator.min_length = 12\n")
    sentence = refused("--ephemeral", "--config", str(file))
    assert "default_pass cannot be used: minimum required password length is 12" in sentence


def test_a_port_in_use_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refused("--ephemeral", "--host", "127.0.0.1", "--port", str(port))
    assert f"cannot listen for AMQP on 127.0.0.1:{port}" in sentence


def test_a_data_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be used" in refused("--data", str(tmp_path / "file" / "data"))


def test_a_folder_of_somebody_else_is_refused_and_left_alone(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.txt").write_text("mine")
    assert "holds other things" in refused("--data", str(tmp_path))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_damaged_definitions_file_is_a_sentence(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "version").write_text("1\n")
    (data / "definitions.sqlite").write_bytes(b"this is no database" * 100)
    assert "cannot open the definitions" in refused("--data", str(data))


def test_the_version_says_which_build_runs():
    result = subprocess.run(
        [sys.executable, "-m", "leveret", "--version"], capture_output=True, text=True, check=True
    )
    assert "leveret 0.1.0 (" in result.stdout
    assert "compiled" in result.stdout or "pure Python" in result.stdout


def test_log_lines_can_be_json_and_hold_no_password(tmp_path):
    with served(tmp_path, "--ephemeral", LEVERET_LOG_FORMAT="json") as broker:
        port = urllib.request.urlparse(broker.ready["amqp"]).port
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            broker.connect(f"amqp://guest:canary-password@127.0.0.1:{port}/%2F")
        log = broker.stop()
    lines = [json.loads(line) for line in log.splitlines()]
    assert any("login of user 'guest' refused" in line["message"] for line in lines)
    assert "canary" not in log


@pytest.mark.parametrize("answers", [1, 30])
def test_what_was_answered_before_the_process_was_killed_is_there(tmp_path, answers):
    """A client declares and binds as fast as it can; the process dies at one of the answers."""
    data = tmp_path / "data"
    with served(tmp_path, "--data", str(data)) as broker:
        port = urllib.request.urlparse(broker.ready["amqp"]).port
        peer = Peer(TcpWire("127.0.0.1", port)).handshake().open_channels()
        commands = [
            command
            for number in range(50)
            for command in (
                Queue.Declare(queue=f"q{number}", durable=True),
                Queue.Bind(queue=f"q{number}", exchange="amq.fanout"),
            )
        ]
        peer.send_raw(b"".join(method_frame(1, command) for command in commands))
        for _ in range(answers):
            peer.next(1)
        broker.process.kill()
        broker.process.wait()
        peer.close()
    database = sqlite3.connect(data / "definitions.sqlite")
    rows = database.execute("SELECT kind, key FROM definition").fetchall()
    database.close()
    queues = {json.loads(key)[1] for kind, key in rows if kind == "queue"}
    bound = {json.loads(key)[3] for kind, key in rows if kind == "binding"}
    assert bound <= queues, "a binding never comes before its queue"
    assert len(queues) + len(bound) >= answers
    with served(tmp_path, "--data", str(data)) as broker:
        with broker.connect() as connection:
            channel = connection.channel()
            for name in queues:
                channel.queue_declare(name, durable=True)
        log = broker.stop()
    assert "leftover" not in log
    assert "not understood" not in log
