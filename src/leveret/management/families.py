"""The things that there are lists of: where they are found, in which order, by which names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leveret.management.lists import Family
from leveret.management.pace import batches
from leveret.management.sizes import queue_sizes
from leveret.management.totals import consumers_of, totals_of
from leveret.management.views import (
    binding_view,
    channel_name,
    channel_view,
    connection_state,
    connection_view,
    consumer_view,
    default_binding_view,
    exchange_view,
    permissions_view,
    queue_view,
    user_view,
    vhost_view,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from leveret.access.permissions import Permissions
    from leveret.access.users import User
    from leveret.amqp.channel import Channel
    from leveret.amqp.connection import Connection
    from leveret.amqp.consumer import ChannelConsumer
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Binding, Exchange
    from leveret.broker.vhost import VHost
    from leveret.management.context import Management
    from leveret.management.pace import Pace
    from leveret.management.totals import Totals

    View = dict[str, object]
    InVHost = tuple[VHost, Any]
    Found = AsyncIterator[list[InVHost]]
    Totaled = tuple[VHost, Totals]
    Granted = tuple[tuple[str, str], Permissions]


async def vhosts_by_name(management: Management, name: str | None, pace: Pace) -> list[VHost]:
    """A vhost, or all of them in order if the name is None."""
    vhosts = management.broker.vhosts
    names = await pace.sorted(list(vhosts)) if name is None else [name]
    # One may have gone meanwhile.
    return [vhosts[each] for each in names if each in vhosts]


def _topology(management: Management, name: str | None) -> object:
    vhosts = management.broker.vhosts
    if name is not None:
        return name in vhosts and (vhosts[name], vhosts[name].generation.number)
    return [(each, each.generation.number) for each in vhosts.values()]


def _name(found: InVHost) -> str:
    return str(found[1].name)


# --- queues, exchanges, bindings: each with its vhost ---


async def _queues(management: Management, vhost: str | None, pace: Pace) -> Found:
    for each in await vhosts_by_name(management, vhost, pace):
        queues = each.queues
        for names in batches(await pace.sorted(list(queues))):
            yield [(each, queues[name]) for name in names if name in queues]


def _queue_view(management: Management, found: tuple[VHost, ClassicQueue]) -> View:
    return queue_view(management, *found)


async def _exchanges(management: Management, vhost: str | None, pace: Pace) -> Found:
    for each in await vhosts_by_name(management, vhost, pace):
        exchanges = each.exchanges
        for names in batches(await pace.sorted(list(exchanges))):
            yield [(each, exchanges[name]) for name in names if name in exchanges]


def _exchange_view(management: Management, found: tuple[VHost, Exchange]) -> View:
    return exchange_view(management, *found)


async def _bindings(management: Management, vhost: str | None, pace: Pace) -> Found:
    """By source and destination. The name of a queue stands for its binding to the default
    exchange."""
    for each in await vhosts_by_name(management, vhost, pace):
        for names in batches(await pace.sorted(list(each.queues))):
            yield [(each, name) for name in names]
        for name in await pace.sorted(list(each.exchanges)):
            exchange = each.exchanges.get(name)
            leaving = [] if exchange is None else each.bindings.leaving(exchange)
            for some in batches(await pace.sorted(leaving, _binding_order)):
                yield [(each, binding) for binding in some]


def _binding_order(binding: Binding) -> tuple[str, str]:
    # Both kinds of destinations have names.
    destination: Any = binding.destination
    return destination.name, binding.routing_key


def _binding_view(_management: Management, found: tuple[VHost, Binding | str]) -> View:
    vhost, binding = found
    if isinstance(binding, str):
        return default_binding_view(vhost, binding)
    return binding_view(vhost, binding)


def _size(name: str) -> Callable[[InVHost], object]:
    return lambda found: queue_sizes(found[1])[name]


# What tables of queues are mostly sorted by, and what is mostly asked for of many.
QUEUE_KEYS: Final[dict[str, Callable[[InVHost], object]]] = {
    "name": _name,
    "vhost": lambda found: found[0].name,
    "type": lambda found: found[1].type_name,
    "consumers": lambda found: len(found[1].consumers),
    "messages": lambda found: (
        found[1].ready_count + found[1].unacked_count + found[1].waiting_count
    ),
    "messages_ready": lambda found: found[1].ready_count,
    "messages_unacknowledged": lambda found: found[1].unacked_count,
    **{
        name: _size(name)
        for name in (
            "message_bytes",
            "message_bytes_ready",
            "message_bytes_unacknowledged",
            "message_bytes_ram",
            "message_bytes_persistent",
        )
    },
}

QUEUES: Final = Family(_queues, _queue_view, _name, QUEUE_KEYS, _topology)
EXCHANGES: Final = Family(_exchanges, _exchange_view, _name, stamp=_topology)
BINDINGS: Final = Family(_bindings, _binding_view, stamp=_topology)


# --- connections, channels, consumers ---


async def _connections(
    management: Management, vhost: str | None, pace: Pace
) -> AsyncIterator[list[Connection]]:
    connections = [
        connection
        for connection in management.administration.connections()
        if vhost is None or (connection.vhost is not None and connection.vhost.name == vhost)
    ]
    yield await pace.sorted(connections, _connection_name)


def _connection_name(connection: Connection) -> str:
    return connection.peer.name


async def _channels(
    management: Management, vhost: str | None, pace: Pace
) -> AsyncIterator[list[Channel]]:
    async for connections in _connections(management, vhost, pace):
        for connection in connections:
            channels = connection.channels.open
            yield [channels[number] for number in sorted(channels)]


async def _consumers(
    management: Management, vhost: str | None, pace: Pace
) -> AsyncIterator[list[ChannelConsumer]]:
    async for found in _queues(management, vhost, pace):
        for _, queue in found:
            yield consumers_of(queue) if queue.consumers else []


# The same of connections.
CONNECTION_KEYS: Final[dict[str, Callable[[Connection], object]]] = {
    "name": _connection_name,
    "user": lambda connection: connection.user,
    "state": connection_state,
    "peer_host": lambda connection: connection.peer.host,
    "peer_port": lambda connection: connection.peer.port,
    "channels": lambda connection: len(connection.channels.open),
}

CONNECTIONS: Final = Family(_connections, connection_view, _connection_name, CONNECTION_KEYS)
CHANNELS: Final = Family(_channels, channel_view, channel_name)
CONSUMERS: Final = Family(_consumers, consumer_view)


# --- vhosts and access ---


async def _all_vhosts(
    management: Management, vhost: str | None, pace: Pace
) -> AsyncIterator[list[Totaled]]:
    for each in await vhosts_by_name(management, vhost, pace):
        yield [(each, await totals_of([each], pace))]


def _vhost_view(management: Management, found: Totaled) -> View:
    vhost, totals = found
    return vhost_view(management, vhost, management.statistics.vhost(vhost, totals))


async def _users(
    management: Management, _vhost: str | None, pace: Pace
) -> AsyncIterator[list[User]]:
    yield await pace.sorted(list(management.users.users.values()), _user_name)


def _user_name(user: User) -> str:
    return user.name


def _user_view(management: Management, user: User) -> View:
    return user_view(user, management.users.limits.get(user.name, {}))


async def _permissions(
    management: Management, vhost: str | None, pace: Pace
) -> AsyncIterator[list[Granted]]:
    permissions = management.users.permissions
    granted = [item for item in permissions.items() if vhost is None or item[0][1] == vhost]
    yield await pace.sorted(granted, _permissions_order)


def _permissions_order(granted: Granted) -> tuple[str, str]:
    (user, vhost), _ = granted
    return vhost, user


def _permissions_view(_management: Management, granted: Granted) -> View:
    (user, vhost), permissions = granted
    return permissions_view(user, vhost, permissions)


VHOSTS: Final = Family(_all_vhosts, _vhost_view, lambda found: str(found[0].name))
USERS: Final = Family(_users, _user_view)
PERMISSIONS: Final = Family(_permissions, _permissions_view)
