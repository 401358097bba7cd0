"""Guessing passwords is slow, and hardly anybody else notices."""

import pytest
from pamqp.commands import Connection

from conversations.memory import MemoryWire
from leveret.access.failed_logins import (
    ACCOUNTS_MAX,
    ADDRESS_DELAY_SECONDS,
    ADDRESS_FAILURES,
    USER_FAILURES,
    USER_SECONDS,
    USER_WAITING,
    Buckets,
    FailedLogins,
)
from leveret.access.users import Users
from leveret.broker.seams import Credentials, Pending
from leveret.testing import ManualClock, MemoryServer
from leveret.testing.memory_server import MemoryDefinitions
from peer import Peer, Silence

SCHOOL, HOME = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def users(clock: ManualClock) -> Users:
    users = Users(MemoryDefinitions(), [], clock)
    for name in ("ada", "bob"):
        users.add_user(name, "right")
    return users


def log_in(
    users: Users, user: str = "ada", password: bytes = b"right", host: str = SCHOOL
) -> Pending:
    return users.authenticate(Credentials(user, password), host)


def guess(users: Users, times: int, user: str = "ada", host: str = SCHOOL) -> list[Pending]:
    return [log_in(users, user, b"wrong", host) for _ in range(times)]


def test_a_few_mistakes_cost_nothing(users: Users) -> None:
    assert all(login.done for login in guess(users, USER_FAILURES - 1))
    assert log_in(users).value == ""


def test_who_goes_on_guessing_waits(users: Users, clock: ManualClock) -> None:
    guess(users, USER_FAILURES)
    login = log_in(users, password=b"wrong")
    assert not login.done
    clock.advance(USER_SECONDS)
    assert "password is wrong" in str(login.value)


def test_guesses_made_at_the_same_time_wait_for_each_other(
    users: Users, clock: ManualClock
) -> None:
    """A hundred connections guess no faster than one."""
    guesses = guess(users, USER_FAILURES + 100)
    clock.advance(60)
    decided = [login for login in guesses if "password is wrong" in str(login.value)]
    assert len(decided) == USER_FAILURES + USER_WAITING
    assert all("too many logins" in str(login.value) for login in guesses if login not in decided)


def test_a_day_of_guessing_is_few_guesses(users: Users, clock: ManualClock) -> None:
    decided = 0
    for _ in range(3600):
        decided += sum(
            "too many" not in str(login.value) for login in guess(users, 3) if login.done
        )
        clock.advance(1)
    assert decided <= USER_FAILURES + 3600 / USER_SECONDS


def test_the_right_password_waits_too_and_then_clears_the_account(
    users: Users, clock: ManualClock
) -> None:
    guess(users, USER_FAILURES)
    login = log_in(users)
    assert not login.done
    clock.advance(USER_SECONDS)
    assert login.value == ""
    assert log_in(users).value == ""


def test_the_user_is_not_slowed_at_another_address(users: Users) -> None:
    guess(users, USER_FAILURES + 100)
    assert log_in(users, host=HOME).value == ""


def test_another_user_at_the_same_address_is_not_slowed(users: Users) -> None:
    """A class behind one router."""
    guess(users, USER_FAILURES + 20)
    assert log_in(users, "bob").value == ""


def test_an_address_that_guesses_at_many_users_waits_a_little(
    users: Users, clock: ManualClock
) -> None:
    for number in range(ADDRESS_FAILURES):
        log_in(users, f"user-{number}", b"wrong")
    login = log_in(users, "bob")
    assert not login.done
    clock.advance(ADDRESS_DELAY_SECONDS)
    assert login.value == ""
    assert log_in(users, "bob", host=HOME).value == ""


def test_however_long_an_attack_lasts_the_others_wait_no_longer(
    users: Users, clock: ManualClock
) -> None:
    for number in range(50 * ADDRESS_FAILURES):
        log_in(users, f"user-{number}", b"wrong")
    login = log_in(users, "bob")
    clock.advance(ADDRESS_DELAY_SECONDS)
    assert login.value == ""


def test_time_forgives(users: Users, clock: ManualClock) -> None:
    guess(users, USER_FAILURES + 50)
    clock.advance(USER_SECONDS * (USER_FAILURES + USER_WAITING))
    assert all(login.done for login in guess(users, USER_FAILURES))


def test_an_unknown_user_waits_like_a_known_one(users: Users) -> None:
    known, unknown = (
        [login.done for login in guess(users, USER_FAILURES + 5, user)] for user in ("ada", "eve")
    )
    assert known == unknown


def test_a_thousand_good_logins_at_once_wait_for_nothing(users: Users) -> None:
    assert all(log_in(users).value == "" for _ in range(1000))


def test_all_addresses_of_an_ipv6_network_are_one() -> None:
    failed = FailedLogins()
    for number in range(USER_FAILURES):
        failed.begin(f"2001:db8:0:1::{number:x}", "ada", 0.0)
    assert failed.begin("2001:db8:0:1:ffff::1", "ada", 0.0) == USER_SECONDS
    assert failed.begin("2001:db8:0:2::1", "ada", 0.0) == 0


def test_the_accounts_do_not_fill_the_memory() -> None:
    failed = FailedLogins()
    for number in range(3 * ACCOUNTS_MAX):
        failed.begin(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"u{number}", 0.0)
    assert failed.accounts() <= 2 * ACCOUNTS_MAX


def test_accounts_go_once_they_are_full_again() -> None:
    buckets = Buckets(2, 1.0, 0)
    for number in range(100):
        buckets.take(("", str(number)), 0.0)
    buckets.take(("", "later"), 5.0)
    assert len(buckets) == 1


def test_a_client_that_guesses_waits_for_its_refusal() -> None:
    server = MemoryServer()
    for _ in range(USER_FAILURES):
        stranger = Peer(MemoryWire(server.connect()))
        stranger.greet()
        stranger.log_in("guest", "wrong")
        stranger.expect(Connection.Close)
    guest = Peer(MemoryWire(server.connect()))
    guest.greet()
    guest.log_in("guest", "guest")
    with pytest.raises(Silence):
        guest.wire.receive(0)
    server.advance(USER_SECONDS)
    guest.expect(Connection.Tune)
