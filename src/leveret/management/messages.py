"""Messages as the API's JSON has them: properties, and bodies that are text or base64."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from leveret.management.arguments import table_of
from leveret.management.refusals import bad_request
from leveret.wire.errors import WireError
from leveret.wire.methods import BasicGetOk
from leveret.wire.properties import Properties, scan_properties
from leveret.wire.table import plain

if TYPE_CHECKING:
    from leveret.management.session import Received

AUTO: Final = "auto"
BASE64: Final = "base64"
STRING: Final = "string"
NUMBERS: Final = ("delivery_mode", "priority", "timestamp")
TEXTS: Final = (
    "content_type",
    "content_encoding",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "type",
    "user_id",
    "app_id",
    "cluster_id",
)


def properties_from(values: dict[str, Any] | list[Any]) -> Properties:
    """The properties that a publish names; clients in Erlang write none as `[]`. Others than the
    fourteen are passed over, as RabbitMQ does."""
    properties = Properties()
    for name, value in values.items() if isinstance(values, dict) else ():
        if name == "headers":
            if not isinstance(value, dict | list):
                raise bad_request(["not_object", name])
            properties.headers = table_of(value)
        elif name in NUMBERS:
            if not isinstance(value, int) or isinstance(value, bool):
                raise bad_request(["not_int", name])
            setattr(properties, name, value)
        elif name in TEXTS:
            if not isinstance(value, str):
                raise bad_request(["not_string", name])
            setattr(properties, name, value)
    try:
        encoded = properties.encode()
        # As those that a client sends.
        scan_properties(encoded, 0, len(encoded))
    except WireError as error:
        raise bad_request(str(error)) from None
    return properties


def octets_of(payload: object, encoding: object) -> bytes:
    """The body of a message to publish."""
    if not isinstance(payload, str):
        raise bad_request("payload_not_string")
    if encoding == STRING:
        return payload.encode(errors="surrogatepass")
    if encoding != BASE64:
        raise bad_request(["unsupported_encoding", encoding])
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        raise bad_request(["not_base64", payload]) from None


def message_view(received: Received, encoding: str, truncate_bytes: int | None) -> dict[str, Any]:
    """A message that basic.get has brought, its body cut to so many octets."""
    method = received.method
    assert isinstance(method, BasicGetOk)
    body = received.body()
    payload, payload_encoding = _payload(body[:truncate_bytes], encoding)
    return {
        "payload_bytes": len(body),
        "redelivered": method.redelivered,
        "exchange": _shown(method.exchange),
        "routing_key": _shown(method.routing_key),
        "message_count": method.message_count,
        "properties": _properties_view(received.properties),
        "payload": payload,
        "payload_encoding": payload_encoding,
    }


def _properties_view(properties: Properties) -> object:
    """In RabbitMQ's order, the last first; none are an empty array there."""
    shown: dict[str, object] = {}
    for name, value in reversed(properties.fields().items()):
        if isinstance(value, dict):
            shown[name] = plain(value)
        else:
            shown[name] = _shown(value) if isinstance(value, str) else value
    return shown or []


def _payload(body: bytes, encoding: str) -> tuple[str, str]:
    if encoding == AUTO:
        try:
            return body.decode(), STRING
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), BASE64


def _shown(text: str) -> str:
    # Octets that are not UTF-8 are lone surrogates here, which JSON has no place for.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
