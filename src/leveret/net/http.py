"""HTTP inside the broker's loop."""

import asyncio
import contextlib
import functools
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import uvicorn
from starlette.applications import Starlette

from leveret.net.acceptor import Acceptor, Arrival, Arrivals, Room
from leveret.net.listener import bound_socket
from leveret.net.tls import Tls

BACKLOG: Final = 128
# Requests and idle connections at a time; past it a client hears 503.
CONCURRENT_MAX: Final = 1000
# How long a connection may take to come to a request, to its first one and to each that follows.
REQUEST_SECONDS: Final = 10.0
# Who reads nothing of its answer for so long hears no more.
SEND_TIMEOUT_SECONDS: Final = 30.0


class _Server(uvicorn.Server):
    """uvicorn without its sockets, which an `Acceptor` has."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.began = asyncio.Event()
        self._ending = asyncio.Event()

    def protocol(self, arrival: Arrival) -> asyncio.BaseProtocol:
        """The protocol of a new connection."""
        config = self.config
        protocol: asyncio.BaseProtocol = _arriving(cast("Any", config.http_protocol_class))(
            config=config, server_state=self.server_state, app_state=self.lifespan.state
        )
        protocol.arrival = arrival  # type: ignore[attr-defined]
        arrival.protocol = protocol  # type: ignore[assignment]
        return protocol

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.began.set()

    def end(self) -> None:
        """Stop, soon."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second whether it should stop; this one is told, and looks at
        # the clock once a second for the date header.
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals belong to the application.
        yield


@functools.cache
def _arriving(kind: Any) -> Any:
    """uvicorn's protocol, of whichever library it has, as one that arrives: who asks for nothing,
    or takes no answer, cannot stay, and uvicorn itself would wait for ever."""

    class ArrivingProtocol(kind):  # type: ignore[misc]
        arrival: Arrival

        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._late = self.loop.call_later(REQUEST_SECONDS, self._too_late)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._late.cancel()
            self._heard()
            self.arrival.gone()

        def on_response_complete(self) -> None:
            # Part of the next request, or what is left of the body of this one, is none.
            self._late.cancel()
            self._late = self.loop.call_later(REQUEST_SECONDS, self._too_late)
            super().on_response_complete()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._await_reading()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._heard()

        def is_arriving(self) -> bool:
            return self.cycle is None

        def abort(self) -> None:
            self.transport.abort()

        def _await_reading(self) -> None:
            unsent = self.transport.get_write_buffer_size()

            def look() -> None:
                # An answer of many megabytes may take longer, if only it goes on.
                if self.transport.get_write_buffer_size() >= unsent:
                    self.abort()
                else:
                    self._await_reading()

            self._unread = self.loop.call_later(SEND_TIMEOUT_SECONDS, look)

        def _heard(self) -> None:
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

        def _too_late(self) -> None:
            # Also where the end of an answer is all that is left, and is not read.
            if self.cycle is None or self.cycle.response_complete:
                self.abort()

    return ArrivingProtocol


class HttpListener:
    """Serves one application, over TCP, TLS or a unix socket.

    Who a peer is comes from its socket alone: headers that claim another address are not read.
    Several may share a `room`; without one there is as much as they want.
    """

    def __init__(self, application: Starlette, arrivals: Arrivals, room: Room | None) -> None:
        config = uvicorn.Config(
            application,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONCURRENT_MAX,
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config)
        self._arrivals = arrivals
        self._room = room
        self._acceptors: list[Acceptor] = []
        self._task: asyncio.Task[None] | None = None
        self._path: Path | None = None

    async def start(self, host: str, port: int, tls: Tls | None = None) -> int:
        """Listen on TCP, over TLS if there is a `tls`; returns the port. Raises OSError."""
        listening = bound_socket(host, port)
        bound = int(listening.getsockname()[1])
        await self._accept(listening, f"port {bound} (HTTP{'S' if tls else ''})", tls)
        return bound

    async def start_unix(self, path: Path) -> None:
        """Listen on a unix socket that only this user may open. Raises OSError."""
        await self._accept(_bound_unix_socket(path), "the management socket", None)
        self._path = path

    async def stop(self) -> None:
        """Finish what is being answered and stop."""
        for acceptor in self._acceptors:
            await acceptor.stop()
        self._server.end()
        if self._task is not None:
            await self._task
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def _accept(self, listening: socket.socket, what: str, tls: Tls | None) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._server.serve(sockets=[]))
            await self._server.began.wait()
        self._acceptors.append(
            Acceptor(listening, self._server.protocol, self._arrivals, what, tls, self._room)
        )


def _bound_unix_socket(path: Path) -> socket.socket:
    """A listening socket at the path, in place of one that a killed process has left there."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(os.fspath(path))
        # Nobody can connect before `listen`, so the mode holds from the first connection on.
        path.chmod(0o600)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
