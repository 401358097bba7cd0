"""An AMQP 0-9-1 connection: octets in, octets out, nothing else.

`receive` splits frames and gives them to channels; `data_to_send` collects what all of that wrote,
so a read of hundreds of messages costs one write. There is no socket, task or clock here: the
transport offers octets and the moment, and timers come from the broker's clock.

The frame that matters is basic.publish with its content behind it in the same buffer: it is
recognised in place and handed on as one slice (`_publish_whole`). Everything else takes the
general road through `_frame`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from librt.strings import read_i16_be, read_i32_be, read_i64_be
from mypy_extensions import i64

from leveret import errors
from leveret.amqp.blocked import Blocked
from leveret.amqp.channels import Channels
from leveret.amqp.content import Content
from leveret.amqp.described import described_connection, described_frame
from leveret.amqp.output import Output
from leveret.amqp.refusals import ack_timeout_refusal, connection_refusal, with_remedy
from leveret.amqp.unroutable import Unroutable
from leveret.broker.seams import Outbox, Session, Timer
from leveret.wire.constants import (
    BASIC_ACK,
    BASIC_PUBLISH,
    CHANNEL_CLOSE,
    CHANNEL_OPEN,
    CONNECTION_CLOSE,
    CONNECTION_CLOSE_OK,
    FRAME_END,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    FRAME_OVERHEAD,
)
from leveret.wire.errors import WireError
from leveret.wire.frames import (
    FRAME_HEADING,
    FRAME_MIN,
    FRAME_TOLERANCE,
    HEARTBEAT,
    MAX_FRAME,
    whole_content,
)
from leveret.wire.methods import (
    ConnectionClose,
    ConnectionCloseOk,
    Method,
    decode_method,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.amqp.channel import Channel, Handler
    from leveret.amqp.handshake import Handshake
    from leveret.amqp.heartbeat import Heartbeat
    from leveret.amqp.limits import Limits
    from leveret.amqp.peer import Peer
    from leveret.broker.broker import Broker
    from leveret.broker.vhost import VHost
    from leveret.wire.field import Table

log = logging.getLogger("leveret.connection")

# The states of a connection, in the order in which it passes through them. One that is refused
# before it is open goes from HANDSHAKE to DEAF: nothing is said and nothing heard until its end.
HANDSHAKE: Final = 0
RUNNING: Final = 1
CLOSING: Final = 2
DEAF: Final = 3
CLOSED: Final = 4

# Octets of frames that may wait for a pending answer before reading stops.
HELD_MAX: Final = 1 << 20
# Messages times destinations that one call of `receive` works off; the rest waits for the next
# turn of the loop, so that a fan-out to a thousand queues does not hold up everybody else.
WORK_PER_TURN: Final = 4096


class Connection(Session):
    """One peer. `handshake` answers until the connection is open; `handlers` are the channels'."""

    def __init__(
        self,
        broker: Broker,
        limits: Limits,
        peer: Peer,
        outbox: Outbox,
        handshake: Handshake,
        handlers: dict[int, Handler],
    ) -> None:
        self.broker = broker
        self.limits = limits
        self.peer = peer
        self.output = Output(self, outbox, limits.initial_frame_max_bytes)
        self.vhost: VHost | None = None
        self.user = ""
        self.client_name = ""
        self.client_properties: Table = {}
        self.mechanism = ""
        self.connected_at: float = broker.clock.now()
        self.hears_blocked = False
        self.hears_cancel = False
        self.blocked: Blocked | None = None
        # Whether it has published what the store keeps.
        self.stores = False
        self.frame_max: i64 = limits.initial_frame_max_bytes
        self.channels = Channels(self, handlers, handshake.backend, limits.channel_max)
        self.heartbeat: Heartbeat | None = None
        self.octets_received: i64 = 0
        self.reads: i64 = 0
        self.history: object = None
        self.confirming: dict[Channel, None] = {}
        self.work: i64 = 0
        self.unroutable = Unroutable()
        self._alarms = broker.alarms
        self._outbox = outbox
        self._handshake = handshake
        self._state = HANDSHAKE
        self._more = False
        # Channels with more frames held back than they may have.
        self._overfull: dict[Channel, None] = {}
        # Frames can no longer be told apart.
        self._garbled = False
        self._left_over: i64 = 0
        self._at: i64 = 0
        # What is being handled, for the close that an error leads to.
        self._failing_method: int = 0
        self._failing_channel: int = 0
        self._close_timer: Timer | None = None
        broker.sessions[self] = None
        handshake.begin(self)

    # --- Session ---

    def receive(self, data: bytes, now: float) -> int:
        self.broker.clock.moment = now
        self._more = False
        self._at = 0
        self.work = 0
        size = i64(len(data))
        # What was left over last time is offered, and counted, once more.
        self.octets_received += size - self._left_over
        self.reads += 1
        self.output.refill()
        while self._state < DEAF:
            began = self._at
            try:
                self._frames(data)
                break
            except Exception as error:
                # An error that used nothing up would come again for ever.
                self._garbled = self._garbled or self._at == began
                self._answer_error(error)
        used = size if self._state >= DEAF else self._at
        self._left_over = size - used
        self.confirm()
        return int(used)

    def more(self) -> bool:
        return self._more or self.output.has_room_for_waiting()

    def should_read(self) -> bool:
        if self.blocked is not None or self._overfull:
            return False
        return not self._handshake.awaits_answer()

    def eof(self) -> None:
        if self._state != CLOSED:
            if self._state == RUNNING:
                log.warning(
                    "%s: the client closed the TCP connection without an AMQP close",
                    self.described(),
                )
            self.drop()
        self.output.let_go()
        self.channels.let_go()

    def data_to_send(self) -> bytes:
        return self.output.take()

    def should_close(self) -> bool:
        return self._state == CLOSED

    def set_writable(self, writable: bool) -> None:
        self.output.writable = writable

    def confirm(self) -> None:
        if not self.confirming:
            return
        channels = list(self.confirming)
        self.confirming.clear()
        for channel in channels:
            confirms = channel.confirms
            if confirms is None or channel.closing:
                continue
            if self.broker.store_failure:
                confirms.fail_waiting()
            self.output.write(confirms.answers(channel.number))
            if confirms.unanswered():
                self.confirming[channel] = None
        if self.confirming:
            self.broker.unconfirmed[self] = None

    # --- frames in ---

    def _frames(self, data: bytes) -> None:
        if self._handshake.expects_header:
            self._at = self._handshake.protocol_header(self, data)
            if self._at == 0 or self.should_close():
                return
        if not self.should_read():
            return
        alarms = self._alarms
        end: i64 = len(data)
        last_number: i64 = -1
        channel: Channel | None = None
        while True:
            at = self._at
            if end - at < FRAME_HEADING:
                return
            size = i64(read_i32_be(data, at + 3)) & 0xFFFFFFFF
            if size > self.frame_max - FRAME_OVERHEAD + FRAME_TOLERANCE:
                self._refuse_frame(data, f"frame_too_large,{size},{self.frame_max - 8}", b"")
            stop = at + size + FRAME_OVERHEAD
            if stop > end:
                return
            if data[stop - 1] != FRAME_END:
                reason = f"invalid_frame_end_marker,{data[stop - 1]}"
                self._refuse_frame(data, reason, data[int(at) + 7 : int(stop) - 1])
            kind = i64(data[at])
            number = i64(read_i16_be(data, at + 1)) & 0xFFFF
            if kind == FRAME_METHOD and size >= 4:
                method_id = i64(read_i32_be(data, at + 7))
                if method_id == BASIC_PUBLISH or (method_id == BASIC_ACK and size == 13):
                    if number != last_number:
                        channel = self.channels.open.get(int(number))
                        last_number = number
                    if channel is not None and channel.takes_methods():
                        if method_id == BASIC_ACK:
                            self._acknowledge(channel, data, at, stop)
                            continue
                        # Under an alarm the general road blocks, in the midst of the message.
                        waits = alarms.on and alarms.concerns(self.stores)
                        if not waits and self._publish_whole(channel, data, at, stop, end):
                            if self.work >= WORK_PER_TURN:
                                self._more = end - self._at >= FRAME_OVERHEAD
                                return
                            continue
            self._at = stop
            self._failing_channel = int(number)
            self._failing_method = 0
            last_number = -1
            self._frame(int(kind), int(number), data[int(at) : int(stop)])
            if self._state >= DEAF or not self.should_read():
                return
            if self.work >= WORK_PER_TURN:
                self._more = end - self._at >= FRAME_OVERHEAD
                return

    def _publish_whole(self, channel: Channel, data: bytes, at: i64, stop: i64, end: i64) -> bool:
        """Publish, if the whole content follows the method right here; the general road takes,
        and judges, everything else."""
        last = whole_content(data, stop, end, self.frame_max + FRAME_TOLERANCE)
        if last == 0 or read_i16_be(data, stop + 1) != read_i16_be(data, at + 1):
            return False
        header_size = (i64(read_i32_be(data, stop + 3)) & 0xFFFFFFFF) + FRAME_OVERHEAD
        body_frame = last - stop - header_size
        self._failing_method = BASIC_PUBLISH
        self._failing_channel = channel.number
        self._at = last
        channel.publish(
            data[at + 7 : stop - 1],
            data[stop:last],
            header_size,
            read_i64_be(data, stop + 11),
            header_size if header_size > body_frame else body_frame,
        )
        return True

    def _acknowledge(self, channel: Channel, data: bytes, at: i64, stop: i64) -> None:
        self._failing_method = BASIC_ACK
        self._failing_channel = channel.number
        self._at = stop
        tag = int(read_i64_be(data, at + 11)) & 0xFFFFFFFFFFFFFFFF
        channel.acknowledge(tag, (data[at + 19] & 1) != 0)

    def _frame(self, kind: int, number: int, frame: bytes) -> None:
        if self._state == HANDSHAKE:
            self._handshake.frame(self, kind, number, frame)
        elif len(frame) < FRAME_MIN.get(kind, MAX_FRAME) or (
            kind == FRAME_HEARTBEAT and len(frame) > FRAME_OVERHEAD
        ):
            raise errors.FrameError(f"{described_frame(kind, frame[7:-1])}: unknown_frame")
        elif kind == FRAME_HEARTBEAT:
            if number != 0:
                raise errors.UnexpectedFrame(described_frame(kind, frame[7:-1]))
        elif number == 0:
            self._connection_frame(kind, frame)
        elif self._state == RUNNING:
            self._channel_frame(kind, number, frame)

    def _connection_frame(self, kind: int, frame: bytes) -> None:
        if kind != FRAME_METHOD:
            raise errors.UnexpectedFrame(described_frame(kind, frame[7:-1]))
        method = self._decode(frame)
        if method.method_id == CONNECTION_CLOSE:
            self._closed_by_peer()
        elif self._state == CLOSING:
            if method.method_id == CONNECTION_CLOSE_OK:
                self.drop()
        elif not self._handshake.running_method(self, method):
            raise errors.WrongChannelState("unexpected method in connection state running")

    def _channel_frame(self, kind: int, number: int, frame: bytes) -> None:
        channel = self.channels.open.get(number)
        if channel is None:
            self.channels.unopened_frame(kind, number, frame)
        elif channel.pending:
            channel.held.add(frame)
            if channel.held.size_bytes > HELD_MAX:
                self._overfull[channel] = None
        elif channel.content is not None:
            self._failing_method = BASIC_PUBLISH
            self._content_frame(channel, channel.content, kind, frame)
        elif kind != FRAME_METHOD:
            raise errors.UnexpectedFrame("expected method frame, got non method frame instead")
        elif int.from_bytes(frame[7:11], "big") == BASIC_PUBLISH:
            channel.content = Content(frame[7:-1])
        else:
            self._channel_method(channel, self._decode(frame))
        if kind != FRAME_METHOD and self.blocked is None and self._alarms.concerns(self.stores):
            self.blocked = Blocked(self)

    def _channel_method(self, channel: Channel, method: Method) -> None:
        if method.method_id == CHANNEL_CLOSE:
            self.channels.end(channel)
        elif method.method_id == CHANNEL_OPEN:
            raise errors.WrongChannelState("second 'channel.open' seen")
        else:
            self.output.begin_answer()
            try:
                channel.receive(method)
            finally:
                self.output.end_answer()

    def _content_frame(self, channel: Channel, content: Content, kind: int, frame: bytes) -> None:
        whole = content.add(kind, frame)
        if not whole:
            channel.check_announced(content)
            return
        channel.content = None
        channel.publish(
            content.publish,
            b"".join(content.frames),
            content.header_size,
            content.body_size,
            content.largest_frame,
        )

    def _decode(self, frame: bytes) -> Method:
        self._failing_method = int.from_bytes(frame[7:11], "big")
        return decode_method(frame[7 : len(frame) - 1])

    # --- frames out ---

    def send(self, method: Method) -> None:
        """Write a method of class connection."""
        self.output.method(0, method)

    def send_heartbeat(self) -> None:
        """Write a heartbeat frame."""
        self.output.write(HEARTBEAT)

    # --- pending answers ---

    def resume(
        self,
        channel: Channel,
        reply: Callable[[object], object],
        value: object,
        error: Exception | None,
    ) -> None:
        """The answer that a channel waited for has come."""
        if self._state != RUNNING or channel.closing:
            return
        channel.pending = False
        self._failing_channel = channel.number
        self._failing_method = channel.pending_method
        held = channel.held
        try:
            if error is not None:
                raise error
            reply(value)
        except Exception as refusal:
            self._answer_error(refusal)
        # A closed channel still hears its end; see `Channels.unopened_frame`.
        while len(held) and (channel.closing or not channel.pending):
            frame = held.take()
            self._failing_channel = channel.number
            self._failing_method = 0
            try:
                self._frame(frame[0], channel.number, frame)
            except Exception as refusal:
                self._answer_error(refusal)
        self.confirm()
        self.read_on(channel)

    def forget(self, channel: Channel) -> None:
        """A channel has ended."""
        self.confirming.pop(channel, None)
        if channel in self._overfull:
            del self._overfull[channel]
            self._more = True

    def read_on(self, channel: Channel | None) -> None:
        """What kept the rest of the input waiting is over."""
        if channel is not None and channel.held.size_bytes <= HELD_MAX:
            self._overfull.pop(channel, None)
        self._more = True
        self.output.announce()

    # --- the open connection and its end ---

    def shaking_hands(self) -> bool:
        """Whether the handshake goes on."""
        return self._state == HANDSHAKE

    def failing_method(self) -> int:
        """The method that is being handled."""
        return self._failing_method

    def tune(self, channel_max: int, frame_max: int) -> None:
        """What was negotiated holds from now on."""
        self.channels.maximum = channel_max
        self.frame_max = frame_max
        self.output.frame_max = frame_max

    def run(self, vhost: VHost, heartbeat: Heartbeat | None) -> None:
        """The handshake is done."""
        self.vhost = vhost
        self.heartbeat = heartbeat
        self._state = RUNNING

    def is_running(self) -> bool:
        """Whether it is open: through the handshake, and nobody has closed it."""
        return self._state == RUNNING

    def described(self) -> str:
        """The connection in a log line: who, and from where."""
        return described_connection(self.peer.name, self.client_name, self.user, self.vhost)

    def close(self, error: errors.ConnectionError) -> None:
        """Close by the server's own will, as on shutdown or by an operator's command."""
        self.refuse(error, 0, 0)

    def refuse(self, error: errors.ConnectionError, number: int, method_id: int) -> None:
        """Close the connection because of an error; before it is open, say nothing."""
        if self._state >= CLOSING:
            # Nonsense after the close was sent is ignored; see `_garbled` for the end of reading.
            if self._garbled and self._state == CLOSING:
                self._state = DEAF
            return
        if self._state == HANDSHAKE and not self._handshake.may_hear_errors():
            log.warning("%s refused: %s", self.described(), with_remedy(error))
            self.go_deaf()
            return
        self._log_close(number, error)
        self._release()
        # Once frames cannot be told apart nothing is read any more, close-ok included.
        self._state = DEAF if self._garbled else CLOSING
        self.send(
            ConnectionClose(
                reply_code=error.code,
                reply_text=error.reply_text,
                failing_class_id=method_id >> 16,
                failing_method_id=method_id & 0xFFFF,
            ),
        )
        self.drop_after(self.limits.close_timeout_seconds)

    def refuse_login(self, error: errors.LoginRefused) -> None:
        """Tell a client that can hear it that its login was refused."""
        self._state = CLOSING
        self.send(ConnectionClose(reply_code=error.code, reply_text=error.reply_text))
        self.drop_after(self.limits.refused_login_delay_seconds)

    def go_deaf(self) -> None:
        """Neither say nor hear anything more; the socket closes after a delay that makes
        guessing passwords slow."""
        self._state = DEAF
        self.drop_after(self.limits.refused_login_delay_seconds)

    def set_failing_method(self, method_id: int) -> None:
        """The method that a close on account of what happens now will name."""
        self._failing_method = method_id

    def ack_timeout(self, channel: Channel, timeout_seconds: float) -> None:
        """A delivery on the channel was not acknowledged in time."""
        self._failing_channel = channel.number
        self._failing_method = 0
        self._refuse_channel(ack_timeout_refusal(channel.number, timeout_seconds))

    def drop_after(self, seconds: float) -> None:
        """Close the socket then, if the peer has not by itself."""
        clock = self.broker.clock
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._close_timer = clock.call_at(clock.now() + seconds, self.drop)

    def drop(self) -> None:
        """Let go of everything and have the socket closed, without a further word."""
        if self._state == CLOSED:
            return
        self._release()
        self._state = CLOSED
        self._handshake.stop()
        if self._close_timer is not None:
            self._close_timer.cancel()
            self._close_timer = None
        del self.broker.sessions[self]
        self._outbox.on_output(self)

    def _closed_by_peer(self) -> None:
        # Exclusive queues must be gone before close-ok leaves: clients declare them again on
        # their next connection at once.
        self._release()
        self._state = CLOSING
        log.info("%s closed by the client", self.described())
        self.send(ConnectionCloseOk())
        self.drop_after(self.limits.close_timeout_seconds)

    def _release(self) -> None:
        # What goes back is delivered to others now, whoever ends this connection.
        self.broker.clock.wake()
        if self.heartbeat is not None:
            self.heartbeat.stop()
            self.heartbeat = None
        if self.blocked is not None:
            self.blocked.end()
        # What was published before the end has been accepted, and is confirmed.
        self.confirm()
        channels = self.channels.take_all()
        self.confirming = {}
        self._overfull = {}
        self.output.end_waiting()
        self.broker.unconfirmed.pop(self, None)
        # First nobody here consumes any more, then everything goes back: else a message would
        # pass from one dying channel to the next.
        for channel in channels:
            channel.withdraw()
        if self.vhost is not None and self._state == RUNNING:
            self.broker.churn.connections_closed += 1
            self.vhost.remove_exclusive_queues(self)
            self.channels.connection_closed()
        self.channels.give_back(channels)

    # --- refusals ---

    def _refuse_channel(self, error: errors.ChannelError) -> None:
        channel = self.channels.open.get(self._failing_channel)
        if channel is None:
            return
        self._log_close(channel.number, error)
        self.channels.refuse(channel, error, self._failing_method)

    def _log_close(self, number: int, error: errors.ReplyError) -> None:
        on = f", channel {number}" if number else ""
        log.error("%s%s closed: %s", self.described(), on, with_remedy(error))

    def _answer_error(self, error: Exception) -> None:
        """The one place where what went wrong becomes a close."""
        if isinstance(error, errors.ChannelError):
            self._refuse_channel(error)
            return
        refusal, names_method = connection_refusal(error, self._failing_channel != 0)
        if not isinstance(error, (errors.ConnectionError, WireError)):
            log.error("%s: internal error", self.described(), exc_info=error)
        method_id = self._failing_method if names_method else 0
        self.refuse(refusal, self._failing_channel, method_id)

    def _refuse_frame(self, data: bytes, reason: str, payload: bytes) -> None:
        kind = int(data[self._at])
        self._garbled = True
        raise errors.FrameError(f"{described_frame(kind, payload)}: {{{reason}}}")
