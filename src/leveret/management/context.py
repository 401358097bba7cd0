"""What all resources work on: the broker, its users, and what is known of this process."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING

from leveret import __version__, build_info
from leveret.broker.global_parameters import CLUSTER_NAME
from leveret.config import ConfigError
from leveret.lag import LoopLag
from leveret.management.administration import Administration
from leveret.management.lists import Lists
from leveret.management.sampling import Sampler
from leveret.management.statistics import Statistics
from leveret.names import node_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.access.users import Users
    from leveret.amqp.limits import Limits
    from leveret.broker.broker import Broker
    from leveret.monitor import Monitor
    from leveret.net.listener import AmqpListener
    from leveret.reloading import Reloading


class Listener:
    """Where clients connect; `protocol` is RabbitMQ's word for what is spoken there. With TLS,
    `certificates` are the files of the server's certificate and of the CAs."""

    def __init__(self, protocol: str, host: str, port: int) -> None:
        self.protocol = protocol
        self.host = host
        self.port = port
        self.certificates: tuple[str, str] | None = None


class Node:
    """This process. `as_rabbitmq` says which product the API names to programs; `monitor` knows
    its memory and its disk."""

    def __init__(self, as_rabbitmq: bool, monitor: Monitor) -> None:
        self.name = node_name()
        self.version = __version__
        self.build = "compiled" if build_info.compiled() else "pure Python"
        self.python = platform.python_version()
        self.as_rabbitmq = as_rabbitmq
        self.monitor = monitor
        self.data_folder = None if monitor.folder is None else str(monitor.folder)
        self.listeners: list[Listener] = []
        self.auth_mechanisms: tuple[str, ...] = ()
        self._started = time.monotonic()

    def port_of(self, protocol: str) -> int:
        """Where clients of a protocol connect; 0 if nowhere."""
        return next((each.port for each in self.listeners if each.protocol == protocol), 0)

    def uptime_seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._started


class Management:
    """`request_stop` ends the process gracefully."""

    def __init__(
        self,
        broker: Broker,
        users: Users,
        limits: Limits,
        node: Node,
        request_stop: Callable[[], object],
    ) -> None:
        self.broker = broker
        self.users = users
        self.limits = limits
        self.node = node
        self.sampler = Sampler(broker)
        # The clock that the broker was given: its own looks are no word of a client's.
        self.lag = LoopLag(broker.clock.given, lambda: broker.clock.moment)
        self.statistics = Statistics(self.sampler)
        self.administration = Administration(broker, users)
        self.lists = Lists(self)
        self.request_stop = request_stop
        # Of a broker that was made from settings, and that listens.
        self._reloading: Reloading | None = None
        self.amqp: AmqpListener | None = None
        # Broker time has no date; a date is derived from the moment at which this was made.
        self._epoch_seconds = time.time() - broker.clock.now()

    @property
    def reloading(self) -> Reloading:
        """The settings that hold, and those to come. Raises `ConfigError` if there are none."""
        if self._reloading is None:
            raise ConfigError("this broker has no settings that could be read again")
        return self._reloading

    @reloading.setter
    def reloading(self, reloading: Reloading) -> None:
        self._reloading = reloading

    def epoch_ms(self, moment: float) -> int:
        """A moment of the broker's clock in milliseconds since 1970."""
        return round((self._epoch_seconds + moment) * 1000)

    def rabbitmq_version(self) -> str:
        """The RabbitMQ release whose API this is."""
        return self.broker.compat.server_version if self.node.as_rabbitmq else self.node.version

    def cluster_name(self) -> str:
        """The name of the cluster, its node's unless it was given one."""
        return self.broker.global_parameters.cluster_name(self.node.name)

    def global_parameters(self) -> dict[str, object]:
        """The global parameters, by name; that of the cluster is always there."""
        return {CLUSTER_NAME: self.cluster_name(), **self.broker.global_parameters.values}
