"""/api/consumers: who consumes what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.answers import ConsumerAnswer
from leveret.management.authorisation import READ_SESSIONS
from leveret.management.families import CONSUMERS
from leveret.management.lists import listed
from leveret.management.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from leveret.amqp.consumer import ChannelConsumer
    from leveret.management.calls import Call


async def list_all(call: Call) -> Response:
    return await listed(call, CONSUMERS, sees=_sees(call))


async def list_in_vhost(call: Call) -> Response:
    return await listed(call, CONSUMERS, call.vhost.name, _sees(call))


def _sees(call: Call) -> Callable[[ChannelConsumer], bool]:
    return lambda consumer: call.caller.sees_session(
        READ_SESSIONS, consumer.channel.connection.user
    )


ROUTES: Final = (
    Route("GET", "/consumers", READ_SESSIONS, list_all, answer=list[ConsumerAnswer]),
    Route("GET", "/consumers/{vhost}", READ_SESSIONS, list_in_vhost, answer=list[ConsumerAnswer]),
)
