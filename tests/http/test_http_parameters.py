"""Runtime parameters and global parameters, as RabbitMQ 3.10.8 shows and refuses them."""

import pytest

from leveret.testing.memory_server import MemoryDefinitions, MemoryServer

from .in_memory import in_memory

POLICY = {"pattern": "x", "definition": {"max-length": 5}, "priority": 0, "apply-to": "all"}


@pytest.fixture
def memory():
    with in_memory() as broker:
        yield broker


def test_limits_and_operator_policies_are_parameters_and_policies_where_asked_for(memory):
    memory.request("PUT", "/api/vhost-limits/%2F/max-queues", {"value": 1000})
    memory.request("PUT", "/api/operator-policies/%2F/op", POLICY)
    memory.request("PUT", "/api/policies/%2F/p", POLICY)
    limits = {
        "value": {"max-queues": 1000},
        "vhost": "/",
        "component": "vhost-limits",
        "name": "limits",
    }
    operator = {"value": POLICY, "vhost": "/", "component": "operator_policy", "name": "op"}
    policy = {"value": POLICY, "vhost": "/", "component": "policy", "name": "p"}
    for path, found in (
        ("", [limits, operator]),
        ("/vhost-limits", [limits]),
        ("/operator_policy/%2F", [operator]),
        ("/policy", [policy]),
        ("/unknown", []),
        ("/unknown/%2F", []),
    ):
        assert memory.request("GET", f"/api/parameters{path}").json == found, path
    assert memory.request("GET", "/api/parameters/policy/%2F/p").json == policy
    assert memory.request("GET", "/api/parameters/unknown/nowhere").status == 404
    assert memory.request("GET", "/api/parameters/unknown/%2F/x").status == 404


def test_limits_may_be_set_as_a_parameter(memory):
    path = "/api/parameters/vhost-limits/%2F/limits"
    assert memory.request("PUT", path, {"value": {"max-queues": 5}}).status == 201
    assert memory.request("PUT", path, {"value": {"max-queues": 6}}).status == 204
    assert memory.request("GET", "/api/vhost-limits").json[0]["value"] == {"max-queues": 6}
    assert memory.request("DELETE", path).status == 204
    assert memory.request("DELETE", path).status == 404
    assert memory.request("GET", "/api/vhost-limits").json == []


def test_operator_policies_may_be_set_as_a_parameter(memory):
    path = "/api/parameters/operator_policy/%2F/op"
    assert memory.request("PUT", path, {"value": POLICY}).status == 201
    assert memory.request("GET", "/api/operator-policies/%2F/op").json["pattern"] == "x"
    assert memory.request("DELETE", path).status == 204
    assert memory.request("GET", "/api/operator-policies/%2F/op").status == 404


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("foo/%2F/x", {}, "[{key_missing,value}]"),
        ("foo/%2F/x", {"value": {}}, "Validation failed\n\ncomponent foo not found\n"),
        ("policy/%2F/x", {"value": {}}, "policies may not be set using this method"),
        (
            "operator_policy/%2F/op",
            {"value": {"pattern": "x", "definition": {}}},
            'Validation failed\n\nKey "priority" not found in op\n',
        ),
    ],
)
def test_what_is_no_parameter_is_refused_in_rabbitmqs_words(memory, path, body, reason):
    refused = memory.request("PUT", f"/api/parameters/{path}", body).refusal
    assert refused == (400, "bad_request", reason)


def test_policies_are_not_cleared_as_parameters(memory):
    memory.request("PUT", "/api/policies/%2F/p", POLICY)
    assert memory.request("DELETE", "/api/parameters/policy/%2F/p").status == 400
    assert memory.request("GET", "/api/policies/%2F/p").status == 200


@pytest.mark.parametrize("value", [{"a": [1, 2]}, 5, None, "text", []])
def test_a_global_parameter_is_any_json(memory, value):
    path = "/api/global-parameters/mine"
    assert memory.request("PUT", path, {"value": value}).status == 201
    assert memory.request("PUT", path, {"value": value}).status == 204
    assert memory.request("GET", path).json == {"name": "mine", "value": value}
    assert memory.request("DELETE", path).status == 204
    assert memory.request("DELETE", path).status == 404
    assert memory.request("GET", path).status == 404


def test_the_name_of_the_cluster_is_a_global_parameter(memory):
    node = memory.node
    assert memory.request("GET", "/api/cluster-name").json == {"name": node}
    assert memory.request("GET", "/api/global-parameters").json == [
        {"name": "cluster_name", "value": node}
    ]
    assert memory.request("PUT", "/api/cluster-name", {"name": "ours"}).status == 204
    assert memory.request("GET", "/api/global-parameters/cluster_name").json["value"] == "ours"
    assert memory.request("GET", "/api/overview").json["cluster_name"] == "ours"


def test_global_parameters_and_protection_outlive_a_restart():
    definitions = MemoryDefinitions()
    before = MemoryServer(definitions=definitions)
    for name, value in (("kept", None), ("gone", 1)):
        before.broker.global_parameters.put(name, value)
    before.broker.global_parameters.clear("gone")
    vhost = before.broker.vhosts["/"]
    before.broker.protect_vhost(vhost, True)
    before.broker.describe_vhost(vhost, "still protected", [])
    after = MemoryServer(definitions=definitions)
    assert after.broker.global_parameters.values == {"kept": None}
    assert after.broker.vhosts["/"].protected
    assert after.broker.vhosts["/"].description == "still protected"


def test_a_damaged_global_parameter_is_none():
    definitions = MemoryDefinitions()
    definitions.put("global_parameter", "damaged", None)
    assert MemoryServer(definitions=definitions).broker.global_parameters.values == {}
