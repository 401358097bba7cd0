"""/api/vhosts: vhosts, made and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from leveret.access.users import SEPARATOR
from leveret.management.administration import ProtectedError
from leveret.management.answers import PermissionsAnswer, VHostAnswer
from leveret.management.authorisation import ADMINISTER, LIST_VHOSTS
from leveret.management.calls import Call, changed, check_new_name, created
from leveret.management.families import PERMISSIONS, VHOSTS
from leveret.management.lists import listed
from leveret.management.refusals import bad_request, precondition_failed
from leveret.management.routing import Route
from leveret.management.totals import totals_of
from leveret.management.vhost_metadata import compat_level, default_queue_type, tag_names
from leveret.management.views import vhost_view

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.broker.vhost import VHost


class VHostBody(msgspec.Struct):
    description: str = ""
    tags: str | list[str] = ""
    tracing: bool | None = None
    # Left out, they stay as they are; empty or null, they are the server's.
    default_queue_type: str | msgspec.UnsetType | None = msgspec.UNSET
    compat: str | msgspec.UnsetType | None = msgspec.UNSET


async def list_vhosts(call: Call) -> Response:
    return await listed(
        call, VHOSTS, sees=lambda found: call.caller.sees_vhost(LIST_VHOSTS, found[0].name)
    )


async def show_vhost(call: Call) -> Response:
    vhost = call.vhost
    totals = await totals_of([vhost], call.management.lists.new_pace())
    return call.found(vhost_view(call.management, vhost, call.statistics.vhost(vhost, totals)))


async def put_vhost(call: Call) -> Response:
    """The user who makes a vhost has all permissions in it, as in RabbitMQ. Of one that is there
    the description and the tags are replaced, by nothing if none are given, and of the rest what
    is given."""
    body = await call.body(VHostBody)
    name = call.names["vhost"]
    check_new_name("vhost name", name)
    if SEPARATOR in name:
        raise bad_request("a vhost name holds no NUL")
    management = call.management
    broker = management.broker
    vhost = broker.vhosts.get(name)
    try:
        queue_type, compat = _queue_type(body, vhost), _compat(body, vhost)
    except ValueError as error:
        raise bad_request(str(error)) from None
    metadata = (body.description, tag_names(body.tags), queue_type, compat)
    if vhost is not None:
        await call.done(broker.describe_vhost(vhost, *metadata))
        _set_tracing(call, name, body.tracing)
        return changed()
    await call.done(broker.add_vhost(name, *metadata))
    _set_tracing(call, name, body.tracing)
    # It may be gone again by now.
    if name in broker.vhosts and call.caller.is_user and call.caller.is_current():
        await call.done(management.users.set_permissions(call.caller.name, name, ".*", ".*", ".*"))
    return created()


def _set_tracing(call: Call, name: str, tracing: bool | None) -> None:
    vhost = call.management.broker.vhosts.get(name)
    if vhost is not None and tracing is not None:
        vhost.set_tracing(tracing)


def _queue_type(body: VHostBody, vhost: VHost | None) -> str:
    given = body.default_queue_type
    if isinstance(given, msgspec.UnsetType):
        return "" if vhost is None else vhost.own_queue_type
    return default_queue_type(given)


def _compat(body: VHostBody, vhost: VHost | None) -> str:
    given = body.compat
    if isinstance(given, msgspec.UnsetType):
        return vhost.compat.level if vhost is not None and vhost.own_compat else ""
    return compat_level(given)


async def delete_vhost(call: Call) -> Response:
    name = call.vhost.name
    try:
        await call.done(call.management.administration.delete_vhost(name))
    except ProtectedError as error:
        raise precondition_failed(str(error)) from None
    return changed()


async def protect(call: Call) -> Response:
    """Nobody can delete the vhost until that is taken back."""
    await call.done(call.management.broker.protect_vhost(call.vhost, True))
    return changed()


async def end_protection(call: Call) -> Response:
    await call.done(call.management.broker.protect_vhost(call.vhost, False))
    return changed()


async def start(call: Call) -> Response:
    """A vhost that is there has been started on the only node."""
    node = call.names["node"]
    if call.vhost and node != call.management.node.name:
        raise bad_request(f"Request to node {node} failed with nodedown")
    return changed()


async def list_permissions(call: Call) -> Response:
    return await listed(call, PERMISSIONS, call.vhost.name)


_ONE: Final = "/vhosts/{vhost}"

ROUTES: Final = (
    Route("GET", "/vhosts", LIST_VHOSTS, list_vhosts, answer=list[VHostAnswer], paged=True),
    Route("GET", _ONE, ADMINISTER, show_vhost, answer=VHostAnswer),
    Route("PUT", _ONE, ADMINISTER, put_vhost, body=VHostBody),
    Route("DELETE", _ONE, ADMINISTER, delete_vhost),
    Route("POST", f"{_ONE}/deletion/protection", ADMINISTER, protect, statuses=(204,)),
    Route("DELETE", f"{_ONE}/deletion/protection", ADMINISTER, end_protection),
    Route("POST", f"{_ONE}/start/{{node}}", ADMINISTER, start, statuses=(204,)),
    Route(
        "GET",
        f"{_ONE}/permissions",
        ADMINISTER,
        list_permissions,
        answer=list[PermissionsAnswer],
    ),
)
