"""/api/topic-permissions: which routing keys of topic exchanges users may use in vhosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from leveret.access.permissions import PatternError
from leveret.management.answers import TopicPermissionsAnswer
from leveret.management.authorisation import ADMINISTER
from leveret.management.calls import Call, changed, check_new_name, created
from leveret.management.lists import listed
from leveret.management.parameter_families import TOPIC_PERMISSIONS, topic_permissions_view
from leveret.management.refusals import bad_request, not_found
from leveret.management.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from leveret.management.parameter_families import Granted


class TopicPermissionsBody(msgspec.Struct):
    REQUIRED: ClassVar = ("exchange", "write", "read")

    exchange: str | msgspec.UnsetType = msgspec.UNSET
    write: str | msgspec.UnsetType = msgspec.UNSET
    read: str | msgspec.UnsetType = msgspec.UNSET


async def list_topic_permissions(call: Call) -> Response:
    return await listed(call, TOPIC_PERMISSIONS)


async def list_of_user(call: Call) -> Response:
    if call.names["user"] not in call.management.users.users:
        raise not_found()
    return await listed(call, TOPIC_PERMISSIONS, sees=_of_user(call.names["user"]))


async def list_of_vhost(call: Call) -> Response:
    return await listed(call, TOPIC_PERMISSIONS, call.vhost.name)


async def show_topic_permissions(call: Call) -> Response:
    _check_known(call)
    user, vhost = call.names["user"], call.names["vhost"]
    by_exchange = call.management.users.topic_permissions[user, vhost]
    exchanges = [call.names["exchange"]] if "exchange" in call.names else sorted(by_exchange)
    return call.found(
        [
            topic_permissions_view(
                call.management, ((vhost, user, exchange), by_exchange[exchange])
            )
            for exchange in exchanges
            if exchange in by_exchange
        ]
    )


async def put_topic_permissions(call: Call) -> Response:
    body = await call.body(TopicPermissionsBody)
    user, vhost = call.names["user"], call.names["vhost"]
    users = call.management.users
    if user not in users.users or vhost not in call.management.broker.vhosts:
        raise bad_request("vhost_or_user_not_found")
    exchange, write, read = body.exchange, body.write, body.read
    assert isinstance(exchange, str)
    assert isinstance(write, str)
    assert isinstance(read, str)
    check_new_name("exchange name", exchange)
    known = exchange in users.topic_permissions.get((user, vhost), {})
    try:
        setting = users.set_topic_permissions(user, vhost, exchange, write, read)
    except PatternError as error:
        raise bad_request(str(error)) from None
    await call.done(setting)
    return changed() if known else created()


async def delete_topic_permissions(call: Call) -> Response:
    _check_known(call)
    clearing = call.management.users.clear_topic_permissions(
        call.names["user"], call.names["vhost"], call.names.get("exchange")
    )
    await call.done(clearing)
    return changed()


def _check_known(call: Call) -> None:
    key = call.names["user"], call.names["vhost"]
    if key not in call.management.users.topic_permissions:
        raise not_found()


def _of_user(user: str) -> Callable[[Granted], bool]:
    return lambda granted: granted[0][1] == user


_ONE: Final = "/topic-permissions/{vhost}/{user}"

ROUTES: Final = (
    Route(
        "GET",
        "/topic-permissions",
        ADMINISTER,
        list_topic_permissions,
        answer=list[TopicPermissionsAnswer],
    ),
    Route("GET", _ONE, ADMINISTER, show_topic_permissions, answer=list[TopicPermissionsAnswer]),
    Route("PUT", _ONE, ADMINISTER, put_topic_permissions, body=TopicPermissionsBody),
    Route("DELETE", _ONE, ADMINISTER, delete_topic_permissions),
    Route(
        "GET",
        f"{_ONE}/{{exchange}}",
        ADMINISTER,
        show_topic_permissions,
        answer=list[TopicPermissionsAnswer],
    ),
    Route("DELETE", f"{_ONE}/{{exchange}}", ADMINISTER, delete_topic_permissions),
    Route(
        "GET",
        "/users/{user}/topic-permissions",
        ADMINISTER,
        list_of_user,
        answer=list[TopicPermissionsAnswer],
    ),
    Route(
        "GET",
        "/vhosts/{vhost}/topic-permissions",
        ADMINISTER,
        list_of_vhost,
        answer=list[TopicPermissionsAnswer],
    ),
)
