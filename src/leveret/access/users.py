"""Users, their tags and their permissions: kept in memory, durable in the definition store."""

import logging
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Final

from leveret.access.failed_logins import FailedLogins
from leveret.access.password_rules import PasswordRules
from leveret.access.passwords import DEFAULT_ALGORITHM, hash_password, verify_password
from leveret.access.permissions import Permissions, TopicPermissions, check_pattern
from leveret.amqp.peer import is_loopback
from leveret.broker.events import Events
from leveret.broker.limits import NO_LIMIT, limit_of, user_limits
from leveret.broker.seams import Backend, Clock, Credentials, DefinitionStore, Pending

log = logging.getLogger("leveret.access")

USER: Final = "user"
PERMISSIONS: Final = "permissions"
TOPIC_PERMISSIONS: Final = "topic_permissions"
LIMITS: Final = "user_limits"
# Separates user and vhost in a key; neither name can hold it.
SEPARATOR: Final = "\x00"

# Verified against when a user does not exist, so that the time taken does not tell.
_NOBODY: Final = hash_password(b"")


class User:
    """A user; without a password hash nobody can log in with a password."""

    def __init__(
        self, name: str, password_hash: str, hashing_algorithm: str, tags: tuple[str, ...]
    ) -> None:
        self.name = name
        self.password_hash = password_hash
        self.hashing_algorithm = hashing_algorithm
        self.tags = tags

    def definition(self) -> dict[str, object]:
        """What is stored, and what a definitions file holds."""
        return {
            "password_hash": self.password_hash,
            "hashing_algorithm": self.hashing_algorithm,
            "tags": list(self.tags),
        }


class Users(Backend):
    """`loopback_users` may log in from this machine only. With a clock, failed logins are slowed
    down."""

    def __init__(
        self,
        definitions: DefinitionStore,
        loopback_users: Iterable[str],
        clock: Clock | None = None,
    ) -> None:
        self.users: dict[str, User] = {}
        self.permissions: dict[tuple[str, str], Permissions] = {}
        # By user and vhost, then by exchange.
        self.topic_permissions: dict[tuple[str, str], dict[str, TopicPermissions]] = {}
        self.limits: dict[str, dict[str, int]] = {}
        self._definitions = definitions
        self.loopback_users = frozenset(loopback_users)
        # Of passwords that are set from now on.
        self.password_rules = PasswordRules()
        self._clock = clock
        # Who hears of changes; nobody, if nobody else is named.
        self.events = Events()
        self._failed = FailedLogins()
        for kind, key, value, _revision in definitions.load():
            try:
                self._load(kind, key, value)
            except (TypeError, ValueError, LookupError) as error:
                log.error(
                    "the definition of %s %r is damaged (%s): it is kept and does not hold; set "
                    "it again",
                    kind,
                    key,
                    error,
                )

    def _load(self, kind: str, key: str, value: object) -> None:
        if kind not in (USER, PERMISSIONS, TOPIC_PERMISSIONS, LIMITS):
            return
        if not isinstance(value, dict):
            raise TypeError("it has no value")
        if kind == USER:
            self.users[key] = _user(key, value)
        elif kind == LIMITS:
            self.limits[key] = user_limits(value)
        elif kind == TOPIC_PERMISSIONS:
            user, vhost, exchange = key.split(SEPARATOR, 2)
            permissions = TopicPermissions(user, vhost, value["write"], value["read"])
            self.topic_permissions.setdefault((user, vhost), {})[exchange] = permissions
        else:
            user, vhost = key.split(SEPARATOR)
            self.permissions[user, vhost] = Permissions(
                value["configure"], value["write"], value["read"]
            )

    # --- Backend ---

    def authenticate(self, credentials: Credentials, host: str) -> Pending:
        clock = self._clock
        if clock is None or credentials.password is None:
            return Pending.of(self._refusal(credentials, host))
        now = clock.now()
        wait = self._failed.begin(host, credentials.user, now)
        if wait is None:
            return Pending.of(
                "too many logins of this user have failed from this address, and more are being "
                "decided; it may try again in a few seconds"
            )
        if wait == 0:
            return Pending.of(self._decided(credentials, host))
        answer = Pending()
        clock.call_at(now + wait, lambda: answer.complete(self._decided(credentials, host)))
        return answer

    def _decided(self, credentials: Credentials, host: str) -> str:
        refusal = self._refusal(credentials, host)
        if refusal == "":
            self._failed.succeeded(host, credentials.user)
        return refusal

    def _refusal(self, credentials: Credentials, host: str) -> str:
        """Why the login is refused; "" if it is not."""
        user = self.users.get(credentials.user)
        password = credentials.password
        if user is None:
            if password is not None:
                verify_password(password, _NOBODY, DEFAULT_ALGORITHM)
            return "there is no such user; add_user makes one"
        if password is not None:
            if not verify_password(password, user.password_hash, user.hashing_algorithm):
                return "the password is wrong; change_password sets another"
            if password == b"":
                return "an empty password is never accepted"
        if user.name in self.loopback_users and not is_loopback(host):
            return (
                f"user '{user.name}' can only connect from this machine; make a user of its own "
                "for remote clients"
            )
        return ""

    def password_matches(self, name: str, password: str) -> bool:
        """Whether there is such a user with this password."""
        user = self.users.get(name)
        return user is not None and verify_password(
            password.encode(), user.password_hash, user.hashing_algorithm
        )

    def authorise(self, user: str, vhost: str, permission: str, name: str) -> bool:
        permissions = self.permissions.get((user, vhost))
        return permissions is not None and permissions.cover(permission, name)

    def authorise_topic(
        self, user: str, vhost: str, permission: str, exchange: str, routing_key: str
    ) -> bool:
        by_exchange = self.topic_permissions.get((user, vhost))
        if by_exchange is None or exchange not in by_exchange:
            return True
        return by_exchange[exchange].cover(permission, routing_key)

    def has_tag(self, user: str, tag: str) -> bool:
        known = self.users.get(user)
        return known is not None and tag in known.tags

    def vhost_access(self, user: str, vhost: str) -> bool:
        return (user, vhost) in self.permissions

    def limit(self, user: str, name: str) -> int:
        limits = self.limits.get(user)
        return NO_LIMIT if limits is None else limit_of(limits, name)

    # --- changes; each is answered after its commit and holds from then on ---

    def add_user(self, name: str, password: str, tags: Iterable[str] = ()) -> Pending:
        """Add or replace a user; answers with it. Raises `PasswordError`."""
        self.password_rules.check(password)
        user = User(name, hash_password(password.encode()), DEFAULT_ALGORITHM, tuple(tags))
        return self.put_user(user)

    def put_user(self, user: User) -> Pending:
        """Add or replace a user whose password is hashed already; answers with it."""
        return _after(
            self._definitions.put(USER, user.name, user.definition()),
            lambda: self.users.__setitem__(user.name, user),
            user,
            self._told_of(user),
        )

    def _told_of(self, user: User) -> Callable[[], None]:
        name = {"name": user.name}
        if user.name not in self.users:
            happened = "user.created"
        else:
            happened = "user.password.changed" if user.password_hash else "user.password.cleared"
        tags = "user.tags.set", {"tags": user.tags, **name}
        return self.events.prepared((happened, name), tags)

    def delete_users(self, names: Iterable[str]) -> Pending:
        """Delete users and what they were permitted, in one commit, having looked once at all that
        anybody is permitted; answers with the names of those that there were."""
        gone = dict.fromkeys(names)
        self._forget_permissions(gone, None)
        known = [name for name in gone if self.users.pop(name, None) is not None]

        def committed() -> None:
            # What was asked before the deletion and committed with it has been set by now.
            self._forget_permissions(gone, None)
            for name in gone:
                self.users.pop(name, None)
                self.limits.pop(name, None)

        told = self.events.prepared(*(("user.deleted", {"name": name}) for name in known))
        keys = [(kind, name) for name in gone for kind in (USER, LIMITS)]
        return _after(self._definitions.delete_all(keys), committed, known, told)

    def set_permissions(
        self, user: str, vhost: str, configure: str, write: str, read: str
    ) -> Pending:
        """Set the three patterns; raises `PatternError` for one that is not a pattern."""
        for pattern in (configure, write, read):
            check_pattern(pattern)
        permissions = Permissions(configure, write, read)
        return _after(
            self._definitions.put(PERMISSIONS, user + SEPARATOR + vhost, permissions.patterns),
            lambda: self.permissions.__setitem__((user, vhost), permissions),
            permissions,
            self.events.prepared(
                ("permission.created", {**permissions.patterns, "vhost": vhost, "user": user})
            ),
        )

    def clear_permissions(self, user: str, vhost: str, told: bool = True) -> Pending:
        """Take a user's permissions in a vhost away; answers with whether there were any. `told`:
        it is an event of its own."""
        known = self.permissions.pop((user, vhost), None) is not None
        happened = ("permission.deleted", {"vhost": vhost, "user": user})
        return _after(
            self._definitions.delete(PERMISSIONS, user + SEPARATOR + vhost),
            lambda: self.permissions.pop((user, vhost), None),
            known,
            self.events.prepared(*([happened] if known and told else [])),
        )

    def set_topic_permissions(
        self, user: str, vhost: str, exchange: str, write: str, read: str
    ) -> Pending:
        """Set the patterns of the routing keys of an exchange; raises `PatternError`."""
        permissions = TopicPermissions(user, vhost, write, read)
        permissions.check()

        def committed() -> None:
            self.topic_permissions.setdefault((user, vhost), {})[exchange] = permissions

        key = SEPARATOR.join((user, vhost, exchange))
        stored = self._definitions.put(TOPIC_PERMISSIONS, key, permissions.patterns)
        about = {"exchange": exchange, "vhost": vhost, "user": user}
        told = self.events.prepared(("topic.permission.created", {**permissions.patterns, **about}))
        return _after(stored, committed, permissions, told)

    def clear_topic_permissions(
        self, user: str, vhost: str, exchange: str | None, told: bool = True
    ) -> Pending:
        """Take those for an exchange away, or for all if it is None; answers with whether there
        were any. `told`: it is an event of its own."""
        known = self.topic_permissions.get((user, vhost), {})
        gone = [name for name in known if exchange in (None, name)]

        def committed() -> None:
            for name in gone:
                known.pop(name, None)
            if not known:
                self.topic_permissions.pop((user, vhost), None)

        keys = [(TOPIC_PERMISSIONS, SEPARATOR.join((user, vhost, name))) for name in gone]
        happened = ("topic.permission.deleted", {"vhost": vhost, "user": user})
        tell = self.events.prepared(*([happened] if gone and told else []))
        return _after(self._definitions.delete_all(keys), committed, bool(gone), tell)

    def set_limits(self, user: str, values: Mapping[str, object]) -> Pending:
        """Give a user these limits and no others; raises `LimitError`. Answers with them."""
        limits = user_limits(values)

        def committed() -> None:
            if limits:
                self.limits[user] = limits
            else:
                self.limits.pop(user, None)

        if limits:
            stored = self._definitions.put(LIMITS, user, limits)
        else:
            stored = self._definitions.delete(LIMITS, user)
        name = "user.limits.set" if limits else "user.limits.cleared"
        happened = (name, {**limits, "username": user, "name": "limits"})
        return _after(stored, committed, limits, self.events.prepared(happened))

    def clear_vhost(self, vhost: str) -> None:
        """A vhost is gone: nobody has permissions there."""
        self._forget_permissions(None, vhost)

    def _forget_permissions(self, users: Container[str] | None, vhost: str | None) -> None:
        # Those of a user are not told of: that it is deleted says it all.
        told = users is None
        for key in list(self.permissions):
            if (users is None or key[0] in users) and vhost in (None, key[1]):
                self.clear_permissions(*key, told)
        for key in list(self.topic_permissions):
            if (users is None or key[0] in users) and vhost in (None, key[1]):
                self.clear_topic_permissions(*key, None, told)


def _after(stored: Pending, change: object, value: object, told: Callable[[], None]) -> Pending:
    answer = Pending()

    def committed(_revision: object) -> None:
        assert callable(change)
        change()
        told()
        answer.complete(value)

    stored.then(committed, answer.fail)
    return answer


def _user(name: str, value: Mapping[str, object]) -> User:
    tags = value["tags"]
    if not isinstance(tags, list):
        raise TypeError("its tags are no list")
    return User(name, str(value["password_hash"]), str(value["hashing_algorithm"]), tuple(tags))
