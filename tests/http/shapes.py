"""The shapes of RabbitMQ's answers: keys and types, recorded in shapes.json.

Run as a program against a RabbitMQ with the management plugin, this records them anew:
`python shapes.py http://guest:guest@localhost:15672 amqp://guest:guest@localhost:5672`.
"""

import json
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pika

RECORDED = Path(__file__).parent / "shapes.json"

# What is put over HTTP before the scene: something of everything that is not in vhost / by itself.
SETTINGS: tuple[tuple[str, Any], ...] = (
    ("/api/policies/%2F/short", {"pattern": "^classic$", "definition": {"max-length": 1000}}),
    ("/api/operator-policies/%2F/low", {"pattern": "^none$", "definition": {"max-length": 5}}),
    ("/api/vhost-limits/%2F/max-queues", {"value": 1000}),
    ("/api/user-limits/guest/max-channels", {"value": 1000}),
    ("/api/topic-permissions/%2F/guest", {"exchange": "amq.topic", "write": "", "read": ".*"}),
    ("/api/global-parameters/own", {"value": "text"}),
    ("/api/users/nobody", {"password": "password", "tags": ""}),
)

# CONNECTION, CHANNEL, NODE and PORT stand for what the scene has.
PATHS = (
    "/api/overview",
    "/api/cluster-name",
    "/api/extensions",
    "/api/auth",
    "/api/auth/attempts/NODE",
    "/api/feature-flags",
    "/api/definitions",
    "/api/definitions/%2F",
    "/api/all-configuration",
    "/api/parameters",
    "/api/parameters/vhost-limits",
    "/api/parameters/vhost-limits/%2F",
    "/api/parameters/vhost-limits/%2F/limits",
    "/api/global-parameters",
    "/api/global-parameters/own",
    "/api/policies",
    "/api/policies/%2F",
    "/api/policies/%2F/short",
    "/api/operator-policies",
    "/api/operator-policies/%2F",
    "/api/operator-policies/%2F/low",
    "/api/vhost-limits",
    "/api/vhost-limits/%2F",
    "/api/user-limits",
    "/api/user-limits/guest",
    "/api/topic-permissions",
    "/api/topic-permissions/%2F/guest",
    "/api/vhosts/%2F/topic-permissions",
    "/api/users/guest/topic-permissions",
    "/api/users/without-permissions",
    "/api/queues?page=1",
    "/api/exchanges?page=1",
    "/api/connections?page=1",
    "/api/channels?page=1",
    "/api/vhosts?page=1",
    "/api/connections/username/guest",
    "/api/whoami",
    "/api/vhosts",
    "/api/vhosts/%2F",
    "/api/users",
    "/api/users/guest",
    "/api/users/guest/permissions",
    "/api/vhosts/%2F/permissions",
    "/api/permissions",
    "/api/permissions/%2F/guest",
    "/api/queues",
    "/api/queues/%2F",
    "/api/queues/%2F/classic",
    "/api/queues/%2F/quorum",
    "/api/queues/%2F/classic/bindings",
    "/api/exchanges",
    "/api/exchanges/%2F",
    "/api/exchanges/%2F/routes",
    "/api/exchanges/%2F/routes/bindings/source",
    "/api/exchanges/%2F/amq.fanout/bindings/destination",
    "/api/bindings",
    "/api/bindings/%2F",
    "/api/bindings/%2F/e/routes/q/classic",
    "/api/bindings/%2F/e/routes/q/classic/plain",
    "/api/bindings/%2F/e/routes/e/amq.fanout",
    "/api/connections",
    "/api/connections/CONNECTION",
    "/api/connections/CONNECTION/channels",
    "/api/vhosts/%2F/connections",
    "/api/channels",
    "/api/channels/CHANNEL",
    "/api/vhosts/%2F/channels",
    "/api/consumers",
    "/api/consumers/%2F",
    "/api/nodes",
    "/api/nodes/NODE",
    "/api/nodes/NODE/memory",
    "/api/nodes/NODE/memory/relative",
    "/api/healthchecks/node",
    "/api/aliveness-test/%2F",
    "/api/health/checks/alarms",
    "/api/health/checks/local-alarms",
    "/api/health/checks/virtual-hosts",
    "/api/health/checks/node-is-quorum-critical",
    "/api/health/checks/node-is-mirror-sync-critical",
    "/api/health/checks/protocol-listener/amqp",
    "/api/health/checks/port-listener/PORT",
    "/api/health/checks/certificate-expiration/1/days",
)


@contextmanager
def scene(amqp_url: str) -> Iterator[None]:
    """Something of everything in vhost /, with a connection that stays open meanwhile."""
    parameters = pika.URLParameters(amqp_url)
    parameters.client_properties = {"connection_name": "the scene"}
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare("classic", durable=True)
    channel.queue_declare("own", exclusive=True)
    channel.queue_declare("quorum", durable=True, arguments={"x-queue-type": "quorum"})
    channel.exchange_declare("routes", "topic", durable=True)
    channel.queue_bind("classic", "routes", "plain")
    channel.queue_bind("classic", "routes", "with arguments", {"a": 1})
    channel.exchange_bind("amq.fanout", "routes", "onwards")
    channel.confirm_delivery()
    for _ in range(3):
        channel.basic_publish("", "classic", b"message")
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume("classic", lambda *_: None, consumer_tag="first")
    yield
    connection.close()


def named(path: str, get: Callable[[str], Any]) -> str:
    """The path with the names that the scene has."""
    families = {"CONNECTION": "connections", "CHANNEL": "channels", "NODE": "nodes"}
    for place, family in families.items():
        if place in path:
            path = path.replace(place, quote(get(f"/api/{family}")[0]["name"], safe=""))
    if "PORT" in path:
        listeners = get("/api/overview")["listeners"]
        port = next(each["port"] for each in listeners if each["protocol"] == "amqp")
        path = path.replace("PORT", str(port))
    return path


def shape_of(value: Any) -> Any:
    """Keys and types: an array has the merged shape of its elements."""
    if isinstance(value, dict):
        # A key with an at sign is the name of a node.
        return {"NODE" if "@" in key else key: shape_of(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        merged: Any = None
        for element in value:
            merged = _merged(merged, shape_of(element))
        return [merged]
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "null" if value is None else "string"


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return {key: _merged(one.get(key), other.get(key)) for key in keys}
    if one in (None, "null"):
        return other if other is not None else one
    return one


def differences(recorded: Any, answered: Any, at: str = "") -> Iterator[str]:
    """What one lacks, what one has in excess, what is of another type: `-key`, `+key`, `~key`.

    A key that is null on either side may have any type on the other.
    """
    if isinstance(recorded, dict) and isinstance(answered, dict):
        for key in sorted({*recorded, *answered}):
            place = f"{at}.{key}" if at else key
            if key not in answered:
                yield f"-{place}"
            elif key not in recorded:
                yield f"+{place}"
            else:
                yield from differences(recorded[key], answered[key], place)
    elif isinstance(recorded, list) and isinstance(answered, list):
        yield from differences(recorded[0], answered[0], at)
    elif recorded != answered and not {"null", None} & {_hashable(recorded), _hashable(answered)}:
        yield f"~{at}"


def _hashable(shape: Any) -> Any:
    return None if shape is None else shape if isinstance(shape, str) else "composite"


def record(http_url: str, amqp_url: str) -> dict[str, Any]:
    """Every path's shape, once RabbitMQ's statistics have caught up."""
    parts = urlsplit(http_url)
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    base = f"http://{parts.hostname}:{parts.port}"
    passwords.add_password(None, base, parts.username or "", parts.password or "")
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))

    def get(path: str) -> Any:
        with opener.open(base + path) as response:
            return json.load(response)

    for path, body in SETTINGS:
        put = urllib.request.Request(
            base + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        opener.open(put).close()
    with scene(amqp_url):
        threading.Event().wait(12)
        return {path: shape_of(get(named(path, get))) for path in PATHS}


if __name__ == "__main__":
    rows = [
        f" {json.dumps(path)}: {json.dumps(shape)}"
        for path, shape in record(*sys.argv[1:3]).items()
    ]
    RECORDED.write_text("{\n" + ",\n".join(rows) + "\n}\n")
