"""A small HTTP client: one request, one connection, over TCP or over a unix socket."""

import base64
import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status, error and reason; there is nothing else in it."""
        assert set(self.json) == {"error", "reason"}
        assert self.headers["content-type"] == "application/json"
        return self.status, self.json["error"], self.json["reason"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))


class Client:
    """Who asks. Over a unix socket there is neither user nor password."""

    def __init__(
        self, address: tuple[str, int] | Path, user: str | None = None, password: str = ""
    ) -> None:
        self.address = address
        self.user = user
        self.password = password

    def get(self, path: str, **settings: Any) -> Reply:
        return self.request("GET", path, **settings)

    def put(self, path: str, body: Any = None, **settings: Any) -> Reply:
        return self.request("PUT", path, body, **settings)

    def post(self, path: str, body: Any = None, **settings: Any) -> Reply:
        return self.request("POST", path, body, **settings)

    def delete(self, path: str, **settings: Any) -> Reply:
        return self.request("DELETE", path, **settings)

    def names(self, path: str) -> list[str]:
        """The names in a list."""
        return [row["name"] for row in self.get(path).json]

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """A body of bytes is sent as it is, anything else as JSON."""
        sent = dict(headers or {})
        if self.user is not None and "Authorization" not in sent:
            login = f"{self.user}:{self.password}".encode()
            sent["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        octets = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = self._connection()
        try:
            connection.request(method, path, octets, sent)
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, lower, response.read())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if isinstance(self.address, Path):
            return UnixConnection(self.address)
        return http.client.HTTPConnection(*self.address, timeout=TIMEOUT_SECONDS)


def part(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")
