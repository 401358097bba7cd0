"""What there is in the broker: queues, exchanges, bindings, connections, channels, consumers."""

from typing import Any, Final

import click

from leveret.cli.ctl.answers import Rows
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.columns import (
    Columns,
    ColumnsArgument,
    absent,
    field,
    fields,
    names_field,
    table_field,
)
from leveret.cli.ctl.terms import Cell, host
from leveret.cli.ctl.verb import table_headers_option, verb
from leveret.cli.ctl.vhosts import no_vhost

# Erlang's process ids stand for connections, channels and queues there. Here a connection's and a
# channel's name does; a queue has no process.
QUEUES: Final = Columns(
    {
        **fields("name", "durable", "auto_delete"),
        "arguments": table_field("arguments"),
        **fields("policy"),
        "pid": absent,
        "owner_pid": field("owner_pid_details.name"),
        # A quorum queue cannot be, and says nothing of it.
        "exclusive": lambda queue: None if queue["type"] == "quorum" else queue["exclusive"],
        "exclusive_consumer_pid": absent,
        **fields(
            "exclusive_consumer_tag",
            "messages_ready",
            "messages_unacknowledged",
            "messages",
            "messages_ready_ram",
            "messages_unacknowledged_ram",
            "messages_ram",
            "messages_persistent",
            "message_bytes",
            "message_bytes_ready",
            "message_bytes_unacknowledged",
            "message_bytes_ram",
            "message_bytes_persistent",
            "head_message_timestamp",
            "disk_reads",
            "disk_writes",
            "consumers",
            "consumer_utilisation",
            "consumer_capacity",
            "memory",
        ),
        "slave_pids": absent,
        "synchronised_slave_pids": absent,
        **fields("state", "type", "leader"),
        "members": names_field("members"),
        "online": names_field("online"),
    },
    ("name", "messages"),
)
EXCHANGES: Final = Columns(
    {
        **fields("name", "type", "durable", "auto_delete", "internal"),
        "arguments": table_field("arguments"),
        **fields("policy"),
    },
    ("name", "type"),
)
BINDINGS: Final = Columns(
    {
        "source_name": field("source"),
        "source_kind": lambda binding: "exchange",
        "destination_name": field("destination"),
        "destination_kind": field("destination_type"),
        "routing_key": field("routing_key"),
        "arguments": table_field("arguments"),
    },
    (
        "source_name",
        "source_kind",
        "destination_name",
        "destination_kind",
        "routing_key",
        "arguments",
    ),
)
CONNECTIONS: Final = Columns(
    {
        "pid": field("name"),
        **fields("name", "port"),
        "host": lambda connection: host(connection["host"]),
        "peer_port": field("peer_port"),
        "peer_host": lambda connection: host(connection["peer_host"]),
        **fields("ssl", "ssl_protocol", "ssl_key_exchange", "ssl_cipher", "ssl_hash"),
        **fields("peer_cert_subject", "peer_cert_issuer", "peer_cert_validity"),
        **fields("state", "channels"),
        # The version of the protocol, a tuple of Erlang's.
        "protocol": lambda connection: Cell("{0,9,1}", [0, 9, 1]),
        **fields("auth_mechanism", "user", "vhost", "timeout", "frame_max", "channel_max"),
        "client_properties": table_field("client_properties"),
        **fields("recv_oct", "recv_cnt", "send_oct", "send_cnt", "send_pend", "connected_at"),
    },
    ("user", "peer_host", "peer_port", "state"),
)
CHANNELS: Final = Columns(
    {
        "pid": field("name"),
        "connection": field("connection_details.name"),
        **fields("name", "number", "user", "vhost", "transactional", "confirm", "consumer_count"),
        **fields("messages_unacknowledged", "messages_uncommitted", "acks_uncommitted"),
        **fields("messages_unconfirmed", "prefetch_count", "global_prefetch_count"),
    },
    ("pid", "user", "consumer_count", "messages_unacknowledged"),
)
CONSUMERS: Final = Columns(
    {
        "queue_name": field("queue.name"),
        "channel_pid": field("channel_details.name"),
        **fields("consumer_tag", "ack_required", "prefetch_count", "active", "activity_status"),
        "arguments": table_field("arguments"),
    },
    (
        "queue_name",
        "channel_pid",
        "consumer_tag",
        "ack_required",
        "prefetch_count",
        "active",
        "arguments",
    ),
    ordered=True,
)


@verb(
    ColumnsArgument(QUEUES),
    click.Option(["--online"], is_flag=True, help="Only queues that run."),
    click.Option(["--offline"], is_flag=True, help="Only queues that do not run."),
    click.Option(["--local"], is_flag=True, help="Only queues of this node, which is all."),
    table_headers_option(),
)
def list_queues(
    call: Call, columns: tuple[str, ...], online: bool, offline: bool, local: bool
) -> Rows:
    """List the queues of a vhost, with the messages in each."""
    call.announce(f"Timeout: {float(call.timeout_seconds)} seconds ...")
    call.announce(f"Listing queues for vhost {call.vhost} ...")
    queues = _of_vhost(call, "queues")
    if offline and not online and not local:
        queues = [queue for queue in queues if queue["state"] != "running"]
    return QUEUES.rows(columns, queues)


@verb(ColumnsArgument(EXCHANGES), table_headers_option())
def list_exchanges(call: Call, columns: tuple[str, ...]) -> Rows:
    """List the exchanges of a vhost."""
    call.announce(f"Listing exchanges for vhost {call.vhost} ...")
    return EXCHANGES.rows(columns, _of_vhost(call, "exchanges"))


@verb(ColumnsArgument(BINDINGS), table_headers_option())
def list_bindings(call: Call, columns: tuple[str, ...]) -> Rows:
    """List the bindings of a vhost."""
    call.announce(f"Listing bindings for vhost {call.vhost}...")
    return BINDINGS.rows(columns, _of_vhost(call, "bindings"))


@verb(ColumnsArgument(CONNECTIONS), table_headers_option())
def list_connections(call: Call, columns: tuple[str, ...]) -> Rows:
    """List the connections to all vhosts."""
    call.announce("Listing connections ...")
    return CONNECTIONS.rows(columns, call.client.get("connections"))


@verb(ColumnsArgument(CHANNELS), table_headers_option())
def list_channels(call: Call, columns: tuple[str, ...]) -> Rows:
    """List the channels of all connections."""
    call.announce("Listing channels ...")
    return CHANNELS.rows(columns, call.client.get("channels"))


@verb(ColumnsArgument(CONSUMERS), table_headers_option())
def list_consumers(call: Call, columns: tuple[str, ...]) -> Rows:
    """List the consumers of a vhost's queues."""
    call.announce(f"Listing consumers in vhost {call.vhost} ...")
    return CONSUMERS.rows(columns, _of_vhost(call, "consumers"))


def _of_vhost(call: Call, kind: str) -> list[Any]:
    """The things of a vhost. rabbitmqctl lists nothing, and succeeds, where there is no vhost."""
    found: list[Any] | None = call.client.find(kind, call.vhost)
    if found is None:
        call.note(no_vhost(call.vhost))
    return found or []


VERBS = (
    list_bindings,
    list_channels,
    list_connections,
    list_consumers,
    list_exchanges,
    list_queues,
)
