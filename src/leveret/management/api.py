"""The management application: routes, and the one door through which every request comes in.

At the door: find the route, see who asks, ask whether that is allowed, decode the names, call the
resource, and turn whatever it raises into JSON.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.routing import Route as PageRoute

from leveret.broker.events import acting
from leveret.errors import ReplyError
from leveret.management.authorisation import READ_NODE, authorise
from leveret.management.calls import Call, decoded, json_response
from leveret.management.pace import next_turn
from leveret.management.page import page
from leveret.management.refusals import (
    Refusal,
    no_vhost,
    not_authorised,
    not_found,
    refusal_of,
)
from leveret.management.resources import ROUTES
from leveret.management.routing import Routes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from leveret.management.authentication import Authenticate
    from leveret.management.context import Management
    from leveret.management.metrics.scrape import Handler, Scrapes
    from leveret.management.routing import Route

log = logging.getLogger("leveret.management")

HEADERS: Final = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}


class Api(BaseRoute):
    """Everything below /api, for those whom `authenticate` makes callers."""

    def __init__(self, management: Management, authenticate: Authenticate) -> None:
        self._management = management
        self._authenticate = authenticate
        self._routes = Routes(ROUTES)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # Starlette's own routes see paths decoded, and a name may hold any character.
        below = scope["type"] == "http" and scope["raw_path"].startswith(b"/api/")
        return (Match.FULL if below else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refusal as refusal:
            response = _refused(refusal)
        except ReplyError as error:
            response = _refused(refusal_of(error))
        except ClientDisconnect:
            return
        except Exception:
            log.exception("%s %s: internal error", request.method, _path(request))
            response = _refused(
                Refusal(500, "internal_error", "see the broker's log for what went wrong")
            )
        response.headers.update(HEADERS)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        found = self._routes.find(_segments(_path(request)))
        if found is None:
            raise not_found()
        methods, names = found
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return Response(headers={"allow": _allowed(methods)})
        if method in methods:
            return await self._call(methods[method], names, request)
        raise Refusal(
            405,
            "method_not_allowed",
            f"this path does not answer {request.method}",
            {"allow": _allowed(methods)},
        )

    async def _call(self, route: Route, encoded: dict[str, str], request: Request) -> Response:
        if route.method != "GET":
            _refuse_foreign_page(request)
        caller = await self._authenticate(request)
        # To come this far takes up to 7 ms where all of it has left the processor's caches.
        await next_turn(0)
        names = {place: decoded(segment) for place, segment in encoded.items()}
        authorise(caller, route.operation, None)
        vhost = names.get("vhost")
        if vhost is not None and route.operation.in_vhost:
            # RabbitMQ tells everybody with a tag which vhosts there are.
            if vhost not in self._management.broker.vhosts:
                if route.method == "PUT":
                    raise no_vhost()
                raise not_found()
            authorise(caller, route.operation, vhost)
        acting.set(caller.name)
        response = await route.handler(Call(self._management, caller, route, names, request))
        if route.method != "GET":
            self._management.lists.forget()
            log.info(
                "%s %s by '%s': %d",
                request.method,
                _path(request),
                caller.name,
                response.status_code,
            )
        return response


def management_application(
    management: Management, authenticate: Authenticate, scrapes: Scrapes
) -> Starlette:
    """The application of one way in; `authenticate` says who comes that way."""

    def guarded(handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                authorise(await authenticate(request), READ_NODE, None)
            except Refusal as refusal:
                return _refused(refusal)
            await next_turn(0)
            return await handler(request)

        return answer

    application = Starlette(
        routes=[
            PageRoute("/", page(management)),
            *scrapes.routes(guarded),
            Api(management, authenticate),
        ],
        exception_handlers={HTTPException: _http_exception},
    )
    application.router.redirect_slashes = False
    return application


def metrics_application(scrapes: Scrapes) -> Starlette:
    """Metrics alone, for everybody who can connect."""
    return Starlette(routes=scrapes.routes(lambda handler: handler))


def _refuse_foreign_page(request: Request) -> None:
    # A browser sends a password that it remembers also when another site's page asks it to.
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise not_authorised("this request was made by a page of another site")


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _refused(not_found())
    return _refused(Refusal(error.status_code, "bad_request", error.detail))


def _path(request: Request) -> str:
    # As it was sent: names are still encoded.
    raw: bytes = request.scope["raw_path"]
    return raw.decode("latin-1")


def _segments(path: str) -> list[str]:
    # After "/api/"; one slash at the end makes no difference.
    return path.removesuffix("/").split("/")[2:]


def _allowed(methods: Mapping[str, Route]) -> str:
    names = list(methods)
    return ", ".join((["HEAD"] if "GET" in names else []) + names + ["OPTIONS"])


def _refused(refusal: Refusal) -> Response:
    return json_response(
        refusal.status, {"error": refusal.error, "reason": refusal.reason}, refusal.headers
    )
