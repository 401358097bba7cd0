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
from leveret.access.password_rules import PasswordError
from leveret.access.users import Users
from leveret.allocation import settle_collector, share_interpreter, tune_allocator
from leveret.amqp.connection import Connection
from leveret.amqp.handlers import HANDLERS
from leveret.amqp.handshake import CAPABILITIES, Handshake
from leveret.amqp.limits import Limits
from leveret.amqp.peer import Peer
from leveret.amqp.pids import hear_events
from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.patterns import PatternError
from leveret.broker.seams import Clock, Outbox
from leveret.clock import LoopClock
from leveret.config import Config, ConfigError, Settings
from leveret.errors import ConnectionForced, ReplyError
from leveret.management.definitions.files import load_definitions
from leveret.management.pending import answered
from leveret.monitor import Monitor
from leveret.names import generate_name, generate_queue_id, node_name
from leveret.net.acceptor import Arrivals, Room
from leveret.net.listener import AmqpListener, TcpOptions
from leveret.net.tls import Tls, spare_buffers, warn_of_expiry
from leveret.obedience import Obedience, apply_logging
from leveret.reloading import Reloading
from leveret.store.data_folder import DataFolder, DataFolderError
from leveret.store.definitions import FIRST_START, SqliteDefinitions
from leveret.store.disk import SystemDisk
from leveret.store.log.recovery import LogFormatError
from leveret.store.log_store import LogStore, Workers
from leveret.store.memory import MemoryStore
from leveret.store.worker import ThreadWorker
from leveret.system import connections_max, http_connections_max, raise_descriptors
from leveret.systemd import ServiceManager

if TYPE_CHECKING:
    from leveret.management.context import Management

log = logging.getLogger("leveret")

# How long clients have to answer connection.close when the server stops.
STOP_TIMEOUT_SECONDS = 5.0


class StoreFailedError(Exception):
    """The store has failed while the broker ran, or at its end; the text says how, for a person."""


class Server:
    """A broker with its listeners, on the running event loop."""

    def __init__(self, config: Config, read: Callable[[], Settings] | None = None) -> None:
        self.config = config
        # `read` reads the settings again; without it they stay as they are.
        self.reloading = Reloading(config, read or (lambda: Settings(config, {}, [])))
        self.amqp_port = 0
        self.amqps_port = 0
        self.http_port = 0
        self.https_port = 0
        self.prometheus_port = 0
        self.management: Management | None = None
        self._loop = asyncio.get_running_loop()
        self._clock: Clock = LoopClock(self._loop)
        self._folder: DataFolder | None = None
        self._definitions: SqliteDefinitions
        self._amqp: AmqpListener
        self._arrivals = Arrivals(config.handshakes_max_per_address)
        self._tls: list[Tls] = []
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
        self._definitions = SqliteDefinitions(path, self._on_loop)
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
        self.broker.node = config.node_name or node_name()
        if config.event_exchange_vhost:
            hear_events(self.broker, config.event_exchange_vhost)
        self.broker.load()
        if isinstance(store, LogStore):
            self._recover(store)
        self.users = Users(self._definitions, config.loopback_users, self._clock)
        self.users.events = self.broker.events
        self.limits = Limits()
        obedience = Obedience(self.broker, self.users, self.limits, self.monitor)
        for applier in obedience.appliers:
            applier(config)()
            self.reloading.appliers.append(applier)
        self.reloading.appliers.append(self.apply_certificates)
        # As in RabbitMQ: who brings definitions brings the users too.
        if not self._definitions.load() and not config.load_definitions:
            await self._first_start()
        if config.load_definitions:
            await load_definitions(
                self.broker,
                self.users,
                config.load_definitions,
                config.definitions_skip_if_unchanged,
            )
        self.monitor.start()
        await self._listen()

    def _fail(self, reason: str) -> None:
        """Nothing can be kept any more: the next start recovers what was."""
        self.failure = reason
        self.stopping.set()

    def _on_loop(self, tell: Callable[[], None]) -> None:
        """Have the loop tell the broker what another thread has done."""
        self._loop.call_soon_threadsafe(self._tell, tell)

    def _tell(self, tell: Callable[[], None]) -> None:
        self.broker.clock.wake()
        tell()

    def _make_store(self) -> MemoryStore | LogStore:
        if self._folder is None:
            return MemoryStore()
        workers = Workers(
            *(
                ThreadWorker(name, self._on_loop)
                for name in ("commits", "spills", "chores", "reads")
            )
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
        try:
            await answered(self._definitions.put(FIRST_START, "", {}))
            await answered(self.broker.add_vhost(vhost))
            await answered(self.users.add_user(user, config.default_pass, config.default_user_tags))
            await answered(
                self.users.set_permissions(
                    user,
                    vhost,
                    config.default_permissions_configure,
                    config.default_permissions_write,
                    config.default_permissions_read,
                )
            )
            await answered(self._definitions.delete(FIRST_START, ""))
        except PasswordError as error:
            raise ConfigError(f"default_pass cannot be used: {error}") from None
        except PatternError as error:
            raise ConfigError(f"default_permissions cannot be used: {error}") from None
        except ReplyError as error:
            raise ConfigError(f"the default vhost cannot be made: {error.explanation}") from None

    async def _listen(self) -> None:
        config = self.config
        limits = self.limits
        properties = server_properties(config.identity, self.broker.compat)
        mechanisms = {str(name): MECHANISMS[name] for name in config.auth_mechanisms}

        def make_session(peer: Peer, outbox: Outbox) -> Connection:
            handshake = Handshake(self.users, mechanisms, properties)
            return Connection(self.broker, limits, peer, outbox, handshake, HANDLERS)

        options = TcpOptions(
            backlog=config.tcp_backlog,
            keepalive=config.tcp_keepalive,
            send_buffer_bytes=config.tcp_send_buffer_bytes,
            receive_buffer_bytes=config.tcp_receive_buffer_bytes,
        )
        room = Room(connections_max())
        self._amqp = AmqpListener(
            make_session, config.frame_max_bytes, self._arrivals, room, options
        )
        if config.amqp_enabled:
            self.amqp_port = await _bound(
                "AMQP", self._amqp.start, config.amqp_host, config.amqp_port
            )
        if config.amqps_port is not None:
            tls = self._make_tls(asks_clients=True)
            self.amqps_port = await _bound(
                "AMQP over TLS",
                lambda host, port: self._amqp.start(host, port, tls),
                config.amqps_host,
                config.amqps_port,
            )
        if config.http_enabled or config.prometheus_enabled or self._folder is not None:
            await self._listen_for_management()
        if self._tls:
            warn_of_expiry(config.tls_certificate_file)

    def _make_tls(self, asks_clients: bool) -> Tls:
        self._tls.append(Tls(self.config, asks_clients))
        return self._tls[-1]

    def apply_certificates(self, config: Config) -> Callable[[], object]:
        """What has new TLS connections use the files that the settings name, as they are now, when
        it is called. Raises `ConfigError` for files that cannot be used."""
        made = [(tls, tls.made(config)) for tls in self._tls]

        def hold() -> None:
            for tls, context in made:
                tls.use(config, context)
            if made:
                warn_of_expiry(config.tls_certificate_file)
                log.info("certificates reloaded from %s", config.tls_certificate_file)

        return hold

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
        node.name = self.broker.node
        node.auth_mechanisms = config.auth_mechanisms
        if config.amqp_enabled:
            node.listeners.append(Listener("amqp", config.amqp_host or "::", self.amqp_port))
        if self.amqps_port:
            listener = Listener("amqp/ssl", config.amqps_host or "::", self.amqps_port)
            listener.certificates = (config.tls_certificate_file, config.tls_ca_file)
            node.listeners.append(listener)
        management = Management(self.broker, self.users, self.limits, node, self.stopping.set)
        management.reloading = self.reloading
        management.amqp = self._amqp
        self.management = management
        management.sampler.start()
        management.lag.start()
        scrapes = Scrapes(management, config.prometheus_objects_max)
        room = Room(http_connections_max())
        if config.prometheus_enabled:
            metrics = HttpListener(metrics_application(scrapes), self._arrivals, room)
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
            authenticate = by_password(self.users, self.broker.auth_attempts)
            application = management_application(management, authenticate, scrapes)
            http = HttpListener(application, self._arrivals, room)
            self.http_port = await _bound("HTTP", http.start, config.http_host, config.http_port)
            self._stop_http.append(http.stop)
            node.listeners.append(Listener("http", config.http_host or "::", self.http_port))
            if config.https_port is not None:
                tls = self._make_tls(asks_clients=False)
                self.https_port = await _bound(
                    "HTTPS",
                    lambda host, port: http.start(host, port, tls),
                    config.http_host,
                    config.https_port,
                )
                listener = Listener("https", config.http_host or "::", self.https_port)
                listener.certificates = (config.tls_certificate_file, "")
                node.listeners.append(listener)
        if folder is not None and hasattr(socket, "AF_UNIX"):
            application = management_application(management, by_socket, scrapes)
            # Whoever may open its socket is not kept out by strangers.
            local = HttpListener(application, self._arrivals, None)
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
        await self._amqp.stop_accepting()
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
        written = await answered(store.stop())
        if not written and not self.failure:
            # Nobody who waits for the process would read it in the log.
            self.failure = "the message log was stopped without its last commit"
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
            "amqp": f"amqp://{login}{amqp_host}:{self.amqp_port}/{vhost}"
            if self.amqp_port
            else None,
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


async def serve(read: Callable[[], Settings], ready_file: str | None) -> None:
    """Run until SIGINT, SIGTERM or a request to stop; at SIGHUP read the settings again. Raises
    what says why it cannot start."""
    settings = read()
    config = settings.config
    apply_logging(config)()
    tune_allocator()
    share_interpreter()
    raise_descriptors()
    spare_buffers()
    server = Server(config, read)
    server.reloading.appliers.append(apply_logging)
    manager = ServiceManager(os.environ)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no signal handlers on the loop; Ctrl-C then interrupts asyncio.run.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, server.stopping.set)
    if hasattr(signal, "SIGHUP"):
        # Until there is something that could obey.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log.info("%s starts", build_info.described())
    for note in settings.notes:
        log.warning("%s", note.text)
    if not build_info.compiled():
        log.warning("the hot modules run as plain Python, several times slower than compiled")
    await server.start()
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, reload, server, manager)
    urls = server.urls()
    if server.amqp_port:
        log.info("AMQP on %s:%d", config.amqp_host or "every interface", server.amqp_port)
    if server.amqps_port:
        host = config.amqps_host or "every interface"
        log.info("AMQP over TLS on %s:%d", host, server.amqps_port)
    if server.http_port:
        log.info("HTTP on %s:%d", config.http_host or "every interface", server.http_port)
    if server.https_port:
        log.info("HTTPS on %s:%d", config.http_host or "every interface", server.https_port)
    if server.prometheus_port:
        host = config.prometheus_host or "every interface"
        log.info("metrics on %s:%d", host, server.prometheus_port)
    log.info("data: %s", urls["data"] or "none is kept")
    settle_collector()
    log.info("Server startup complete")
    if ready_file is not None:
        _write_ready_file(Path(ready_file), urls)
    if config.pid_file:
        _write_pid_file(Path(config.pid_file))
    manager.tell("READY=1", "STATUS=Server startup complete", f"MAINPID={os.getpid()}")
    manager.keep_alive(loop)
    try:
        await server.stopping.wait()
    finally:
        log.info("stopping")
        manager.tell("STOPPING=1")
        await server.stop()
        for file in (ready_file, config.pid_file):
            if file:
                _remove(file)
        log.info("stopped")
    if server.failure:
        raise StoreFailedError(
            f"{server.failure}; what was confirmed is on disk, and the next start recovers it"
        )


def reload(server: Server, manager: ServiceManager) -> None:
    """Read the settings again; the log says what came of it."""
    manager.reloading()
    try:
        server.reloading.reload()
    except ConfigError as error:
        log.error("the settings were read again and cannot be used, nothing has changed: %s", error)
    manager.tell("READY=1")


def _write_pid_file(path: Path) -> None:
    try:
        path.write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise ConfigError(f"cannot write the pid file {path}: {error.strerror}") from error


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


def _remove(path: str) -> None:
    """A file that says that clients can connect, which is no longer so."""
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
