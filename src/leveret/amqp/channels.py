"""The channels of a connection: by number, from channel.open to close-ok.

After the server has closed a channel its number is neither open nor free: until the peer says
close-ok everything on it is ignored, since the peer may have sent it before it knew (spec
§1.5.2.5, "After sending this method, any received methods except Close and Close-OK MUST be
discarded").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leveret.amqp import events
from leveret.amqp.admission import admit_channel
from leveret.amqp.channel import Channel
from leveret.broker.actor import Actor
from leveret.errors import NotAllowed, UnexpectedFrame, WrongChannelState
from leveret.wire.constants import (
    CHANNEL_CLOSE,
    CHANNEL_CLOSE_OK,
    CHANNEL_OPEN,
    FRAME_METHOD,
)
from leveret.wire.frames import METHOD_FRAME_MIN, method_frame
from leveret.wire.methods import ChannelClose, ChannelCloseOk, ChannelOpenOk

if TYPE_CHECKING:
    from leveret.amqp.channel import Handler
    from leveret.amqp.connection import Connection
    from leveret.broker.seams import Backend
    from leveret.errors import ChannelError


class Channels:
    """`open` are the channels that take methods; `maximum` is the negotiated channel_max."""

    def __init__(
        self, connection: Connection, handlers: dict[int, Handler], backend: Backend, maximum: int
    ) -> None:
        self.open: dict[int, Channel] = {}
        self.maximum = maximum
        self._connection = connection
        self._handlers = handlers
        self._backend = backend
        self._closing: dict[int, None] = {}

    def unopened_frame(self, kind: int, number: int, frame: bytes) -> None:
        """A frame on a channel that takes none: channel.open, or left over, or 504."""
        method_id = 0
        if kind == FRAME_METHOD and len(frame) >= METHOD_FRAME_MIN:
            method_id = int.from_bytes(frame[7:11], "big")
        if number in self._closing:
            if method_id == CHANNEL_CLOSE_OK:
                del self._closing[number]
            elif method_id == CHANNEL_OPEN:
                self._connection.set_failing_method(method_id)
                raise WrongChannelState("second 'channel.open' seen")
            elif method_id == CHANNEL_CLOSE:
                self._write(number, ChannelCloseOk().encode())
        elif method_id == CHANNEL_OPEN:
            self._open(number)
        elif kind != FRAME_METHOD:
            raise UnexpectedFrame("expected method frame, got non method frame instead")
        else:
            self._connection.set_failing_method(method_id)
            raise WrongChannelState("expected 'channel.open'")

    def end(self, channel: Channel) -> None:
        """The peer closes a channel: it is forgotten before close-ok leaves, since the peer may
        open the number again at once."""
        self._release(channel)
        self._write(channel.number, ChannelCloseOk().encode())

    def refuse(self, channel: Channel, error: ChannelError, method_id: int) -> None:
        """The server closes a channel because of an error."""
        self._release(channel)
        self._closing[channel.number] = None
        close = ChannelClose(
            reply_code=error.code,
            reply_text=error.reply_text,
            failing_class_id=method_id >> 16,
            failing_method_id=method_id & 0xFFFF,
        )
        self._write(channel.number, close.encode())

    def take_all(self) -> list[Channel]:
        """Every open channel; none is open any more."""
        channels = list(self.open.values())
        self.open = {}
        self._closing = {}
        return channels

    def connection_closed(self) -> None:
        """The connection was open and is so no more."""
        events.connection_closed(self._connection)

    def let_go(self) -> None:
        """The connection is over. It and this refer to each other, and only the collector would
        free them."""
        if hasattr(self, "_connection"):
            del self._connection

    def give_back(self, channels: list[Channel]) -> None:
        """They have ended and consume no more: what is theirs goes back."""
        for channel in channels:
            events.channel_closed(channel)
            channel.give_back()
            self._connection.broker.churn.channels_closed += 1

    def _open(self, number: int) -> None:
        # The number of channels is limited, not their numbers, as in RabbitMQ.
        if len(self.open) >= self.maximum:
            raise NotAllowed(
                f"number of channels opened ({len(self.open)}) has reached the "
                f"negotiated channel_max ({self.maximum})"
            )
        connection = self._connection
        admit_channel(connection, self._backend)
        actor = Actor(connection.user, self._backend, connection)
        channel = Channel(connection, number, actor, self._handlers)
        self.open[number] = channel
        connection.broker.churn.channels_opened += 1
        events.channel_created(channel)
        self._write(number, ChannelOpenOk().encode())

    def _release(self, channel: Channel) -> None:
        # What was published before the end has been accepted, and is confirmed.
        self._connection.confirm()
        del self.open[channel.number]
        self._connection.forget(channel)
        channel.withdraw()
        self.give_back([channel])

    def _write(self, number: int, payload: bytes) -> None:
        self._connection.output.write(method_frame(number, payload))
