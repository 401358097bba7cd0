"""The management application without a socket: requests go straight in, time stands still."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from leveret.access.users import Users
from leveret.broker.seams import MessageStore
from leveret.config import load_config
from leveret.management.api import management_application
from leveret.management.authentication import by_password
from leveret.management.context import Management, Node
from leveret.management.metrics.scrape import Scrapes
from leveret.monitor import Monitor
from leveret.testing.memory_server import MemoryPeer, MemoryServer
from leveret.wire.constants import PROTOCOL_HEADER
from leveret.wire.frames import method_frame
from leveret.wire.methods import (
    ChannelOpen,
    ConnectionOpen,
    ConnectionStartOk,
    ConnectionTuneOk,
)

from .client import Reply


class InMemory:
    """`administrator` is guest; every other user's password is `password`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, store: MessageStore | None = None) -> None:
        self.server = server = MemoryServer(store=store)
        # Without a clock: strangers who fail are refused at once, as often as they come.
        server.users = Users(server.broker.definitions, ["guest"])
        self._loop = loop
        config = load_config(None, {}, {"memory_high_watermark_ratio": 1.0})
        broker = server.broker
        monitor = Monitor(broker.alarms, server.clock, config, broker.compat, None)
        self._peers: dict[str, MemoryPeer] = {}
        self.management = Management(
            broker, server.users, server.limits, Node(True, monitor), lambda: None
        )
        self.application = management_application(
            self.management,
            by_password(server.users, broker.auth_attempts),
            Scrapes(self.management, 100),
        )

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        user: str | None = "guest",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """The answer to a request; a body of bytes is sent as it is, `...` never comes, an async
        iterator's parts come when it has them, and anything else is sent as JSON."""
        return self._loop.run_until_complete(self.ask(method, path, body, user, headers))

    def run(self, scene: Coroutine[Any, Any, None]) -> None:
        """Play a scene with several requests at a time."""
        self._loop.run_until_complete(scene)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        user: str | None = "guest",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        sent = dict(headers or {})
        if user is not None:
            password = "guest" if user == "guest" else "password"
            login = base64.b64encode(f"{user}:{password}".encode()).decode()
            sent["authorization"] = f"Basic {login}"
        as_it_is = body is ... or isinstance(body, bytes | AsyncIterator)
        octets = body if as_it_is else _json(body)
        return await self._ask(method, path, octets, sent)

    async def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Reply:
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": raw,
            "raw_path": raw.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [
                (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()
            ],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 15672),
        }
        answered: list[dict[str, Any]] = []
        asked: list[bool] = []

        async def receive() -> dict[str, Any]:
            if isinstance(body, AsyncIterator) and (part := await anext(body, None)):
                return {"type": "http.request", "body": part, "more_body": True}
            if body is ... or asked:
                await asyncio.Event().wait()
            asked.append(True)
            whole = body if isinstance(body, bytes) else b""
            return {"type": "http.request", "body": whole, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            answered.append(message)

        await self.application(scope, receive, send)  # type: ignore[arg-type]
        start, *rest = answered
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], found, b"".join(each.get("body", b"") for each in rest))

    @property
    def node(self) -> str:
        return self.management.node.name

    def connect(self, user: str, vhost: str) -> str:
        """An open AMQP connection with one channel: its name."""
        peer = self.server.connect()
        password = "guest" if user == "guest" else "password"
        response = f"\0{user}\0{password}".encode()
        peer.send(PROTOCOL_HEADER)
        for number, method in (
            (0, ConnectionStartOk(mechanism="PLAIN", response=response, locale="en_US")),
            (0, ConnectionTuneOk(channel_max=100, frame_max=131072, heartbeat=0)),
            (0, ConnectionOpen(virtual_host=vhost)),
            (1, ChannelOpen()),
        ):
            peer.send(method_frame(number, method.encode()))
        peer.receive()
        assert peer.session.is_running()
        self._peers[peer.session.peer.name] = peer
        return peer.session.peer.name

    def peer(self, connection: str) -> MemoryPeer:
        """The far end of a connection."""
        return self._peers[connection]

    def is_open(self, connection: str) -> bool:
        return self._peers[connection].session.is_running()


@contextmanager
def in_memory(store: MessageStore | None = None) -> Iterator[InMemory]:
    loop = asyncio.new_event_loop()
    try:
        yield InMemory(loop, store)
    finally:
        loop.close()


def _json(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()
