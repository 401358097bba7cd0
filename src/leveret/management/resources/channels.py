"""/api/channels: open channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.answers import ChannelAnswer
from leveret.management.authorisation import READ_OBJECTS, READ_SESSIONS
from leveret.management.families import CHANNELS
from leveret.management.lists import listed
from leveret.management.refusals import not_authorised, not_found
from leveret.management.routing import Route
from leveret.management.views import channel_name, channel_view, consumer_view

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.amqp.channel import Channel
    from leveret.management.calls import Call


async def list_all(call: Call) -> Response:
    return await listed(call, CHANNELS, sees=call.sees_sessions(_user))


async def list_in_vhost(call: Call) -> Response:
    return await listed(call, CHANNELS, call.vhost.name, call.sees_sessions(_user))


async def show_channel(call: Call) -> Response:
    channel = _channel(call)
    view = channel_view(call.management, channel)
    view["consumer_details"] = [
        consumer_view(call.management, consumer) for consumer in channel.consumers.values()
    ]
    view |= call.statistics.channel(channel)
    view["deliveries"] = []
    view["publishes"] = []
    return call.found(view)


def _user(channel: Channel) -> str:
    return channel.connection.user


def _channel(call: Call) -> Channel:
    name = call.names["channel"]
    for connection in call.management.administration.connections():
        for channel in connection.channels.open.values():
            if channel_name(channel) == name:
                if not call.caller.sees_session(READ_SESSIONS, connection.user):
                    raise not_authorised("User not authorised to access object")
                return channel
    raise not_found()


ROUTES: Final = (
    Route("GET", "/channels", READ_SESSIONS, list_all, answer=list[ChannelAnswer], paged=True),
    Route(
        "GET", "/vhosts/{vhost}/channels", READ_OBJECTS, list_in_vhost, answer=list[ChannelAnswer]
    ),
    Route("GET", "/channels/{channel}", READ_SESSIONS, show_channel, answer=ChannelAnswer),
)
