"""The one page that HTTP serves so far: what this is, and where the API is."""

from collections.abc import Awaitable, Callable
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

from leveret import build_info
from leveret.management.context import Management

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Leveret</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 4rem auto }}
</style>
</head>
<body>
<h1>Leveret</h1>
<p>A message broker that speaks AMQP 0-9-1 as RabbitMQ does.</p>
<p>{version}</p>
<p>Clients connect to port {amqp_port}. The HTTP API is at <code>/api</code>.</p>
</body>
</html>
"""


def page(management: Management) -> Callable[[Request], Awaitable[HTMLResponse]]:
    """What answers with the page."""
    version = escape(build_info.described())

    async def answer(request: Request) -> HTMLResponse:
        return HTMLResponse(
            _PAGE.format(version=version, amqp_port=management.node.port_of("amqp")),
            headers={
                "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
                "X-Content-Type-Options": "nosniff",
            },
        )

    return answer
