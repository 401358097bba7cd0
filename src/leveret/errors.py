"""The refusals of AMQP 0-9-1: one class per reply code (spec §1.1 "reply-code", RabbitMQ's texts).

Code anywhere below a channel raises one of these with the explanation only; the one door of the
channel (or of the connection) adds the reply name, the class and method, and writes the close.
A `ChannelError` closes the channel, a `ConnectionError` the whole connection.
"""

from typing import ClassVar, Final

# Octets: what AMQP carries of a name, a routing key or a reply text.
SHORT_STRING_MAX: Final = 255


class ReplyError(Exception):
    """A refused operation: `code` and `name` go to the peer, `remedy` goes to the log."""

    code: ClassVar[int]
    name: ClassVar[str]

    def __init__(self, explanation: str, *, remedy: str = "") -> None:
        super().__init__(explanation)
        self.explanation = explanation
        self.remedy = remedy

    @property
    def reply_text(self) -> str:
        """RabbitMQ's reply text: `NAME - explanation`, cut to what a short string can carry."""
        text = f"{self.name} - {self.explanation}" if self.explanation else self.name
        # A name may hold octets that are no UTF-8 (surrogates here); a short string may not.
        octets = text.encode(errors="backslashreplace")
        if len(octets) > SHORT_STRING_MAX:
            octets = octets[: SHORT_STRING_MAX - 3] + b"..."
        return octets.decode(errors="ignore")


class ChannelError(ReplyError):
    """Closes the channel it was raised on (a "soft" error of the specification)."""


class ConnectionError(ReplyError):
    """Closes the connection (a "hard" error of the specification)."""


class AccessRefused(ChannelError):
    code, name = 403, "ACCESS_REFUSED"


class NotFound(ChannelError):
    code, name = 404, "NOT_FOUND"


class ResourceLocked(ChannelError):
    code, name = 405, "RESOURCE_LOCKED"


class PreconditionFailed(ChannelError):
    code, name = 406, "PRECONDITION_FAILED"


class ConnectionForced(ConnectionError):
    code, name = 320, "CONNECTION_FORCED"


class LoginRefused(ConnectionError):
    """403 on the connection: spec §1.4.2.2 has no close here; RabbitMQ sends one on request."""

    code, name = 403, "ACCESS_REFUSED"


class FrameError(ConnectionError):
    code, name = 501, "FRAME_ERROR"


class MalformedArguments(ConnectionError):
    code, name = 502, "SYNTAX_ERROR"


class CommandInvalid(ConnectionError):
    code, name = 503, "COMMAND_INVALID"


class WrongChannelState(ConnectionError):
    code, name = 504, "CHANNEL_ERROR"


class UnexpectedFrame(ConnectionError):
    code, name = 505, "UNEXPECTED_FRAME"


class NotAllowed(ConnectionError):
    code, name = 530, "NOT_ALLOWED"


class NotImplementedByServer(ConnectionError):
    code, name = 540, "NOT_IMPLEMENTED"


class InternalError(ConnectionError):
    code, name = 541, "INTERNAL_ERROR"


class NotStored(InternalError):
    """A change of something durable could not be committed; the explanation says why."""
