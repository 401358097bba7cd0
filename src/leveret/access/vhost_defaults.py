"""What every new vhost begins with: limits, operator policies, and users with permissions.

Settings say so, by patterns of the vhost's name. They are applied once, when the vhost is made;
what they made is like anything else from then on, and stays when the settings change.
"""

import logging
from collections.abc import Iterable

from leveret.access.password_rules import PasswordError, PasswordRules
from leveret.access.passwords import DEFAULT_ALGORITHM
from leveret.access.users import User, Users
from leveret.broker.broker import Broker
from leveret.broker.patterns import Pattern, PatternError, check_pattern
from leveret.broker.policies import OPERATOR_POLICY, Policy, PolicyError
from leveret.broker.seams import Pending
from leveret.broker.vhost import VHost
from leveret.config import (
    Config,
    ConfigError,
    DefaultOperatorPolicy,
    DefaultUser,
    DefaultVhostLimits,
)

log = logging.getLogger("leveret.vhost")


class VhostDefaults:
    """Raises `ConfigError` for what could not be applied to any vhost."""

    def __init__(self, config: Config, broker: Broker, users: Users) -> None:
        self._broker = broker
        self._users = users
        self._limits = [
            (_pattern("default_vhost_limits", each.name, each.pattern), each)
            for each in config.default_vhost_limits
        ]
        self._policies = [
            (_pattern("default_operator_policies", each.name, each.vhost_pattern), _policy(each))
            for each in config.default_operator_policies
        ]
        self._defaults = [
            (_pattern("default_users", each.name, each.vhost_pattern), each)
            for each in config.default_users
        ]
        rules = PasswordRules(config.password_min_length, config.password_pattern)
        for user in config.default_users:
            for pattern in (user.configure, user.write, user.read):
                _pattern("default_users", user.name, pattern)
            if user.password:
                _check_password(user, rules)

    def policies(self, vhost: str) -> list[Policy]:
        """The operator policies that a vhost of this name begins with."""
        return [policy for pattern, policy in self._policies if pattern.matches(vhost)]

    def apply(self, vhost: VHost) -> Pending:
        """A vhost has been made; answers when it has what it begins with."""
        name = vhost.name
        asked: list[Pending] = []
        limits = next((each for pattern, each in self._limits if pattern.matches(name)), None)
        if limits is not None:
            log.info("vhost '%s' begins with the limits of default_vhost_limits", name)
            asked.append(self._broker.set_vhost_limits(vhost, _limits(limits)))
        for policy in self.policies(name):
            log.info("vhost '%s' begins with operator policy '%s'", name, policy.name)
            asked.append(vhost.policies.put(policy))
        for pattern, user in self._defaults:
            if pattern.matches(name):
                log.info("vhost '%s' begins with permissions for user '%s'", name, user.name)
                asked.extend(self._user(user, name))
        return _all(asked)

    def _user(self, user: DefaultUser, vhost: str) -> Iterable[Pending]:
        # One who is there keeps password and tags, as in RabbitMQ.
        if user.name not in self._users.users:
            if user.password:
                yield self._users.add_user(user.name, user.password, user.tags)
            else:
                # Nobody can log in as this one with a password.
                yield self._users.put_user(User(user.name, "", DEFAULT_ALGORITHM, user.tags))
        yield self._users.set_permissions(user.name, vhost, user.configure, user.write, user.read)


def _limits(limits: DefaultVhostLimits) -> dict[str, object]:
    values = {"max-connections": limits.max_connections, "max-queues": limits.max_queues}
    return {name: value for name, value in values.items() if value is not None}


def _policy(policy: DefaultOperatorPolicy) -> Policy:
    try:
        return Policy(
            OPERATOR_POLICY,
            policy.name,
            policy.queue_pattern,
            policy.definition,
            0,
            policy.apply_to,
        )
    except PolicyError as error:
        # RabbitMQ's text has several lines.
        raise ConfigError(
            f"default_operator_policies '{policy.name}': {' '.join(str(error).split())}"
        ) from None


def _check_password(user: DefaultUser, rules: PasswordRules) -> None:
    try:
        rules.check(user.password)
    except PasswordError as error:
        raise ConfigError(f"default_users '{user.name}': {error}") from None


def _pattern(setting: str, name: str, pattern: str) -> Pattern:
    try:
        check_pattern(pattern)
    except PatternError as error:
        raise ConfigError(f"{setting} '{name}': {error}") from None
    return Pattern(pattern, f"{setting} '{name}'", "matches nothing")


def _all(asked: list[Pending]) -> Pending:
    """Completes when all have; fails with the first that does."""
    answer = Pending()
    waiting = len(asked)
    if waiting == 0:
        return Pending.of(None)

    def one_done(_value: object) -> None:
        nonlocal waiting
        waiting -= 1
        if waiting == 0:
            answer.complete(None)

    for each in asked:
        each.then(one_done, answer.fail)
    return answer
