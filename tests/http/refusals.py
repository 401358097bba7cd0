"""Requests that ask for something wrong, in order, for one broker after the other.

RabbitMQ 3.10.8's answers are kept in refusals.json.
"""

from typing import Any, Protocol

from .client import Reply

MESSAGE = {"routing_key": "q", "properties": {}, "payload": "x", "payload_encoding": "string"}
GET = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
POLICY = {"pattern": "x", "definition": {"max-length": 5}}
DLX = {"x-dead-letter-exchange": 5}
PUBLISH = "/exchanges/%2F/amq.default/publish"

# What is there.
FURNITURE: list[tuple[str, str, Any]] = [
    ("PUT", "/queues/%2F/q", {"durable": True}),
    ("PUT", "/queues/%2F/full", {"durable": True}),
    ("POST", PUBLISH, MESSAGE | {"routing_key": "full"}),
    ("PUT", "/exchanges/%2F/x", {"type": "topic", "durable": True}),
    ("PUT", "/exchanges/%2F/inside", {"type": "direct", "internal": True}),
    ("POST", "/bindings/%2F/e/x/q/q", {"routing_key": "key"}),
    (
        "PUT",
        "/queues/%2F/refusing",
        {"arguments": {"x-max-length": 0, "x-overflow": "reject-publish"}},
    ),
]

ROWS: list[tuple[str, str, Any]] = [
    # queues
    ("PUT", "/queues/%2F/q", {"durable": True}),
    ("PUT", "/queues/%2F/q", {"durable": False}),
    ("PUT", "/queues/%2F/q", {"durable": True, "auto_delete": True}),
    ("PUT", "/queues/%2F/q", {"durable": True, "arguments": {"x-max-length": 5}}),
    ("PUT", "/queues/%2F/new", {"arguments": {"x-max-length": -5}}),
    ("PUT", "/queues/%2F/new", {"arguments": {"x-max-length": "5"}}),
    ("PUT", "/queues/%2F/new", {"arguments": DLX}),
    ("PUT", "/queues/%2F/new", {"arguments": {"x-queue-type": "bogus"}}),
    ("PUT", "/queues/%2F/new", {"arguments": {"x-queue-type": "quorum"}}),
    ("PUT", "/queues/%2F/new", {"arguments": {"a": None}}),
    ("PUT", "/queues/nowhere/new", {}),
    ("PUT", "/queues/%2F/new", b"nonsense"),
    ("GET", "/queues/%2F/none", None),
    ("GET", "/queues/nowhere", None),
    ("DELETE", "/queues/%2F/none", None),
    ("DELETE", "/queues/nowhere/q", None),
    ("DELETE", "/queues/%2F/full?if-empty=true", None),
    ("DELETE", "/queues/%2F/none/contents", None),
    ("POST", "/queues/%2F/q/actions", {}),
    ("POST", "/queues/%2F/q/actions", {"action": "bogus"}),
    # messages
    ("POST", PUBLISH, {}),
    ("POST", PUBLISH, {"properties": {}}),
    ("POST", PUBLISH, MESSAGE | {"payload": 5}),
    ("POST", PUBLISH, MESSAGE | {"payload_encoding": "bogus"}),
    ("POST", PUBLISH, MESSAGE | {"payload": "!!", "payload_encoding": "base64"}),
    ("POST", PUBLISH, MESSAGE | {"properties": {"delivery_mode": "2"}}),
    ("POST", PUBLISH, MESSAGE | {"properties": {"delivery_mode": 7}}),
    ("POST", PUBLISH, MESSAGE | {"properties": {"content_type": 5}}),
    ("POST", PUBLISH, MESSAGE | {"properties": {"user_id": "bob"}}),
    ("POST", PUBLISH, MESSAGE | {"properties": {"expiration": "soon"}}),
    ("POST", PUBLISH, MESSAGE | {"properties": {"headers": {"a": None}}}),
    ("POST", PUBLISH, MESSAGE | {"properties": {"reply_to": "amq.rabbitmq.reply-to"}}),
    ("POST", PUBLISH, MESSAGE | {"routing_key": "refusing"}),
    ("POST", "/exchanges/%2F/none/publish", MESSAGE),
    ("POST", "/exchanges/%2F/inside/publish", MESSAGE),
    ("POST", "/queues/%2F/q/get", {}),
    ("POST", "/queues/%2F/q/get", GET | {"count": "many"}),
    ("POST", "/queues/%2F/q/get", GET | {"truncate": "much"}),
    ("POST", "/queues/%2F/q/get", GET | {"encoding": "bogus"}),
    ("POST", "/queues/%2F/none/get", GET),
    # exchanges
    ("PUT", "/exchanges/%2F/x", {"type": "topic", "durable": True}),
    ("PUT", "/exchanges/%2F/x", {"type": "direct", "durable": True}),
    ("PUT", "/exchanges/%2F/x", {"type": "topic", "durable": False}),
    ("PUT", "/exchanges/%2F/new", {"type": "bogus"}),
    ("PUT", "/exchanges/%2F/amq.new", {}),
    ("PUT", "/exchanges/nowhere/new", {}),
    ("DELETE", "/exchanges/%2F/none", None),
    ("DELETE", "/exchanges/%2F/amq.direct", None),
    ("DELETE", "/exchanges/%2F/amq.default", None),
    ("DELETE", "/exchanges/%2F/x?if-unused=true", None),
    # bindings
    ("POST", "/bindings/%2F/e/none/q/q", {}),
    ("POST", "/bindings/%2F/e/x/q/none", {}),
    ("POST", "/bindings/%2F/e/x/e/none", {}),
    ("POST", "/bindings/%2F/e/amq.default/q/q", {}),
    ("GET", "/bindings/%2F/e/x/q/q/none", None),
    ("DELETE", "/bindings/%2F/e/x/q/q/none", None),
    # vhosts, users, permissions
    ("GET", "/vhosts/nowhere", None),
    ("DELETE", "/vhosts/nowhere", None),
    ("GET", "/users/nobody", None),
    ("DELETE", "/users/nobody", None),
    ("GET", "/users/nobody/permissions", None),
    ("PUT", "/users/new", {"password": "x"}),
    ("PUT", "/users/new", {"password": "x", "password_hash": "y", "tags": ""}),
    ("POST", "/users/bulk-delete", {}),
    ("POST", "/users/bulk-delete", {"users": ["nobody"]}),
    ("GET", "/permissions/%2F/nobody", None),
    ("DELETE", "/permissions/%2F/nobody", None),
    ("PUT", "/permissions/%2F/nobody", {"configure": "", "write": "", "read": ""}),
    ("PUT", "/permissions/%2F/guest", {}),
    # policies, limits, parameters
    ("PUT", "/policies/%2F/p", {}),
    ("PUT", "/policies/%2F/p", {"pattern": "x", "definition": {"bogus": 5}}),
    ("PUT", "/policies/%2F/p", {"pattern": "(", "definition": {"max-length": 5}}),
    ("PUT", "/policies/nowhere/p", POLICY),
    ("DELETE", "/policies/%2F/none", None),
    ("PUT", "/operator-policies/%2F/p", {"pattern": "x", "definition": {"ha-mode": "all"}}),
    ("PUT", "/vhost-limits/%2F/max-queues", {}),
    ("PUT", "/vhost-limits/%2F/max-queues", {"value": "5"}),
    ("PUT", "/vhost-limits/%2F/bogus", {"value": 5}),
    ("GET", "/parameters/bogus/nowhere", None),
    ("GET", "/parameters/bogus/%2F/x", None),
    ("PUT", "/parameters/bogus/%2F/x", {}),
    ("PUT", "/parameters/bogus/%2F/x", {"value": 5}),
    ("PUT", "/parameters/bogus/nowhere/x", {"value": 5}),
    ("PUT", "/parameters/policy/%2F/x", {"value": {}}),
    ("PUT", "/parameters/operator_policy/%2F/x", {"value": POLICY}),
    ("DELETE", "/parameters/bogus/%2F/x", None),
    ("PUT", "/global-parameters/new", {}),
    ("GET", "/global-parameters/none", None),
    ("DELETE", "/global-parameters/none", None),
    ("PUT", "/cluster-name", {}),
    ("PUT", "/feature-flags/bogus/enable", {}),
    # connections, nodes, checks, nothing at all
    ("GET", "/connections/none", None),
    ("DELETE", "/connections/none", None),
    ("GET", "/channels/none", None),
    ("GET", "/nodes/none/memory", None),
    ("DELETE", "/reset/none", None),
    ("GET", "/healthchecks/node/none", None),
    ("GET", "/health/checks/port-listener/x", None),
    ("GET", "/health/checks/port-listener/1", None),
    ("GET", "/health/checks/protocol-listener/bogus", None),
    ("GET", "/health/checks/certificate-expiration/x/months", None),
    ("GET", "/health/checks/certificate-expiration/1/x", None),
    ("GET", "/consumers/nowhere", None),
    ("GET", "/nothing", None),
    ("PATCH", "/queues", None),
    ("POST", "/queues", {}),
]


class Broker(Protocol):
    def request(self, method: str, path: str, body: Any = None, user: str = "guest") -> Reply: ...


def line(row: tuple[str, str, Any]) -> str:
    """A request on a line."""
    method, path, body = row
    return f"{method} {path}" + ("" if body is None else f" {body}")


def answers(broker: Broker) -> dict[str, list[Any]]:
    """Status and JSON by request; of success the status only."""
    for method, path, body in FURNITURE:
        reply = broker.request(method, f"/api{path}", body)
        assert reply.status < 300, (path, reply.content)
    found: dict[str, list[Any]] = {}
    for method, path, body in ROWS:
        reply = broker.request(method, f"/api{path}", body)
        told = reply.json if reply.status >= 400 and reply.content else None
        found[line((method, path, body))] = [reply.status, told]
    return found
