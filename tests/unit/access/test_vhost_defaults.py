"""What a new vhost begins with: limits, operator policies, users with permissions."""

from typing import Any

import msgspec
import pytest

from leveret.access.vhost_defaults import VhostDefaults
from leveret.broker.policies import OPERATOR_POLICY
from leveret.config import Config, ConfigError
from leveret.testing import MemoryServer


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


def begin_with(server: MemoryServer, **settings: Any) -> None:
    config = msgspec.convert(settings, Config)
    server.broker.vhost_made = VhostDefaults(config, server.broker, server.users).apply


def test_the_first_limits_that_match_hold(server: MemoryServer) -> None:
    begin_with(
        server,
        default_vhost_limits=[
            {"name": "a", "pattern": "^class", "max_queues": 5},
            {"name": "b", "max_connections": 7, "max_queues": 9},
        ],
    )
    server.add_vhost("class-1")
    server.add_vhost("other")
    assert server.broker.vhosts["class-1"].limits == {"max-queues": 5}
    assert server.broker.vhosts["other"].limits == {"max-connections": 7, "max-queues": 9}
    assert server.broker.vhosts["/"].limits == {}


def test_all_operator_policies_that_match_are_there(server: MemoryServer) -> None:
    begin_with(
        server,
        default_operator_policies=[
            {"name": "a", "queue_pattern": "^q", "definition": {"expires": 1000}},
            {"name": "b", "vhost_pattern": "^class", "definition": {"max-length": 5}},
        ],
    )
    server.add_vhost("class-1")
    server.add_vhost("other")
    found = {
        name: list(server.broker.vhosts[name].policies.of(OPERATOR_POLICY))
        for name in ("class-1", "other")
    }
    assert found == {"class-1": ["a", "b"], "other": ["a"]}


def test_a_user_comes_with_permissions(server: MemoryServer) -> None:
    begin_with(
        server,
        default_users=[
            {
                "name": "ada",
                "vhost_pattern": "^class",
                "password": "secret",
                "tags": ["management"],
                "write": "^w",
            }
        ],
    )
    server.add_vhost("other")
    assert "ada" not in server.users.users
    server.add_vhost("class-1")
    assert server.users.password_matches("ada", "secret")
    assert server.users.has_tag("ada", "management")
    permissions = server.users.permissions["ada", "class-1"].patterns
    assert permissions == {"configure": ".*", "write": "^w", "read": ".*"}


def test_a_user_who_is_there_keeps_the_password(server: MemoryServer) -> None:
    begin_with(server, default_users=[{"name": "guest", "password": "other"}])
    server.add_vhost("class-1")
    assert server.users.password_matches("guest", "guest")
    assert server.users.vhost_access("guest", "class-1")


def test_a_user_without_a_password_cannot_log_in_with_one(server: MemoryServer) -> None:
    begin_with(server, default_users=[{"name": "ada"}])
    server.add_vhost("class-1")
    assert server.users.users["ada"].password_hash == ""


def test_a_vhost_that_is_there_is_left_alone(server: MemoryServer) -> None:
    begin_with(server, default_vhost_limits=[{"name": "a", "max_queues": 5}])
    server.add_vhost("/")
    assert server.broker.vhosts["/"].limits == {}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"default_vhost_limits": [{"name": "a", "pattern": "("}]}, "default_vhost_limits 'a'"),
        ({"default_users": [{"name": "a", "vhost_pattern": "("}]}, "default_users 'a'"),
        ({"default_users": [{"name": "a", "read": "("}]}, "default_users 'a'"),
        (
            {"password_min_length": 8, "default_users": [{"name": "a", "password": "canary"}]},
            "default_users 'a': minimum required password length is 8",
        ),
        (
            {"default_operator_policies": [{"name": "a", "definition": {"expires": "soon"}}]},
            "default_operator_policies 'a': Validation failed",
        ),
    ],
)
def test_what_could_not_be_applied_is_refused_before(
    server: MemoryServer, settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence) as refused:
        begin_with(server, **settings)
    assert "canary" not in str(refused.value)
