"""What every chapter starts from: users, vhosts, and clients that declared and consume."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pika

# Runs the command and returns what it put out.
Run = Callable[..., str]

SETTING_UP = (
    ("add_user", "ada", "lovelace"),
    ("add_user", "bob", "builder"),
    ("add_user", "carol", "singer"),
    ("set_user_tags", "carol", "management"),
    ("add_vhost", "course"),
    ("add_vhost", "empty"),
    ("set_permissions", "-p", "course", "ada", ".*", ".*", ".*"),
)
# All that a client says of itself, so that it says the same everywhere.
CLIENT_PROPERTIES = {
    "connection_name": "the worker",
    "product": "a client",
    "version": "1",
    "platform": "Python",
    "information": "none",
}


@contextmanager
def world(run: Run, port: int) -> Iterator[None]:
    """The world, and its end: whatever users and vhosts a chapter leaves are deleted."""
    for arguments in SETTING_UP:
        run("-q", *arguments)
    clients = Clients(port)
    try:
        yield
    finally:
        clients.close()
        for user in run("-s", "list_users").splitlines():
            if (name := user.split("\t")[0]) != "guest":
                run("-q", "delete_user", name)
        for vhost in run("-s", "list_vhosts").splitlines():
            if vhost != "/":
                run("-q", "delete_vhost", vhost)


class Clients:
    """Two connections of ada's; a consumer holds two of the three messages in `tasks`."""

    def __init__(self, port: int) -> None:
        credentials = pika.PlainCredentials("ada", "lovelace")
        parameters = pika.ConnectionParameters(
            "127.0.0.1",
            port,
            "course",
            credentials,
            heartbeat=0,
            client_properties=CLIENT_PROPERTIES,
        )
        self._connections = [pika.BlockingConnection(parameters) for _ in range(2)]
        self._consume(self._connections[0])
        self._connections[1].channel()

    def _consume(self, connection: pika.BlockingConnection) -> None:
        channel = connection.channel()
        limited = {"x-max-length": 10, "x-dead-letter-exchange": "dlx"}
        channel.queue_declare("tasks", durable=True, arguments=limited)
        channel.queue_declare("temp", auto_delete=True)
        channel.queue_declare("mine", exclusive=True)
        channel.queue_declare("fronta ř", durable=True, arguments={"x-queue-type": "quorum"})
        channel.exchange_declare("logs", "topic", durable=True)
        alternate = {"alternate-exchange": "logs"}
        channel.exchange_declare(
            "inner", "fanout", auto_delete=True, internal=True, arguments=alternate
        )
        channel.queue_bind("tasks", "logs", "a.*", arguments={"k": "v", "n": 5, "t": {"yes": True}})
        channel.exchange_bind("inner", "logs", "k")
        for number in range(3):
            channel.basic_publish("", "tasks", b"x" * number)
        channel.basic_qos(prefetch_count=2)
        received: list[Any] = []

        def keep(*delivery: Any) -> None:
            received.append(delivery)

        channel.basic_consume("tasks", keep, consumer_tag="steady", arguments={"x-priority": 5})
        while len(received) < 2:
            connection.process_data_events(time_limit=10)
        other = connection.channel()
        other.confirm_delivery()
        other.basic_consume("temp", keep, auto_ack=True, consumer_tag="eager")

    def close(self) -> None:
        for connection in self._connections:
            try:
                connection.close()
            except pika.exceptions.AMQPError:
                # The chapter closed it, or deleted its vhost.
                continue
