"""The properties that the server must look at when a message is published.

They are expiration, user_id, and the headers with further routing keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leveret.broker.copies import BCC, further_keys
from leveret.errors import PreconditionFailed
from leveret.wire.frames import PROPERTIES_AT, header_frame
from leveret.wire.properties import decode_properties

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel
    from leveret.broker.actor import Actor
    from leveret.wire.properties import Properties

EXPIRATION_MAX_MS: Final = 315_360_000_000
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def check_published(properties: Properties, actor: Actor) -> None:
    """Refuse, with 406, an expiration that is no time, and a user_id that is somebody else's."""
    user_id = properties.user_id
    if user_id is not None and user_id != actor.user and not actor.may_impersonate():
        raise PreconditionFailed(
            f"user_id property set to '{user_id}' but authenticated user was '{actor.user}'",
            remedy="leave user_id out, set it to the login name, or give the user the tag "
            "'impersonator'",
        )
    expiration = properties.expiration
    if expiration is not None:
        reason = _expiration_refusal(expiration)
        if reason:
            raise PreconditionFailed(
                f"invalid expiration '{expiration}': {reason}",
                remedy="expiration is a string of decimal milliseconds",
            )


def copied(
    channel: Channel, frames: bytes, header_size: int, body_size: int
) -> tuple[list[str], bytes]:
    """The further routing keys of a message, and its content header frame without BCC; 406 if CC
    or BCC is malformed. The header is returned as it is if there is no BCC in it."""
    properties = decode_properties(frames, PROPERTIES_AT, header_size - 1)
    headers = properties.headers or {}
    keys = further_keys(headers)
    if BCC not in headers:
        return keys, frames[:header_size]
    del headers[BCC]
    return keys, header_frame(channel.number, properties.encode(), body_size)


def _expiration_refusal(expiration: str) -> str:
    match = _INTEGER.match(expiration)
    if match is None:
        return "no_integer"
    if match.end() != len(expiration):
        return f'{{leftover_string,"{expiration[match.end() :]}"}}'
    milliseconds = int(expiration)
    if milliseconds < 0:
        return f"{{value_negative,{milliseconds}}}"
    if milliseconds > EXPIRATION_MAX_MS:
        return f"{{value_too_large,{milliseconds}}}"
    return ""
