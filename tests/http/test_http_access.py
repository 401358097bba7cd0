"""/api/users, /api/vhosts, /api/permissions, /api/whoami."""

import pika
import pytest

HASH = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"  # of "test12"
ALL = {"configure": ".*", "write": ".*", "read": ".*"}


def log_in(connect, user, password):
    try:
        connect("/", user, password)
    except pika.exceptions.ProbableAuthenticationError:
        return "refused"
    except pika.exceptions.ProbableAccessDeniedError:
        return "no vhost"
    return "open"


# --- users ---


def test_a_user_is_made_with_201_and_replaced_with_204(api):
    assert api.put("/api/users/ada", {"password": "first", "tags": "a, b"}).status == 201
    assert api.get("/api/users/ada").json["tags"] == ["a", "b"]
    assert api.put("/api/users/ada", {"password": "second", "tags": []}).status == 204
    assert api.get("/api/users/ada").json["tags"] == []


@pytest.mark.leveret(refused_login_delay_seconds=0)
def test_a_user_logs_in_with_the_new_password_only(api, connect):
    api.put("/api/users/ada", {"password": "first", "tags": ""})
    api.put("/api/permissions/%2F/ada", ALL)
    assert log_in(connect, "ada", "first") == "open"
    api.put("/api/users/ada", {"password": "second", "tags": ""})
    assert log_in(connect, "ada", "first") == "refused"
    assert log_in(connect, "ada", "second") == "open"


@pytest.mark.leveret(refused_login_delay_seconds=0)
def test_a_hashed_password_is_taken_as_it_is(api, connect):
    body = {"password_hash": HASH, "tags": "management"}
    assert api.put("/api/users/ada", body).status == 201
    assert api.get("/api/users/ada").json["password_hash"] == HASH
    api.put("/api/permissions/%2F/ada", ALL)
    assert log_in(connect, "ada", "test12") == "open"


@pytest.mark.leveret(refused_login_delay_seconds=0)
@pytest.mark.parametrize("body", [{}, {"password": ""}, {"password_hash": ""}])
def test_without_a_password_nobody_logs_in(api, as_user, connect, body):
    assert api.put("/api/users/ada", body | {"tags": "administrator"}).status == 201
    assert log_in(connect, "ada", "") == "refused"
    assert as_user("ada", "").get("/api/whoami").refusal[2] == "Login failed"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"password": "x"}, "tags_not_present"),
        (
            {"password": "x", "password_hash": HASH, "tags": ""},
            "both_password_and_password_hash_are_provided",
        ),
        ({"password_hash": "not base64", "tags": ""}, "password_hash is not base64"),
        (
            {"password_hash": "AAAA", "tags": ""},
            "password_hash holds 3 octets; a salt of 4 and a digest of 32 are expected",
        ),
        (
            {"password": "x", "tags": "", "hashing_algorithm": "rot13"},
            "hashing_algorithm is one of rabbit_password_hashing_md5, "
            "rabbit_password_hashing_sha256, rabbit_password_hashing_sha512",
        ),
    ],
)
def test_a_user_that_cannot_be_is_refused(api, body, reason):
    assert api.put("/api/users/ada", body).refusal == (400, "bad_request", reason)
    assert api.get("/api/users/ada").status == 404


def test_users_are_listed_by_name(api):
    for name in ("zoe", "ada"):
        api.put(f"/api/users/{name}", {"tags": ""})
    assert api.names("/api/users") == ["ada", "guest", "zoe"]


def test_a_deleted_user_is_gone_with_its_permissions(api):
    api.put("/api/users/ada", {"password": "x", "tags": ""})
    api.put("/api/permissions/%2F/ada", ALL)
    assert api.delete("/api/users/ada").status == 204
    assert api.delete("/api/users/ada").refusal == (404, "Object Not Found", "Not Found")
    api.put("/api/users/ada", {"password": "x", "tags": ""})
    assert api.get("/api/users/ada/permissions").json == []


def test_a_deleted_users_connections_close_with_320(api, connect):
    api.put("/api/users/ada", {"password": "x", "tags": ""})
    api.put("/api/permissions/%2F/ada", ALL)
    connection, other = connect("/", "ada", "x"), connect()
    api.delete("/api/users/ada")
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.sleep(10)
    assert closed.value.args == (320, "CONNECTION_FORCED - user 'ada' is deleted")
    assert other.is_open
    assert [each["user"] for each in api.get("/api/connections").json] == ["guest"]


# --- vhosts ---


def test_a_vhost_is_made_with_201_and_is_there_with_204(api):
    body = {"description": "for the class", "tags": "a,b"}
    assert api.put("/api/vhosts/lab", body).status == 201
    assert api.put("/api/vhosts/lab", body).status == 204
    vhost = api.get("/api/vhosts/lab").json
    assert (vhost["description"], vhost["tags"]) == ("for the class", ["a", "b"])
    assert vhost["metadata"] == {"description": "for the class", "tags": ["a", "b"]}
    assert api.names("/api/vhosts") == ["/", "lab"]


def test_a_vhost_made_again_is_described_anew_and_keeps_what_is_in_it(api):
    api.put("/api/vhosts/lab", {"description": "for the class", "tags": ["a"]})
    api.put("/api/queues/lab/work")
    assert api.put("/api/vhosts/lab", {"tags": "b"}).status == 204
    vhost = api.get("/api/vhosts/lab").json
    assert (vhost["description"], vhost["tags"]) == ("", ["b"])
    assert api.names("/api/queues/lab") == ["work"]


def test_who_makes_a_vhost_may_do_everything_in_it(api):
    api.put("/api/vhosts/lab")
    assert api.get("/api/permissions/lab/guest").json == {"user": "guest", "vhost": "lab", **ALL}


def test_a_vhost_counts_the_messages_in_it(api, connect):
    api.put("/api/vhosts/lab")
    channel = connect("lab").channel()
    for name in ("one", "two"):
        channel.queue_declare(name)
        channel.basic_publish("", name, b"")
    channel.basic_get("one")
    vhost = api.get("/api/vhosts/lab").json
    counts = (vhost["messages"], vhost["messages_ready"], vhost["messages_unacknowledged"])
    assert counts == (2, 1, 1)


def test_tracing_is_switched_with_its_vhost(api):
    assert api.put("/api/vhosts/lab", {"tracing": True}).status == 201
    assert api.get("/api/vhosts/lab").json["tracing"] is True
    assert api.put("/api/vhosts/lab", {"description": "d"}).status == 204
    assert api.get("/api/vhosts/lab").json["tracing"] is True
    assert api.put("/api/vhosts/lab", {"tracing": False}).status == 204
    assert api.get("/api/vhosts/lab").json["tracing"] is False


def test_a_deleted_vhost_is_gone_with_all_that_was_in_it(api, connect):
    api.put("/api/vhosts/lab")
    api.put("/api/queues/lab/work", {"durable": True})
    api.put("/api/exchanges/lab/logs")
    assert api.delete("/api/vhosts/lab").status == 204
    assert api.delete("/api/vhosts/lab").refusal == (404, "Object Not Found", "Not Found")
    assert [each["vhost"] for each in api.get("/api/permissions").json] == ["/"]
    with pytest.raises(pika.exceptions.ProbableAccessDeniedError):
        connect("lab")
    api.put("/api/vhosts/lab")
    assert api.get("/api/queues/lab").json == []
    assert len(api.get("/api/exchanges/lab").json) == 7


def test_a_deleted_vhosts_connections_close_with_320(api, connect):
    api.put("/api/vhosts/lab")
    connection, other = connect("lab"), connect()
    channel = connection.channel()
    channel.queue_declare("work")
    channel.basic_consume("work", lambda *_: None)
    channel.basic_publish("", "work", b"")
    api.delete("/api/vhosts/lab")
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.sleep(10)
    assert closed.value.args == (320, "CONNECTION_FORCED - vhost 'lab' is deleted")
    assert other.is_open
    assert [each["vhost"] for each in api.get("/api/connections").json] == ["/"]


def test_what_was_made_and_deleted_is_so_after_a_restart(tmp_path):
    from leveret.testing import EmbeddedBroker

    from .client import Client

    settings = {"ephemeral": False, "data_dir": str(tmp_path / "data"), "http_enabled": True}

    def ask(broker):
        return Client((broker.host, broker.server.http_port), "guest", "guest")

    with EmbeddedBroker(**settings) as broker:
        api = ask(broker)
        for name in ("kept", "gone"):
            api.put(f"/api/vhosts/{name}", {"description": f"{name}!", "tags": ["t"]})
            api.put(f"/api/users/{name}", {"tags": "management"})
            api.put(f"/api/permissions/kept/{name}", ALL)
        api.delete("/api/vhosts/gone")
        api.delete("/api/users/gone")
        api.delete("/api/permissions/kept/guest")
    with EmbeddedBroker(**settings) as broker:
        api = ask(broker)
        assert api.names("/api/vhosts") == ["/", "kept"]
        vhost = api.get("/api/vhosts/kept").json
        assert (vhost["description"], vhost["tags"]) == ("kept!", ["t"])
        assert api.names("/api/users") == ["guest", "kept"]
        permissions = api.get("/api/permissions").json
        assert [(each["vhost"], each["user"]) for each in permissions] == [
            ("/", "guest"),
            ("kept", "kept"),
        ]


# --- permissions ---


def test_permissions_are_set_with_201_and_changed_with_204(api):
    api.put("/api/users/ada", {"tags": ""})
    some = {"configure": "^ada-", "write": "", "read": ".*"}
    assert api.put("/api/permissions/%2F/ada", some).status == 201
    assert api.put("/api/permissions/%2F/ada", some).status == 204
    shown = {"user": "ada", "vhost": "/", **some}
    assert api.get("/api/permissions/%2F/ada").json == shown
    assert api.get("/api/users/ada/permissions").json == [shown]
    assert shown in api.get("/api/vhosts/%2F/permissions").json
    assert shown in api.get("/api/permissions").json


def test_cleared_permissions_hold_no_more(api, connect):
    api.put("/api/users/ada", {"password": "x", "tags": ""})
    api.put("/api/permissions/%2F/ada", ALL)
    assert log_in(connect, "ada", "x") == "open"
    assert api.delete("/api/permissions/%2F/ada").status == 204
    assert log_in(connect, "ada", "x") == "no vhost"
    assert api.delete("/api/permissions/%2F/ada").refusal[0] == 404


@pytest.mark.parametrize("path", ["none/guest", "%2F/none"])
def test_permissions_of_nobody_or_nowhere_are_refused(api, path):
    refusal = api.put(f"/api/permissions/{path}", ALL).refusal
    assert refusal == (400, "bad_request", "vhost_or_user_not_found")
    assert api.get(f"/api/permissions/{path}").status == 404
    assert api.delete(f"/api/permissions/{path}").status == 404


def test_a_pattern_that_is_none_is_refused_with_the_place(api):
    status, error, reason = api.put("/api/permissions/%2F/guest", ALL | {"read": "(("}).refusal
    assert (status, error) == (400, "bad_request")
    assert reason.startswith("'((' is not a regular expression")


def test_all_three_patterns_must_be_given(api):
    reason = api.put("/api/permissions/%2F/guest", {"configure": "", "write": ""}).refusal[2]
    assert reason == "[{key_missing,read}]"


def test_an_unknown_users_permissions_are_404(api):
    assert api.get("/api/users/none/permissions").status == 404
    assert api.get("/api/vhosts/none/permissions").status == 404


# --- who am I ---


def test_whoami_says_who_and_what(api):
    assert api.get("/api/whoami").json == {"name": "guest", "tags": ["administrator"]}
