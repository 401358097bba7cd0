"""Where a broker is: the socket in its data folder, or a URL."""

import http.client
import os
import socket
from base64 import b64encode
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from leveret.cli.ctl.exits import CONFIG, UNAVAILABLE, USAGE, CtlError

SOCKET_NAME: Final = "management.sock"
URL_VARIABLE: Final = "LEVERET_CTL_URL"
DEFAULT_PORTS: Final = {"http": 15672, "https": 15671}


class Address(Protocol):
    """A place to connect to."""

    # How sentences name it, without any password.
    name: str
    # The machine that it is on; empty is this one.
    host: str
    # What to try when nobody answers there.
    remedy: str
    headers: dict[str, str]

    def connection(self, timeout_seconds: float) -> http.client.HTTPConnection: ...


class DataFolder:
    """The broker of a data folder. Whoever may open its socket is an administrator."""

    host = ""
    remedy = "start one with `leveret serve`, or say where its data is with --data"

    def __init__(self, folder: Path) -> None:
        self.path = folder / SOCKET_NAME
        self.name = str(self.path)
        self.headers: dict[str, str] = {}

    def connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        return _SocketConnection(self.name, timeout_seconds)


class Remote:
    """The broker behind a URL, with the user and the password that it names."""

    remedy = "is it running, and does its HTTP listen there?"

    def __init__(self, url: str) -> None:
        parts = _split(url)
        assert parts.hostname is not None
        self.host = parts.hostname
        self._connect = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._port = parts.port or DEFAULT_PORTS[parts.scheme]
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.name = f"{parts.scheme}://{shown}:{self._port}"
        login = "guest:guest"
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        self.headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}

    def connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        return self._connect(self.host, self._port, timeout=timeout_seconds)


def address_of(data: str | None, url: str | None) -> Address:
    """What the options name; without any, the environment, or the folder of `leveret serve`."""
    if data is None and url is None:
        url = os.environ.get(URL_VARIABLE)
    if url is not None:
        return Remote(url)
    if not hasattr(socket, "AF_UNIX"):
        raise CtlError(
            "there are no unix sockets on this system: name the broker with "
            "--url http://USER:PASSWORD@HOST:PORT",
            UNAVAILABLE,
        )
    return DataFolder(_default_folder() if data is None else Path(data))


def _default_folder() -> Path:
    from leveret.config import ConfigError, load_config

    try:
        return load_config(None, os.environ, {}).data_path()
    except ConfigError as error:
        raise CtlError(
            f"{error}; correct the environment, or name the broker with --data or --url", CONFIG
        ) from error


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    host = parts.hostname or " "
    usable = parts.scheme in DEFAULT_PORTS and parts.path in ("", "/") and port != 0
    if not usable or " " in host or not host.isprintable():
        # The URL is not shown: it may hold a password.
        raise CtlError(
            "the URL cannot be used; it looks like http://USER:PASSWORD@HOST:PORT, with special "
            "characters of the password percent-encoded",
            USAGE,
        )
    return parts


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
