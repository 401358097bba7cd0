"""A server that somebody else runs, and its control command."""

import json
import os
import shlex
import subprocess
import time
from contextlib import suppress
from typing import Any

from peer import TcpWire, Wire

# What rabbitmqctl has to be told for an alarm to be raised, and to be cleared.
ALARMS = {
    "memory": (("set_vm_memory_high_watermark", "0"), ("set_vm_memory_high_watermark", "0.4")),
    "disk": (("set_disk_free_limit", "100000GB"), ("set_disk_free_limit", "50MB")),
}


class TcpServer:
    """A server that others run. Its clock is the world's, and each order to it costs a process."""

    user, password, vhost = "guest", "guest", "/"

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.host, self.port = host, int(port)
        self.orders: dict[tuple[str, ...], tuple[str, ...]] = {}

    def connect(self) -> Wire:
        return TcpWire(self.host, self.port)

    def advance(self, seconds: float) -> None:
        """Time passes by itself; who waits for the server's answer waits for it."""

    def wait(self, seconds: float) -> None:
        """For what happens unseen: a little longer than it takes by the book."""
        time.sleep(seconds + 0.05)

    def add_user(self, name: str, password: str, tags: str = "") -> None:
        if ("user", name) not in self.orders:
            with suppress(subprocess.CalledProcessError):  # left behind by an interrupted run
                self.control("delete_user", name)
        if self.order("user", name, values=("add_user", name, password)) and tags:
            self.control("set_user_tags", name, *tags.split(","))

    def delete_user(self, name: str) -> None:
        self.control("delete_user", name)
        self.orders = {key: value for key, value in self.orders.items() if name not in key}

    def add_vhost(self, name: str, default_queue_type: str = "") -> None:
        typed = ("--default-queue-type", default_queue_type) if default_queue_type else ()
        self.order("vhost", name, values=("add_vhost", name, *typed))

    def set_permissions(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        values = ("set_permissions", "-p", vhost, user, configure, write, read)
        self.order("permissions", vhost, user, values=values)

    def set_topic_permissions(
        self, user: str, vhost: str, exchange: str, write: str, read: str
    ) -> None:
        self.control("set_topic_permissions", "-p", vhost, user, exchange, write, read)

    def set_vhost_limits(self, vhost: str, limits: dict[str, int]) -> None:
        self.control("set_vhost_limits", "-p", vhost, json.dumps(limits))

    def set_user_limits(self, user: str, limits: dict[str, int]) -> None:
        self.control("clear_user_limits", user, "all")
        self.control("set_user_limits", user, json.dumps(limits))

    def set_policy(self, vhost: str, name: str, pattern: str, definition: Any) -> None:
        self.control("set_policy", "-p", vhost, name, pattern, json.dumps(definition))

    def clear_policy(self, vhost: str, name: str) -> None:
        self.control("clear_policy", "-p", vhost, name)

    def raise_alarm(self, resource: str) -> None:
        if self.order("alarm", resource, values=ALARMS[resource][0]):
            # RabbitMQ answers before its connections have heard; this answer comes after them.
            self.control("eval", "rabbit_alarm:get_alarms().")

    def clear_alarm(self, resource: str) -> None:
        if self.orders.pop(("alarm", resource), None):
            self.control(*ALARMS[resource][1])

    def set_tracing(self, vhost: str, on: bool) -> None:
        self.control("trace_on" if on else "trace_off", "-p", vhost)

    def order(self, *key: str, values: tuple[str, ...]) -> bool:
        """Carry out what is not so already."""
        if self.orders.get(key) == values:
            return False
        self.control(*values)
        self.orders[key] = values
        return True

    def control(self, *words: str) -> None:
        command = os.environ["LEVERET_TEST_RABBITMQCTL"] + " " + shlex.join(words)
        subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60)

    def forget(self) -> None:
        for kind, *_, name in list(self.orders):
            if kind not in ("permissions", "alarm"):
                self.control(f"delete_{kind}", name)
