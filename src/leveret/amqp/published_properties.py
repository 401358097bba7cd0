"""The properties that the server must look at when a message is published.

They are expiration, user_id, and the headers with further routing keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leveret.broker.content import properties_of, with_properties
from leveret.broker.copies import BCC, further_keys
from leveret.errors import SHORT_STRING_MAX, PreconditionFailed

if TYPE_CHECKING:
    from leveret.broker.actor import Actor
    from leveret.broker.message import Message
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


def copied(message: Message) -> tuple[list[str], Message]:
    """The further routing keys of a message, and the message without the header BCC; 406 if CC or
    BCC is malformed, or a key is longer than a routing key can be: the time that a topic exchange
    takes grows with its length."""
    properties = properties_of(message)
    headers = properties.headers or {}
    keys = further_keys(headers)
    for key in keys:
        size = len(key.encode(errors="surrogateescape"))
        if size > SHORT_STRING_MAX:
            raise PreconditionFailed(
                f"invalid message: a routing key in CC or BCC has {size} octets, "
                f"at most {SHORT_STRING_MAX} are allowed"
            )
    if BCC not in headers:
        return keys, message
    bcc = further_keys({BCC: headers.pop(BCC)})
    return keys, with_properties(message, properties, message.tail, bcc)


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
