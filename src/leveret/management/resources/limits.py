"""/api/vhost-limits and /api/user-limits: how many connections, channels and queues there may be.

A path sets one limit; `/x/` sets them as `leveret ctl` does: all at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from leveret.broker.limits import LimitError
from leveret.management.answers import UserLimits, VHostLimits
from leveret.management.authorisation import ADMINISTER, LIST_VHOSTS, READ_USER_LIMITS
from leveret.management.bodies import Number
from leveret.management.calls import Call, changed
from leveret.management.lists import listed
from leveret.management.parameter_families import (
    USER_LIMITS,
    VHOST_LIMITS_LIST,
    user_limits_view,
)
from leveret.management.refusals import bad_request, not_found
from leveret.management.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from leveret.broker.seams import Pending

    Change = Callable[[Mapping[str, object]], Pending]


class LimitBody(msgspec.Struct):
    REQUIRED: ClassVar = ("value",)

    value: Number = msgspec.UNSET


class LimitsBody(msgspec.Struct):
    value: dict[str, Any]


# --- vhosts ---


async def list_vhost_limits(call: Call) -> Response:
    return await listed(call, VHOST_LIMITS_LIST, sees=call.sees_vhosts(LIST_VHOSTS))


async def show_vhost_limits(call: Call) -> Response:
    return await listed(call, VHOST_LIMITS_LIST, call.vhost.name)


async def put_vhost_limit(call: Call) -> Response:
    limit = await _one(call)
    vhost = call.vhost
    return await _set(call, lambda limits: _set_vhost(call, limits), {**vhost.limits, **limit})


async def put_vhost_limits(call: Call) -> Response:
    body = await call.body(LimitsBody)
    return await _set(call, lambda limits: _set_vhost(call, limits), body.value)


async def delete_vhost_limit(call: Call) -> Response:
    left = _without(call.vhost.limits, call.names["name"])
    return await _set(call, lambda limits: _set_vhost(call, limits), left)


def _set_vhost(call: Call, limits: Mapping[str, object]) -> Pending:
    return call.management.broker.set_vhost_limits(call.vhost, limits)


# --- users ---


async def list_user_limits(call: Call) -> Response:
    return await listed(call, USER_LIMITS)


async def show_user_limits(call: Call) -> Response:
    user, users = call.names["user"], call.management.users
    if user not in users.users:
        raise not_found()
    return call.found([user_limits_view(call.management, user)] if user in users.limits else [])


async def put_user_limit(call: Call) -> Response:
    limit = await _one(call)
    return await _add_to_user(call, limit)


async def put_user_limits(call: Call) -> Response:
    return await _add_to_user(call, (await call.body(LimitsBody)).value)


async def delete_user_limit(call: Call) -> Response:
    user = _user(call)
    users = call.management.users
    left = _without(users.limits.get(user, {}), call.names["name"])
    return await _set(call, lambda limits: users.set_limits(user, limits), left)


async def _add_to_user(call: Call, added: Mapping[str, object]) -> Response:
    user = _user(call)
    users = call.management.users
    limits = {**users.limits.get(user, {}), **added}
    return await _set(call, lambda limits: users.set_limits(user, limits), limits)


def _user(call: Call) -> str:
    user = call.names["user"]
    if user not in call.management.users.users:
        raise bad_request(f"no_such_user: {user}")
    return user


# --- both ---


async def _one(call: Call) -> dict[str, object]:
    body = await call.body(LimitBody)
    return {call.names["name"]: body.value}


async def _set(call: Call, change: Change, limits: Mapping[str, object]) -> Response:
    try:
        setting = change(limits)
    except LimitError as error:
        raise bad_request(str(error)) from None
    await call.done(setting)
    return changed()


def _without(limits: Mapping[str, int], name: str) -> dict[str, object]:
    return {each: limit for each, limit in limits.items() if each != name}


_VHOST: Final = "/vhost-limits/{vhost}"
_USER: Final = "/user-limits/{user}"

ROUTES: Final = (
    Route("GET", "/vhost-limits", LIST_VHOSTS, list_vhost_limits, answer=list[VHostLimits]),
    Route("GET", _VHOST, LIST_VHOSTS, show_vhost_limits, answer=list[VHostLimits]),
    Route(
        "PUT", f"{_VHOST}/{{name}}", ADMINISTER, put_vhost_limit, body=LimitBody, statuses=(204,)
    ),
    Route("DELETE", f"{_VHOST}/{{name}}", ADMINISTER, delete_vhost_limit),
    Route(
        "PUT",
        f"/x{_VHOST}",
        ADMINISTER,
        put_vhost_limits,
        body=LimitsBody,
        statuses=(204,),
    ),
    Route("GET", "/user-limits", READ_USER_LIMITS, list_user_limits, answer=list[UserLimits]),
    Route("GET", _USER, READ_USER_LIMITS, show_user_limits, answer=list[UserLimits]),
    Route("PUT", f"{_USER}/{{name}}", ADMINISTER, put_user_limit, body=LimitBody, statuses=(204,)),
    Route("DELETE", f"{_USER}/{{name}}", ADMINISTER, delete_user_limit),
    Route(
        "PUT",
        f"/x{_USER}",
        ADMINISTER,
        put_user_limits,
        body=LimitsBody,
        statuses=(204,),
    ),
)
