"""Traffic of every kind, and what RabbitMQ 3.10.8 counted of it, recorded in message_stats.json.

Run as a program against a RabbitMQ with the management plugin, this records it anew:
`python traffic.py http://guest:guest@localhost:15672 amqp://guest:guest@localhost:5672`.
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

RECORDED = Path(__file__).parent / "message_stats.json"
LISTS = ("queues", "exchanges", "channels", "vhosts")


@contextmanager
def traffic(amqp_url: str) -> Iterator[None]:
    """A connection that stays open, after something of everything has happened on its channels."""
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    channel = connection.channel()
    channel.exchange_declare("topics", "topic")
    channel.exchange_declare("nowhere", "direct")
    channel.exchange_declare("dead", "fanout")
    for name in ("work", "automatic", "polled", "idle", "letters", "empty"):
        channel.queue_declare(name)
    channel.queue_declare("short", arguments={"x-max-length": 1, "x-dead-letter-exchange": "dead"})
    channel.queue_bind("letters", "dead")
    channel.queue_bind("work", "topics", "#")

    confirming = connection.channel()
    confirming.confirm_delivery()
    for _ in range(10):
        confirming.basic_publish("topics", "key", b"message")
    for _ in range(2):
        try:
            confirming.basic_publish("nowhere", "", b"", mandatory=True)
        except pika.exceptions.UnroutableError:
            continue

    plain = connection.channel()
    for name in ("automatic", "polled", "short"):
        for _ in range(5):
            plain.basic_publish("", name, b"message")
    for _ in range(3):
        plain.basic_publish("nowhere", "", b"")

    _consume(connection)
    polling = connection.channel()
    for _ in range(2):
        polling.basic_get("polled", auto_ack=True)
    method, _, _ = polling.basic_get("polled")
    polling.basic_ack(method.delivery_tag)
    polling.basic_get("polled")
    for _ in range(4):
        polling.basic_get("empty")

    committing = connection.channel()
    committing.tx_select()
    for _ in range(3):
        committing.basic_publish("topics", "key", b"")
    committing.tx_rollback()
    committing.basic_publish("topics", "key", b"")
    committing.tx_commit()
    # What was sent without an answer has been handled once something else is answered.
    for each in (plain, polling):
        each.queue_declare("idle", passive=True)
    yield
    connection.close()


def _consume(connection: pika.BlockingConnection) -> None:
    """Of ten messages two come back and are delivered again, one is rejected, four are
    acknowledged."""
    channel = connection.channel()
    tags: list[int] = []
    seen: list[bool] = []

    def take(_channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        seen.append(method.redelivered)
        tags.append(method.delivery_tag)

    channel.basic_consume("work", take, consumer_tag="consumer")
    while len(tags) < 10:
        connection.process_data_events(0.1)
    channel.basic_nack(tags[0], requeue=True)
    channel.basic_reject(tags[1], requeue=True)
    while len(tags) < 12:
        connection.process_data_events(0.1)
    channel.basic_reject(tags[2], requeue=False)
    channel.basic_ack(tags[3])
    channel.basic_ack(tags[6], multiple=True)
    taken: list[bytes] = []
    automatic = connection.channel()
    automatic.basic_consume(
        "automatic", lambda *all_of_it: taken.append(all_of_it[3]), auto_ack=True
    )
    while len(taken) < 5:
        connection.process_data_events(0.1)
    channel.basic_cancel("consumer")


def counted(get: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """The `message_stats` of everything, without rates: by the name of the thing."""
    found = {}
    for name in LISTS:
        for row in get(f"/api/{name}"):
            # Of a channel's name, what does not depend on its port.
            stats = row.get("message_stats")
            label = f"{name} {row['number'] if name == 'channels' else row['name']}"
            found[label] = None if stats is None else _counts(stats)
    found["overview"] = _counts(get("/api/overview")["message_stats"])
    for name in LISTS[:2]:
        alone = get(f"/api/{name}/%2F/{quote('work' if name == 'queues' else 'topics')}")
        found[f"{name} alone"] = _counts(alone["message_stats"])
    return found


def _counts(stats: dict[str, Any]) -> dict[str, Any]:
    """The counts; and of rates, that there are any."""
    assert all(f"{name}_details" in stats for name in stats if not name.endswith("_details"))
    return {name: stats[name] for name in sorted(stats) if not name.endswith("_details")}


def record(http_url: str, amqp_url: str) -> dict[str, dict[str, Any]]:
    parts = urlsplit(http_url)
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    base = f"http://{parts.hostname}:{parts.port}"
    passwords.add_password(None, base, parts.username or "", parts.password or "")
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))

    def get(path: str) -> Any:
        with opener.open(base + path) as response:
            return json.load(response)

    with traffic(amqp_url):
        # RabbitMQ's statistics must catch up.
        threading.Event().wait(12)
        return counted(get)


if __name__ == "__main__":
    found = record(*sys.argv[1:3])
    rows = [f" {json.dumps(name)}: {json.dumps(found[name])}" for name in sorted(found)]
    RECORDED.write_text("{\n" + ",\n".join(rows) + "\n}\n")
