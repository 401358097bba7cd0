"""The parts of a running broker that obey settings, which may get other values (`reloading`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.access.password_rules import PasswordRules
from leveret.access.vhost_defaults import VhostDefaults
from leveret.broker.patterns import PatternError
from leveret.config import ConfigError
from leveret.logs import set_up_logging

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.access.users import Users
    from leveret.amqp.limits import Limits
    from leveret.broker.broker import Broker
    from leveret.config import Config
    from leveret.monitor import Monitor
    from leveret.reloading import Applier


class Obedience:
    """Each applier is for a part of the settings; all of them are to be applied at the start."""

    def __init__(self, broker: Broker, users: Users, limits: Limits, monitor: Monitor) -> None:
        self._broker = broker
        self._users = users
        self._limits = limits
        self._monitor = monitor
        self.appliers: tuple[Applier, ...] = (self._connections, self._access, self._resources)

    def _connections(self, config: Config) -> Callable[[], object]:
        compat, limits = self._broker.compat, self._limits

        def hold() -> None:
            limits.frame_max_bytes = config.frame_max_bytes
            limits.initial_frame_max_bytes = (
                config.initial_frame_max_bytes or compat.initial_frame_max_bytes
            )
            limits.channel_max = config.channel_max
            limits.heartbeat_seconds = config.heartbeat_seconds
            limits.handshake_timeout_seconds = config.handshake_timeout_seconds
            limits.refused_login_delay_seconds = config.refused_login_delay_seconds
            limits.consumer_timeout_seconds = config.consumer_timeout_seconds
            limits.consumer_max_per_channel = config.consumer_max_per_channel
            limits.max_message_size_bytes = (
                config.max_message_size_bytes or compat.max_message_size_bytes
            )
            limits.connection_max = config.connection_max
            limits.channel_max_per_node = config.channel_max_per_node
            self._broker.limits.vhost_max = config.vhost_max
            self._broker.limits.queue_max = config.queue_max

        return hold

    def _access(self, config: Config) -> Callable[[], object]:
        try:
            rules = PasswordRules(config.password_min_length, config.password_pattern)
        except PatternError as error:
            raise ConfigError(f"password_pattern: {error}") from None
        defaults = VhostDefaults(config, self._broker, self._users)

        def hold() -> None:
            self._users.password_rules = rules
            self._users.loopback_users = frozenset(config.loopback_users)
            self._broker.vhost_made = defaults.apply
            self._broker.default_policies = defaults.policies

        return hold

    def _resources(self, config: Config) -> Callable[[], object]:
        def hold() -> None:
            self._monitor.obey(config, self._broker.compat)
            limit = self._monitor.memory_limit_bytes * config.memory_paging_ratio
            if limit:
                self._broker.paging.set_limit(int(limit))

        return hold


def apply_logging(config: Config) -> Callable[[], object]:
    """Have the log be as the settings say."""
    if config.log_file:
        try:
            with open(config.log_file, "a"):
                pass
        except OSError as error:
            raise ConfigError(f"cannot log to {config.log_file}: {error.strerror}") from error
    return lambda: set_up_logging(config.log_level, config.log_format, file=config.log_file)
