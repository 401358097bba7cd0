"""A request that waits is overtaken: what it needs goes away meanwhile."""

import itertools

import pytest

from leveret.management.pace import Pace

from .in_memory import in_memory


@pytest.fixture
def memory():
    with in_memory() as broker:
        yield broker


def test_a_policy_is_refused_once_permission_is_gone_before_its_body_has_come(memory):
    memory.request("PUT", "/api/users/ada", {"tags": "policymaker", "password": "password"})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    memory.request("PUT", "/api/permissions/%2f/ada", everything)

    async def body():
        yield b'{"pattern": ".*",'
        assert (await memory.ask("DELETE", "/api/permissions/%2f/ada")).status == 204
        yield b'"definition": {"max-length": 1}}'

    reply = memory.request("PUT", "/api/policies/%2f/late", body(), "ada")
    assert (reply.status, reply.json["error"]) == (401, "not_authorised")
    assert memory.request("GET", "/api/policies").json == []


@pytest.mark.parametrize(
    ("path", "wrapped"),
    [("operator-policies/v/op", False), ("parameters/operator_policy/v/op", True)],
)
def test_a_policy_leaves_nothing_of_itself_in_a_vhost_that_goes_meanwhile(memory, path, wrapped):
    memory.request("PUT", "/api/vhosts/v", {})
    queues = [{"name": f"queue-{number:05}", "vhost": "v"} for number in range(10)]
    memory.request("POST", "/api/definitions", {"queues": queues})
    policy = {"pattern": "(a|b|q)+ueue.*[0-9]+$", "definition": {"max-length": 1}, "priority": 0}

    overtaken = []

    async def let_others(_slices):
        if not overtaken:
            overtaken.append(path)
            assert (await memory.ask("DELETE", "/api/vhosts/v")).status == 204

    ticks = itertools.count()
    memory.management.lists.new_pace = lambda: Pace(lambda: float(next(ticks)), let_others)
    body = {"value": policy} if wrapped else policy
    assert memory.request("PUT", f"/api/{path}", body).status in (400, 404)
    assert overtaken
    stored = [key for kind, key, *_ in memory.server.broker.definitions.load() if "op" in key]
    assert stored == []
