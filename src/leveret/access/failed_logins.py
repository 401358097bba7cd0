"""Slows down whoever guesses passwords, and nobody else.

Failures are counted for each user at each address, and for each address: a token bucket each. Who
has used up a user's bucket waits until it holds a token again, one after the other, before the
password is looked at; when too many wait already, it is refused. Another address, or another user
at the same address, does not wait. An address that has failed with many users (a guesser, or a
class behind one router with a wrong password on its sheet) waits a little for all of them.

A login that succeeds empties its account. The oldest accounts are forgotten where there would be
too many; unknown users have accounts as known ones do, or the time taken would tell who exists.
"""

from collections import OrderedDict
from ipaddress import ip_address
from typing import Final

# What a user at an address may get wrong in a row, and how often after that.
USER_FAILURES: Final = 10
USER_SECONDS: Final = 3.0
# How many wait at a time; with the wait of the last one a handshake is still in time.
USER_WAITING: Final = 2
# The same for an address, whoever it claims to be, and how long it then waits each time.
ADDRESS_FAILURES: Final = 100
ADDRESS_SECONDS: Final = 0.5
ADDRESS_DELAY_SECONDS: Final = 1.0
ACCOUNTS_MAX: Final = 20_000


class Buckets:
    """A token bucket for each key: `size` tokens, a new one each `seconds`. `waiting` may be taken
    ahead of time. Of each only the moment is kept at which it will be full again."""

    def __init__(self, size: int, seconds: float, waiting: int) -> None:
        self._seconds = seconds
        self._ahead_seconds = (size - 1) * seconds
        self._waiting_seconds = waiting * seconds
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: tuple[str, str], now: float) -> float | None:
        """Take a token; returns the seconds until there is one, None if there is none to take."""
        full_at = max(now, self._full_at.get(key, now))
        wait = full_at - now - self._ahead_seconds
        if wait > self._waiting_seconds:
            return None
        self._full_at[key] = full_at + self._seconds
        self._full_at.move_to_end(key)
        self._forget(now)
        return max(0.0, wait)

    def give_back(self, key: tuple[str, str]) -> None:
        """A token was taken and not needed."""
        if key in self._full_at:
            self._full_at[key] -= self._seconds

    def fill(self, key: tuple[str, str]) -> None:
        """All tokens are there again."""
        self._full_at.pop(key, None)

    def _forget(self, now: float) -> None:
        # The longest untouched go first: those that are full again, and what is too many.
        while self._full_at:
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= ACCOUNTS_MAX:
                return
            del self._full_at[oldest]


class FailedLogins:
    """The accounts of failed logins."""

    def __init__(self) -> None:
        self._users = Buckets(USER_FAILURES, USER_SECONDS, USER_WAITING)
        self._addresses = Buckets(ADDRESS_FAILURES, ADDRESS_SECONDS, 0)

    def begin(self, host: str, user: str, now: float) -> float | None:
        """A login begins, and counts as failed until it succeeds; returns how many seconds it has
        to wait before it is decided, None if it is to be refused undecided."""
        network = _network(host)
        wait = self._users.take((network, user), now)
        if wait is None:
            return None
        if self._addresses.take((network, ""), now) is None:
            return max(wait, ADDRESS_DELAY_SECONDS)
        return wait

    def succeeded(self, host: str, user: str) -> None:
        """A login has succeeded."""
        network = _network(host)
        self._users.fill((network, user))
        self._addresses.give_back((network, ""))

    def accounts(self) -> int:
        """How many accounts there are."""
        return len(self._users) + len(self._addresses)


def _network(host: str) -> str:
    """The address; of IPv6 its first half, as whoever has one address there has all of them."""
    if ":" not in host:
        return host
    try:
        return str(int(ip_address(host.partition("%")[0])) >> 64)
    except ValueError:
        return host
