"""Many policies, limits, permissions and parameters: their lists are like those of queues."""

from collections.abc import Iterator
from typing import cast

import pytest

from leveret.broker.policies import OPERATOR_POLICY, POLICY, Policy
from leveret.broker.seams import Pending
from leveret.testing import EmbeddedBroker

from .client import Client

MANY = 1500
PATHS = (
    "/api/policies",
    "/api/policies/%2F",
    "/api/operator-policies",
    "/api/operator-policies/%2F",
    "/api/parameters",
    "/api/parameters/policy",
    "/api/parameters/operator_policy/%2F",
    "/api/topic-permissions",
    "/api/vhosts/%2F/topic-permissions",
    "/api/users/guest/topic-permissions",
    "/api/user-limits",
)


@pytest.fixture(scope="module")
def broker():
    """One for all: nobody here changes anything."""
    with EmbeddedBroker(http_enabled=True) as embedded:
        broker, users = embedded.server.broker, embedded.server.users
        policies = broker.vhosts["/"].policies

        def fill() -> Iterator[Pending]:
            for number in range(MANY):
                name = f"n{number * 7 % MANY:04}"
                for kind in (POLICY, OPERATOR_POLICY):
                    policy = Policy(kind, name, "^$", {"max-length": number}, 0, "queues")
                    yield policies.put(policy)
                yield users.set_topic_permissions("guest", "/", name, "", "")
                yield users.set_limits(name, {"max-channels": 1})

        # What is set is there once it is on disk.
        for pending in cast("list[Pending]", embedded.look(lambda: list(fill()))):
            embedded.ask(lambda pending=pending: pending)
        yield embedded


def key_of(row: dict) -> str:
    return row["exchange"] if "exchange" in row else row.get("name", row.get("user"))


@pytest.mark.parametrize("path", PATHS)
def test_a_long_list_is_whole_in_order_and_sent_in_parts(api, path):
    reply = api.get(path)
    rows = reply.json
    assert len(rows) == MANY
    assert [key_of(row) for row in rows] == sorted(key_of(row) for row in rows)
    # What is not made in one go has no length that could be told before.
    assert "content-length" not in reply.headers


@pytest.mark.parametrize("path", PATHS)
def test_it_has_orders_and_columns_and_no_pages(api, path):
    first = api.get(path).json[0]
    name = next(key for key in ("exchange", "name", "user") if key in first)
    rows = api.get(f"{path}?columns={name}&sort={name}&sort_reverse=true&page=1").json
    assert len(rows) == MANY
    assert rows == sorted(rows, key=lambda row: row[name], reverse=True)
    assert all(row.keys() == {name} for row in rows)


def test_what_is_in_foreign_vhosts_is_not_listed(broker):
    broker.add_vhost("own")
    broker.add_user("ada", "password", "policymaker")
    broker.set_permissions("ada", "own", "", "", "")
    ada = Client((broker.host, broker.server.http_port), "ada", "password")
    mine = {"pattern": "^$", "definition": {"max-length": 1}}
    assert ada.put("/api/policies/own/mine", mine).status == 201
    assert [row["name"] for row in ada.get("/api/policies").json] == ["mine"]
    assert ada.get("/api/operator-policies").json == []
    assert [row["name"] for row in ada.get("/api/parameters/policy").json] == ["mine"]
    assert ada.get("/api/parameters").json == []
    assert ada.get("/api/vhost-limits").json == []
    assert ada.delete("/api/policies/own/mine").status == 204
