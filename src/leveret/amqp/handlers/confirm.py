"""Class confirm: RabbitMQ's publisher confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.amqp.confirms import Confirms
from leveret.errors import PreconditionFailed
from leveret.wire.constants import CONFIRM_SELECT
from leveret.wire.methods import ConfirmSelect, ConfirmSelectOk, Method

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Handler


def select(channel: Channel, method: Method) -> None:
    """confirm.select: from the next publish on, sequence numbers count from 1."""
    assert isinstance(method, ConfirmSelect)
    if channel.transaction is not None:
        raise PreconditionFailed(
            "cannot switch from tx to confirm mode",
            remedy="use a channel for confirms and another for transactions",
        )
    if channel.confirms is None:
        channel.confirms = Confirms(channel.broker.store, channel.vhost.kept.publishing)
    if not method.nowait:
        channel.send(ConfirmSelectOk())


HANDLERS: Final[dict[int, Handler]] = {CONFIRM_SELECT: select}
