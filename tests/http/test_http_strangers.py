"""Who connects to HTTP and asks for nothing, and who guesses passwords there."""

import socket
import time
from contextlib import suppress

import pytest

from leveret.broker.actor import Actor
from leveret.testing import EmbeddedBroker

from .client import Client


@pytest.mark.parametrize("said", [b"", b"GET /api/overview HTTP/1.1\r\nHost: x\r\nX-Slow:"])
def test_who_asks_for_nothing_is_shown_out(monkeypatch, said):
    """A request that never ends does not keep a connection for ever."""
    monkeypatch.setattr("leveret.net.http.REQUEST_SECONDS", 0.1)
    with EmbeddedBroker(http_enabled=True) as broker:
        with socket.create_connection((broker.host, broker.server.http_port), 10) as stranger:
            stranger.sendall(said)
            assert stranger.recv(4096) == b""
        assert broker.look(lambda: broker.server._arrivals._by_host) == {}


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        (b"GET /api/overview HTTP/1.1\r\nHost: x\r\n\r\n", b"G"),
        (b"POST /api/definitions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n", b"{"),
    ],
)
def test_who_was_refused_does_not_stay_by_beginning_again(monkeypatch, asked, more):
    monkeypatch.setattr("leveret.net.http.REQUEST_SECONDS", 0.3)
    with EmbeddedBroker(http_enabled=True) as broker:
        with socket.create_connection((broker.host, broker.server.http_port), 10) as stranger:
            stranger.sendall(asked)
            assert stranger.recv(65536).startswith(b"HTTP/1.1 401")
            with suppress(ConnectionError):
                stranger.sendall(more)
                while stranger.recv(65536):
                    pass
        assert broker.look(lambda: broker.server._arrivals._by_host) == {}


@pytest.mark.parametrize("path", ["/api/queues", "/metrics/per-object"])
def test_who_does_not_read_the_answer_is_cut(monkeypatch, path):
    monkeypatch.setattr("leveret.net.http.SEND_TIMEOUT_SECONDS", 0.3)
    with EmbeddedBroker(http_enabled=True) as broker:
        vhost = broker.server.broker.vhosts["/"]
        actor = Actor("test", None)
        broker.look(lambda: [vhost.declare_queue(actor, f"q{n}" * 20) for n in range(5000)])
        address = (broker.host, broker.server.http_port)
        with socket.socket() as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stranger.connect(address)
            stranger.sendall(
                b"GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n"
                % path.encode()
            )
            deadline = time.monotonic() + 20
            while broker.look(lambda: broker.server._arrivals.count("127.0.0.1")):
                assert time.monotonic() < deadline
                time.sleep(0.02)


def test_who_reads_slowly_has_the_whole_answer(monkeypatch):
    monkeypatch.setattr("leveret.net.http.SEND_TIMEOUT_SECONDS", 0.3)
    with EmbeddedBroker(http_enabled=True) as broker:
        address = (broker.host, broker.server.http_port)
        api = Client(address, "guest", "guest")
        api.put("/api/global-parameters/long", {"value": "x" * 8_000_000})
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            reader.connect(address)
            reader.sendall(
                b"GET /api/global-parameters HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                b"Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n"
            )
            size = 0
            while octets := reader.recv(65536):
                size += len(octets)
                time.sleep(len(octets) / 8_000_000)
        assert size > 8_000_000


def test_http_has_no_more_connections_than_are_kept_for_it(monkeypatch):
    monkeypatch.setattr("leveret.app.http_connections_max", lambda: 2)
    with EmbeddedBroker(http_enabled=True) as broker:
        address = (broker.host, broker.server.http_port)
        strangers = [socket.create_connection(address, 10) for _ in range(2)]
        with socket.create_connection(address, 10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)
            strangers.pop().close()
            client.settimeout(10)
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        strangers.pop().close()


def test_who_has_asked_may_stay_and_ask_again(monkeypatch):
    monkeypatch.setattr("leveret.net.http.REQUEST_SECONDS", 2.0)
    ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        EmbeddedBroker(http_enabled=True) as broker,
        socket.create_connection((broker.host, broker.server.http_port), 10) as client,
    ):
        client.sendall(ask)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        client.settimeout(0.3)
        with suppress(TimeoutError):
            while client.recv(65536):
                pass
        client.settimeout(10)
        client.sendall(ask)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_stranger_who_opens_many_loses_his_own_oldest():
    with EmbeddedBroker(http_enabled=True, handshakes_max_per_address=5) as broker:
        address = (broker.host, broker.server.http_port)
        strangers = [socket.create_connection(address, 10) for _ in range(8)]
        assert strangers[0].recv(1) == b""
        assert Client(address, "guest", "guest").get("/api/whoami").status == 200
        for stranger in strangers:
            stranger.close()


def test_guessing_is_slow_over_http_too(monkeypatch):
    """One account for both protocols, and the others' logins are as quick as ever."""
    monkeypatch.setattr("leveret.access.failed_logins.USER_SECONDS", 0.5)
    with EmbeddedBroker(http_enabled=True) as broker:
        broker.add_user("ada", "right", "management")
        address = (broker.host, broker.server.http_port)
        for _ in range(10):
            assert Client(address, "guest", "wrong").get("/api/whoami").status == 401
        began = time.monotonic()
        assert Client(address, "ada", "right").get("/api/whoami").status == 200
        assert time.monotonic() - began < 0.3
        assert Client(address, "guest", "guest").get("/api/whoami").status == 200
        assert time.monotonic() - began > 0.3
        began = time.monotonic()
        assert Client(address, "guest", "guest").get("/api/whoami").status == 200
        assert time.monotonic() - began < 0.3
