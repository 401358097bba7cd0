"""/api/vhost-limits and /api/user-limits."""

import pika
import pytest


def test_limits_of_a_vhost_are_set_and_deleted_one_by_one(api):
    path = "/api/vhost-limits/%2F"
    assert api.get(path).json == []
    assert api.put(f"{path}/max-queues", {"value": 5}).status == 204
    assert api.put(f"{path}/max-connections", {"value": -1}).status == 204
    limits = {"vhost": "/", "value": {"max-queues": 5, "max-connections": -1}}
    assert api.get(path).json == api.get("/api/vhost-limits").json == [limits]
    assert api.delete(f"{path}/max-queues").status == 204
    assert api.delete(f"{path}/max-queues").status == 204
    assert api.get(path).json == [{"vhost": "/", "value": {"max-connections": -1}}]
    assert api.delete(f"{path}/max-connections").status == 204
    assert api.get("/api/vhost-limits").json == []


def test_limits_of_a_user_are_shown_with_the_user(api):
    path = "/api/user-limits/guest"
    assert api.put(f"{path}/max-channels", {"value": 5}).status == 204
    assert api.get(path).json == [{"user": "guest", "value": {"max-channels": 5}}]
    assert api.get("/api/users/guest").json["limits"] == {"max-channels": 5}
    assert api.delete(f"{path}/max-channels").status == 204
    assert api.get("/api/user-limits").json == []
    assert api.get("/api/users/guest").json["limits"] == {}


def test_limits_go_with_their_user(api):
    api.put("/api/users/ada", {"password": "x", "tags": ""})
    api.put("/api/user-limits/ada/max-channels", {"value": 5})
    api.put("/api/users/ada", {"password": "y", "tags": ""})
    assert api.get("/api/user-limits/ada").json[0]["value"] == {"max-channels": 5}
    api.delete("/api/users/ada")
    api.put("/api/users/ada", {"password": "x", "tags": ""})
    assert api.get("/api/user-limits/ada").json == []


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (
            "vhost-limits/%2F/max-queues",
            {"value": "x"},
            'Validation failed\n\nmax-queues should be a number, actually was <<"x">>\n',
        ),
        (
            "vhost-limits/%2F/nope",
            {"value": 1},
            'Validation failed\n\nUnrecognised terms [{<<"nope">>,1}] in limits\n',
        ),
        ("vhost-limits/%2F/max-queues", {}, "[{key_missing,value}]"),
        (
            "user-limits/guest/max-channels",
            {"value": None},
            "max-channels should be a number, actually was null",
        ),
        (
            "user-limits/guest/nope",
            {"value": 1},
            'Unrecognised terms [{<<"nope">>,1}] in user-limits',
        ),
        ("user-limits/nobody/max-channels", {"value": 1}, "no_such_user: nobody"),
    ],
)
def test_a_limit_is_refused_in_rabbitmqs_words(api, path, body, reason):
    assert api.put(f"/api/{path}", body).refusal == (400, "bad_request", reason)


@pytest.mark.parametrize("path", ["vhost-limits/nope", "user-limits/nobody"])
def test_what_is_not_there_has_no_limits(api, path):
    assert api.get(f"/api/{path}").refusal == (404, "Object Not Found", "Not Found")


def test_there_is_a_vhost_to_be_limited(api):
    reply = api.put("/api/vhost-limits/nope/max-queues", {"value": 1})
    assert reply.refusal == (404, "not_found", "vhost_not_found")


def test_a_limit_holds_at_once_also_for_http(api, connect):
    channel = connect().channel()
    api.put("/api/vhost-limits/%2F/max-queues", {"value": 1})
    channel.queue_declare("one")
    assert api.put("/api/queues/%2F/two").refusal == (
        400,
        "bad_request",
        "cannot declare queue 'two': queue limit in vhost '/' (1) is reached",
    )
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="is reached"):
        channel.queue_declare("two")
