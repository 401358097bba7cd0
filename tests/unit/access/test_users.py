"""Who may log in from where, and what is known of users after a restart."""

import pytest

from leveret.access.permissions import PatternError
from leveret.access.users import User, Users
from leveret.amqp.peer import is_loopback
from leveret.broker.seams import Credentials, Pending
from leveret.store.memory import MemoryDefinitions
from leveret.testing import MemoryServer
from unit.doubles import answer_of

AWAY = "192.0.2.1"


@pytest.fixture
def definitions() -> MemoryDefinitions:
    return MemoryDefinitions()


@pytest.fixture
def users(definitions: MemoryDefinitions) -> Users:
    users = Users(definitions, ["guest"])
    answer_of(users.add_user("guest", "guest"))
    answer_of(users.add_user("student", "s3cret", ["management"]))
    return users


def refusal(users: Users, user: str, password: bytes, host: str = "127.0.0.1") -> object:
    return answer_of(users.authenticate(Credentials(user, password), host))


def test_the_right_password_lets_in(users: Users) -> None:
    assert refusal(users, "student", b"s3cret") == ""


@pytest.mark.parametrize("password", [b"", b"S3cret", b"s3cret\0"])
def test_a_wrong_password_does_not(users: Users, password: bytes) -> None:
    assert "password is wrong" in str(refusal(users, "student", password))


@pytest.mark.parametrize("user", ["", "nobody", "Student"])
def test_an_unknown_user_is_refused(users: Users, user: str) -> None:
    assert "no such user" in str(refusal(users, user, b"s3cret"))


@pytest.mark.parametrize("user", ["student", "nobody"])
def test_an_unknown_user_costs_as_much_as_a_known_one(
    users: Users, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hash each: the time taken does not tell who there is."""
    hashed = []

    def count(*arguments: object) -> bool:
        hashed.append(arguments)
        return False

    monkeypatch.setattr("leveret.access.users.verify_password", count)
    assert refusal(users, user, b"wrong") != ""
    assert len(hashed) == 1


def test_guest_is_for_this_machine_only(users: Users) -> None:
    assert refusal(users, "guest", b"guest") == ""
    assert "only connect from this machine" in str(refusal(users, "guest", b"guest", AWAY))
    assert "password is wrong" in str(refusal(users, "guest", b"x", AWAY))
    assert refusal(users, "student", b"s3cret", AWAY) == ""


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("128.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2001:db8::1", False),
        ("unix", False),
    ],
)
def test_where_a_peer_is(host: str, is_here: bool) -> None:
    session = MemoryServer().connect(host).session
    assert is_loopback(session.peer.host) == is_here


def test_users_and_permissions_are_there_after_a_restart(
    users: Users, definitions: MemoryDefinitions
) -> None:
    answer_of(users.set_permissions("student", "/", "^$", "w", ".*"))
    again = Users(definitions, ["guest"])
    assert refusal(again, "student", b"s3cret") == ""
    assert again.users["student"].tags == ("management",)
    assert again.authorise("student", "/", "write", "window")
    assert not again.authorise("student", "/", "configure", "window")
    assert again.vhost_access("student", "/")


def test_no_permissions_entry_is_no_access(users: Users) -> None:
    answer_of(users.set_permissions("student", "lab", "", "", ""))
    assert users.vhost_access("student", "lab"), "an entry that allows nothing is one"
    assert not users.vhost_access("student", "/")
    assert not users.authorise("student", "/", "read", "")
    assert not users.authorise("guest", "lab", "read", "")


def test_new_permissions_replace_the_old(users: Users) -> None:
    answer_of(users.set_permissions("student", "/", ".*", ".*", ".*"))
    assert users.authorise("student", "/", "read", "q")
    answer_of(users.set_permissions("student", "/", ".*", ".*", "^$"))
    assert not users.authorise("student", "/", "read", "q")


def test_a_pattern_that_is_none_is_not_stored(users: Users, definitions: MemoryDefinitions) -> None:
    before = definitions.load()
    with pytest.raises(PatternError):
        users.set_permissions("student", "/", ".*", "(", ".*")
    assert definitions.load() == before


def test_a_user_without_a_password_hash_cannot_log_in(users: Users) -> None:
    answer_of(users.put_user(User("locked", "", "rabbit_password_hashing_sha256", ())))
    assert "password is wrong" in str(refusal(users, "locked", b""))


class Later(MemoryDefinitions):
    """Commits when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Pending] = []

    def put(self, kind: str, key: str, value: object) -> Pending:
        self.waiting.append(Pending())
        return self.waiting[-1]


def test_a_change_holds_once_it_is_committed() -> None:
    definitions = Later()
    users = Users(definitions, [])
    answer = users.add_user("new", "s3cret")
    assert "no such user" in str(refusal(users, "new", b"s3cret"))
    definitions.waiting.pop().complete(1)
    assert answer.done
    assert refusal(users, "new", b"s3cret") == ""


def test_a_change_that_could_not_be_committed_does_not_hold() -> None:
    definitions = Later()
    users = Users(definitions, [])
    answer = users.set_permissions("new", "/", ".*", ".*", ".*")
    definitions.waiting.pop().fail(OSError("no space left"))
    assert isinstance(answer.error, OSError)
    assert not users.vhost_access("new", "/")


def test_damaged_definitions_do_not_hold_and_stop_nobody(caplog) -> None:
    definitions = MemoryDefinitions()
    users = Users(definitions, [])
    users.add_user("ada", "password")
    users.set_permissions("ada", "/", ".*", ".*", ".*")
    for key, value in (("eve", None), ("bob", {}), ("kay", {"tags": 7}), ("zoe", [])):
        definitions.put("user", key, value)
        definitions.put("permissions", f"{key}\x00/", value)
    definitions.put("permissions", "no separator", {"configure": "", "write": "", "read": ""})
    again = Users(definitions, [])
    assert list(again.users) == ["ada"]
    assert list(again.permissions) == [("ada", "/")]
    assert "the definition of user 'eve' is damaged" in caplog.text
    assert len(definitions.load()) == 11


def test_topic_permissions_and_limits_outlive_a_restart(definitions, users) -> None:
    answer_of(users.set_topic_permissions("student", "/", "x\0y", "^{username}$", ""))
    answer_of(users.set_topic_permissions("student", "/", "gone", "", ""))
    answer_of(users.clear_topic_permissions("student", "/", "gone"))
    answer_of(users.set_limits("student", {"max-channels": 3}))
    again = Users(definitions, [])
    assert again.limit("student", "max-channels") == 3
    assert again.limit("student", "max-connections") == -1
    assert list(again.topic_permissions["student", "/"]) == ["x\0y"]
    assert again.authorise_topic("student", "/", "write", "x\0y", "student")
    assert not again.authorise_topic("student", "/", "write", "x\0y", "students")
    assert not again.authorise_topic("student", "/", "read", "x\0y", "k")
    assert again.authorise_topic("student", "/", "read", "gone", "k")


def test_a_name_in_a_topic_pattern_is_no_pattern(users) -> None:
    answer_of(users.add_user(".*", "x"))
    answer_of(users.set_topic_permissions(".*", "/", "x", "^{username}$", ""))
    assert users.authorise_topic(".*", "/", "write", "x", ".*")
    assert not users.authorise_topic(".*", "/", "write", "x", "anything")


def test_what_a_user_was_permitted_goes_with_it(definitions, users) -> None:
    answer_of(users.set_topic_permissions("student", "/", "x", "", ""))
    answer_of(users.set_limits("student", {"max-channels": 3}))
    answer_of(users.delete_users(["student"]))
    again = Users(definitions, [])
    assert (again.topic_permissions, again.limits) == ({}, {})
    assert (users.topic_permissions, users.limits) == ({}, {})
