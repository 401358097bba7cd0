"""A vhost's own queue type and level of compatibility, over HTTP."""

import pytest


def test_what_a_vhost_says_of_its_own_is_shown_and_kept(api):
    api.put("/api/vhosts/v", {"default_queue_type": "quorum", "compat": "4.2"})
    assert api.put("/api/vhosts/v", {"description": "d"}).status == 204
    vhost = api.get("/api/vhosts/v").json
    assert vhost["default_queue_type"] == "quorum"
    assert vhost["compat"] == "4.2"
    assert vhost["metadata"] == {
        "description": "d",
        "tags": [],
        "default_queue_type": "quorum",
        "compat": "4.2",
    }
    api.put("/api/queues/v/q", {"durable": True})
    assert api.get("/api/queues/v/q").json["type"] == "quorum"


@pytest.mark.parametrize("name", ["classic", "quorum"])
def test_the_type_may_be_the_name_of_rabbitmqs_module(api, name):
    assert api.put("/api/vhosts/v", {"default_queue_type": f"rabbit_{name}_queue"}).status == 201
    assert api.get("/api/vhosts/v").json["default_queue_type"] == name


@pytest.mark.parametrize("nothing", ["", None])
def test_it_can_be_given_back(api, nothing):
    api.put("/api/vhosts/v", {"default_queue_type": "quorum", "compat": "4.2"})
    api.put("/api/vhosts/v", {"default_queue_type": nothing, "compat": nothing})
    vhost = api.get("/api/vhosts/v").json
    assert vhost["default_queue_type"] == "undefined"
    assert "compat" not in vhost


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"default_queue_type": "stream"}, "default_queue_type is one of classic, quorum"),
        (
            {"default_queue_type": "rabbit_stream_queue"},
            "default_queue_type is one of classic, quorum",
        ),
        ({"compat": "2.8"}, "compat is one of 3.13, 4.2, 4.3"),
    ],
)
def test_what_there_is_not_is_refused(api, body, reason):
    assert api.put("/api/vhosts/v", body).refusal == (400, "bad_request", reason)


@pytest.mark.leveret(default_queue_type="quorum")
def test_the_server_says_the_type_for_all_vhosts(api):
    api.put("/api/queues/%2F/q", {"durable": True})
    assert api.get("/api/queues/%2F/q").json["type"] == "quorum"
