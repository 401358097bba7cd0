"""HTTP inside the broker's loop."""

import asyncio
import contextlib
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from leveret.net.listener import bound_socket


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals belong to the application.
        yield


class HttpListener:
    """Serves one application."""

    def __init__(self, application: Starlette) -> None:
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError."""
        listening = bound_socket(host, port)
        bound = int(listening.getsockname()[1])
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        return bound

    async def stop(self) -> None:
        """Finish what is being answered and stop."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
