"""Class channel, but for open and close, which belong to the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.errors import CommandInvalid, NotImplementedByServer
from leveret.wire.constants import CHANNEL_FLOW, CHANNEL_FLOW_OK
from leveret.wire.methods import ChannelFlow, ChannelFlowOk, Method

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Handler


def flow(channel: Channel, method: Method) -> None:
    """channel.flow: a client cannot stop its deliveries, as in RabbitMQ; prefetch does that."""
    assert isinstance(method, ChannelFlow)
    if not method.active:
        raise NotImplementedByServer("active=false", remedy="limit deliveries with basic.qos")
    channel.send(ChannelFlowOk(active=True))


def flow_ok(channel: Channel, method: Method) -> None:
    """channel.flow-ok: nothing was asked."""
    raise CommandInvalid("unimplemented method")


HANDLERS: Final[dict[int, Handler]] = {CHANNEL_FLOW: flow, CHANNEL_FLOW_OK: flow_ok}
