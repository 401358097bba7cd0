"""Values given as JSON on the command line: definitions of policies, limits."""

import html
import json
from typing import Any

from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import Refused
from leveret.cli.ctl.exits import UNAVAILABLE, CtlError


def json_object(what: str, text: str) -> dict[str, Any]:
    """The JSON object in an argument."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CtlError(
            f'the {what} is not JSON ({error}): write {{"name": value}}, in quotes for the shell',
            UNAVAILABLE,
        ) from error
    if not isinstance(value, dict):
        raise CtlError(f'the {what} is no JSON object: write {{"name": value}}', UNAVAILABLE)
    return value


def compact(value: object) -> str:
    """JSON as rabbitmqctl prints it."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def put(call: Call, *path: str, body: object) -> None:
    """Set something; what the broker refuses of it, it says in RabbitMQ's words."""
    try:
        call.client.put(*path, body=body)
    except Refused as refused:
        if refused.status != 400:
            raise
        reason = html.unescape(refused.reason).removeprefix("Validation failed\n\n").strip()
        raise CtlError(f"this cannot be set: {reason}", UNAVAILABLE) from refused
