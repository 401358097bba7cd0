"""/api/exchanges: declare, look, delete."""

import pytest


def test_an_exchange_is_made_with_201_and_made_again_with_204(api):
    body = {"type": "topic", "durable": True, "arguments": {"alternate-exchange": "amq.fanout"}}
    assert api.put("/api/exchanges/%2F/logs", body).status == 201
    assert api.put("/api/exchanges/%2F/logs", body).status == 204
    exchange = api.get("/api/exchanges/%2F/logs").json
    assert (exchange["type"], exchange["durable"], exchange["internal"]) == ("topic", True, False)
    assert exchange["arguments"] == {"alternate-exchange": "amq.fanout"}


def test_an_exchange_of_no_type_is_direct(api):
    assert api.put("/api/exchanges/%2F/plain").status == 201
    assert api.get("/api/exchanges/%2F/plain").json["type"] == "direct"


def test_a_vhost_has_its_seven_exchanges(api):
    assert api.names("/api/exchanges/%2F") == [
        "",
        "amq.direct",
        "amq.fanout",
        "amq.headers",
        "amq.match",
        "amq.rabbitmq.trace",
        "amq.topic",
    ]
    api.put("/api/vhosts/other")
    assert len(api.get("/api/exchanges").json) == 14


def test_the_exchange_without_a_name_is_amq_default(api):
    assert api.get("/api/exchanges/%2F/amq.default").json["name"] == ""


@pytest.mark.parametrize(
    ("method", "name", "part_of_reason"),
    [
        ("PUT", "amq.mine", "contains reserved prefix"),
        ("PUT", "amq.default", "not permitted on the default exchange"),
        ("DELETE", "amq.direct", "deletion of system exchange"),
        ("DELETE", "amq.default", "not permitted on the default exchange"),
    ],
)
def test_the_servers_own_exchanges_stay_as_they_are(api, method, name, part_of_reason):
    status, error, reason = api.request(method, f"/api/exchanges/%2F/{name}", {}).refusal
    assert (status, error) == (401, "not_authorised")
    assert part_of_reason in reason


def test_an_unknown_type_is_refused(api):
    refusal = api.put("/api/exchanges/%2F/logs", {"type": "odd"}).refusal
    assert refusal == (400, "bad_request", "unknown exchange type 'odd'")


def test_an_inequivalent_redeclare_is_refused(api):
    api.put("/api/exchanges/%2F/logs", {"type": "fanout"})
    status, error, reason = api.put("/api/exchanges/%2F/logs", {"type": "topic"}).refusal
    assert (status, error) == (400, "bad_request")
    assert reason == (
        "inequivalent arg 'type' for exchange 'logs' in vhost '/': "
        "received 'topic' but current is 'fanout'"
    )


def test_an_exchange_in_use_is_not_deleted_if_unused(api):
    api.put("/api/exchanges/%2F/logs")
    api.post("/api/bindings/%2F/e/logs/e/amq.fanout")
    refusal = api.delete("/api/exchanges/%2F/logs?if-unused=true").refusal
    assert refusal == (400, "bad_request", "exchange 'logs' in vhost '/' in use")
    assert api.delete("/api/exchanges/%2F/logs").status == 204
    assert api.delete("/api/exchanges/%2F/logs").status == 404


def test_an_exchange_that_is_not_there_is_404_whatever_is_asked(api):
    for path in ("none", "none/bindings/source", "none/bindings/destination"):
        assert api.get(f"/api/exchanges/%2F/{path}").refusal[0] == 404
