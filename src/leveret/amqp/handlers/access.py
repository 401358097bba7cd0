"""Class access, a leftover of AMQP 0-8 that some clients still send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.wire.constants import ACCESS_REQUEST
from leveret.wire.methods import AccessRequestOk, Method

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Handler


def request(channel: Channel, method: Method) -> None:
    """access.request: a ticket that nothing asks for, as RabbitMQ's."""
    channel.send(AccessRequestOk(ticket=1))


HANDLERS: Final[dict[int, Handler]] = {ACCESS_REQUEST: request}
