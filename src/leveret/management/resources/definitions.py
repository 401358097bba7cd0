"""/api/definitions: everything that is defined, out and in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.answers import DefinitionsAnswer, ImportAnswer, VHostDefinitionsAnswer
from leveret.management.authorisation import ADMINISTER
from leveret.management.calls import Call, changed, json_response
from leveret.management.definitions.exporting import export_definitions, export_vhost
from leveret.management.definitions.format import Definitions, DefinitionsError
from leveret.management.definitions.importing import import_definitions
from leveret.management.refusals import Refusal, bad_request
from leveret.management.routing import Route

if TYPE_CHECKING:
    from starlette.responses import Response


FILE_MAX_BYTES: Final = 50 << 20
# As RabbitMQ's page for administrators sends a file.
FORM_FIELD: Final = "file"


async def export_all(call: Call) -> Response:
    """Of the whole broker."""
    return call.found(await export_definitions(call.management))


async def export_one(call: Call) -> Response:
    """Of one vhost."""
    vhost = call.management.broker.vhosts.get(call.names["vhost"])
    if vhost is None:
        raise bad_request("vhost_not_found")
    return call.found(await export_vhost(call.management, vhost))


async def import_all(call: Call) -> Response:
    """Into the whole broker; who makes vhosts so may use them."""
    definitions = await call.body(Definitions)
    users, vhosts = call.management.users, call.management.broker.vhosts
    new = [vhost.name for vhost in definitions.vhosts if vhost.name not in vhosts]
    response = await _import(call, definitions, None)
    if not call.caller.is_user:
        return response
    for name in new:
        # Each waits for the one before; meanwhile the vhost may be gone, or the user.
        there = name in vhosts and call.caller.is_current()
        if there and not users.vhost_access(call.caller.name, name):
            await call.done(users.set_permissions(call.caller.name, name, ".*", ".*", ".*"))
    return response


async def import_one(call: Call) -> Response:
    """Into one vhost."""
    vhost = call.names["vhost"]
    if vhost not in call.management.broker.vhosts:
        raise Refusal(404, "not_found", "vhost_not_found")
    return await _import(call, await call.body(Definitions), vhost)


async def _import(call: Call, definitions: Definitions, vhost: str | None) -> Response:
    broker, users = call.management.broker, call.management.users
    try:
        left_alone = await import_definitions(broker, users, definitions, vhost)
    except DefinitionsError as error:
        raise bad_request(str(error)) from None
    # RabbitMQ has nothing to say; its clients read nothing.
    return json_response(200, {"left_alone": left_alone}) if call.flag("report") else changed()


def _routes(path: str) -> tuple[Route, Route]:
    return (
        Route("GET", path, ADMINISTER, export_all, answer=DefinitionsAnswer),
        Route(
            "POST",
            path,
            ADMINISTER,
            import_all,
            body=Definitions,
            answer=ImportAnswer,
            statuses=(200, 204),
            flags=("report",),
            body_max_bytes=FILE_MAX_BYTES,
            form_field=FORM_FIELD,
        ),
    )


ROUTES: Final = (
    *_routes("/definitions"),
    # As old programs call it.
    *_routes("/all-configuration"),
    Route("GET", "/definitions/{vhost}", ADMINISTER, export_one, answer=VHostDefinitionsAnswer),
    Route(
        "POST",
        "/definitions/{vhost}",
        ADMINISTER,
        import_one,
        body=Definitions,
        answer=ImportAnswer,
        statuses=(200, 204),
        flags=("report",),
        body_max_bytes=FILE_MAX_BYTES,
        form_field=FORM_FIELD,
    ),
)
