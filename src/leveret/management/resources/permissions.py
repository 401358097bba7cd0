"""/api/permissions: what users may do in vhosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from leveret.access.permissions import PatternError
from leveret.management.answers import PermissionsAnswer
from leveret.management.authorisation import ADMINISTER
from leveret.management.calls import Call, changed, created
from leveret.management.families import PERMISSIONS
from leveret.management.lists import listed
from leveret.management.refusals import bad_request, not_found
from leveret.management.routing import Route
from leveret.management.views import permissions_view

if TYPE_CHECKING:
    from starlette.responses import Response


class PermissionsBody(msgspec.Struct):
    REQUIRED: ClassVar = ("configure", "write", "read")

    configure: str | msgspec.UnsetType = msgspec.UNSET
    write: str | msgspec.UnsetType = msgspec.UNSET
    read: str | msgspec.UnsetType = msgspec.UNSET


async def list_permissions(call: Call) -> Response:
    return await listed(call, PERMISSIONS)


async def show_permissions(call: Call) -> Response:
    user, vhost = _known(call)
    return call.found(permissions_view(user, vhost, call.management.users.permissions[user, vhost]))


async def put_permissions(call: Call) -> Response:
    body = await call.body(PermissionsBody)
    user, vhost = call.names["user"], call.names["vhost"]
    users = call.management.users
    if user not in users.users or vhost not in call.management.broker.vhosts:
        raise bad_request("vhost_or_user_not_found")
    configure, write, read = body.configure, body.write, body.read
    assert isinstance(configure, str)
    assert isinstance(write, str)
    assert isinstance(read, str)
    known = (user, vhost) in users.permissions
    try:
        setting = users.set_permissions(user, vhost, configure, write, read)
    except PatternError as error:
        raise bad_request(str(error)) from None
    await call.done(setting)
    return changed() if known else created()


async def delete_permissions(call: Call) -> Response:
    user, vhost = _known(call)
    await call.done(call.management.users.clear_permissions(user, vhost))
    return changed()


def _known(call: Call) -> tuple[str, str]:
    key = (call.names["user"], call.names["vhost"])
    if key not in call.management.users.permissions:
        raise not_found()
    return key


_ONE: Final = "/permissions/{vhost}/{user}"

ROUTES: Final = (
    Route("GET", "/permissions", ADMINISTER, list_permissions, answer=list[PermissionsAnswer]),
    Route("GET", _ONE, ADMINISTER, show_permissions, answer=PermissionsAnswer),
    Route("PUT", _ONE, ADMINISTER, put_permissions, body=PermissionsBody),
    Route("DELETE", _ONE, ADMINISTER, delete_permissions),
)
