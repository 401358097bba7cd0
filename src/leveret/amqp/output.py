"""What waits to be sent to one peer: everything that an event made it write, as one piece.

A write to the socket for each message was measured at twenty to thirty-five times the CPU of one
for each event, so octets gather here until the transport takes them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter, read_i32_be, write_i32_be, write_i64_be
from mypy_extensions import i32, i64, u8

from leveret.broker.seams import Outbox, Pending, Session
from leveret.wire.constants import FRAME_END, FRAME_OVERHEAD
from leveret.wire.frames import FRAME_TOLERANCE, body_frames, header_frame, method_frame

if TYPE_CHECKING:
    from leveret.amqp.consumer import ChannelConsumer
    from leveret.broker.message import Message
    from leveret.wire.methods import Method

# Octets that may wait for the transport before deliveries to this peer stop.
OUTPUT_MAX: Final = 1 << 20


class _Silent(Outbox):
    """Nobody takes anything."""

    def on_output(self, session: Session) -> None:
        return None


_SILENT: Final[Outbox] = _Silent()
_NO_SESSION: Final = Session()


class Output:
    """`frame_max` is the negotiated one; `writable` is false while the peer takes nothing.
    `starved` are the consumers that wait for room."""

    def __init__(self, session: Session, outbox: Outbox, frame_max: i64) -> None:
        self.frame_max = frame_max
        self.octets_sent: i64 = 0
        self.writes: i64 = 0
        self.writable = True
        self.starved: list[ChannelConsumer] = []
        self._session = session
        self._outbox = outbox
        self._writer = BytesWriter()
        self._announced = False
        self._answering = False
        self._notices: list[bytes] = []
        # Answers that wait for room.
        self._answers: deque[Pending] = deque()

    def announce(self) -> None:
        """There is something for the transport: tell it, once."""
        if not self._announced:
            self._announced = True
            self._outbox.on_output(self._session)

    def take(self) -> bytes:
        """The octets that have gathered since the last call."""
        self._announced = False
        if len(self._writer) == 0:
            return b""
        data = self._writer.getvalue()
        self._writer = BytesWriter()
        self.octets_sent += len(data)
        self.writes += 1
        return data

    def size(self) -> int:
        """How many octets wait."""
        return len(self._writer)

    def has_room(self) -> bool:
        """Whether deliveries to this peer may go on."""
        return self.writable and len(self._writer) < OUTPUT_MAX

    # --- waiting for room ---

    def when_room(self) -> Pending:
        """Answered once there is room for what may be much more than what asked for it."""
        if self.has_room():
            return Pending.of(None)
        answer = Pending()
        self._answers.append(answer)
        return answer

    def has_room_for_waiting(self) -> bool:
        """Whether somebody waits for room, and there is some."""
        return (len(self.starved) != 0 or len(self._answers) != 0) and self.has_room()

    def refill(self) -> None:
        """Those who wait go on while there is room: answers first, then deliveries."""
        while len(self._answers) != 0 and self.has_room():
            self._answers.popleft().complete(None)
        if not self.starved or not self.has_room():
            return
        starved = self.starved
        self.starved = []
        for consumer in starved:
            consumer.starved = False
        for consumer in starved:
            consumer.channel.replenish(consumer)

    def end_waiting(self) -> None:
        """Who waits has ended."""
        self.starved = []
        self._answers.clear()

    def let_go(self) -> None:
        """The peer is gone: nobody is told any more. A session and its output refer to each other,
        and only the collector would free them."""
        self._session = _NO_SESSION
        self._outbox = _SILENT

    # --- writing ---

    def write(self, octets: bytes) -> None:
        """Write octets: a whole frame, or what is none."""
        self._writer.write(octets)
        self.announce()

    def method(self, number: int, method: Method) -> None:
        """Write a method on a channel."""
        self.write(method_frame(number, method.encode()))

    def insert(self, at: int, octets: bytes) -> None:
        """Write a whole frame before what was written since `size` was `at`, of this turn."""
        written = self._writer.getvalue()
        self._writer = BytesWriter()
        self.write(written[:at] + octets + written[at:])

    def deliver(
        self,
        frame_start: bytes,
        deliver_start: bytes,
        tag: i64,
        redelivered: bool,
        message: Message,
        number: i64,
    ) -> None:
        """Write basic.deliver and its content. `frame_start` is frame type and channel number,
        `deliver_start` class, method and consumer tag: both are encoded once, by their owners."""
        writer = self._writer
        tail = message.tail
        writer.write(frame_start)
        write_i32_be(writer, i32(len(deliver_start) + len(tail) + 9))
        writer.write(deliver_start)
        write_i64_be(writer, tag)
        writer.append(u8(1) if redelivered else u8(0))
        writer.write(tail)
        writer.append(u8(FRAME_END))
        self.content(message, number)

    def content(self, message: Message, number: i64) -> None:
        """Write the content header and body frames of a message for a channel."""
        writer = self._writer
        if message.largest_frame > self.frame_max + FRAME_TOLERANCE:
            body = message.body()
            writer.write(header_frame(int(number), message.properties(), len(body)))
            writer.write(body_frames(int(number), body, int(self.frame_max)))
        else:
            at = i64(len(writer))
            writer.write(message.frames)
            if message.channel != number:
                self._renumber(message, at, number)
        self.announce()

    def _renumber(self, message: Message, at: i64, number: i64) -> None:
        """Put a channel number into the frames of a message that were written at `at`."""
        writer = self._writer
        frames = message.frames
        high = u8(number >> 8)
        low = u8(number & 0xFF)
        end = i64(len(frames))
        frame: i64 = 0
        while frame < end:
            writer[at + frame + 1] = high
            writer[at + frame + 2] = low
            frame += (i64(read_i32_be(frames, frame + 3)) & 0xFFFFFFFF) + FRAME_OVERHEAD

    # --- notices ---

    def notify(self, frame: bytes) -> None:
        """Write a method that nobody asked for; it follows the answer that is being given."""
        if self._answering:
            self._notices.append(frame)
        else:
            self.write(frame)

    def begin_answer(self) -> None:
        """A method is being handled: what it leads to comes after its answer."""
        self._answering = True

    def end_answer(self) -> None:
        """The answer is written."""
        self._answering = False
        if self._notices:
            self.write(b"".join(self._notices))
            self._notices.clear()
