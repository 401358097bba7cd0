"""JSON that is sent while it is still being made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send


class JsonStream(Response):
    """200; `octets` yields the body, part by part."""

    media_type = "application/json"

    def __init__(self, octets: AsyncIterator[bytes]) -> None:
        self._octets = octets
        self.status_code = 200
        self.background = None
        self.init_headers(None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async for octets in self._octets:
            await send({"type": "http.response.body", "body": octets, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def json_octets(status: int, octets: bytes, headers: dict[str, str] | None = None) -> Response:
    """A response whose body is JSON already."""
    return Response(octets, status, headers, media_type="application/json")
