"""Frames as RabbitMQ prints them in reply texts: as Erlang terms. Connections in log lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leveret.broker.vhost import VHost

OCTETS_SHOWN: Final = 16
# What Erlang counts as printable beside the visible characters, and how it writes it.
_ESCAPES: Final = {8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\e"}

_BINARY: Final = re.compile(r'<<(?:"(?:[^"\\]|\\.)*"|[0-9,]+)>>')


def without_octets(text: str) -> str:
    """A reply text for the log. A peer may say a password or a message in the wrong place: it
    hears its own octets again, and nobody else reads them."""
    return _BINARY.sub("<<...>>", text)


def described_frame(kind: int, payload: bytes) -> str:
    """Type and first octets of a frame."""
    if len(payload) <= OCTETS_SHOWN:
        return f"type {kind}, all octets = {as_binary(payload)}"
    return f"type {kind}, first {OCTETS_SHOWN} octets = {as_binary(payload[:OCTETS_SHOWN])}"


def as_binary(octets: bytes) -> str:
    """Octets as text if all of them are printable, else as numbers."""
    if not octets:
        return "<<>>"
    if all(32 <= octet < 127 or octet in _ESCAPES for octet in octets):
        text = "".join(_ESCAPES.get(octet) or _visible(octet) for octet in octets)
        return f'<<"{text}">>'
    return f"<<{','.join(str(octet) for octet in octets)}>>"


def _visible(octet: int) -> str:
    character = chr(octet)
    return f"\\{character}" if character in '"\\' else character


def described_connection(peer: str, client_name: str, user: str, vhost: VHost | None) -> str:
    """A connection in a log line; what is not known yet is empty, or None."""
    name = f"'{client_name}' " if client_name else ""
    by = f", user '{user}'" if user else ""
    in_vhost = f", vhost '{vhost.name}'" if vhost is not None else ""
    return f"connection {name}{peer}{by}{in_vhost}"
