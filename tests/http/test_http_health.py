"""/api/health/checks and /api/aliveness-test: what probes ask."""

import pytest

OK = {"status": "ok"}
SINGLE_NODE = {"status": "ok", "reason": "single node cluster"}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("health/checks/alarms", OK),
        ("health/checks/local-alarms", OK),
        ("health/checks/virtual-hosts", OK),
        ("health/checks/is-in-service", OK),
        ("health/checks/ready-to-serve-clients", OK),
        ("health/checks/node-is-quorum-critical", SINGLE_NODE),
        ("health/checks/node-is-mirror-sync-critical", SINGLE_NODE),
        ("health/checks/certificate-expiration/1/months", OK),
        ("aliveness-test/%2F", OK),
    ],
)
def test_all_is_well(api, path, answer):
    reply = api.get(f"/api/{path}")
    assert (reply.status, reply.json) == (200, answer)


def test_an_aliveness_test_leaves_no_queue_behind(api):
    api.get("/api/aliveness-test/%2F")
    assert api.get("/api/queues").json == []
    assert api.get("/api/aliveness-test/none").status == 404


def test_ports_that_are_listened_on_are_known(broker, api):
    check = "/api/health/checks/port-listener"
    for port in (broker.port, broker.server.http_port):
        assert api.get(f"{check}/{port}").json == {"status": "ok", "port": port}
    reply = api.get(f"{check}/1")
    assert reply.status == 503
    assert reply.json == {
        "status": "failed",
        "reason": "No active listener",
        "missing": 1,
        "ports": [broker.port, broker.server.http_port],
    }


@pytest.mark.parametrize("port", ["x", "-1", "65536", "9" * 5000, "%C2%B2", "1.0"])
def test_a_port_that_is_none_is_refused(api, port):
    refusal = api.get(f"/api/health/checks/port-listener/{port}").refusal
    assert refusal == (400, "bad_request", "Invalid port")


def test_protocols_that_are_spoken_are_known(api):
    check = "/api/health/checks/protocol-listener"
    for protocol in ("amqp", "AMQP", "amqp091", "http"):
        assert api.get(f"{check}/{protocol}").json == {"status": "ok", "protocol": protocol}
    reply = api.get(f"{check}/stomp")
    assert (reply.status, reply.json["missing"]) == (503, "stomp")
    assert reply.json["protocols"] == ["amqp", "http"]


@pytest.mark.parametrize("path", ["x/days", "1/fortnights"])
def test_an_expiration_that_is_none_is_refused(api, path):
    assert api.get(f"/api/health/checks/certificate-expiration/{path}").refusal[0] == 400


def test_a_check_that_rabbitmq_does_not_know_either_is_404(api):
    assert api.get("/api/health/checks/moon-phase").status == 404
