"""The one page that HTTP serves so far: what this is, and where the API will be."""

from html import escape
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

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
<p>Clients connect to port {amqp_port}. The HTTP API will be at <code>/api</code>.</p>
</body>
</html>
"""


def page_application(version: str, amqp_port: int) -> Starlette:
    """The HTTP application."""
    text = _PAGE.format(version=escape(version), amqp_port=amqp_port)

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(
            text,
            headers={
                "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
                "X-Content-Type-Options": "nosniff",
            },
        )

    return Starlette(routes=[Route("/", page)])
