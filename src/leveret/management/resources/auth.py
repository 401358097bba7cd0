"""/api/auth: how often somebody has tried to log in, and hashes of passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from leveret.access.passwords import hash_password
from leveret.management.answers import AuthAttempts, PasswordHash
from leveret.management.authorisation import ADMINISTER, READ_NODE
from leveret.management.bodies import Text
from leveret.management.calls import changed
from leveret.management.refusals import Refusal, bad_request
from leveret.management.routing import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.management.calls import Call


class PasswordBody(msgspec.Struct):
    REQUIRED: ClassVar = ("password",)

    password: Text = msgspec.UNSET


async def show_attempts(call: Call) -> Response:
    """By protocol."""
    call.check_node()
    attempts = call.management.broker.auth_attempts
    views: list[dict[str, object]] = []
    for protocol in attempts.protocols():
        failed = attempts.failed.get(protocol, 0)
        succeeded = attempts.succeeded.get(protocol, 0)
        views.append(
            {
                "protocol": protocol,
                "auth_attempts": failed + succeeded,
                "auth_attempts_failed": failed,
                "auth_attempts_succeeded": succeeded,
            }
        )
    return call.found(views)


async def show_attempts_by_source(call: Call) -> Response:
    """Nobody's address and name are kept, as in RabbitMQ unless it is told to."""
    call.check_node()
    return call.found([])


async def reset_attempts(call: Call) -> Response:
    call.check_node()
    call.management.broker.auth_attempts.reset()
    return changed()


async def reset_attempts_by_source(call: Call) -> Response:
    call.check_node()
    return changed()


async def hash_in_path(call: Call) -> Response:
    """Paths are written down by proxies and shells."""
    raise Refusal(
        404,
        "not_found",
        "A password in a path is seen by others: POST it to /api/auth/hash_password",
    )


async def hash_in_body(call: Call) -> Response:
    """What `password_hash` of a user may be, with a salt of its own."""
    body = await call.body(PasswordBody)
    if not isinstance(body.password, str):
        raise bad_request("password must be a string")
    return call.found({"ok": hash_password(body.password.encode())})


_ATTEMPTS: Final = "/auth/attempts/{node}"

ROUTES: Final = (
    Route("GET", _ATTEMPTS, READ_NODE, show_attempts, answer=list[AuthAttempts]),
    Route("DELETE", _ATTEMPTS, ADMINISTER, reset_attempts),
    Route(
        "GET",
        f"{_ATTEMPTS}/source",
        READ_NODE,
        show_attempts_by_source,
        answer=list[dict[str, Any]],
    ),
    Route("DELETE", f"{_ATTEMPTS}/source", ADMINISTER, reset_attempts_by_source),
    Route("GET", "/auth/hash_password/{password}", ADMINISTER, hash_in_path, statuses=()),
    Route(
        "POST",
        "/auth/hash_password",
        ADMINISTER,
        hash_in_body,
        body=PasswordBody,
        answer=PasswordHash,
    ),
)
