"""A whole broker in this process: real AMQP on a free port, on an event loop of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from types import TracebackType

from leveret.app import Server
from leveret.broker.seams import Pending
from leveret.config import Config, load_config
from leveret.management.pending import answered

START_TIMEOUT_SECONDS = 20.0


class EmbeddedBroker:
    """Settings are those of the configuration file. Use it as a context manager, or call `start`
    and `stop`. Nothing is kept on disk unless `ephemeral=False` and `data_dir` say so."""

    def __init__(self, **settings: object) -> None:
        defaults: dict[str, object] = {
            "ephemeral": True,
            "amqp_host": "127.0.0.1",
            "amqp_port": 0,
            "http_port": 0,
            "http_enabled": False,
            "prometheus_enabled": False,
            "prometheus_port": 0,
            # The memory of the process is the host program's, mostly.
            "memory_high_watermark_ratio": 1.0,
        }
        self.config: Config = load_config(None, {}, defaults | settings)
        self.host = "127.0.0.1"
        self.port = 0
        self.username = self.config.default_user
        self.password = self.config.default_pass
        self.url = ""
        self.http_url = ""
        self.server: Server
        self._loop: asyncio.AbstractEventLoop
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="leveret", daemon=True)

    def __enter__(self) -> "EmbeddedBroker":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until clients can connect. Raises what kept it from starting."""
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_SECONDS):
            raise TimeoutError(f"the broker has not started in {START_TIMEOUT_SECONDS:g} s")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop and wait until everything is closed."""
        if self._thread.is_alive():
            # It may have been asked to stop over HTTP, and be gone any moment.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.server.stopping.set)
            self._thread.join()

    def add_user(self, name: str, password: str, tags: str = "") -> None:
        """Add a user; tags are separated by commas."""
        names = [tag for tag in tags.split(",") if tag]
        self.ask(lambda: self.server.users.add_user(name, password, names))

    def add_vhost(self, name: str) -> None:
        """Add a vhost."""
        self.ask(lambda: self.server.broker.add_vhost(name))

    def set_permissions(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        """Set the permissions of a user in a vhost."""
        self.ask(lambda: self.server.users.set_permissions(user, vhost, configure, write, read))

    def raise_alarm(self, resource: str) -> None:
        """Be low on `memory` or on `disk`: publishers are blocked."""
        self.look(lambda: self.server.broker.alarms.raise_alarm(resource))

    def clear_alarm(self, resource: str) -> None:
        """Have enough of it again."""
        self.look(lambda: self.server.broker.alarms.clear_alarm(resource))

    def ask(self, question: Callable[[], Pending]) -> object:
        """Ask the broker on its loop, and wait for the answer."""

        async def on_loop() -> object:
            return await answered(question())

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result()

    def look(self, question: Callable[[], object]) -> object:
        """Look at the broker on its loop: what `question` returns there."""
        return self.ask(lambda: Pending.of(question()))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.server = Server(self.config)
        await self.server.start()
        self.port = self.server.amqp_port
        self.url = str(self.server.urls()["amqp"])
        self.http_url = (
            f"http://{self.host}:{self.server.http_port}" if self.server.http_port else ""
        )
        self._started.set()
        await self.server.stopping.wait()
        await self.server.stop()
