"""/api/x/reload, and what settings mean to the API: passwords, vhosts, what a vhost begins with."""

import pytest

from leveret.config import read_settings


def test_settings_are_read_again(broker, api):
    assert api.post("/api/x/reload").json == {"applied": [], "needs_restart": []}


def test_the_answer_names_what_holds_and_what_needs_a_restart(broker, api, tmp_path):
    path = tmp_path / "leveret.toml"
    path.write_text("heartbeat_seconds = 7\namqp_port = 1\n")
    reloading = broker.server.reloading
    reloading.read = lambda: read_settings(str(path), {}, {})
    answer = api.post("/api/x/reload").json
    assert "heartbeat_seconds" in answer["applied"]
    assert "amqp_port" in answer["needs_restart"]
    assert broker.server.limits.heartbeat_seconds == 7
    path.write_text("heartbeat_seconds = -7\n")
    status, error, reason = api.post("/api/x/reload").refusal
    assert (status, error) == (400, "bad_request")
    assert "heartbeat_seconds" in reason
    assert broker.server.limits.heartbeat_seconds == 7


@pytest.mark.leveret(password_min_length=5)
def test_a_short_password_is_400(api):
    assert api.put("/api/users/ada", {"password": "1234", "tags": ""}).refusal == (
        400,
        "bad_request",
        "credential_validation_failed: minimum required password length is 5",
    )
    assert api.get("/api/users/ada").status == 404
    assert api.put("/api/users/ada", {"password": "12345", "tags": ""}).status == 201


@pytest.mark.leveret(vhost_max=2)
def test_a_vhost_beyond_the_limit_is_400(api):
    assert api.put("/api/vhosts/two").status == 201
    assert api.put("/api/vhosts/three").refusal == (
        400,
        "bad_request",
        "cannot create vhost 'three': vhost limit of 2 is reached",
    )


@pytest.mark.leveret(
    default_users=[{"name": "ada", "password": "secret"}],
    default_operator_policies=[{"name": "small", "definition": {"max-length": 5}}],
    default_vhost_limits=[{"name": "few", "max_queues": 5}],
)
def test_a_new_vhost_has_what_it_begins_with_when_the_answer_comes(api):
    assert api.put("/api/vhosts/lab").status == 201
    assert [each["user"] for each in api.get("/api/vhosts/lab/permissions").json] == [
        "ada",
        "guest",
    ]
    assert [each["name"] for each in api.get("/api/operator-policies/lab").json] == ["small"]
    assert api.get("/api/vhost-limits/lab").json == [{"vhost": "lab", "value": {"max-queues": 5}}]
    # The default vhost is a new one, too.
    assert [each["name"] for each in api.get("/api/operator-policies/%2F").json] == ["small"]


@pytest.mark.leveret(node_name="rabbit@here", default_user_tags=["monitoring"])
def test_the_node_and_the_default_user_are_as_the_settings_say(api):
    assert api.get("/api/x/status").json["node"] == "rabbit@here"
    assert api.get("/api/whoami").json["tags"] == ["monitoring"]
