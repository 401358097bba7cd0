"""The script that comes with RabbitMQ 3.10.8 drives Leveret unchanged."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Api

Admin = Callable[..., str]


@pytest.fixture
def admin(rabbitmqadmin: Path, leveret_api: Api) -> Admin:
    """Runs it, in a vhost; what it prints."""

    def run(*arguments: str, vhost: str | None = None) -> str:
        command = [sys.executable, str(rabbitmqadmin), "--port", str(leveret_api.port)]
        command += [*(() if vhost is None else ("--vhost", vhost)), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


def listed(
    admin: Admin, what: str, *columns: str, vhost: str | None = None
) -> list[dict[str, object]]:
    found = json.loads(admin("--format", "raw_json", "list", what, *columns, vhost=vhost))
    assert isinstance(found, list)
    return found


def test_declare_list_and_delete(admin: Admin) -> None:
    admin("declare", "vhost", "name=v")
    admin("declare", "user", "name=ada", "password=secret", "tags=management")
    admin("declare", "permission", "vhost=v", "user=ada", "configure=.*", "write=.*", "read=.*")
    admin("declare", "exchange", "name=x", "type=topic", vhost="v")
    admin("declare", "queue", "name=q", "durable=true", 'arguments={"x-max-length": 9}', vhost="v")
    admin("declare", "binding", "source=x", "destination=q", "routing_key=a.#", vhost="v")
    admin("declare", "policy", "name=p", "pattern=q", 'definition={"expires": 60000}', vhost="v")
    admin(
        "declare",
        "operator_policy",
        "name=o",
        "pattern=q",
        'definition={"expires": 9000}',
        vhost="v",
    )
    admin("declare", "vhost_limit", "vhost=v", "name=max-queues", "value=7")
    admin(
        "declare",
        "parameter",
        "component=vhost-limits",
        "name=limits",
        'value={"max-queues": 8}',
        vhost="v",
    )
    for what, name in (
        ("vhosts", "v"),
        ("users", "ada"),
        ("exchanges", "x"),
        ("queues", "q"),
        ("policies", "p"),
        ("operator_policies", "o"),
    ):
        assert name in [each["name"] for each in listed(admin, what, vhost="v")], what
    (queue,) = listed(admin, "queues", "name", "arguments", "policy", vhost="v")
    assert queue == {"name": "q", "arguments": {"x-max-length": 9}, "policy": "p"}
    assert listed(admin, "bindings", vhost="v")
    assert listed(admin, "permissions")
    assert listed(admin, "vhost_limits")
    assert listed(admin, "parameters", vhost="v")
    assert listed(admin, "nodes")
    assert listed(admin, "connections") == []
    assert listed(admin, "channels") == []
    assert listed(admin, "consumers") == []
    assert "rabbitmq_version" in admin("show", "overview")
    admin(
        "delete",
        "binding",
        "source=x",
        "destination_type=queue",
        "destination=q",
        "properties_key=a.%23",
        vhost="v",
    )
    admin("delete", "policy", "name=p", vhost="v")
    admin("delete", "operator_policy", "name=o", vhost="v")
    admin("delete", "vhost_limit", "vhost=v", "name=max-queues")
    admin("delete", "queue", "name=q", vhost="v")
    admin("delete", "exchange", "name=x", vhost="v")
    admin("delete", "permission", "vhost=v", "user=ada")
    admin("delete", "user", "name=ada")
    admin("delete", "vhost", "name=v")
    assert [each["name"] for each in listed(admin, "vhosts")] == ["/"]


@pytest.mark.parametrize("format", ["table", "long", "kvp", "tsv", "bash", "pretty_json"])
def test_every_format_of_its_lists(admin: Admin, format: str) -> None:
    admin("declare", "queue", "name=q")
    assert "q" in admin("--format", format, "list", "queues", "name", "messages")
    assert admin("--format", format, "--depth", "3", "list", "nodes")


@pytest.mark.parametrize("sort", [[], ["--sort", "name"], ["--sort", "name", "--sort-reverse"]])
def test_lists_are_sorted_as_asked(admin: Admin, sort: list[str]) -> None:
    for name in ("b", "a", "c"):
        admin("declare", "queue", f"name={name}")
    found = json.loads(admin("--format", "raw_json", *sort, "list", "queues", "name"))
    names = [each["name"] for each in found]
    assert names == (["c", "b", "a"] if "--sort-reverse" in sort else ["a", "b", "c"])


def test_publish_get_and_purge(admin: Admin) -> None:
    admin("declare", "queue", "name=q")
    assert "Message published" in admin(
        "publish", "routing_key=q", "payload=hello", 'properties={"delivery_mode": 2}'
    )
    assert "NOT routed" in admin("publish", "routing_key=nowhere", "payload=lost")
    (message,) = json.loads(admin("--format", "raw_json", "get", "queue=q"))
    assert (message["payload"], message["message_count"], message["redelivered"]) == (
        "hello",
        0,
        False,
    )
    admin("get", "queue=q", "ackmode=ack_requeue_false")
    assert "No items" in admin("get", "queue=q")
    for _ in range(3):
        admin("publish", "routing_key=q", "payload=again")
    admin("purge", "queue", "name=q")
    assert "No items" in admin("get", "queue=q")


def test_a_payload_goes_to_a_file(admin: Admin, tmp_path: Path) -> None:
    admin("declare", "queue", "name=q")
    admin("publish", "routing_key=q", "payload=hello")
    file = tmp_path / "payload"
    admin("get", "queue=q", f"payload_file={file}")
    assert file.read_text() == "hello"


def test_export_and_import(admin: Admin, tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    admin("declare", "vhost", "name=v")
    admin("declare", "queue", "name=q", vhost="v")
    admin("export", str(file))
    admin("delete", "vhost", "name=v")
    admin("import", str(file))
    assert [each["name"] for each in listed(admin, "queues", vhost="v")] == ["q"]


def test_close_a_connection(admin: Admin, leveret_api: Api) -> None:
    import pika
    from pika.exceptions import AMQPConnectionError

    port = next(
        each["port"]
        for each in leveret_api.get("overview")["listeners"]
        if each["protocol"] == "amqp"
    )
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
    (name,) = [str(each["name"]) for each in listed(admin, "connections", "name")]
    admin("close", "connection", f"name={name}")
    with pytest.raises(AMQPConnectionError):
        connection.process_data_events(10)
