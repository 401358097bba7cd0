"""Answers have the keys and types of RabbitMQ's (recorded from 3.10.8), save what this lists."""

import json

import pytest

from leveret.testing import EmbeddedBroker

from .shapes import PATHS, RECORDED, differences, named, scene, shape_of

# What this broker does not know: rates and statistics, the innards of RabbitMQ's queues and of
# Erlang's runtime.
LEFT_OUT = {
    "backing_queue_status",
    "churn_rates",
    "consumer_capacity",
    "consumer_utilisation",
    "erlang_full_version",
    "erlang_version",
    "garbage_collection",
    "idle_since",
    "message_bytes",
    "message_stats",
    "open_files",
    "pending_raft_commands",
    "recoverable_slaves",
    "recv_cnt",
    "reductions",
    "release_series_support_status",
    "send_cnt",
    "send_pend",
    "single_active_consumer_ctag",
    "socket_opts",
}
LEFT_OUT_PREFIXES = ("message_bytes_", "messages_")
# And what it does not know of some things, though it does of others.
LEFT_OUT_BELOW = {
    "/api/exchanges": {"user_who_performed_action"},
    "/api/vhosts": {"recv_oct", "send_oct"},
}
ADDED = {"+owner_pid_details"}
OF_A_NODE = {"name", "type", "running", "os_pid", "uptime", "mem_used", "fd_used", "fd_total"}


@pytest.fixture(scope="module")
def broker():
    """One for all: nobody here leaves anything behind that another would mind."""
    with EmbeddedBroker(http_enabled=True) as embedded:
        yield embedded


def is_left_out(path: str, difference: str) -> bool:
    if not difference.startswith("-"):
        return False
    below = {
        key for start, keys in LEFT_OUT_BELOW.items() if path.startswith(start) for key in keys
    }
    parts = difference.removeprefix("-").split(".")
    return any(
        part in LEFT_OUT | below or part.endswith("_details") or part.startswith(LEFT_OUT_PREFIXES)
        for part in parts
    )


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/api/nodes"])
def test_an_answer_has_the_shape_of_rabbitmqs(broker, api, path):
    recorded = json.loads(RECORDED.read_text())[path]
    with scene(broker.url):
        reply = api.get(named(path, lambda family: api.get(family).json))
        assert reply.status == 200
        found = differences(recorded, shape_of(reply.json))
    assert [each for each in found if not is_left_out(path, each) and each not in ADDED] == []


def test_a_node_says_nothing_that_rabbitmqs_would_not(broker, api):
    recorded = json.loads(RECORDED.read_text())["/api/nodes"]
    (node,) = api.get("/api/nodes").json
    assert [each for each in differences(recorded, shape_of([node])) if each[0] != "-"] == []
    assert set(node) >= OF_A_NODE
    assert api.get(f"/api/nodes/{node['name']}").json.keys() == node.keys()
    assert api.get("/api/nodes/another").status == 404
