"""What the API shows of each thing: RabbitMQ's keys, derived from the broker's state on request.

Nothing is counted twice: a view reads the objects that serve the clients. Keys whose value is not
known here (what Erlang's runtime reports) are left out, as RabbitMQ leaves out statistics that
there are none of.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus

from leveret.amqp.connection import Connection
from leveret.broker.broker import PROTECTED
from leveret.broker.policies import effective_definition
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.seams import Exchange
from leveret.management.sizes import sizes_view
from leveret.wire.table import encode_table, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leveret.access.permissions import Permissions
    from leveret.access.users import User
    from leveret.amqp.channel import Channel
    from leveret.amqp.consumer import ChannelConsumer
    from leveret.amqp.peer import TlsSession
    from leveret.broker.policies import Policy
    from leveret.broker.seams import Binding
    from leveret.broker.vhost import VHost
    from leveret.management.context import Management

View = dict[str, object]

# Measured: what a queue and a message in it take beside the message's own octets, which RabbitMQ
# does not count as the queue's either.
QUEUE_BYTES: Final = 550
MESSAGE_BYTES: Final = 220


# --- vhosts and access ---


def vhost_view(management: Management, vhost: VHost, totals: View) -> View:
    """A vhost with the totals of its queues."""
    own: View = {"description": vhost.description, "tags": vhost.tags}
    metadata = dict(own)
    if vhost.own_queue_type:
        metadata["default_queue_type"] = vhost.own_queue_type
    if vhost.own_compat:
        own["compat"] = metadata["compat"] = vhost.compat.level
    if vhost.protected:
        metadata[PROTECTED] = True
    return {
        "name": vhost.name,
        **own,
        "default_queue_type": vhost.own_queue_type or "undefined",
        "metadata": metadata,
        "tracing": vhost.firehose.on,
        "cluster_state": {management.node.name: "running"},
        **totals,
    }


def user_view(user: User, limits: Mapping[str, int]) -> View:
    """A user. The hash is shown, as in RabbitMQ, to those who may change it."""
    return {
        "name": user.name,
        "password_hash": user.password_hash,
        "hashing_algorithm": user.hashing_algorithm,
        "tags": list(user.tags),
        "limits": limits,
    }


def permissions_view(user: str, vhost: str, permissions: Permissions) -> View:
    """What a user may do in a vhost."""
    return {"user": user, "vhost": vhost, **permissions.patterns}


# --- queues ---


def queue_memory(queue: ClassicQueue) -> int:
    """What a queue takes, in octets."""
    return QUEUE_BYTES + int(queue.ready_count + queue.unacked_count) * MESSAGE_BYTES


def queue_view(management: Management, vhost: VHost, queue: ClassicQueue) -> View:
    """A queue, as in lists of queues."""
    node = management.node.name
    view: View = {
        "name": queue.name,
        "vhost": vhost.name,
        "type": queue.type_name,
        "durable": queue.durable,
        "auto_delete": queue.auto_delete,
        "exclusive": queue.exclusive_owner is not None,
        "arguments": plain(queue.arguments),
        "node": node,
        "state": "running",
        **management.statistics.queue(queue),
        **sizes_view(queue),
        "consumers": len(queue.consumers),
        "memory": queue_memory(queue),
        "policy": _name_of(queue.policy),
        "operator_policy": _name_of(queue.operator_policy),
        "effective_policy_definition": effective_definition(queue.policy, queue.operator_policy),
    }
    if queue.type_name == "quorum":
        view |= {
            "leader": node,
            "members": [node],
            "online": [node],
            "single_active_consumer_ctag": _active_tag(queue),
        }
    else:
        exclusive = [consumer.tag for consumer in queue.consumers if consumer.exclusive]
        view |= {
            "exclusive_consumer_tag": exclusive[0] if exclusive else None,
            "single_active_consumer_tag": _active_tag(queue),
        }
    owner = queue.exclusive_owner
    if isinstance(owner, Connection):
        view["owner_pid_details"] = connection_details(owner)
    return view


def _active_tag(queue: ClassicQueue) -> str | None:
    """Whose turn it is where only one consumer has messages."""
    active = None if queue.ruled is None else queue.ruled.single_active()
    return None if active is None else active.tag


def consumer_view(management: Management, consumer: ChannelConsumer) -> View:
    """A consumer."""
    channel = consumer.channel
    connection = channel.connection
    peer = connection.peer
    return {
        "arguments": plain(consumer.arguments),
        "ack_required": not consumer.no_ack,
        "active": True,
        "activity_status": "up",
        "channel_details": {
            "name": channel_name(channel),
            "number": channel.number,
            "connection_name": peer.name,
            "peer_host": peer.host,
            "peer_port": peer.port,
            "node": management.node.name,
            "user": connection.user,
        },
        "consumer_tag": consumer.tag,
        "exclusive": consumer.exclusive,
        "prefetch_count": int(consumer.prefetch_count),
        "queue": {"name": consumer.queue.name, "vhost": channel.vhost.name},
    }


def policy_view(vhost: VHost, policy: Policy) -> View:
    """A policy, or an operator policy."""
    return {"vhost": vhost.name, "name": policy.name, **policy.value()}


def _name_of(policy: Policy | None) -> str | None:
    return None if policy is None else policy.name


# --- exchanges and bindings ---


def exchange_view(management: Management, vhost: VHost, exchange: Exchange) -> View:
    """An exchange; that it has no policy is not said."""
    policy: View = {} if exchange.policy is None else {"policy": exchange.policy.name}
    return {
        "name": exchange.name,
        "vhost": vhost.name,
        "type": exchange.type_name,
        "durable": exchange.durable,
        "auto_delete": exchange.auto_delete,
        "internal": exchange.internal,
        "arguments": plain(exchange.arguments),
        **policy,
        **management.statistics.exchange(exchange),
    }


def binding_view(vhost: VHost, binding: Binding) -> View:
    """A binding; `properties_key` tells it from others between the same two."""
    kind = "queue" if isinstance(binding.destination, ClassicQueue) else "exchange"
    return {
        "source": binding.source.name,
        "vhost": vhost.name,
        "destination": _destination_name(binding),
        "destination_type": kind,
        "routing_key": binding.routing_key,
        "arguments": plain(binding.arguments),
        "properties_key": properties_key(binding),
    }


def default_binding_view(vhost: VHost, queue: str) -> View:
    """The binding of a queue to the default exchange (spec §3.1.3.1), which nobody made."""
    return {
        "source": "",
        "vhost": vhost.name,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": queue,
        "arguments": {},
        "properties_key": _quoted(queue),
    }


def properties_key(binding: Binding) -> str:
    """`~` for no key and no arguments, the routing key, or that with a digest of the arguments."""
    key = _quoted(binding.routing_key)
    if not binding.arguments:
        return key or "~"
    digest = hashlib.blake2b(encode_table(binding.arguments), digest_size=9)
    return f"{key}~{digest.hexdigest()}"


def _destination_name(binding: Binding) -> str:
    destination = binding.destination
    assert isinstance(destination, ClassicQueue | Exchange)
    return destination.name


def _quoted(text: str) -> str:
    return quote_plus(text).replace("~", "%7E")


# --- connections and channels ---


def connection_view(management: Management, connection: Connection) -> View:
    """An open connection."""
    peer = connection.peer
    vhost = connection.vhost
    heartbeat = connection.heartbeat
    return {
        "name": peer.name,
        "user": connection.user,
        "vhost": vhost.name if vhost is not None else "",
        "node": management.node.name,
        "type": "network",
        "protocol": "AMQP 0-9-1",
        "state": connection_state(connection),
        "auth_mechanism": connection.mechanism,
        "host": peer.server_host,
        "port": peer.server_port,
        "peer_host": peer.host,
        "peer_port": peer.port,
        "channels": len(connection.channels.open),
        "channel_max": connection.channels.maximum,
        "frame_max": int(connection.frame_max),
        "timeout": heartbeat.interval_seconds if heartbeat is not None else 0,
        "connected_at": management.epoch_ms(connection.connected_at),
        "client_properties": plain(connection.client_properties),
        "user_provided_name": connection.client_name,
        "user_who_performed_action": connection.user,
        **management.statistics.connection(connection),
        **_tls_view(peer.tls),
    }


def _tls_view(tls: TlsSession | None) -> View:
    certificate = tls.certificate if tls is not None else None
    return {
        "ssl": tls is not None,
        "ssl_cipher": tls.cipher if tls is not None else None,
        "ssl_hash": tls.hash_name if tls is not None else None,
        "ssl_key_exchange": tls.key_exchange if tls is not None else None,
        "ssl_protocol": tls.protocol if tls is not None else None,
        "peer_cert_issuer": certificate.issuer if certificate is not None else None,
        "peer_cert_subject": certificate.subject if certificate is not None else None,
        "peer_cert_validity": certificate.validity if certificate is not None else None,
    }


def connection_state(connection: Connection) -> str:
    """`blocking` is one that has not published since there is an alarm; `flow`, one that waits
    without an alarm."""
    alarm = connection.broker.alarms.reason != ""
    if connection.blocked is not None:
        return "blocked" if alarm else "flow"
    return "blocking" if alarm else "running"


def connection_details(connection: Connection) -> View:
    """A connection, where something else is shown."""
    peer = connection.peer
    return {"name": peer.name, "peer_host": peer.host, "peer_port": peer.port}


def channel_name(channel: Channel) -> str:
    """A channel's name, as RabbitMQ forms it."""
    return f"{channel.connection.peer.name} ({channel.number})"


def channel_view(management: Management, channel: Channel) -> View:
    """An open channel."""
    connection = channel.connection
    confirms = channel.confirms
    transaction = channel.transaction
    return {
        "name": channel_name(channel),
        "number": channel.number,
        "user": connection.user,
        "user_who_performed_action": connection.user,
        "vhost": channel.vhost.name,
        "node": management.node.name,
        "state": "running",
        "connection_details": connection_details(connection),
        "consumer_count": len(channel.consumers),
        "messages_unacknowledged": int(channel.unacked.count),
        "messages_unconfirmed": confirms.unanswered_count() if confirms is not None else 0,
        "messages_uncommitted": transaction.published_count() if transaction else 0,
        "acks_uncommitted": transaction.acknowledged_count() if transaction else 0,
        "prefetch_count": channel.consumer_prefetch_count,
        "global_prefetch_count": int(channel.prefetch_count),
        "confirm": confirms is not None,
        "transactional": transaction is not None,
        **management.statistics.channel(channel),
    }
