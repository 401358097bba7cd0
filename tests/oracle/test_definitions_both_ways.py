"""Definitions go from RabbitMQ to Leveret and back, and are the same."""

from collections.abc import Callable
from typing import Any

from .conftest import Api

USERS = [
    {"name": "ada", "password": "secret", "tags": ["management", "policymaker"]},
    {"name": "ž %2F/<b>", "password": "x", "tags": []},
    {"name": "nobody", "password_hash": "", "tags": []},
]
# What a broker makes for itself, and what names its release.
OF_THE_BROKER_ITSELF = {
    "rabbit_version",
    "rabbitmq_version",
    "product_name",
    "product_version",
    "global_parameters",
}


def furnish(api: Api) -> None:
    for user in USERS:
        name = quoted(str(user["name"]))
        tags = ",".join(user["tags"])
        api.put(f"users/{name}", {**user, "tags": tags})
    for vhost in ("v", "a/b", "ž"):
        name = quoted(vhost)
        api.put(f"vhosts/{name}", {})
        api.put(f"permissions/{name}/ada", {"configure": "^a", "write": "", "read": ".*"})
        api.put(
            f"topic-permissions/{name}/ada", {"exchange": "amq.topic", "write": "a", "read": "b"}
        )
        api.put(
            f"policies/{name}/p1",
            {
                "pattern": "^q",
                "definition": {"max-length": 5, "dead-letter-exchange": "x"},
                "priority": 3,
                "apply-to": "queues",
            },
        )
        api.put(
            f"operator-policies/{name}/op",
            {"pattern": "", "definition": {"expires": 3_600_000}, "apply-to": "queues"},
        )
        api.put(f"vhost-limits/{name}/max-queues", {"value": 50})
        api.put(
            f"exchanges/{name}/x",
            {"type": "topic", "durable": True, "arguments": {"alternate-exchange": "amq.fanout"}},
        )
        api.put(f"exchanges/{name}/h", {"type": "headers", "durable": True, "internal": True})
        api.put(f"exchanges/{name}/t", {"type": "fanout", "durable": False, "auto_delete": False})
        arguments = {
            "x-message-ttl": 60000,
            "x-max-priority": 5,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": "",
            "mine": {"a": [1, "two", True], "b": 1.5},
        }
        api.put(f"queues/{name}/q1", {"durable": True, "arguments": arguments})
        api.put(f"queues/{name}/q2", {"durable": True, "arguments": {"x-queue-type": "quorum"}})
        api.put(f"queues/{name}/q3%2F%3C", {"durable": False, "auto_delete": False})
        api.post(
            f"bindings/{name}/e/x/q/q1", {"routing_key": "a.#.ž", "arguments": {"x-match": "any"}}
        )
        api.post(f"bindings/{name}/e/x/q/q1", {"routing_key": ""})
        api.post(f"bindings/{name}/e/x/e/h", {"routing_key": "*", "arguments": {"n": -7}})
    api.put("user-limits/ada/max-connections", {"value": 7})


def quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


def set_of(definitions: dict[str, Any]) -> dict[str, list[Any]]:
    """Definitions without their order."""
    return {
        kind: sorted((canonical(kind, each) for each in things), key=repr)
        for kind, things in definitions.items()
        if kind not in OF_THE_BROKER_ITSELF
    }


def canonical(kind: str, thing: dict[str, Any]) -> Any:
    if kind == "vhosts":
        # 3.10.8 exports nothing but the name.
        return thing["name"]
    return sorted((key, repr_of(value)) for key, value in thing.items())


def repr_of(value: Any) -> str:
    if isinstance(value, dict):
        return repr(sorted((key, repr_of(each)) for key, each in value.items()))
    return repr(value)


def test_from_rabbitmq_to_leveret_and_back(
    rabbitmq_api: Api, leveret_api: Api, another_rabbitmq: Callable[[], Api]
) -> None:
    furnish(rabbitmq_api)
    original = rabbitmq_api.get("definitions")
    leveret_api.post("definitions", original)
    ours = leveret_api.get("definitions")
    assert set_of(ours) == set_of(original)
    other = another_rabbitmq()
    other.post("definitions", ours)
    assert set_of(other.get("definitions")) == set_of(original)


def test_from_leveret_to_rabbitmq(rabbitmq_api: Api, leveret_api: Api) -> None:
    furnish(leveret_api)
    ours = leveret_api.get("definitions")
    rabbitmq_api.post("definitions", ours)
    assert set_of(rabbitmq_api.get("definitions")) == set_of(ours)


def test_one_vhost_goes_into_another_broker_s_vhost(rabbitmq_api: Api, leveret_api: Api) -> None:
    furnish(rabbitmq_api)
    leveret_api.put("vhosts/new", {})
    leveret_api.post("definitions/new", rabbitmq_api.get("definitions/a%2Fb"))
    found = leveret_api.get("definitions/new")
    assert {each["name"] for each in found["queues"]} == {"q1", "q2", "q3/<"}
    assert not any("vhost" in each for each in (*found["queues"], *found["bindings"]))
    rabbitmq_api.put("vhosts/back", {})
    rabbitmq_api.post("definitions/back", found)
    again = rabbitmq_api.get("definitions/back")
    for kind in ("queues", "exchanges", "bindings"):
        assert set_of({kind: again[kind]}) == set_of({kind: found[kind]})
