"""Bad input gets RabbitMQ's error JSON: never a 500, never a word about the program's inside."""

import socket

import pytest

from leveret.management import calls
from leveret.management.resources import ROUTES
from leveret.management.routing import BODY_MAX_BYTES

from .in_memory import in_memory

PLACES = {
    "vhost": "%2F",
    "queue": "work",
    "exchange": "amq.topic",
    "source": "amq.topic",
    "destination": "work",
    "user": "ada",
    "name": "max-connections",
    "component": "vhost-limits",
}
WITH_BODY = [route for route in ROUTES if route.body is not None]
BODIES = [
    b"nonsense",
    b"{",
    b"[]",
    b"[1]",
    b'"text"',
    b"1",
    b"null",
    b"\xff\xfe",
    b'{"a":"\xff"}',
    b'{"arguments":' + b'{"a":' * 5000,
    b"[" * 100_000,
]
MESSAGE = {"routing_key": "", "properties": {}, "payload": "", "payload_encoding": "string"}
GET = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
# Members of the wrong type, for each path that takes a body.
WRONG_TYPES = {
    "/api/vhosts/%2F": [{"description": 7}, {"tags": {}}, {"tags": [1]}, {"tracing": "x"}],
    "/api/users/ada": [{"tags": 1}, {"tags": [None]}, {"tags": "", "password": 1}],
    "/api/permissions/%2F/ada": [{"configure": 1, "write": "", "read": ""}],
    "/api/queues/%2F/work": [{"durable": 2}, {"auto_delete": None}, {"arguments": "x"}],
    "/api/exchanges/%2F/amq.topic": [{"type": 1}, {"internal": "x"}, {"arguments": None}],
    "/api/bindings/%2F/e/amq.topic/q/work": [{"routing_key": 1}, {"arguments": {"a": None}}],
    "/api/bindings/%2F/e/amq.topic/e/work": [{"routing_key": []}, {"arguments": 1}],
    "/api/policies/%2F/max-connections": [{"pattern": 1, "definition": {"expires": 1}}],
    "/api/operator-policies/%2F/max-connections": [{"pattern": "", "definition": []}],
    "/api/vhost-limits/%2F/max-connections": [{"value": "5"}, {"value": None}],
    "/api/x/vhost-limits/%2F": [{"value": []}, {"value": {"max-queues": "5"}}],
    "/api/user-limits/ada/max-connections": [{"value": 1}],
    "/api/x/user-limits/ada": [{"value": []}, {"value": {}}],
    "/api/topic-permissions/%2F/ada": [{"exchange": 5, "write": "", "read": ""}],
    "/api/definitions": [{"queues": {}}, {"users": [{}]}, {"vhosts": [{"name": 1}]}],
    "/api/definitions/%2F": [{"queues": [{}]}, {"policies": 7}],
    "/api/all-configuration": [{"bindings": [{"source": "a"}]}],
    "/api/x/authenticate": [{"user": 1, "password": ""}, {"user": ""}],
    "/api/parameters/vhost-limits/%2F/max-connections": [{"value": 1}, {"value": {}}],
    "/api/global-parameters/max-connections": [],
    "/api/cluster-name": [{"name": 1}, {}],
    "/api/auth/hash_password": [{"password": 1}, {}],
    "/api/users/bulk-delete": [{"users": "ada"}, {"users": [1]}, {"users": ["nobody"]}, {}],
    "/api/exchanges/%2F/amq.topic/publish": [
        {},
        MESSAGE | {"routing_key": 1},
        MESSAGE | {"routing_key": "x" * 256},
        MESSAGE | {"properties": 1},
        MESSAGE | {"properties": {"headers": 1}},
        MESSAGE | {"properties": {"headers": {"x" * 256: 1}}},
        MESSAGE | {"properties": {"priority": 256}},
        MESSAGE | {"properties": {"priority": True}},
        MESSAGE | {"properties": {"delivery_mode": 3}},
        MESSAGE | {"properties": {"message_id": "x" * 256}},
        MESSAGE | {"properties": {"user_id": "somebody"}},
        MESSAGE | {"properties": {"expiration": "soon"}},
        MESSAGE | {"payload": {}},
        MESSAGE | {"payload_encoding": "utf-7"},
        MESSAGE | {"payload": "!", "payload_encoding": "base64"},
    ],
    "/api/queues/%2F/work/get": [
        {},
        GET | {"count": -1},
        GET | {"count": "many"},
        GET | {"count": None},
        GET | {"ackmode": "ack"},
        GET | {"ackmode": []},
        GET | {"encoding": "utf-7"},
        GET | {"truncate": -1},
    ],
    "/api/queues/%2F/work/actions": [{}, {"action": "dance"}, {"action": []}],
    "/api/x/settings": [
        {"log_level": 1},
        {"log_level": "loud"},
        {"memory_high_watermark_bytes": "much"},
        {"memory_high_watermark_ratio": []},
        {"disk_free_limit_ratio": -1},
    ],
    "/api/x/backup": [{"folder": 1}, {"folder": "not/from/the/root"}],
}


def path_of(route):
    return "/api/" + "/".join(
        PLACES[each[1:-1]] if each.startswith("{") else each for each in route.parts
    )


@pytest.mark.parametrize(
    "route", WITH_BODY, ids=[f"{each.method} {path_of(each)}" for each in WITH_BODY]
)
def test_a_body_that_makes_no_sense_is_400(api, route):
    api.put("/api/queues/%2F/work")
    for body in BODIES + WRONG_TYPES[path_of(route)]:
        reply = api.request(route.method, path_of(route), body)
        assert reply.refusal[:2] == (400, "bad_request"), body


def test_what_is_not_json_is_called_so(api):
    assert api.put("/api/queues/%2F/work", b"{").refusal == (400, "bad_request", "not_json")


def test_a_value_of_another_type_is_named(api):
    reason = api.put("/api/queues/%2F/work", {"durable": [1]}).refusal[2]
    assert reason == "Expected `bool`, got `array` - at `$.durable`"


def test_half_a_character_is_no_text(api):
    body = b'{"arguments":{"a":"\\ud800"}}'
    assert api.put("/api/queues/%2F/work", body).refusal == (400, "bad_request", "not_json")


def test_members_that_nobody_knows_are_left_alone(api):
    assert api.put("/api/queues/%2F/work", {"colour": "blue", "vhost": 7}).status == 201


# One for each maximum there is.
OF_EACH_SIZE = list({each.body_max_bytes: each for each in WITH_BODY}.values())


@pytest.mark.parametrize("route", OF_EACH_SIZE, ids=[path_of(each) for each in OF_EACH_SIZE])
def test_a_body_that_is_too_large_is_refused(api, route):
    body = b'{"a":"' + b"x" * route.body_max_bytes + b'"}'
    reply = api.request(route.method, path_of(route), body)
    assert reply.refusal == (
        400,
        "bad_request",
        f"the body is larger than {route.body_max_bytes} octets",
    )


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(calls, "BODY_TIMEOUT_SECONDS", 0.0)
    with in_memory() as memory:
        reply = memory.request("PUT", "/api/queues/%2F/work", Ellipsis)
    reason = "the body has not come within 0 s"
    assert reply.refusal == (408, "request_timeout", reason)
    assert reply.headers["connection"] == "close"


def test_a_body_just_not_too_large_is_taken(api):
    filling = b"x" * (BODY_MAX_BYTES - len(b'{"a":""}'))
    assert api.put("/api/queues/%2F/work", b'{"a":"' + filling + b'"}').status == 201


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/api/queues", "HEAD, GET, OPTIONS"),
        ("GET", "/api/queues/%2F/work/contents", "DELETE, OPTIONS"),
        ("PATCH", "/api/queues/%2F/work", "HEAD, GET, PUT, DELETE, OPTIONS"),
        ("PUT", "/api/bindings/%2F/e/amq.topic/q/work", "HEAD, GET, POST, OPTIONS"),
        ("GET", "/api/x/stop", "POST, OPTIONS"),
    ],
)
def test_a_method_that_a_path_does_not_answer_is_405(api, method, path, allow):
    reply = api.request(method, path)
    assert (reply.status, reply.headers["allow"]) == (405, allow)
    assert reply.json["error"] == "method_not_allowed"


def test_head_is_get_without_a_body(api):
    reply = api.request("HEAD", "/api/whoami")
    assert (reply.status, reply.content) == (200, b"")
    assert int(reply.headers["content-length"]) == len(api.get("/api/whoami").content)


def test_an_error_of_the_program_is_logged_and_told_as_500(broker, api, monkeypatch, caplog):
    def broken():
        raise RuntimeError("the inside of the program")

    monkeypatch.setattr("leveret.monitor.Monitor.memory_used_bytes", lambda monitor: broken())
    status, error, reason = api.get("/api/x/status").refusal
    assert (status, error) == (500, "internal_error")
    assert "inside" not in reason
    assert "RuntimeError: the inside of the program" in caplog.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/queues/%2F/q", {"durable": True}),
        ("/api/exchanges/%2F/x", {"durable": True}),
        ("/api/vhosts/lab", {}),
        ("/api/users/ada", {"password": "password", "tags": ""}),
    ],
)
def test_what_cannot_be_stored_is_told_as_500_with_the_reason(broker, api, caplog, path, body):
    trigger = (
        "CREATE TRIGGER full BEFORE INSERT ON definition BEGIN SELECT RAISE(FAIL, 'full'); END"
    )
    broker.server._definitions._database.execute(trigger)
    reason = "the definitions could not be written: full"
    assert api.put(path, body).refusal == (500, "internal_error", reason)
    assert api.get(path).status == 404
    assert not any(record.exc_info for record in caplog.records), "that is no defect of ours"


def test_a_change_is_logged_with_who_made_it(api, caplog):
    caplog.set_level("INFO", "leveret.management")
    api.put("/api/queues/%2F/a%0Ab")
    assert caplog.messages == ["PUT /api/queues/%2F/a%0Ab by 'guest': 201"]


def test_a_client_that_goes_away_in_its_body_leaves_nothing_behind(broker, api, caplog):
    head = (
        "PUT /api/queues/%2F/work HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        "Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n{"
    )
    with socket.create_connection((broker.host, broker.server.http_port)) as peer:
        peer.sendall(head.encode())
    assert api.get("/api/queues").json == []
    assert "internal error" not in caplog.text


def test_who_is_deleted_while_the_body_comes_is_not_heard(broker, api):
    """The request was let in; by the time it can be carried out its user is nobody."""
    broker.add_user("ada", "password", "administrator")
    head = (
        "PUT /api/users/back-door HTTP/1.1\r\nHost: x\r\nContent-Length: 27\r\n"
        "Expect: 100-continue\r\nAuthorization: Basic YWRhOnBhc3N3b3Jk\r\n\r\n"
    )
    with socket.create_connection((broker.host, broker.server.http_port), 10) as peer:
        peer.sendall(head.encode())
        # The body is asked for once the request has been let in.
        assert peer.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        api.delete("/api/users/ada")
        peer.sendall(b'{"tags":"x","password":"x"}')
        assert peer.recv(1000).startswith(b"HTTP/1.1 401")
    assert api.get("/api/users/back-door").status == 404
