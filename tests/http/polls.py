"""What KEDA's rabbitmq scaler and Datadog's rabbitmq check ask of the API and read in its answers.

Facts of those programs: KEDA reads `protocol: http` into structures of Go, for which 1.0 is no
integer; of what Datadog's tables name, it takes what is there, and says nothing of the rest.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

COUNT, REAL, TEXT = int, float, str

# --- KEDA ---

# Of a queue, by the path in JSON. All but `name` may be missing, and then are 0.
KEDA_QUEUE: dict[str, type] = {
    "name": TEXT,
    "messages": COUNT,
    "messages_ready": COUNT,
    "messages_unacknowledged": COUNT,
    "message_stats/publish_details/rate": REAL,
    "message_stats/deliver_get_details/rate": REAL,
}
# Of a page of queues. More pages than one are an error to it.
KEDA_PAGE: dict[str, type] = {"page_count": COUNT, "items": list}
KEDA_PAGE_SIZE = 100


def keda_path(queue: str, vhost: str = "", *, regex: bool = False) -> str:
    """The request; `vhost` is the path of the `host` setting or `vhostName`, "" the first vhost."""
    where = quote_plus(vhost) if vhost else "%2F"
    if regex:
        return (
            f"/api/queues/{where}?page=1&use_regex=true&pagination=false"
            f"&name={quote_plus(queue)}&page_size={KEDA_PAGE_SIZE}"
        )
    return f"/api/queues/{where}/{quote_plus(queue)}"


# --- Datadog ---


def _counted(*names: str) -> list[str]:
    return [
        path
        for name in names
        for path in (f"message_stats/{name}", f"message_stats/{name}_details/rate")
    ]


def _lengths(*prefix: str) -> list[str]:
    names = ("messages", "messages_ready", "messages_unacknowledged")
    above = "".join(f"{each}/" for each in prefix)
    return [path for name in names for path in (f"{above}{name}", f"{above}{name}_details/rate")]


_PASSED = ("ack", "confirm", "deliver_get", "publish", "publish_in", "publish_out")
_PASSED_TOO = ("return_unroutable", "redeliver")

# By the request: the paths that are metrics. All are made a float, but these.
DATADOG: dict[str, list[str]] = {
    "overview": [
        *(f"object_totals/{name}" for name in ("connections", "channels", "queues", "consumers")),
        *_lengths("queue_totals"),
        *_counted(*_PASSED, *_PASSED_TOO),
    ],
    "exchanges": _counted(*_PASSED, *_PASSED_TOO),
    "queues": [
        *("active_consumers", "consumers", "consumer_utilisation", "head_message_timestamp"),
        "memory",
        *_lengths(),
        *_counted("ack", "deliver", "deliver_get", "publish", "redeliver"),
    ],
    "nodes": [
        *("fd_used", "disk_free", "mem_used", "mem_limit", "run_queue", "sockets_used"),
        *("partitions", "running", "mem_alarm", "disk_free_alarm"),
    ],
}
DATADOG_CASTS = {"partitions": len, "head_message_timestamp": int}
# What tells one thing from another.
DATADOG_TAGS = {
    "overview": ("cluster_name", "rabbitmq_version"),
    "exchanges": ("name", "vhost"),
    "queues": ("node", "name", "vhost"),
    "nodes": ("name",),
}


def datadog_paths(vhost: str, queue: str) -> list[str]:
    """All requests of a check of one vhost with one queue, the lists above left out."""
    v = quote_plus(vhost)
    return [
        "/api/vhosts",
        "/api/connections",
        f"/api/vhosts/{v}/connections",
        f"/api/queues/{v}",
        f"/api/queues/{v}/{quote_plus(queue)}/bindings",
        f"/api/aliveness-test/{v}",
    ]


def read(row: Any, path: str) -> Any:
    """What is at a path in JSON; None if that is nowhere."""
    for name in path.split("/"):
        row = row.get(name) if isinstance(row, dict) else None
    return row


def wrong(row: Any, fields: dict[str, type]) -> Iterator[str]:
    """The fields that a row has not, or that the program's language would not take."""
    for path, kind in fields.items():
        value = read(row, path)
        # Any number is a real one; of integers, only such are.
        fits = type(value) in (int, float) if kind is REAL else type(value) is kind
        if not fits:
            yield f"{path}: {value!r}"
