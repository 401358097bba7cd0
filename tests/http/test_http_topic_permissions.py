"""/api/topic-permissions."""

import pytest

PATH = "/api/topic-permissions/%2F/guest"
GIVEN = {"exchange": "amq.topic", "write": "^a", "read": "^b"}


def test_topic_permissions_are_set_listed_and_deleted(api):
    assert api.put(PATH, GIVEN).status == 201
    assert api.put(PATH, GIVEN | {"read": ""}).status == 204
    assert api.put(PATH, GIVEN | {"exchange": "other"}).status == 201
    both = [
        {"user": "guest", "vhost": "/", "exchange": "amq.topic", "write": "^a", "read": ""},
        {"user": "guest", "vhost": "/", "exchange": "other", "write": "^a", "read": "^b"},
    ]
    for path in (
        "/api/topic-permissions",
        PATH,
        "/api/users/guest/topic-permissions",
        "/api/vhosts/%2F/topic-permissions",
    ):
        assert api.get(path).json == both
    assert api.get(f"{PATH}/other").json == both[1:]
    assert api.delete(f"{PATH}/other").status == 204
    assert api.delete(f"{PATH}/other").status == 204
    assert api.get(PATH).json == both[:1]
    assert api.delete(PATH).status == 204
    for reply in (api.get(PATH), api.delete(PATH)):
        assert reply.refusal == (404, "Object Not Found", "Not Found")


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (PATH, {}, "[{key_missing,exchange},{key_missing,write},{key_missing,read}]"),
        (PATH, {"exchange": "x"}, "[{key_missing,write},{key_missing,read}]"),
        ("/api/topic-permissions/%2F/nobody", GIVEN, "vhost_or_user_not_found"),
        ("/api/topic-permissions/nope/guest", GIVEN, "vhost_or_user_not_found"),
    ],
)
def test_topic_permissions_are_refused_in_rabbitmqs_words(api, path, body, reason):
    assert api.put(path, body).refusal == (400, "bad_request", reason)


@pytest.mark.parametrize("pattern", ["(", "((a{1000}){1000}){1000}", "{vhost"])
def test_a_pattern_that_is_none_is_refused(api, pattern):
    reply = api.put(PATH, GIVEN | {"write": pattern})
    assert reply.status == (201 if pattern == "{vhost" else 400)


def test_topic_permissions_go_with_their_vhost_and_their_user(api):
    api.put("/api/vhosts/v")
    api.put("/api/users/ada", {"password": "x", "tags": ""})
    api.put("/api/topic-permissions/v/guest", GIVEN)
    api.put("/api/topic-permissions/%2F/ada", GIVEN)
    api.delete("/api/vhosts/v")
    api.delete("/api/users/ada")
    assert api.get("/api/topic-permissions").json == []
