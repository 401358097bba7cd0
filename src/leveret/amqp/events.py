"""What is told of connections, channels and consumers (`leveret.broker.events`).

A pid in RabbitMQ's events is that of an Erlang process. Here it is a name, which tells one
connection or channel from every other just as well.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from leveret.broker.events import BY, INTERNAL, is_behind_reply_to, typed

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel
    from leveret.amqp.connection import Connection
    from leveret.amqp.consumer import ChannelConsumer
    from leveret.broker.events import Events

PROTOCOL: Final = "{0,9,1}"
# What RabbitMQ's own check of passwords says of a refusal, without saying why.
REFUSED: Final = "user '{}' - invalid credentials"


def login_decided(connection: Connection, user: str, succeeded: bool) -> None:
    """Somebody has tried to log in. A connection that is refused ends there."""
    events = connection.broker.events
    if not events.on:
        return
    peer = connection.peer
    about: dict[str, object] = {
        "ssl": peer.tls is not None,
        "auth_mechanism": connection.mechanism,
        "protocol": PROTOCOL,
        "peer_port": peer.port,
        "peer_host": _address(peer.host),
        "connection_name": peer.name,
        "host": _address(peer.server_host),
        "name": user,
        "connection_type": "network",
    }
    if succeeded:
        events.tell("user.authentication.success", about)
        return
    # Text in Erlang is a list of characters, and that is how it becomes a field.
    error = list(REFUSED.format(user).encode("utf-8", "surrogateescape"))
    events.tell("user.authentication.failure", {"error": error, **about})
    _connection_closed(events, connection)


def connection_created(connection: Connection, heartbeat_seconds: int) -> None:
    """A connection is open."""
    events = connection.broker.events
    if not events.on:
        return
    assert connection.vhost is not None
    peer = connection.peer
    tls = peer.tls
    certificate = tls.certificate if tls is not None else None
    about: dict[str, object] = {
        BY: connection.user,
        "node": connection.broker.node,
        "connected_at": round((connection.connected_at + connection.broker.wall_offset) * 1000),
        "client_properties": typed(connection.client_properties),
        "channel_max": connection.channels.maximum,
        "frame_max": int(connection.frame_max),
        "timeout": heartbeat_seconds,
        "vhost": connection.vhost.name,
        "user": connection.user,
        "protocol": PROTOCOL,
        "ssl_hash": tls.hash_name if tls is not None else "",
        "ssl_cipher": tls.cipher if tls is not None else "",
        "ssl_key_exchange": tls.key_exchange if tls is not None else "",
        "ssl_protocol": tls.protocol if tls is not None else "",
        "auth_mechanism": connection.mechanism,
        "peer_cert_validity": certificate.validity if certificate is not None else "",
        "peer_cert_issuer": certificate.issuer if certificate is not None else "",
        "peer_cert_subject": certificate.subject if certificate is not None else "",
        "ssl": tls is not None,
        "peer_host": _address(peer.host),
        "host": _address(peer.server_host),
        "peer_port": peer.port,
        "port": peer.server_port,
        "name": peer.name,
        "pid": connection_pid(connection),
        "type": "network",
    }
    if connection.client_name:
        about["user_provided_name"] = connection.client_name
    events.tell("connection.created", about)


def connection_closed(connection: Connection) -> None:
    """A connection that was open is so no more."""
    events = connection.broker.events
    if events.on:
        _connection_closed(events, connection)


def _connection_closed(events: Events, connection: Connection) -> None:
    about: dict[str, object] = {
        "client_properties": typed(connection.client_properties),
        "node": connection.broker.node,
        "pid": connection_pid(connection),
        "name": connection.peer.name,
    }
    if connection.client_name:
        about["user_provided_name"] = connection.client_name
    events.tell("connection.closed", about)


def channel_created(channel: Channel) -> None:
    """A channel is open."""
    events = channel.broker.events
    if events.on:
        user = channel.connection.user
        about: dict[str, object] = {
            BY: user,
            "vhost": channel.vhost.name,
            "user": user,
            "number": channel.number,
            "connection": connection_pid(channel.connection),
            "name": f"{channel.connection.peer.name} ({channel.number})",
            "pid": channel_pid(channel),
        }
        events.tell("channel.created", about)


def channel_closed(channel: Channel) -> None:
    """A channel ends, and its consumers with it; to be called while it still has them."""
    events = channel.broker.events
    if events.on:
        for consumer in channel.consumers.values():
            consumer_deleted(consumer, INTERNAL)
        about = {BY: channel.connection.user, "pid": channel_pid(channel)}
        events.tell("channel.closed", about)


def consumer_created(consumer: ChannelConsumer) -> None:
    """Somebody consumes."""
    channel = consumer.channel
    if channel.broker.events.on and not is_behind_reply_to(consumer.queue):
        about: dict[str, object] = {
            BY: channel.connection.user,
            "arguments": typed(consumer.arguments),
            "prefetch_count": int(consumer.prefetch_count),
            "queue": consumer.queue.name,
            "vhost": channel.vhost.name,
            "channel": channel_pid(channel),
            "ack_required": not consumer.no_ack,
            "exclusive": consumer.exclusive,
            "consumer_tag": consumer.tag,
        }
        channel.broker.events.tell("consumer.created", about)


def consumer_deleted(consumer: ChannelConsumer, by: str) -> None:
    """Somebody consumes no more, though there is the queue."""
    channel = consumer.channel
    events = channel.broker.events
    if events.on and not is_behind_reply_to(consumer.queue):
        events.consumer_deleted(channel.vhost.name, consumer.queue.name, consumer, by)


def connection_pid(connection: Connection) -> str:
    """What stands for the process of a connection."""
    return connection.peer.name


def channel_pid(channel: Channel) -> str:
    """What stands for the process of a channel."""
    return f"{connection_pid(channel.connection)} ({channel.number})"


def _address(host: str) -> str:
    """An address as Erlang prints it; what is none stays as it is."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    packed, size = address.packed, 1 if address.version == 4 else 2
    parts = [int.from_bytes(packed[at : at + size], "big") for at in range(0, len(packed), size)]
    return f"{{{','.join(map(str, parts))}}}"
