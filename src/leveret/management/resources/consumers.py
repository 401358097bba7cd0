"""/api/consumers: who consumes what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.answers import ConsumerAnswer
from leveret.management.authorisation import READ_SESSIONS
from leveret.management.routing import Route
from leveret.management.views import consumer_view, consumers_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.broker.vhost import VHost
    from leveret.management.calls import Call


async def list_all(call: Call) -> Response:
    vhosts = call.management.broker.vhosts
    return call.found(
        [view for name in sorted(vhosts) for view in _consumers_of(call, vhosts[name])]
    )


async def list_in_vhost(call: Call) -> Response:
    return call.found(_consumers_of(call, call.vhost))


def _consumers_of(call: Call, vhost: VHost) -> list[dict[str, object]]:
    return [
        consumer_view(call.management, consumer)
        for name in sorted(vhost.queues)
        for consumer in consumers_of(vhost.queues[name])
        if call.caller.sees_session(READ_SESSIONS, consumer.channel.connection.user)
    ]


ROUTES: Final = (
    Route("GET", "/consumers", READ_SESSIONS, list_all, answer=list[ConsumerAnswer]),
    Route("GET", "/consumers/{vhost}", READ_SESSIONS, list_in_vhost, answer=list[ConsumerAnswer]),
)
