"""From whatever went wrong to the close that says so."""

from leveret import errors
from leveret.amqp.described import without_octets
from leveret.wire.errors import MalformedString, UnknownMethod, WireError


def with_remedy(error: errors.ReplyError) -> str:
    """A refusal for the log: what the peer hears, but for its octets, and what to do about it."""
    text = without_octets(error.reply_text)
    return f"{text} ({error.remedy})" if error.remedy else text


def connection_refusal(error: Exception, on_channel: bool) -> tuple[errors.ConnectionError, bool]:
    """The refusal that an error means for a connection, and whether it names the method.

    RabbitMQ finds strings that are no UTF-8 on channels before it knows the method; what it does
    not know, or did not expect, has none to name.
    """
    if isinstance(error, errors.ConnectionError):
        return error, not isinstance(error, errors.InternalError)
    if isinstance(error, UnknownMethod):
        return errors.CommandInvalid(str(error)), False
    if isinstance(error, WireError):
        nameless = on_channel and isinstance(error, MalformedString)
        return errors.FrameError(str(error)), not nameless
    return errors.InternalError(""), False


def ack_timeout_refusal(number: int, timeout_seconds: float) -> errors.ChannelError:
    """The close of a channel on which a delivery was not acknowledged in time."""
    return errors.PreconditionFailed(
        f"delivery acknowledgement on channel {number} timed out. "
        f"Timeout value used: {round(timeout_seconds * 1000)} ms. "
        "This timeout value can be configured, see consumers doc guide to learn more",
        remedy="acknowledge sooner, or raise consumer_timeout_seconds or the queue's "
        "x-consumer-timeout; the message goes to another consumer",
    )
