"""/api/consumers: who consumes what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.answers import ConsumerAnswer
from leveret.management.authorisation import READ_SESSIONS
from leveret.management.families import CONSUMERS
from leveret.management.lists import listed
from leveret.management.routing import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.amqp.consumer import ChannelConsumer
    from leveret.management.calls import Call


async def list_all(call: Call) -> Response:
    return await listed(call, CONSUMERS, sees=call.sees_sessions(_user))


async def list_in_vhost(call: Call) -> Response:
    return await listed(call, CONSUMERS, call.vhost.name, call.sees_sessions(_user))


def _user(consumer: ChannelConsumer) -> str:
    return consumer.channel.connection.user


ROUTES: Final = (
    Route("GET", "/consumers", READ_SESSIONS, list_all, answer=list[ConsumerAnswer]),
    Route("GET", "/consumers/{vhost}", READ_SESSIONS, list_in_vhost, answer=list[ConsumerAnswer]),
)
