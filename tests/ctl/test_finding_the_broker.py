"""Where a broker is looked for, and what is said when it is not there or is something else."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from leveret.cli.ctl.addresses import DataFolder
from leveret.cli.ctl.client import Client
from leveret.cli.ctl.exits import CtlError

from .conftest import Ctl, Served, leveret


def test_without_a_broker_it_is_said_how_to_start_one(nobody: Ctl, tmp_path: Path) -> None:
    outcome = nobody("list_users")
    assert outcome.exit_code == 69
    assert outcome.stdout == ""
    assert outcome.stderr == (
        f"Error: no broker answers on {tmp_path}/management.sock: start one with "
        "`leveret serve`, or say where its data is with --data\n"
    )


def test_the_folder_is_the_one_that_serve_uses(served: Served) -> None:
    assert leveret("ctl", "ping", LEVERET_DATA_DIR=str(served.data)).returncode == 0
    done = leveret("ctl", "ping", XDG_DATA_HOME="/nowhere")
    assert done.returncode == 69
    assert "/nowhere/leveret/management.sock" in done.stderr


def test_an_environment_that_serve_would_refuse_is_refused(served: Served) -> None:
    done = leveret("ctl", "ping", LEVERET_AMQP_PORT="many")
    assert done.returncode == 78
    assert "amqp_port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broker_is_found_by_its_url(served: Served) -> None:
    url = f"http://guest:guest@127.0.0.1:{served.port('http')}"
    assert leveret("ctl", "list_users", LEVERET_CTL_URL=url).returncode == 0
    outcome = Ctl(["--url", url])("list_users")
    assert outcome.exit_code == 0
    assert "set LEVERET_CTL_URL instead" in outcome.stderr
    assert Ctl(["--url", url])("-q", "list_users").stderr == ""


def test_data_is_stronger_than_the_environment(served: Served) -> None:
    done = leveret("ctl", "--data", str(served.data), "ping", LEVERET_CTL_URL="http://[::1]:1")
    assert done.returncode == 0


def test_data_and_url_together_are_refused(nobody: Ctl) -> None:
    outcome = nobody("--url", "http://localhost", "list_users")
    assert outcome.exit_code == 64
    assert "name two brokers" in outcome.stderr


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "localhost:15672",
        "ftp://localhost",
        "http://",
        "http://:15672",
        "http://localhost:0",
        "http://localhost:99999",
        "http://localhost:x",
        "http://[::1",
        "http://a b",
        "http://localhost/api",
    ],
)
def test_a_url_that_is_none_is_refused_without_showing_it(url: str) -> None:
    outcome = Ctl(["--url", url])("list_users")
    assert outcome.exit_code == 64
    assert "it looks like http://USER:PASSWORD@HOST:PORT" in outcome.stderr


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 300, "[::1]:1", "127.0.0.1:1"])
def test_a_host_that_does_not_answer_is_named(host: str) -> None:
    outcome = Ctl(["--url", f"http://guest:sesame@{host}"])("-q", "list_users")
    assert outcome.exit_code == 69
    assert f"http://{host}" in outcome.stderr
    assert "sesame" not in outcome.stderr


def test_a_wrong_password_is_not_allowed(served: Served) -> None:
    outcome = Ctl(["--url", f"http://guest:wrong@127.0.0.1:{served.port('http')}"])("list_users")
    assert outcome.exit_code == 77
    assert "use a user with tag administrator" in outcome.stderr
    assert "wrong" not in outcome.stderr.replace("wrong password", "")


def test_a_user_without_tags_is_not_allowed(served: Served, ctl: Ctl) -> None:
    ctl.run("-q", "add_user", "ada", "secret")
    outcome = Ctl(["--url", f"http://ada:secret@127.0.0.1:{served.port('http')}"])("list_users")
    ctl.run("delete_user", "ada")
    assert outcome.exit_code == 77


@pytest.mark.parametrize("data", ["x" * 200, "a\nb", "/dev/null", ""])
def test_a_folder_that_cannot_have_a_socket_is_named(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = Ctl(["--data", data])("list_users")
    assert outcome.exit_code == 69
    assert "management.sock" in outcome.stderr


def test_a_socket_that_nobody_listens_on_is_no_broker(tmp_path: Path, nobody: Ctl) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "management.sock"))
    assert nobody("list_users").exit_code == 69


@pytest.mark.parametrize("node", ["rabbit@localhost", "rabbit", "any@localhost"])
def test_a_node_of_this_machine_may_have_any_name(node: str, ctl: Ctl) -> None:
    assert ctl.run("-n", node, "ping").startswith(f"Will ping {node}. ")


@pytest.mark.parametrize(
    ("node", "exit_code"),
    [("rabbit@elsewhere", 69), ("", 65), ("a b", 65), ("@x", 65), ("ž@localhost", 65)],
)
def test_a_node_of_another_machine_is_refused(node: str, exit_code: int, ctl: Ctl) -> None:
    outcome = ctl("-n", node, "delete_user", "guest")
    assert outcome.exit_code == exit_code
    assert outcome.stderr.startswith("Error: ")


# --- something else answers ---


@pytest.fixture
def pretender(tmp_path: Path) -> Iterator[Callable[[bytes | None], Ctl]]:
    """What listens where a broker's socket would be: it answers everything with some octets, or
    nothing with anything."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "management.sock"))
    listening.listen()
    ended = threading.Event()

    def start(answer: bytes | None) -> Ctl:
        threading.Thread(target=serve_forever, args=[answer], daemon=True).start()
        return Ctl(["--data", str(tmp_path)])

    def serve_forever(answer: bytes | None) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                if answer is None:
                    ended.wait()
                elif connection.recv(100_000):
                    connection.sendall(answer)

    yield start
    ended.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def http(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("answer", "exit_code"),
    [
        (b"", 76),
        (b"AMQP\x00\x00\x09\x01", 76),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[", 76),
        (http("200 OK", b"<html>"), 76),
        (http("200 OK", b"\xff"), 76),
        (http("200 OK", b"[" * 100_000), 76),
        (http("200 OK", b"7"), 76),
        (http("200 OK", b'[{"no": "name"}]'), 76),
        (http("200 OK", b'{"error": 1}'), 76),
        (http("302 Found", b""), 76),
        (http("404 Not Found", b'{"error": "x", "reason": "Not Found"}'), 76),
        (http("500 No", b'{"error": "x", "reason": "broken"}'), 70),
        (http("400 No", b'{"error": "x", "reason": "not so"}'), 65),
    ],
)
def test_what_does_not_answer_as_a_broker_does_is_named(
    answer: bytes, exit_code: int, pretender: Callable[[bytes | None], Ctl]
) -> None:
    outcome = pretender(answer)("list_users")
    assert outcome.exit_code == exit_code
    assert outcome.stderr.startswith("Error: ")


def test_a_broker_that_does_not_answer_in_time_is_named(
    pretender: Callable[[bytes | None], Ctl],
) -> None:
    outcome = pretender(None)("list_users", "--timeout", "1")
    assert outcome.exit_code == 75
    assert "did not answer within 1 seconds" in outcome.stderr


def test_a_socket_of_another_users_is_not_allowed() -> None:
    # The tests may run as root, to whom every socket opens.
    class Forbidden(HTTPConnection):
        def connect(self) -> None:
            raise PermissionError

    address = DataFolder(Path("somebody's"))
    address.connection = lambda timeout_seconds: Forbidden("localhost")
    with pytest.raises(CtlError, match="use the user who runs the broker") as raised:
        Client(address, 1).get("users")
    assert raised.value.exit_code == 77
