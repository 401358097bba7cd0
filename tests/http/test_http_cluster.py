"""The cluster, its node, its features, its logins, and what is protected."""

import base64
import hashlib

import pytest

from leveret.access.passwords import DEFAULT_ALGORITHM
from leveret.access.users import User
from leveret.management.resources.features import FLAGS

from .in_memory import in_memory


@pytest.fixture
def memory():
    with in_memory() as broker:
        yield broker


# --- the node ---


def test_the_memory_of_a_node_adds_up(memory):
    memory.request("PUT", "/api/queues/%2F/work", {})
    found = memory.request("GET", f"/api/nodes/{memory.node}/memory").json["memory"]
    assert found["queue_procs"] > 0
    assert found["queue_procs"] + found["other_system"] == found["total"]["rss"]
    assert found["strategy"] == "rss"
    relative = memory.request("GET", f"/api/nodes/{memory.node}/memory/relative").json["memory"]
    assert relative["total"] == 100
    assert relative["queue_procs"] + relative["other_system"] in (100, 101)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nodes/none/memory"),
        ("GET", "/nodes/none/memory/relative"),
        ("GET", "/auth/attempts/none"),
        ("GET", "/auth/attempts/none/source"),
        ("DELETE", "/auth/attempts/none"),
        ("DELETE", "/auth/attempts/none/source"),
        ("DELETE", "/reset/none"),
        ("GET", "/healthchecks/node/none"),
    ],
)
def test_another_node_is_not_there(memory, method, path):
    refusal = memory.request(method, f"/api{path}").refusal
    assert refusal == (404, "Object Not Found", "Not Found")


def test_a_vhost_is_started_on_the_node_that_is_there(memory):
    assert memory.request("POST", f"/api/vhosts/%2F/start/{memory.node}").status == 204
    refusal = memory.request("POST", "/api/vhosts/%2F/start/none").refusal
    assert refusal == (400, "bad_request", "Request to node none failed with nodedown")
    assert memory.request("POST", f"/api/vhosts/none/start/{memory.node}").status == 404


def test_a_word_in_a_path_has_its_place_to_itself(memory):
    for method, path in (("PUT", "/users/without-permissions"), ("GET", "/users/bulk-delete")):
        assert memory.request(method, f"/api{path}", {}).status == 405
    assert memory.request("GET", "/api/queues/detailed").status == 200


# --- features ---


def test_every_feature_flag_is_enabled(memory):
    flags = memory.request("GET", "/api/feature-flags").json
    assert {flag["name"]: flag["state"] for flag in flags} == dict.fromkeys(FLAGS, "enabled")
    assert memory.request("PUT", "/api/feature-flags/quorum_queue/enable", {}).status == 204
    refusal = memory.request("PUT", "/api/feature-flags/nope/enable", {}).refusal
    assert refusal == (400, "bad_request", "unsupported")


def test_deprecated_features_are_told_when_somebody_uses_them(memory):
    def used():
        return memory.request("GET", "/api/deprecated-features/used").json

    names = [each["name"] for each in memory.request("GET", "/api/deprecated-features").json]
    assert names == ["global_qos", "transient_nonexcl_queues"]
    assert used() == []
    memory.request("PUT", "/api/queues/%2F/work", {"durable": False})
    assert [each["name"] for each in used()] == ["transient_nonexcl_queues"]


# --- logins ---


def test_logins_are_counted_by_protocol(memory):
    def attempts():
        return memory.request("GET", f"/api/auth/attempts/{memory.node}").json

    memory.connect("guest", "/")
    memory.request("GET", "/api/whoami", user="nobody")
    (amqp, http) = attempts()
    assert amqp == {
        "protocol": "amqp091",
        "auth_attempts": 1,
        "auth_attempts_failed": 0,
        "auth_attempts_succeeded": 1,
    }
    assert (http["protocol"], http["auth_attempts_failed"]) == ("http", 1)
    assert memory.request("DELETE", f"/api/auth/attempts/{memory.node}").status == 204
    (http,) = attempts()
    assert (http["protocol"], http["auth_attempts"]) == ("http", 1)


def test_a_message_over_http_is_no_login_of_amqp(memory):
    message = {"routing_key": "", "properties": {}, "payload": "", "payload_encoding": "string"}
    memory.request("POST", "/api/exchanges/%2F/amq.topic/publish", message)
    attempts = memory.request("GET", f"/api/auth/attempts/{memory.node}").json
    assert [each["protocol"] for each in attempts] == ["http"]


def test_a_password_is_hashed_in_a_body_and_never_in_a_path(memory):
    reply = memory.request("POST", "/api/auth/hash_password", {"password": "secret"})
    octets = base64.b64decode(reply.json["ok"])
    assert octets[4:] == hashlib.sha256(octets[:4] + b"secret").digest()
    assert memory.request("GET", "/api/auth/hash_password/secret").status == 404


# --- users and vhosts ---


def test_users_without_permissions_are_listed(memory):
    memory.server.add_user("ada", "password")
    found = memory.request("GET", "/api/users/without-permissions").json
    assert [user["name"] for user in found] == ["ada"]


def test_several_users_are_deleted_at_once_or_none(memory):
    for name in ("ada", "bob", "eve"):
        memory.server.add_user(name, "password", "protected" if name == "eve" else "")

    def delete(*names):
        return memory.request("POST", "/api/users/bulk-delete", {"users": names})

    assert delete("ada", "nope").refusal == (400, "bad_request", ["no_such_user", "nope"])
    assert delete("ada", "eve").status == 412
    assert set(memory.server.users.users) == {"guest", "ada", "bob", "eve"}
    assert delete("ada", "bob", "ada").status == 204
    assert set(memory.server.users.users) == {"guest", "eve"}
    assert delete().status == 204


def test_many_users_are_deleted_without_looking_at_every_permission_for_each(memory, monkeypatch):
    looked_at = []

    class Permissions(dict):
        def __iter__(self):
            looked_at.append(len(self))
            return super().__iter__()

    users, number = memory.server.users, 500
    monkeypatch.setattr(users, "permissions", Permissions(users.permissions))
    names = [f"user-{each}" for each in range(number)]
    for name in names:
        users.put_user(User(name, "", DEFAULT_ALGORITHM, ()))
        users.set_permissions(name, "/", "", "", "")
    assert memory.request("POST", "/api/users/bulk-delete", {"users": names}).status == 204
    assert set(users.users) == {user for user, _ in users.permissions} == {"guest"}
    assert sum(looked_at) < 20 * number


def test_a_protected_user_is_not_deleted(memory):
    memory.server.add_user("eve", "password", "protected")
    status, error, reason = memory.request("DELETE", "/api/users/eve").refusal
    assert (status, error) == (412, "precondition_failed")
    assert "protected from deletion" in reason
    memory.request("PUT", "/api/users/eve", {"password": "x", "tags": ""})
    assert memory.request("DELETE", "/api/users/eve").status == 204


def test_a_protected_vhost_is_not_deleted(memory):
    path = "/api/vhosts/%2F"
    assert memory.request("POST", f"{path}/deletion/protection").status == 204
    shown = memory.request("GET", path).json["metadata"]
    assert shown["protected_from_deletion"] is True
    status, error, reason = memory.request("DELETE", path).refusal
    assert (status, error) == (412, "precondition_failed")
    assert reason.startswith("Refused to delete virtual host '/'")
    memory.request("PUT", path, {"description": "another"})
    assert memory.request("DELETE", path).status == 412
    assert memory.request("DELETE", f"{path}/deletion/protection").status == 204
    assert "protected_from_deletion" not in memory.request("GET", path).json["metadata"]
    assert memory.request("DELETE", path).status == 204


# --- connections of a user ---


def test_the_connections_of_a_user_are_closed_with_a_reason(memory, caplog):
    memory.server.add_user("ada", "password", "management")
    memory.server.set_permissions("ada", "/", "", "", "")
    names = {memory.connect("ada", "/"), memory.connect("ada", "/")}
    kept = memory.connect("guest", "/")
    path = "/api/connections/username/ada"
    found = memory.request("GET", path).json
    assert {each["name"] for each in found} == names
    headers = {"x-reason": "enough"}
    assert memory.request("DELETE", path, headers=headers).status == 204
    assert [memory.is_open(name) for name in sorted(names)] == [False, False]
    assert memory.is_open(kept)
    assert "CONNECTION_FORCED - enough" in caplog.text
    assert memory.request("GET", "/api/connections/username/nobody").json == []
    assert memory.request("DELETE", "/api/connections/username/nobody").status == 204
