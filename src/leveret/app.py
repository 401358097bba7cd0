"""The composition root: config, store, broker, listeners, and the order of start and stop."""

import asyncio
import contextlib
import json
import logging
import os
import platform
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from leveret import __version__, build_info
from leveret.access.mechanisms import MECHANISMS
from leveret.access.users import Users
from leveret.allocation import settle_collector, share_interpreter, tune_allocator
from leveret.amqp.connection import Connection
from leveret.amqp.handlers import HANDLERS
from leveret.amqp.handshake import CAPABILITIES, Handshake
from leveret.amqp.limits import Limits
from leveret.amqp.peer import Peer
from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.seams import Clock, Outbox
from leveret.clock import LoopClock
from leveret.config import Config, ConfigError
from leveret.errors import ConnectionForced
from leveret.logs import set_up_logging
from leveret.management.definitions import Import, read_definitions
from leveret.management.pending import answered
from leveret.monitor import Monitor
from leveret.names import generate_name, generate_queue_id, node_name
from leveret.net.listener import AmqpListener
from leveret.store.data_folder import DataFolder, DataFolderError
from leveret.store.definitions import SqliteDefinitions
from leveret.store.disk import SystemDisk
from leveret.store.log.recovery import LogFormatError
from leveret.store.log_store import LogStore, Workers
from leveret.store.memory import MemoryStore
from leveret.store.worker import ThreadWorker

if TYPE_CHECKING:
    from leveret.management.context import Management

log = logging.getLogger("leveret")

# How long clients have to answer connection.close when the server stops.
STOP_TIMEOUT_SECONDS = 5.0


class StoreFailedError(Exception):
    """The store has failed while the broker ran; the text says how, for a person."""


class Server:
    """A broker with its listeners, on the running event loop."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.amqp_port = 0
        self.http_port = 0
        self.prometheus_port = 0
        self.management: Management | None = None
        self._loop = asyncio.get_running_loop()
        self._clock: Clock = LoopClock(self._loop)
        self._folder: DataFolder | None = None
        self._definitions: SqliteDefinitions
        self._amqp: AmqpListener
        self._workers: Workers
        # Set by whoever wants the process to stop.
        self.stopping = asyncio.Event()
        # Why it stops, if something has failed.
        self.failure = ""
        self._stop_http: list[Callable[[], Coroutine[object, object, None]]] = []
        self.broker: Broker
        self.monitor: Monitor
        self.users: Users

    async def start(self) -> None:
        """Open the store, make the broker, listen. Raises what says why it cannot."""
        config = self.config
        self._folder = None if config.ephemeral else DataFolder(config.data_path())
        path = ":memory:" if self._folder is None else str(self._folder.definitions)
        self._definitions = SqliteDefinitions(path, self._loop.call_soon_threadsafe)
        store = self._make_store()
        compat = Compat(config.compat)
        self.broker = Broker(
            self._clock, store, self._definitions, compat, generate_name, generate_queue_id
        )
        # Saying nothing means classic already, and keeps x-queue-type out of arguments.
        if config.default_queue_type != "classic":
            self.broker.default_queue_type = config.default_queue_type
        store.events = self.broker
        self.broker.end = self._fail
        folder = None if self._folder is None else self._folder.path
        self.monitor = Monitor(self.broker.alarms, self._clock, config, compat, folder)
        limit = self.monitor.memory_limit_bytes * config.memory_paging_ratio
        if limit:
            self.broker.paging.set_limit(int(limit))
        self.broker.node = node_name()
        self.broker.load()
        if isinstance(store, LogStore):
            self._recover(store)
        self.users = Users(self._definitions, config.loopback_users)
        # As in RabbitMQ: who brings definitions brings the users too.
        if not self._definitions.load() and not config.load_definitions:
            await self._first_start()
        if config.load_definitions:
            await self._import(config.load_definitions)
        self.monitor.start()
        await self._listen()

    def _fail(self, reason: str) -> None:
        """Nothing can be kept any more: the next start recovers what was."""
        self.failure = reason
        self.stopping.set()

    def _make_store(self) -> MemoryStore | LogStore:
        if self._folder is None:
            return MemoryStore()
        on_loop = self._loop.call_soon_threadsafe
        workers = Workers(
            *(ThreadWorker(name, on_loop) for name in ("commits", "spills", "chores", "reads"))
        )
        self._workers = workers
        return LogStore(SystemDisk(self._folder.path), workers, self._clock, os.urandom)

    def _recover(self, store: LogStore) -> None:
        """Give the durable queues what the log holds for them, and say what was found."""
        started = time.perf_counter()
        try:
            found = store.open()
            count = store.recover(self.broker.durable_queues(), not self.broker.damaged_queues)
        except (OSError, LogFormatError) as error:
            raise DataFolderError(f"the message log cannot be opened: {error}") from error
        for damage in found.damage:
            log.error("the message log is damaged: %s; the file is kept", damage)
        if found.torn is not None:
            log.warning("the message log: %s", found.torn)
        if found.batches == 0:
            return
        log.info(
            "%d messages recovered in %.2f s after %s",
            count,
            time.perf_counter() - started,
            "a clean stop" if found.clean else "an unclean stop: all count as redelivered",
        )

    async def _first_start(self) -> None:
        config = self.config
        user, vhost = config.default_user, config.default_vhost
        await answered(self.broker.add_vhost(vhost))
        await answered(self.users.add_user(user, config.default_pass, ["administrator"]))
        await answered(self.users.set_permissions(user, vhost, ".*", ".*", ".*"))

    async def _import(self, path: str) -> None:
        definitions = read_definitions(path)
        for refusal in await Import(self.broker, self.users).add(definitions):
            log.warning("%s: left out: %s", path, refusal)
        log.info("definitions imported from %s", path)

    async def _listen(self) -> None:
        config = self.config
        compat = self.broker.compat
        limits = Limits(
            frame_max_bytes=config.frame_max_bytes,
            initial_frame_max_bytes=compat.initial_frame_max_bytes,
            channel_max=config.channel_max,
            heartbeat_seconds=config.heartbeat_seconds,
            handshake_timeout_seconds=config.handshake_timeout_seconds,
            refused_login_delay_seconds=config.refused_login_delay_seconds,
            consumer_timeout_seconds=config.consumer_timeout_seconds,
            consumer_max_per_channel=config.consumer_max_per_channel,
            max_message_size_bytes=config.max_message_size_bytes or compat.max_message_size_bytes,
        )
        properties = server_properties(config.identity, compat)

        def make_session(peer: Peer, outbox: Outbox) -> Connection:
            handshake = Handshake(self.users, MECHANISMS, properties)
            return Connection(self.broker, limits, peer, outbox, handshake, HANDLERS)

        self._amqp = AmqpListener(make_session, config.frame_max_bytes)
        self.amqp_port = await _bound("AMQP", self._amqp.start, config.amqp_host, config.amqp_port)
        if config.http_enabled or config.prometheus_enabled or self._folder is not None:
            await self._listen_for_management()

    async def _listen_for_management(self) -> None:
        """HTTP over TCP for those with a password, and over a socket for those with the folder."""
        # Imported here: clients need not wait for it.
        from leveret.management.api import management_application, metrics_application
        from leveret.management.authentication import by_password, by_socket
        from leveret.management.context import Listener, Management, Node
        from leveret.management.metrics.scrape import Scrapes
        from leveret.net.http import HttpListener

        config, folder = self.config, self._folder
        node = Node(config.identity == "rabbitmq", self.monitor)
        node.listeners.append(Listener("amqp", config.amqp_host or "::", self.amqp_port))
        management = Management(self.broker, self.users, node, self.stopping.set)
        self.management = management
        management.sampler.start()
        management.lag.start()
        scrapes = Scrapes(management, config.prometheus_objects_max)
        if config.prometheus_enabled:
            metrics = HttpListener(metrics_application(scrapes))
            host, port = config.prometheus_host, config.prometheus_port
            try:
                self.prometheus_port = await metrics.start(host, port)
            except OSError as error:
                # The broker serves its clients without them; another broker may be here already.
                log.warning(
                    "no metrics on %s:%d: %s; set prometheus_port, or prometheus_enabled = false",
                    host or "every interface",
                    port,
                    error.strerror or error,
                )
            else:
                self._stop_http.append(metrics.stop)
                node.listeners.append(
                    Listener("http/prometheus", host or "::", self.prometheus_port)
                )
        if config.http_enabled:
            by_login = by_password(self.users, self.broker.churn)
            http = HttpListener(management_application(management, by_login, scrapes))
            self.http_port = await _bound("HTTP", http.start, config.http_host, config.http_port)
            self._stop_http.append(http.stop)
            node.listeners.append(Listener("http", config.http_host or "::", self.http_port))
        if folder is not None and hasattr(socket, "AF_UNIX"):
            local = HttpListener(management_application(management, by_socket, scrapes))
            try:
                await local.start_unix(folder.management_socket)
            except OSError as error:
                # The broker serves its clients without it.
                log.warning(
                    "no management socket at %s: %s; leveret ctl needs --url",
                    folder.management_socket,
                    error.strerror or error,
                )
            else:
                self._stop_http.append(local.stop)

    async def stop(self, reason: str = "shutdown") -> None:
        """Close every connection with 320, then the listeners, then the store."""
        self.monitor.stop()
        if self.management is not None:
            self.management.sampler.stop()
            self.management.lag.stop()
        self._amqp.stop_accepting()
        for session in list(self.broker.sessions):
            assert isinstance(session, Connection)
            session.close(
                ConnectionForced(f"broker forced connection closure with reason '{reason}'")
            )
        await self._amqp.closed(STOP_TIMEOUT_SECONDS)
        await asyncio.gather(*(stop() for stop in self._stop_http))
        await self._stop_store()
        self._definitions.close()
        if self._folder is not None:
            self._folder.release()

    async def _stop_store(self) -> None:
        store = self.broker.store
        if not isinstance(store, LogStore):
            return
        for queue in self.broker.durable_queues():
            queue.finish()
            store.mark(queue, queue.delivered_before())
        await answered(store.stop())
        # On a thread of the loop's, so that outcomes are handled while the jobs end.
        await self._loop.run_in_executor(None, self._workers.close)
        store.close()

    def urls(self) -> dict[str, object]:
        """What the ready file holds: where clients find this server."""
        config = self.config
        login = ""
        if self.users.password_matches(config.default_user, config.default_pass):
            login = f"{quote(config.default_user, '')}:{quote(config.default_pass, '')}@"
        vhost = quote(config.default_vhost, "")
        amqp_host, http_host = _reachable(config.amqp_host), _reachable(config.http_host)
        return {
            "pid": os.getpid(),
            "amqp": f"amqp://{login}{amqp_host}:{self.amqp_port}/{vhost}",
            "http": f"http://{login}{http_host}:{self.http_port}/" if self.http_port else None,
            "data": None if config.ephemeral else str(config.data_path()),
        }


def server_properties(identity: str, compat: Compat) -> dict[str, object]:
    """The server properties of connection.start.

    Clients decide by `product` and `version` (kombu's prefetch does), so these name RabbitMQ and
    the compat level unless told otherwise; everything that a person reads names Leveret.
    """
    as_rabbitmq = identity == "rabbitmq"
    return {
        "capabilities": CAPABILITIES,
        "cluster_name": f"leveret@{socket.gethostname()}",
        "copyright": "Copyright the authors of Leveret",
        "information": "Leveret, a message broker that speaks AMQP 0-9-1 as RabbitMQ does",
        "platform": f"Leveret {__version__} on Python {platform.python_version()}",
        "product": "RabbitMQ" if as_rabbitmq else "Leveret",
        "product_name": "Leveret",
        "product_version": __version__,
        "version": compat.server_version if as_rabbitmq else __version__,
    }


async def serve(config: Config, ready_file: str | None) -> None:
    """Run until SIGINT, SIGTERM or a request to stop. Raises what says why it cannot start."""
    set_up_logging(config.log_level, config.log_format)
    tune_allocator()
    share_interpreter()
    server = Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no signal handlers on the loop; Ctrl-C then interrupts asyncio.run.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, server.stopping.set)
    log.info("%s starts", build_info.described())
    if not build_info.compiled():
        log.warning("the hot modules run as plain Python, several times slower than compiled")
    await server.start()
    urls = server.urls()
    log.info("AMQP on %s:%d", config.amqp_host or "every interface", server.amqp_port)
    if server.http_port:
        log.info("HTTP on %s:%d", config.http_host or "every interface", server.http_port)
    if server.prometheus_port:
        host = config.prometheus_host or "every interface"
        log.info("metrics on %s:%d", host, server.prometheus_port)
    log.info("data: %s", urls["data"] or "none is kept")
    settle_collector()
    log.info("Server startup complete")
    if ready_file is not None:
        _write_ready_file(Path(ready_file), urls)
    try:
        await server.stopping.wait()
    finally:
        log.info("stopping")
        await server.stop()
        if ready_file is not None:
            _remove_ready_file(ready_file)
        log.info("stopped")
    if server.failure:
        raise StoreFailedError(
            f"{server.failure}; what was confirmed is on disk, and the next start recovers it"
        )


def _write_ready_file(path: Path, urls: dict[str, object]) -> None:
    # Written aside and renamed: who waits for the file never reads half of it. It holds a password.
    aside = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            json.dump(urls, file)
            file.write("\n")
        aside.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write the ready file {path}: {error.strerror}") from error


def _remove_ready_file(path: str) -> None:
    """It says that clients can connect, which is no longer so."""
    Path(path).unlink(missing_ok=True)


async def _bound(what: str, start: Callable[[str, int], object], host: str, port: int) -> int:
    try:
        starting = start(host, port)
        assert asyncio.iscoroutine(starting)
        bound = await starting
    except OSError as error:
        raise ConfigError(
            f"cannot listen for {what} on {host or 'every interface'}:{port}: "
            f"{error.strerror or error}; choose another port, or stop what uses this one"
        ) from error
    assert isinstance(bound, int)
    return bound


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
