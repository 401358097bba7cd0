"""Asks RabbitMQ 3.10.8 who may do what over HTTP, and what it says to what is wrong.

Writes tests/http/rights.json and refusals.json; the requests are those of the modules of these
names. RabbitMQ is started with its management plugin on
ports and in a folder of its own, and stopped.
"""

import importlib
import json
import os
import sys
import tempfile
import time
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pika

from oracle import ROOT, install

sys.path.insert(0, str(ROOT / "bench"))

from brokers import free_port, rabbitmq  # type: ignore[import-not-found]

HTTP_TESTS = ROOT / "tests/http"
PATIENCE_SECONDS = 30


def module(name: str) -> Any:
    """A module of the tests, whose folder has the name of one of Python's own packages."""
    package = ModuleType("http_tests")
    package.__path__ = [str(HTTP_TESTS)]
    sys.modules.setdefault("http_tests", package)
    return importlib.import_module(f"http_tests.{name}")


class RabbitMQ:
    """What tests/http/rights.py asks; users have the passwords that it gives them."""

    def __init__(self, node: str, port: int, http_port: int) -> None:
        self.node = node
        self._port = port
        self._address = ("127.0.0.1", http_port)
        self._connections: dict[str, pika.BlockingConnection] = {}

    def request(self, method: str, path: str, body: Any = None, user: str = "guest") -> Any:
        client = module("client").Client(self._address, user, _password(user))
        # Some of its paths want to be told.
        return client.request(method, path, body, headers={"Content-Type": "application/json"})

    def connect(self, user: str, vhost: str) -> str:
        credentials = pika.PlainCredentials(user, _password(user))
        parameters = pika.ConnectionParameters("127.0.0.1", self._port, vhost, credentials)
        connection = pika.BlockingConnection(parameters)
        connection.channel()
        name = str(self._soon("/api/connections", lambda row: row.get("user") == user)["name"])
        # What it says of channels comes from its statistics, and later.
        self._soon("/api/channels", lambda row: name in str(row.get("connection_details")))
        self._connections[name] = connection
        return name

    def is_open(self, connection: str) -> bool:
        path = f"/api/connections/{quote(connection, safe='')}"
        return bool(self.request("GET", path).status == 200)

    def _soon(self, path: str, wanted: Any) -> Any:
        """The first row of a list that is wanted and is not known yet, once there is one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for row in self.request("GET", path).json:
                if wanted(row) and row["name"] not in self._connections:
                    return row
            time.sleep(0.1)
        raise SystemExit(f"RabbitMQ does not show in {path} what there is")


def _password(user: str) -> str:
    return "guest" if user == "guest" else "password"


def main() -> None:
    install()
    http_port = free_port()
    listener = f'[{{ip,"127.0.0.1"}},{{port,{http_port}}}]'
    os.environ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = (
        f"-rabbitmq_management tcp_config {listener}"
    )
    with tempfile.TemporaryDirectory() as folder, rabbitmq(folder, "rabbitmq_management") as broker:
        asked = RabbitMQ(f"leveret-peer-{broker.port}@localhost", broker.port, http_port)
        record("refusals", module("refusals").answers(asked))
        rights = module("rights")
        record("rights", rights.answers(asked, rights.BOTH))


def record(name: str, answers: dict[str, Any]) -> None:
    """A request on each line."""
    rows = [f"  {json.dumps(request)}: {json.dumps(row)}" for request, row in answers.items()]
    path = HTTP_TESTS / f"{name}.json"
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
