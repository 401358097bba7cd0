"""/api/whoami: who the caller is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.answers import WhoAmI
from leveret.management.authorisation import BE_KNOWN
from leveret.management.routing import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.management.calls import Call


async def whoami(call: Call) -> Response:
    return call.found({"name": call.caller.name, "tags": list(call.caller.tags)})


ROUTES: Final = (Route("GET", "/whoami", BE_KNOWN, whoami, answer=WhoAmI),)
