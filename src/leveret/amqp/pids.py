"""Whose pid is which, for the broker, which knows connections only as owners of something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.amqp.connection import Connection
from leveret.amqp.consumer import ChannelConsumer
from leveret.amqp.events import channel_pid, connection_pid

if TYPE_CHECKING:
    from leveret.broker.broker import Broker


def hear_events(broker: Broker, vhost: str) -> None:
    """Have a vhost's `amq.rabbitmq.event` hear of everything. To be called before `load`."""
    broker.events.vhost = vhost
    broker.events.pid_of = pid_of


def pid_of(thing: object) -> str:
    """That of a connection, or of a consumer's channel; of all else none."""
    if isinstance(thing, Connection):
        return connection_pid(thing)
    return channel_pid(thing.channel) if isinstance(thing, ChannelConsumer) else ""
