"""The things that there are lists of: where they are found, in which order, by which names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leveret.management.lists import Family
from leveret.management.views import (
    binding_view,
    channel_name,
    channel_view,
    connection_view,
    consumer_view,
    consumers_of,
    default_binding_view,
    exchange_view,
    permissions_view,
    queue_view,
    user_view,
    vhost_view,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leveret.access.permissions import Permissions
    from leveret.access.users import User
    from leveret.amqp.channel import Channel
    from leveret.amqp.connection import Connection
    from leveret.amqp.consumer import ChannelConsumer
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Binding, Exchange
    from leveret.broker.vhost import VHost
    from leveret.management.context import Management

    View = dict[str, object]
    InVHost = tuple[VHost, Any]
    Found = Iterator[list[InVHost]]
    Granted = tuple[tuple[str, str], Permissions]


def _vhosts(management: Management, name: str | None) -> list[VHost]:
    vhosts = management.broker.vhosts
    if name is None:
        return list(vhosts.values())
    # It may have gone since the request was let in.
    return [vhosts[name]] if name in vhosts else []


def _order(found: InVHost) -> tuple[str, str]:
    vhost, named = found
    return vhost.name, named.name


def _name(found: InVHost) -> str:
    return str(found[1].name)


# --- queues, exchanges, bindings: each with its vhost ---


def _queues(management: Management, vhost: str | None) -> Found:
    for each in _vhosts(management, vhost):
        yield [(each, queue) for queue in each.queues.values()]


def _queue_view(management: Management, found: tuple[VHost, ClassicQueue]) -> View:
    return queue_view(management, *found)


def _exchanges(management: Management, vhost: str | None) -> Found:
    for each in _vhosts(management, vhost):
        yield [(each, exchange) for exchange in each.exchanges.values()]


def _exchange_view(_management: Management, found: tuple[VHost, Exchange]) -> View:
    return exchange_view(*found)


def _bindings(management: Management, vhost: str | None) -> Found:
    """The name of a queue stands for its binding to the default exchange."""
    for each in _vhosts(management, vhost):
        yield [(each, name) for name in each.queues]
        for exchange in list(each.exchanges.values()):
            yield [(each, binding) for binding in each.bindings.leaving(exchange)]


def _binding_order(found: tuple[VHost, Binding | str]) -> tuple[str, str, str, str]:
    vhost, binding = found
    if isinstance(binding, str):
        return vhost.name, "", binding, binding
    # Both kinds of destinations have names.
    destination: Any = binding.destination
    return vhost.name, binding.source.name, destination.name, binding.routing_key


def _binding_view(_management: Management, found: tuple[VHost, Binding | str]) -> View:
    vhost, binding = found
    if isinstance(binding, str):
        return default_binding_view(vhost, binding)
    return binding_view(vhost, binding)


QUEUES: Final = Family(_queues, _order, _queue_view, _name)
EXCHANGES: Final = Family(_exchanges, _order, _exchange_view, _name)
BINDINGS: Final = Family(_bindings, _binding_order, _binding_view)


# --- connections, channels, consumers ---


def _connections(management: Management, vhost: str | None) -> Iterator[list[Connection]]:
    yield [
        connection
        for connection in management.administration.connections()
        if vhost is None or (connection.vhost is not None and connection.vhost.name == vhost)
    ]


def _connection_name(connection: Connection) -> str:
    return connection.peer.name


def _channels(management: Management, vhost: str | None) -> Iterator[list[Channel]]:
    for some in _connections(management, vhost):
        for connection in some:
            yield list(connection.channels.open.values())


def _channel_order(channel: Channel) -> tuple[str, int]:
    return channel.connection.peer.name, channel.number


def _consumers(management: Management, vhost: str | None) -> Iterator[list[ChannelConsumer]]:
    for each in _vhosts(management, vhost):
        for queue in list(each.queues.values()):
            yield consumers_of(queue)


def _consumer_order(consumer: ChannelConsumer) -> tuple[str, str]:
    return consumer.channel.vhost.name, consumer.queue.name


CONNECTIONS: Final = Family(_connections, _connection_name, connection_view, _connection_name)
CHANNELS: Final = Family(_channels, _channel_order, channel_view, channel_name)
CONSUMERS: Final = Family(_consumers, _consumer_order, consumer_view)


# --- vhosts and access ---


def _all_vhosts(management: Management, vhost: str | None) -> Iterator[list[VHost]]:
    yield _vhosts(management, vhost)


def _vhost_name(vhost: VHost) -> str:
    return vhost.name


VHOSTS: Final = Family(_all_vhosts, _vhost_name, vhost_view, _vhost_name)


def _users(management: Management, _vhost: str | None) -> Iterator[list[User]]:
    yield list(management.users.users.values())


def _user_name(user: User) -> str:
    return user.name


def _user_view(management: Management, user: User) -> View:
    return user_view(user, management.users.limits.get(user.name, {}))


def _permissions(management: Management, vhost: str | None) -> Iterator[list[Granted]]:
    permissions = management.users.permissions
    yield [item for item in permissions.items() if vhost is None or item[0][1] == vhost]


def _permissions_order(granted: Granted) -> tuple[str, str]:
    (user, vhost), _ = granted
    return vhost, user


def _permissions_view(_management: Management, granted: Granted) -> View:
    (user, vhost), permissions = granted
    return permissions_view(user, vhost, permissions)


USERS: Final = Family(_users, _user_name, _user_view)
PERMISSIONS: Final = Family(_permissions, _permissions_order, _permissions_view)
