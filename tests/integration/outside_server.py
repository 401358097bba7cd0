"""The same tests against a running RabbitMQ, to prove that the tests themselves are right.

LEVERET_TEST_SERVER=host:port names the server; LEVERET_TEST_RABBITMQCTL=command lets the tests that
need users and vhosts make them there. Such a server outlives a test, so this module also undoes
what a test declared.
"""

import contextlib
import os
import secrets
import shlex
import subprocess

import pika

ADDRESS = os.environ.get("LEVERET_TEST_SERVER", "")
RABBITMQCTL = os.environ.get("LEVERET_TEST_RABBITMQCTL", "")


class OutsideServer:
    """Looks to a test like the broker fixture of Leveret's pytest plugin."""

    username = "guest"
    password = "guest"

    def __init__(self) -> None:
        host, _, port = ADDRESS.rpartition(":")
        self.host = host
        self.port = int(port)
        self.url = f"amqp://{self.username}:{self.password}@{host}:{port}/%2F"
        self._suffix = secrets.token_hex(3)
        self._names: set[str] = set()
        self._users: set[str] = set()
        self._grants: set[tuple[str, ...]] = set()
        self._vhosts: set[str] = set()

    def name(self, base: str) -> str:
        """A name that nobody else on this server uses, with nothing left under it."""
        name = f"{base}-{self._suffix}"
        self._names.add(name)
        return name

    # A control command takes half a second there, so users and vhosts live as long as the run.

    def add_user(self, name: str, password: str, tags: str = "") -> None:
        if name not in self._users:
            self._users.add(name)
            _rabbitmqctl("add_user", name, password)
            if tags:
                _rabbitmqctl("set_user_tags", name, *tags.split(","))

    def add_vhost(self, name: str) -> None:
        if name not in self._vhosts:
            self._vhosts.add(name)
            _rabbitmqctl("add_vhost", name)
            self.set_permissions(self.username, name, ".*", ".*", ".*")

    def set_permissions(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        grant = (vhost, user, configure, write, read)
        if grant not in self._grants:
            self._grants.add(grant)
            _rabbitmqctl("set_permissions", "--vhost", *grant)

    def delete_declared(self) -> None:
        """Delete whatever a test declared under the names it was given."""
        for vhost in {"/", *self._vhosts} if self._names else ():
            with self._connection(vhost) as connection:
                channel = connection.channel()
                for name in self._names:
                    channel.queue_delete(name)
                    channel.exchange_delete(name)
        self._names.clear()

    def close(self) -> None:
        for name in self._users:
            _rabbitmqctl("delete_user", name)
        for name in self._vhosts:
            _rabbitmqctl("delete_vhost", name)

    def _connection(self, vhost: str) -> contextlib.AbstractContextManager:
        credentials = pika.PlainCredentials(self.username, self.password)
        return pika.BlockingConnection(
            pika.ConnectionParameters(self.host, self.port, vhost, credentials)
        )


def _rabbitmqctl(*arguments: str) -> None:
    command = [*shlex.split(RABBITMQCTL), "--quiet", *arguments]
    subprocess.run(command, check=True, capture_output=True)
