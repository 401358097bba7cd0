"""Answers have the keys and types of RabbitMQ's (recorded from 3.10.8), save what this lists."""

import json

import pytest

from leveret.testing import EmbeddedBroker

from .client import Client
from .shapes import PATHS, RECORDED, SETTINGS, differences, named, scene, shape_of

# Keys that this broker does not have, wherever they are, by the reason.
LEFT_OUT = {
    "the innards of RabbitMQ's queues": {
        "backing_queue_status",
        "open_files",
        "pending_raft_commands",
        "recoverable_slaves",
    },
    "the innards of Erlang's runtime and of its sockets": {
        "erlang_full_version",
        "erlang_version",
        "garbage_collection",
        "reductions",
        "reductions_details",
        "socket_opts",
    },
    "its store has no operations of this kind": {
        "disk_reads",
        "disk_reads_details",
        "disk_writes",
        "disk_writes_details",
    },
    "who sells support": {"release_series_support_status"},
    # test_message_stats.py shows that it comes.
    "whatever has just been used is not idle": {"idle_since"},
}
# And those that it does not have of some things, though it does of others.
LEFT_OUT_BELOW = {
    # What the allocators of Erlang's runtime hold, by purpose.
    "/api/nodes/NODE/memory": {"memory"},
    # An exchange does not remember who declared it.
    "/api/exchanges": {"user_who_performed_action"},
    # Octets are counted for each connection.
    "/api/vhosts": {"recv_oct", "recv_oct_details", "send_oct", "send_oct_details"},
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
# What a node does not say.
LEFT_OUT_OF_A_NODE = {
    "there are no other nodes": {"cluster_links"},
    "there is no limit of its own for sockets": {"sockets_total"},
    "samples are taken of what clients do": {
        "disk_free_details",
        "fd_used_details",
        "mem_used_details",
        "sockets_used_details",
    },
    "the innards of Erlang's runtime": {
        "context_switches",
        "gc_bytes_reclaimed",
        "gc_num",
        "mem_calculation_strategy",
        "net_ticktime",
        "proc_total",
        "proc_used",
    },
    "the innards of RabbitMQ's stores": {
        "io_read_avg_time",
        "io_read_bytes",
        "io_read_count",
        "io_reopen_count",
        "io_seek_avg_time",
        "io_seek_count",
        "io_sync_avg_time",
        "io_sync_count",
        "io_write_avg_time",
        "io_write_bytes",
        "io_write_count",
        "metrics_gc_queue_length",
        "mnesia_disk_tx_count",
        "mnesia_ram_tx_count",
        "msg_store_read_count",
        "msg_store_write_count",
        "queue_index_read_count",
        "queue_index_write_count",
        "ra_open_file_metrics",
    },
}


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
    known = below.union(*LEFT_OUT.values())
    return not known.isdisjoint(difference.removeprefix("-").split("."))


def is_added(path: str, difference: str) -> bool:
    return difference in ADDED or any(
        path.startswith(start) and difference.startswith(f"+{what}")
        for start, what in ADDED_BELOW.items()
    )


SERVED = [path for path in PATHS if path not in (*NODES, *NOT_SERVED)]


def found_differences(api, path: str) -> list[str]:
    reply = api.get(named(path, lambda family: api.get(family).json))
    assert reply.status == 200
    return list(differences(json.loads(RECORDED.read_text())[path], shape_of(reply.json)))


@pytest.mark.parametrize("path", SERVED)
def test_an_answer_has_the_shape_of_rabbitmqs(broker, api, path):
    with scene(broker.url):
        found = found_differences(api, path)
    unexplained = [
        each for each in found if not is_left_out(path, each) and not is_added(path, each)
    ]
    assert unexplained == []


def test_every_reason_for_leaving_a_key_out_is_needed(broker, api):
    with scene(broker.url):
        missing = {path: lacks(found_differences(api, path)) for path in SERVED}
    for key in set().union(*LEFT_OUT.values()):
        assert any(key in keys for keys in missing.values()), key
    for start, keys in LEFT_OUT_BELOW.items():
        below = set().union(*(missing[path] for path in SERVED if path.startswith(start)))
        assert keys <= below, start


def lacks(found: list[str]) -> set[str]:
    return {part for each in found if each[0] == "-" for part in each.removeprefix("-").split(".")}


@pytest.mark.parametrize("path", NOT_SERVED)
def test_what_is_not_served_is_not_found(broker, api, path):
    assert path in json.loads(RECORDED.read_text())
    with scene(broker.url):
        assert api.get(named(path, lambda family: api.get(family).json)).status == 404


def test_a_node_says_what_rabbitmqs_says_save_what_is_listed(broker, api):
    recorded = json.loads(RECORDED.read_text())["/api/nodes"]
    (node,) = api.get("/api/nodes").json
    found = list(differences(recorded, shape_of([node])))
    assert [each for each in found if each[0] != "-"] == []
    # Without a data folder there is no disk to speak of.
    of_a_disk = {"-db_dir", "-disk_free"}
    assert set(found) - of_a_disk == {
        f"-{key}{end}"
        for key in set().union(*LEFT_OUT_OF_A_NODE.values())
        for end in ("", "_details")
        if f"{key}{end}" in recorded[0]
    }
    assert api.get(f"/api/nodes/{node['name']}").json.keys() == node.keys()
    assert api.get("/api/nodes/another").status == 404
