"""HTTP inside the broker's loop."""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette

from leveret.net.listener import bound_socket

BACKLOG: Final = 128
# Requests and idle connections at a time; past it a client hears 503.
CONCURRENT_MAX: Final = 1000


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

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


class HttpListener:
    """Serves one application, over TCP or over a unix socket.

    Who a peer is comes from its socket alone: headers that claim another address are not read.
    """

    def __init__(self, application: Starlette) -> None:
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
        self._task: asyncio.Task[None] | None = None
        self._path: Path | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen on TCP; returns the port. Raises OSError."""
        listening = bound_socket(host, port)
        self._serve(listening)
        return int(listening.getsockname()[1])

    async def start_unix(self, path: Path) -> None:
        """Listen on a unix socket that only this user may open. Raises OSError."""
        self._serve(_bound_unix_socket(path))
        self._path = path

    async def stop(self) -> None:
        """Finish what is being answered and stop."""
        self._server.end()
        if self._task is not None:
            await self._task
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _serve(self, listening: socket.socket) -> None:
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))


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
