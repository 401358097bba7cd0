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


def test_who_imports_a_vhost_gets_no_rights_in_it_once_it_is_gone(memory, monkeypatch):
    broker, users = memory.server.broker, memory.management.users
    set_permissions = users.set_permissions

    def and_meanwhile(user, vhost, *patterns):
        if vhost == "first":
            memory.management.administration.delete_vhost("second")
        return set_permissions(user, vhost, *patterns)

    monkeypatch.setattr(users, "set_permissions", and_meanwhile)
    body = {"vhosts": [{"name": "first"}, {"name": "second"}]}
    assert memory.request("POST", "/api/definitions", body).status == 204
    assert "second" not in broker.vhosts
    assert {vhost for user, vhost in users.permissions if user == "guest"} == {"/", "first"}


def test_who_imports_gets_no_rights_in_vhosts_that_others_make_meanwhile(memory, monkeypatch):
    broker, users = memory.server.broker, memory.management.users
    put_user = users.put_user

    def and_meanwhile(user):
        broker.add_vhost("of others")
        return put_user(user)

    monkeypatch.setattr(users, "put_user", and_meanwhile)
    body = {"users": [{"name": "ada"}], "vhosts": [{"name": "v"}]}
    assert memory.request("POST", "/api/definitions", body).status == 204
    assert "of others" in broker.vhosts
    assert {vhost for user, vhost in users.permissions if user == "guest"} == {"/", "v"}


def test_who_makes_a_vhost_gets_no_rights_in_it_once_it_is_gone(memory, monkeypatch):
    broker, users = memory.server.broker, memory.management.users
    add_vhost = broker.add_vhost

    def and_then_deleted(*arguments):
        made = add_vhost(*arguments)
        memory.management.administration.delete_vhost("v")
        return made

    monkeypatch.setattr(broker, "add_vhost", and_then_deleted)
    assert memory.request("PUT", "/api/vhosts/v", {}).status == 201
    assert "v" not in broker.vhosts
    assert {vhost for user, vhost in users.permissions if user == "guest"} == {"/"}
