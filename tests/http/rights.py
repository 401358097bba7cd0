"""Every operation of the API with every tag, in a vhost of one's own and in a foreign one.

`ROWS` are requests; `answers` asks each of them of a broker, as users who have one tag each, and
says how they were answered: the status, and of a 401 the reason as well. The same is asked of
RabbitMQ 3.10.8, whose answers are kept in rights.json.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from .client import Reply

TAGS = ("", "impersonator", "management", "policymaker", "monitoring", "administrator")
VHOSTS = ("own", "foreign")
# Somebody else, who has a connection of its own.
OTHER = "other"
POLICY = {"pattern": "x", "definition": {"max-length": 5}, "priority": 0, "apply-to": "all"}
PATTERNS = {"configure": "", "write": "", "read": ""}
TOPIC_PATTERNS = {"exchange": "amq.topic", "write": "", "read": ""}
MESSAGE = {"routing_key": "q", "properties": {}, "payload": "x", "payload_encoding": "string"}
GET = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}

# Method, path and body. In paths {v} is the vhost, {me} who asks, {mine} the name of a connection
# of it and {theirs} that of one of OTHER, {node} the node.
BOTH: list[tuple[str, str, Any]] = [
    ("GET", "/overview", None),
    ("GET", "/cluster-name", None),
    ("PUT", "/cluster-name", {"name": "x"}),
    ("GET", "/nodes", None),
    ("GET", "/nodes/{node}", None),
    ("GET", "/nodes/none", None),
    ("GET", "/nodes/{node}/memory", None),
    ("GET", "/nodes/{node}/memory/relative", None),
    ("GET", "/extensions", None),
    ("GET", "/whoami", None),
    ("GET", "/auth/attempts/{node}", None),
    ("DELETE", "/auth/attempts/{node}", None),
    ("GET", "/auth/attempts/{node}/source", None),
    ("DELETE", "/auth/attempts/{node}/source", None),
    ("DELETE", "/reset", None),
    ("DELETE", "/reset/{node}", None),
    ("POST", "/rebalance/queues", None),
    ("GET", "/feature-flags", None),
    ("PUT", "/feature-flags/quorum_queue/enable", {}),
    ("GET", "/parameters", None),
    ("GET", "/parameters/vhost-limits", None),
    ("GET", "/parameters/vhost-limits/{v}", None),
    ("GET", "/parameters/vhost-limits/{v}/limits", None),
    ("PUT", "/parameters/vhost-limits/{v}/limits", {"value": {"max-queues": 500}}),
    ("DELETE", "/parameters/vhost-limits/{v}/limits", None),
    ("GET", "/parameters/operator_policy/{v}/op", None),
    ("PUT", "/parameters/operator_policy/{v}/new", {"value": POLICY}),
    ("DELETE", "/parameters/operator_policy/{v}/op", None),
    ("GET", "/global-parameters", None),
    ("GET", "/global-parameters/there", None),
    ("PUT", "/global-parameters/new", {"value": 1}),
    ("DELETE", "/global-parameters/there", None),
    ("GET", "/definitions", None),
    ("GET", "/definitions/{v}", None),
    ("GET", "/all-configuration", None),
    ("POST", "/definitions", {}),
    ("POST", "/definitions/{v}", {}),
    ("POST", "/all-configuration", {}),
    ("GET", "/policies", None),
    ("GET", "/policies/{v}", None),
    ("GET", "/policies/{v}/p", None),
    ("PUT", "/policies/{v}/new", POLICY),
    ("DELETE", "/policies/{v}/p", None),
    ("GET", "/operator-policies", None),
    ("GET", "/operator-policies/{v}", None),
    ("GET", "/operator-policies/{v}/op", None),
    ("PUT", "/operator-policies/{v}/new", POLICY),
    ("DELETE", "/operator-policies/{v}/op", None),
    ("GET", "/vhost-limits", None),
    ("GET", "/vhost-limits/{v}", None),
    ("PUT", "/vhost-limits/{v}/max-queues", {"value": 500}),
    ("DELETE", "/vhost-limits/{v}/max-queues", None),
    ("GET", "/user-limits", None),
    ("GET", "/user-limits/other", None),
    ("PUT", "/user-limits/other/max-channels", {"value": 500}),
    ("DELETE", "/user-limits/other/max-channels", None),
    ("GET", "/connections", None),
    ("GET", "/connections/{mine}", None),
    ("GET", "/connections/{theirs}", None),
    ("GET", "/connections/{mine}/channels", None),
    ("GET", "/connections/{theirs}/channels", None),
    # RabbitMQ's statistics know those connections for a while that the next requests close.
    ("GET", "/channels/{mine}%20%281%29", None),
    ("GET", "/channels/{theirs}%20%281%29", None),
    ("DELETE", "/connections/{mine}", None),
    ("DELETE", "/connections/{theirs}", None),
    ("GET", "/connections/username/{me}", None),
    ("GET", "/connections/username/other", None),
    ("DELETE", "/connections/username/{me}", None),
    ("DELETE", "/connections/username/other", None),
    ("GET", "/vhosts/{v}/connections", None),
    ("GET", "/channels", None),
    ("GET", "/vhosts/{v}/channels", None),
    ("GET", "/consumers", None),
    ("GET", "/consumers/{v}", None),
    ("GET", "/exchanges", None),
    ("GET", "/exchanges/{v}", None),
    ("GET", "/exchanges/{v}/amq.topic", None),
    ("PUT", "/exchanges/{v}/new", {}),
    ("DELETE", "/exchanges/{v}/x", None),
    ("POST", "/exchanges/{v}/amq.default/publish", MESSAGE),
    ("GET", "/exchanges/{v}/amq.topic/bindings/source", None),
    ("GET", "/exchanges/{v}/amq.topic/bindings/destination", None),
    ("GET", "/queues", None),
    ("GET", "/queues/{v}", None),
    ("GET", "/queues/{v}/q", None),
    ("PUT", "/queues/{v}/new", {}),
    ("DELETE", "/queues/{v}/q", None),
    ("GET", "/queues/{v}/q/bindings", None),
    ("DELETE", "/queues/{v}/q/contents", None),
    ("POST", "/queues/{v}/q/get", GET),
    ("POST", "/queues/{v}/q/actions", {"action": "sync"}),
    ("GET", "/bindings", None),
    ("GET", "/bindings/{v}", None),
    ("GET", "/bindings/{v}/e/amq.topic/q/q", None),
    ("POST", "/bindings/{v}/e/amq.topic/q/q", {"routing_key": "another"}),
    ("GET", "/bindings/{v}/e/amq.topic/q/q/key", None),
    ("DELETE", "/bindings/{v}/e/amq.topic/q/q/key", None),
    ("GET", "/bindings/{v}/e/amq.topic/e/x", None),
    ("POST", "/bindings/{v}/e/amq.topic/e/x", {"routing_key": "another"}),
    ("GET", "/bindings/{v}/e/amq.topic/e/x/key", None),
    ("DELETE", "/bindings/{v}/e/amq.topic/e/x/key", None),
    ("GET", "/vhosts", None),
    ("GET", "/vhosts/{v}", None),
    ("PUT", "/vhosts/new", {}),
    ("PUT", "/vhosts/{v}", {}),
    ("DELETE", "/vhosts/new", None),
    ("POST", "/vhosts/{v}/start/{node}", None),
    ("GET", "/vhosts/{v}/permissions", None),
    ("GET", "/vhosts/{v}/topic-permissions", None),
    ("GET", "/users", None),
    ("GET", "/users/without-permissions", None),
    ("POST", "/users/bulk-delete", {"users": ["spare"]}),
    ("GET", "/users/other", None),
    ("PUT", "/users/new", {"password": "x", "tags": "administrator"}),
    ("PUT", "/users/{me}", {"password": "password", "tags": "administrator"}),
    ("DELETE", "/users/spare", None),
    ("GET", "/users/other/permissions", None),
    ("GET", "/users/other/topic-permissions", None),
    ("GET", "/permissions", None),
    ("GET", "/permissions/{v}/other", None),
    ("PUT", "/permissions/{v}/spare", PATTERNS),
    ("PUT", "/permissions/foreign/{me}", PATTERNS),
    ("DELETE", "/permissions/{v}/other", None),
    ("GET", "/topic-permissions", None),
    ("GET", "/topic-permissions/{v}/other", None),
    ("PUT", "/topic-permissions/{v}/spare", TOPIC_PATTERNS),
    ("DELETE", "/topic-permissions/{v}/other", None),
    ("GET", "/topic-permissions/{v}/other/amq.topic", None),
    ("DELETE", "/topic-permissions/{v}/other/amq.topic", None),
    ("GET", "/aliveness-test/{v}", None),
    ("GET", "/healthchecks/node", None),
    ("GET", "/healthchecks/node/{node}", None),
    ("GET", "/health/checks/alarms", None),
    ("GET", "/health/checks/local-alarms", None),
    ("GET", "/health/checks/virtual-hosts", None),
    ("GET", "/health/checks/node-is-quorum-critical", None),
    ("GET", "/health/checks/node-is-mirror-sync-critical", None),
    ("GET", "/health/checks/port-listener/x", None),
    ("GET", "/health/checks/protocol-listener/none", None),
    ("GET", "/health/checks/certificate-expiration/1/months", None),
]


class Broker(Protocol):
    """What is asked. `connect` opens an AMQP connection with a channel, and names it."""

    node: str

    def request(self, method: str, path: str, body: Any = None, user: str = "guest") -> Reply: ...

    def connect(self, user: str, vhost: str) -> str: ...

    def is_open(self, connection: str) -> bool: ...


class Scene:
    """The same things are there before each request; `name` is who asks."""

    def __init__(self, broker: Broker, tag: str) -> None:
        self.broker = broker
        self.name = f"a-{tag}"
        self.tag = tag
        self.connections: dict[str, str] = {}
        self._changed = True

    def answer(self, method: str, path: str, body: Any, vhost: str) -> Reply:
        """Ask, when everything is in its place."""
        if self._changed:
            self._set_up()
        for user, place in ((self.name, "mine"), (OTHER, "theirs")):
            if f"{{{place}}}" in path and not self._is_open(place):
                self.connections[place] = self.broker.connect(user, "own")
        asked = path.format(v=vhost, me=self.name, node=self.broker.node, **self._quoted())
        reply = self.broker.request(method, f"/api{asked}", body, self.name)
        self._changed = method != "GET" and reply.status < 300
        return reply

    def _is_open(self, place: str) -> bool:
        name = self.connections.get(place)
        return name is not None and self.broker.is_open(name)

    def _quoted(self) -> dict[str, str]:
        names = {"mine": "", "theirs": ""} | self.connections
        return {
            place: name.replace(" ", "%20").replace(">", "%3E") for place, name in names.items()
        }

    def _set_up(self) -> None:
        for method, path, body in self._things():
            reply = self.broker.request(method, f"/api{path}", body)
            assert reply.status < 300 or method == "DELETE", (path, reply.content)

    def _things(self) -> Iterator[tuple[str, str, Any]]:
        user = {"password": "password", "tags": self.tag}
        all_patterns = {"configure": ".*", "write": ".*", "read": ".*"}
        yield "PUT", f"/users/{self.name}", user
        for name in (OTHER, "spare"):
            yield "PUT", f"/users/{name}", user | {"tags": ""}
        for path in ("/users/new", "/global-parameters/new"):
            yield "DELETE", path, None
        yield "PUT", "/global-parameters/there", {"value": 1}
        yield "PUT", "/user-limits/other/max-channels", {"value": 500}
        yield "PUT", "/vhosts/new", {}
        for v in VHOSTS:
            yield "PUT", f"/vhosts/{v}", {}
            yield "PUT", f"/permissions/{v}/guest", all_patterns
            yield "PUT", f"/permissions/{v}/other", all_patterns
            yield "DELETE", f"/permissions/{v}/spare", None
            yield "DELETE", f"/topic-permissions/{v}/spare", None
            yield "PUT", f"/topic-permissions/{v}/other", TOPIC_PATTERNS
            for path in ("policies", "operator-policies", "exchanges", "queues"):
                yield "DELETE", f"/{path}/{v}/new", None
            yield "PUT", f"/policies/{v}/p", POLICY
            yield "PUT", f"/operator-policies/{v}/op", POLICY
            yield "PUT", f"/vhost-limits/{v}/max-queues", {"value": 500}
            yield "PUT", f"/queues/{v}/q", {"durable": True}
            yield "PUT", f"/exchanges/{v}/x", {"type": "topic"}
            for end in ("q/q", "e/x"):
                yield "POST", f"/bindings/{v}/e/amq.topic/{end}", {"routing_key": "key"}
        yield "PUT", f"/permissions/own/{self.name}", all_patterns
        yield "DELETE", f"/permissions/foreign/{self.name}", None


def answers(
    broker: Broker,
    rows: list[tuple[str, str, Any]],
    seen: Callable[[str, str, Reply], object] = lambda method, path, reply: None,
) -> dict[str, dict[str, list[str]]]:
    """By request and tag: the answers, in the own vhost and in the foreign one where there are two.
    `seen` is told of each."""
    found: dict[str, dict[str, list[str]]] = {}
    for tag in TAGS:
        scene = Scene(broker, tag)
        for method, path, body in rows:
            of_tag = found.setdefault(f"{method} {path}", {}).setdefault(tag, [])
            for vhost in VHOSTS if "{v}" in path else VHOSTS[:1]:
                reply = scene.answer(method, path, body, vhost)
                seen(method, path, reply)
                of_tag.append(_shown(reply))
    return found


def _shown(reply: Reply) -> str:
    if reply.status != 401:
        return str(reply.status)
    _, error, reason = reply.refusal
    return f"401 {error}: {reason}"
