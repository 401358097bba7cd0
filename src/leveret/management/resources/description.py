"""/api/x/openapi.json: what there is, described from the routes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leveret.management.authorisation import BE_KNOWN
from leveret.management.openapi import description
from leveret.management.routing import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.management.calls import Call


async def describe(call: Call) -> Response:
    # They are not complete before this module is.
    from leveret.management.resources import ROUTES

    return call.found(description(ROUTES, call.management.node.version))


ROUTES: Final = (Route("GET", "/x/openapi.json", BE_KNOWN, describe, answer=dict[str, Any]),)
