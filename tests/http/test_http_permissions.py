"""What permissions are needed for is the same over HTTP as over AMQP, whatever the tag."""

from itertools import combinations

import pytest

from leveret.testing.memory_server import MemoryServer
from leveret.wire.constants import FRAME_METHOD
from leveret.wire.frames import header_frame, method_frame
from leveret.wire.methods import (
    BasicGet,
    BasicPublish,
    ChannelClose,
    ExchangeBind,
    ExchangeDeclare,
    ExchangeDelete,
    ExchangeUnbind,
    QueueBind,
    QueueDeclare,
    QueueDelete,
    QueuePurge,
    QueueUnbind,
    decode_method,
)

from .in_memory import in_memory

MESSAGE = {"routing_key": "q", "properties": {}, "payload": "x", "payload_encoding": "string"}
GET = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
ENDS = {"destination": "x", "source": "amq.topic", "routing_key": "key"}
BOUND = {"queue": "q", "exchange": "amq.topic", "routing_key": "key"}
# A request, the same as a method of AMQP, and what it needs.
OPERATIONS = [
    ("PUT", "/queues/%2F/new", {}, QueueDeclare(queue="new"), {"configure"}),
    ("DELETE", "/queues/%2F/q", None, QueueDelete(queue="q"), {"configure"}),
    ("DELETE", "/queues/%2F/q/contents", None, QueuePurge(queue="q"), {"read"}),
    ("POST", "/queues/%2F/q/get", GET, BasicGet(queue="q"), {"read"}),
    (
        "PUT",
        "/exchanges/%2F/new",
        {},
        ExchangeDeclare(exchange="new", type="direct"),
        {"configure"},
    ),
    ("DELETE", "/exchanges/%2F/x", None, ExchangeDelete(exchange="x"), {"configure"}),
    ("POST", "/exchanges/%2F/x/publish", MESSAGE, BasicPublish(exchange="x"), {"write"}),
    ("POST", "/bindings/%2F/e/amq.topic/q/q", {}, QueueBind(**BOUND), {"write", "read"}),
    ("DELETE", "/bindings/%2F/e/amq.topic/q/q/key", None, QueueUnbind(**BOUND), {"write", "read"}),
    ("POST", "/bindings/%2F/e/amq.topic/e/x", {}, ExchangeBind(**ENDS), {"write", "read"}),
    (
        "DELETE",
        "/bindings/%2F/e/amq.topic/e/x/key",
        None,
        ExchangeUnbind(**ENDS),
        {"write", "read"},
    ),
]
PERMISSIONS = ("configure", "write", "read")
SETS = [set(some) for size in range(4) for some in combinations(PERMISSIONS, size)]


def set_up(memory, permitted, tag):
    memory.request("PUT", "/api/queues/%2F/q", {"durable": True})
    memory.request("PUT", "/api/exchanges/%2F/x", {})
    for end in ("q/q", "e/x"):
        memory.request("POST", f"/api/bindings/%2F/e/amq.topic/{end}", {"routing_key": "key"})
    patterns = [".*" if each in permitted else "" for each in PERMISSIONS]
    memory.server.add_user("ada", "password", tag)
    memory.server.set_permissions("ada", "/", *patterns)


def amqp_refuses(memory, method):
    peer = memory.peer(memory.connect("ada", "/"))
    peer.send(method_frame(1, method.encode()))
    if isinstance(method, BasicPublish):
        peer.send(header_frame(1, b"\0\0", 0))
    answer = peer.receive()
    if not answer or answer[0] != FRAME_METHOD:
        return False
    size = int.from_bytes(answer[3:7], "big")
    closed = decode_method(answer[7 : 7 + size])
    return isinstance(closed, ChannelClose) and closed.reply_code == 403


@pytest.mark.parametrize("tag", ["management", "administrator"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: f"{row[0]} {row[1]}")
def test_http_refuses_what_amqp_refuses(operation, tag):
    method, path, body, same, needed = operation
    for permitted in SETS:
        with in_memory() as memory:
            set_up(memory, permitted, tag)
            reply = memory.request(method, f"/api{path}", body, "ada")
        with in_memory() as memory:
            set_up(memory, permitted, tag)
            refused = amqp_refuses(memory, same)
        assert refused == (not needed <= permitted), permitted
        if refused:
            # RabbitMQ's status for what a publisher may not do is another.
            assert reply.status == (400 if path.endswith("publish") else 401), permitted
            assert "refused for user 'ada'" in reply.json["reason"]
        else:
            assert reply.status < 300, (permitted, reply.content)


def test_a_topic_permission_holds_over_http():
    with in_memory() as memory:
        server: MemoryServer = memory.server
        set_up(memory, set(PERMISSIONS), "management")
        server.set_topic_permissions("ada", "/", "amq.topic", "^mine$", "^mine$")
        for key, status in (("mine", 200), ("theirs", 400)):
            message = MESSAGE | {"routing_key": key}
            path = "/api/exchanges/%2F/amq.topic/publish"
            assert memory.request("POST", path, message, "ada").status == status
        for key, status in (("mine", 201), ("theirs", 401)):
            path = "/api/bindings/%2F/e/amq.topic/q/q"
            assert memory.request("POST", path, {"routing_key": key}, "ada").status == status
