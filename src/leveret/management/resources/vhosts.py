"""/api/vhosts: vhosts, made and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from leveret.access.users import SEPARATOR
from leveret.management.authorisation import ADMINISTER, LIST_VHOSTS
from leveret.management.calls import Call, Route, changed, check_new_name, created
from leveret.management.refusals import bad_request
from leveret.management.views import permissions_view, vhost_view

if TYPE_CHECKING:
    from starlette.responses import Response


class VHostBody(msgspec.Struct):
    description: str = ""
    tags: str | list[str] = ""
    tracing: bool | None = None


async def list_vhosts(call: Call) -> Response:
    return call.found([vhost_view(call.management, vhost) for vhost in call.vhosts_of(LIST_VHOSTS)])


async def show_vhost(call: Call) -> Response:
    return call.found(vhost_view(call.management, call.vhost))


async def put_vhost(call: Call) -> Response:
    """The user who makes a vhost has all permissions in it, as in RabbitMQ. Of one that is there
    the description and the tags are replaced, by nothing if none are given."""
    body = await call.body(VHostBody)
    name = call.names["vhost"]
    check_new_name("vhost name", name)
    if SEPARATOR in name:
        raise bad_request("a vhost name holds no NUL")
    management = call.management
    names = body.tags.split(",") if isinstance(body.tags, str) else body.tags
    tags = [tag.strip() for tag in names if tag.strip()]
    vhost = management.broker.vhosts.get(name)
    if vhost is not None:
        await call.done(management.broker.describe_vhost(vhost, body.description, tags))
        _set_tracing(call, name, body.tracing)
        return changed()
    await call.done(management.broker.add_vhost(name, body.description, tags))
    _set_tracing(call, name, body.tracing)
    if call.caller.is_user and call.caller.is_current():
        await call.done(management.users.set_permissions(call.caller.name, name, ".*", ".*", ".*"))
    return created()


def _set_tracing(call: Call, name: str, tracing: bool | None) -> None:
    vhost = call.management.broker.vhosts.get(name)
    if vhost is not None and tracing is not None:
        vhost.set_tracing(tracing)


async def delete_vhost(call: Call) -> Response:
    name = call.vhost.name
    await call.done(call.management.administration.delete_vhost(name))
    return changed()


async def list_permissions(call: Call) -> Response:
    name = call.vhost.name
    permissions = call.management.users.permissions
    return call.found(
        [permissions_view(*key, permissions[key]) for key in sorted(permissions) if key[1] == name]
    )


ROUTES: Final = (
    Route("GET", "/vhosts", LIST_VHOSTS, list_vhosts),
    Route("GET", "/vhosts/{vhost}", ADMINISTER, show_vhost),
    Route("PUT", "/vhosts/{vhost}", ADMINISTER, put_vhost),
    Route("DELETE", "/vhosts/{vhost}", ADMINISTER, delete_vhost),
    Route("GET", "/vhosts/{vhost}/permissions", ADMINISTER, list_permissions),
)
