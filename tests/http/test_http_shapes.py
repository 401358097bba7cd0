"""Answers have the keys and types of RabbitMQ's (recorded from 3.10.8), save what this lists."""

import json

import pytest

from leveret.testing import EmbeddedBroker

from .client import Client
from .shapes import PATHS, RECORDED, SETTINGS, differences, named, scene, shape_of

# Keys that this broker does not have, wherever they are, by the reason.
LEFT_OUT = {
    "there are no rates or counters of what has passed": {
        "churn_rates",
        "consumer_capacity",
        "consumer_utilisation",
        "idle_since",
        "message_stats",
        "recv_cnt",
        "send_cnt",
        "send_pend",
    },
    "the innards of RabbitMQ's queues": {
        "backing_queue_status",
        "message_bytes",
        "open_files",
        "pending_raft_commands",
        "recoverable_slaves",
        "single_active_consumer_ctag",
    },
    "the innards of Erlang's runtime and of its sockets": {
        "erlang_full_version",
        "erlang_version",
        "garbage_collection",
        "reductions",
        "socket_opts",
    },
    "who sells support": {"release_series_support_status"},
}
LEFT_OUT_PREFIXES = ("message_bytes_", "messages_")
# And those that it does not have of some things, though it does of others.
LEFT_OUT_BELOW = {
    # What the allocators of Erlang's runtime hold, by purpose.
    "/api/nodes/NODE/memory": {"memory"},
    "/api/exchanges": {"user_who_performed_action"},
    "/api/vhosts": {"recv_oct", "send_oct"},
}
# Routes of 3.10.8 that are not served: each is 404 until it is.
NOT_SERVED = ("/api/auth",)
NODES = ("/api/nodes", "/api/nodes/NODE")
# What is here and not in 3.10.8's answer, by the start of the path, with the reason.
ADDED_BELOW = {
    # What later releases tell too: without it vhosts lose it on their way.
    "/api/definitions": "vhosts.",
    "/api/all-configuration": "vhosts.",
}
# RabbitMQ tells the owner of a queue too, once its statistics have caught up.
ADDED = {"+owner_pid_details", "+items.owner_pid_details"}
OF_A_NODE = {"name", "type", "running", "os_pid", "uptime", "mem_used", "fd_used", "fd_total"}


@pytest.fixture(scope="module")
def broker():
    """One for all: nobody here leaves anything behind that another would mind."""
    with EmbeddedBroker(http_enabled=True) as embedded:
        api = Client((embedded.host, embedded.server.http_port), "guest", "guest")
        for path, body in SETTINGS:
            assert api.put(path, body).status in (201, 204, 404)
        yield embedded


def is_left_out(path: str, difference: str) -> bool:
    if not difference.startswith("-"):
        return False
    below = {
        key for start, keys in LEFT_OUT_BELOW.items() if path.startswith(start) for key in keys
    }
    parts = difference.removeprefix("-").split(".")
    known = below.union(*LEFT_OUT.values())
    return any(
        part in known or part.endswith("_details") or part.startswith(LEFT_OUT_PREFIXES)
        for part in parts
    )


def is_added(path: str, difference: str) -> bool:
    return difference in ADDED or any(
        path.startswith(start) and difference.startswith(f"+{what}")
        for start, what in ADDED_BELOW.items()
    )


@pytest.mark.parametrize("path", [path for path in PATHS if path not in (*NODES, *NOT_SERVED)])
def test_an_answer_has_the_shape_of_rabbitmqs(broker, api, path):
    recorded = json.loads(RECORDED.read_text())[path]
    with scene(broker.url):
        reply = api.get(named(path, lambda family: api.get(family).json))
        assert reply.status == 200
        found = differences(recorded, shape_of(reply.json))
    unexplained = [
        each for each in found if not is_left_out(path, each) and not is_added(path, each)
    ]
    assert unexplained == []


@pytest.mark.parametrize("path", NOT_SERVED)
def test_what_is_not_served_is_not_found(broker, api, path):
    assert path in json.loads(RECORDED.read_text())
    with scene(broker.url):
        assert api.get(named(path, lambda family: api.get(family).json)).status == 404


def test_a_node_says_nothing_that_rabbitmqs_would_not(broker, api):
    recorded = json.loads(RECORDED.read_text())["/api/nodes"]
    (node,) = api.get("/api/nodes").json
    assert [each for each in differences(recorded, shape_of([node])) if each[0] != "-"] == []
    assert set(node) >= OF_A_NODE
    assert api.get(f"/api/nodes/{node['name']}").json.keys() == node.keys()
    assert api.get("/api/nodes/another").status == 404
