"""/api/x/openapi.json: what there is, described from the routes themselves."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import Response

from leveret.management.authorisation import BE_KNOWN
from leveret.management.openapi import description
from leveret.management.routing import Route

if TYPE_CHECKING:
    from leveret.management.calls import Call


async def describe(call: Call) -> Response:
    # Making it takes longer than the loop may be held, and it never changes.
    octets = await asyncio.to_thread(_described, call.management.node.version)
    return Response(octets, media_type="application/json")


@functools.cache
def _described(version: str) -> bytes:
    # They are not complete before this module is.
    from leveret.management.resources import ROUTES

    return msgspec.json.encode(description(ROUTES, version))


ROUTES: Final = (Route("GET", "/x/openapi.json", BE_KNOWN, describe, answer=dict[str, Any]),)
