"""`leveret serve` with RabbitMQ's settings, as a service: file, variables, SIGHUP, systemd."""

import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pamqp.commands import Connection

from peer import Peer, TcpWire

from .test_serve import START_SECONDS, served

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """Hears what a service says."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.settimeout(START_SECONDS)
        yield end


def hear(systemd: socket.socket, state: str) -> str:
    """The next message with this state."""
    while True:
        message = systemd.recv(4096).decode()
        if state in message.split("\n"):
            return message


def offered_heartbeat(broker) -> int:
    port = urllib.request.urlparse(broker.ready["amqp"]).port
    with closing(Peer(TcpWire("127.0.0.1", port))) as peer:
        peer.greet()
        peer.log_in("ada", "a#b")
        return peer.expect(Connection.Tune).heartbeat


def test_settings_of_rabbitmq_s_file_and_variables_change_at_sighup(tmp_path, systemd):
    conf, secret, log = (tmp_path / name for name in ("rabbitmq.conf", "secret", "broker.log"))
    conf.write_text("heartbeat = 7\nheartbaet = 8\nlog.console.level = info\nnet_ticktime = 60\n")
    secret.write_text("a#b\n")
    environment = {
        "RABBITMQ_CONFIG_FILE": str(conf),
        "RABBITMQ_DEFAULT_USER": "ada",
        "RABBITMQ_DEFAULT_PASS_FILE": str(secret),
        "RABBITMQ_NODENAME": "rabbit@here",
        "RABBITMQ_SERVICE_HOST": "10.0.0.1",
        "RABBITMQ_PID_FILE": str(tmp_path / "pid"),
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "20000000",
    }
    with served(tmp_path, "--ephemeral", **environment) as broker:
        assert f"MAINPID={broker.process.pid}" in hear(systemd, "READY=1")
        assert hear(systemd, "WATCHDOG=1")
        assert (tmp_path / "pid").read_text() == f"{broker.process.pid}\n"
        assert offered_heartbeat(broker) == 7

        conf.write_text(f"heartbeat = 9\nlisteners.tcp.default = 1\nlog.file = {log}\n")
        broker.process.send_signal(signal.SIGHUP)
        hear(systemd, "RELOADING=1")
        hear(systemd, "READY=1")
        assert offered_heartbeat(broker) == 9

        conf.write_text("heartbeat = often\n")
        broker.process.send_signal(signal.SIGHUP)
        hear(systemd, "RELOADING=1")
        hear(systemd, "READY=1")
        assert offered_heartbeat(broker) == 9

        started = broker.stop()
        hear(systemd, "STOPPING=1")
    assert not (tmp_path / "pid").exists()
    for sentence in (
        "rabbitmq.conf:2: heartbaet is unknown and not obeyed; did you mean heartbeat?",
        "rabbitmq.conf:4: net_ticktime is not obeyed: it is about Erlang, and there is none",
        "RABBITMQ_SERVICE_HOST is unknown and not obeyed",
        "Server startup complete",
    ):
        assert started.count(sentence) == 1
    logged = log.read_text()
    assert "settings read again: heartbeat_seconds = 9, log_file = " in logged
    assert "nothing has changed: " in logged
    assert "rabbitmq.conf:1: heartbeat: a whole number is expected" in logged
    assert "stopped" in logged
    assert "a#b" not in started + logged


def test_without_amqp_there_is_http(tmp_path):
    conf = tmp_path / "rabbitmq.conf"
    conf.write_text("listeners.tcp = none\n")
    with served(tmp_path, "--ephemeral", "--config", str(conf)) as broker:
        assert broker.ready["amqp"] is None
        with urllib.request.urlopen(broker.ready["http"].replace("guest:guest@", "")) as page:
            assert page.status == 200


def test_socket_options_are_those_of_accepted_sockets():
    from leveret.net.listener import TcpOptions, bound_socket

    with bound_socket("127.0.0.1", 0) as listening:
        options = TcpOptions(keepalive=True, send_buffer_bytes=65536, receive_buffer_bytes=65536)
        options.set_on(listening)
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            # Linux doubles what it is asked for.
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                assert accepted.getsockopt(socket.SOL_SOCKET, buffer) in (65536, 131072)
