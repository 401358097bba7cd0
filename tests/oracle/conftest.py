"""RabbitMQ 3.10.8 beside a broker of ours, both with their HTTP APIs: for `make oracle`."""

import base64
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from leveret.testing import EmbeddedBroker

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from brokers import RABBITMQ, free_port, rabbitmq  # type: ignore[import-not-found]  # noqa: E402

STARTS_WITHIN_SECONDS = 60


class Api:
    """The HTTP API of a broker, asked by its first user."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str) -> Any:
        return json.loads(self._request("GET", path, None))

    def put(self, path: str, body: object) -> None:
        self._request("PUT", path, body)

    def post(self, path: str, body: object) -> None:
        self._request("POST", path, body)

    def _request(self, method: str, path: str, body: object) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": f"Basic {base64.b64encode(b'guest:guest').decode()}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return bytes(response.read())
        except HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from None


def answering(api: Api) -> Api:
    """The API, once it answers."""
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            api.get("overview")
            return api
        except (URLError, ConnectionError, AssertionError):
            assert time.monotonic() < deadline, "RabbitMQ's HTTP API does not start"
            time.sleep(0.1)


@pytest.fixture
def another_rabbitmq(tmp_path: Path) -> Iterator[Callable[[], Api]]:
    """Starts a fresh RabbitMQ, as often as it is called."""
    with ExitStack() as running:

        def start() -> Api:
            port = free_port()
            folder = tmp_path / f"rabbitmq{port}"
            folder.mkdir()
            settings = f"management.tcp.port = {port}\nmanagement.tcp.ip = 127.0.0.1\n"
            running.enter_context(rabbitmq(str(folder), "rabbitmq_management", settings))
            return answering(Api(port))

        yield start


@pytest.fixture
def rabbitmq_api(another_rabbitmq: Callable[[], Api]) -> Api:
    """A fresh RabbitMQ."""
    return another_rabbitmq()


@pytest.fixture
def leveret_api() -> Iterator[Api]:
    """A fresh broker of ours."""
    with EmbeddedBroker(http_enabled=True) as broker:
        yield Api(broker.server.http_port)


@pytest.fixture
def rabbitmqadmin() -> Path:
    """The script that RabbitMQ brings."""
    (script,) = RABBITMQ.parent.parent.glob(
        "lib/rabbitmq_server-3.10.8/plugins/rabbitmq_management-*/priv/www/cli/rabbitmqadmin"
    )
    return Path(script)
