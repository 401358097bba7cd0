"""Who asks: by name and password over TCP, by the file's permission over the management socket.

Each way in has an application of its own, made with one of these. Nothing that a request says
can move it from one to the other.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from leveret.broker.auth_attempts import HTTP
from leveret.broker.seams import Credentials
from leveret.management.authorisation import Caller
from leveret.management.pending import answered
from leveret.management.refusals import bad_request, login_failed

if TYPE_CHECKING:
    from starlette.requests import Request

    from leveret.access.users import Users
    from leveret.broker.auth_attempts import AuthAttempts

log = logging.getLogger("leveret.management")

LOCAL: Final = "local"
CREDENTIALS_MAX_BYTES: Final = 4096

Authenticate = Callable[["Request"], Awaitable[Caller]]


def by_password(users: Users, attempts: AuthAttempts) -> Authenticate:
    """Basic authentication, with the rule about users that may come from this machine only."""

    async def authenticate(request: Request) -> Caller:
        credentials = _credentials(request.headers.get("authorization"))
        client = request.client
        # A peer that is gone already has no address; it is then not from this machine.
        host, port = (client.host.removeprefix("::ffff:"), client.port) if client else ("", 0)
        refusal = await answered(users.authenticate(credentials, host))
        user = users.users.get(credentials.user)
        attempts.count(HTTP, not refusal and user is not None)
        if refusal or user is None:
            log.warning(
                "HTTP from %s:%d: login of user '%s' refused: %s",
                host,
                port,
                credentials.user,
                refusal,
            )
            raise login_failed()
        return Caller(user.name, user.tags, users)

    return authenticate


async def by_socket(request: Request) -> Caller:
    """Whoever could open the socket is an administrator."""
    return Caller(LOCAL, ("administrator",), None)


def _credentials(header: str | None) -> Credentials:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        raise login_failed()
    if len(encoded) > CREDENTIALS_MAX_BYTES:
        raise bad_request("the authorization header is too long")
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        name = user.decode()
    except (binascii.Error, ValueError):
        raise bad_request("the authorization header is not Basic with base64") from None
    if not colon:
        raise bad_request("the authorization header holds no password")
    return Credentials(name, password)
