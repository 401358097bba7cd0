"""/api/bindings: bind, look, unbind. A binding's key is made of its routing key and arguments."""

from urllib.parse import urljoin

import pytest

from .client import part

BETWEEN = "/api/bindings/%2F/e/amq.topic/q/work"


@pytest.fixture
def bound(api):
    api.put("/api/queues/%2F/work")
    return api


def test_a_binding_is_made_with_201_and_its_place(bound):
    reply = bound.post(BETWEEN, {"routing_key": "a.b"})
    assert (reply.status, reply.headers["location"]) == (201, "work/a.b")
    assert bound.get(urljoin(BETWEEN, reply.headers["location"])).json == {
        "source": "amq.topic",
        "vhost": "/",
        "destination": "work",
        "destination_type": "queue",
        "routing_key": "a.b",
        "arguments": {},
        "properties_key": "a.b",
    }


def test_the_same_binding_twice_is_one(bound):
    for _ in range(2):
        assert bound.post(BETWEEN, {"routing_key": "a.b"}).status == 201
    assert len(bound.get(BETWEEN).json) == 1


@pytest.mark.parametrize(
    ("routing_key", "arguments"),
    [
        ("", {}),
        ("", {"a": 1}),
        ("plain", {"a": 1, "b": "x"}),
        ("a~b", {}),
        ("a/b c+d%2F", {}),
        ("Straße #*", {"ü": True}),
        ("~", {}),
        ("k" * 255, {}),
    ],
)
def test_every_binding_can_be_found_and_deleted_by_its_place_and_by_its_key(
    bound, routing_key, arguments
):
    bound.post(BETWEEN, {"routing_key": "another"})
    body = {"routing_key": routing_key, "arguments": arguments}
    place = urljoin(BETWEEN, bound.post(BETWEEN, body).headers["location"])
    shown = bound.get(place).json
    assert (shown["routing_key"], shown["arguments"]) == (routing_key, arguments)
    key = shown["properties_key"]
    assert bound.get(f"{BETWEEN}/{part(key)}").json == shown
    assert bound.get(f"{BETWEEN}/{key}").json == shown
    assert bound.delete(place).status == 204
    assert [each["routing_key"] for each in bound.get(BETWEEN).json] == ["another"]
    assert bound.delete(place).refusal == (404, "Object Not Found", "Not Found")


def test_keys_that_look_alike_once_decoded_are_told_apart(bound):
    for routing_key in ("a/b", "a%2Fb"):
        bound.post(BETWEEN, {"routing_key": routing_key})
    for each in bound.get(BETWEEN).json:
        place = f"{BETWEEN}/{part(each['properties_key'])}"
        assert bound.get(place).json["routing_key"] == each["routing_key"]


def test_bindings_differ_by_their_arguments(bound):
    for value in (1, 2, "1"):
        bound.post(BETWEEN, {"routing_key": "k", "arguments": {"a": value}})
    keys = [each["properties_key"] for each in bound.get(BETWEEN).json]
    assert len(set(keys)) == 3
    assert bound.delete(f"{BETWEEN}/{part(keys[1])}").status == 204
    assert [each["arguments"]["a"] for each in bound.get(BETWEEN).json] == [1, "1"]


def test_an_exchange_is_bound_to_an_exchange(bound):
    between = "/api/bindings/%2F/e/amq.topic/e/amq.fanout"
    assert bound.post(between, {"routing_key": "#"}).status == 201
    (binding,) = bound.get("/api/exchanges/%2F/amq.fanout/bindings/destination").json
    assert (binding["source"], binding["destination_type"]) == ("amq.topic", "exchange")
    assert bound.get("/api/exchanges/%2F/amq.topic/bindings/source").json == [binding]
    assert bound.delete(f"{between}/{part(binding['properties_key'])}").status == 204
    assert bound.get(between).json == []


def test_every_queue_is_bound_to_the_default_exchange_by_its_name(bound):
    (binding,) = bound.get("/api/queues/%2F/work/bindings").json
    assert (binding["source"], binding["routing_key"]) == ("", "work")
    assert bound.get("/api/bindings/%2F/e/amq.default/q/work").json == [binding]
    assert bound.get("/api/exchanges/%2F/amq.default/bindings/source").json == [binding]
    assert bound.get("/api/bindings/%2F").json == bound.get("/api/bindings").json == [binding]


def test_a_bound_message_arrives(bound, connect):
    bound.post(BETWEEN, {"routing_key": "a.*"})
    channel = connect().channel()
    channel.confirm_delivery()
    channel.basic_publish("amq.topic", "a.b", b"", mandatory=True)
    assert bound.get("/api/queues/%2F/work").json["messages"] == 1


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("amq.topic/q/none", {}, (404, "not_found", "no queue 'none' in vhost '/'")),
        ("none/q/work", {}, (404, "not_found", "no exchange 'none' in vhost '/'")),
        ("amq.topic/e/none", {}, (404, "not_found", "no exchange 'none' in vhost '/'")),
        (
            "amq.default/q/work",
            {},
            (401, "not_authorised", "operation not permitted on the default exchange"),
        ),
        (
            "amq.headers/q/work",
            {"arguments": {"x-match": "some"}},
            (
                400,
                "bad_request",
                'Invalid x-match field value <<"some">>; '
                "expected all, any, all-with-x, or any-with-x",
            ),
        ),
        (
            "amq.topic/q/work",
            {"routing_key": "é" * 128},
            (400, "bad_request", "a routing key has at most 255 octets, this one has 256"),
        ),
    ],
)
def test_a_binding_that_cannot_be_is_refused(bound, path, body, refusal):
    assert bound.post(f"/api/bindings/%2F/e/{path}", body).refusal == refusal


def test_a_destination_is_a_queue_or_an_exchange(bound):
    assert bound.post("/api/bindings/%2F/e/amq.topic/x/work").status == 404


def test_between_things_that_are_not_there_there_are_no_bindings(bound):
    assert bound.get("/api/bindings/%2F/e/none/q/none").json == []
    assert bound.get("/api/bindings/none").status == 404
