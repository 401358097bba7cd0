"""A message, and its place in one queue.

Both classes are `acyclic` (the garbage collector does not track them): a million of them would
otherwise be walked again and again (measured: twice the CPU of a publish with acknowledgements).
The price is two rules: whoever drops a queue or a channel empties it first, so that no `Entry` is
left in a circle with the queue and the consumer it points to; and whoever drops a chain of entries
takes it apart first (`Ready.__del__` says why).
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from leveret.broker.seams import Consumer, Queue

NEVER: Final = 0.0
UNKNOWN: Final = -1.0


@mypyc_attr(acyclic=True)
class Message:
    """Content as it was published: the frames stay encoded until somebody must look inside.

    `frames` is the content header frame and the body frames, one after the other, exactly as the
    publisher sent them; `channel` is the channel number they carry. `tail` is the exchange and
    the routing key as two short strings, as basic.deliver, basic.return and basic.get-ok carry
    them. All sizes are in octets. `refused` is set by a queue that does not take it (`x-overflow`).
    """

    __slots__ = (
        "body_size",
        "channel",
        "frames",
        "header_size",
        "largest_frame",
        "persistent",
        "refused",
        "tail",
    )

    def __init__(
        self,
        frames: bytes,
        tail: bytes,
        channel: i64,
        header_size: i64,
        body_size: i64,
        largest_frame: i64,
        persistent: bool,
    ) -> None:
        self.frames = frames
        self.tail = tail
        self.channel = channel
        self.header_size = header_size
        self.body_size = body_size
        self.largest_frame = largest_frame
        self.persistent = persistent
        self.refused = False

    def copy(self) -> "Message":
        """The same content again."""
        return Message(
            self.frames,
            self.tail,
            self.channel,
            self.header_size,
            self.body_size,
            self.largest_frame,
            self.persistent,
        )

    def body(self) -> bytes:
        """The body, joined from its frames."""
        frames = self.frames
        parts: list[bytes] = []
        at = int(self.header_size)
        while at < len(frames):
            size = int.from_bytes(frames[at + 3 : at + 7], "big")
            parts.append(frames[at + 7 : at + 7 + size])
            at += size + 8
        return b"".join(parts)

    def properties(self) -> bytes:
        """The property flags and property list, as encoded in the content header."""
        # frame header 7, class 2, weight 2, body size 8; then the properties, then the frame end
        return self.frames[19 : int(self.header_size) - 1]

    @property
    def exchange(self) -> str:
        """The name of the exchange it was published to."""
        return self.tail[1 : 1 + self.tail[0]].decode(errors="surrogateescape")

    @property
    def routing_key(self) -> str:
        """The routing key it was published with."""
        return self.tail[2 + self.tail[0] :].decode(errors="surrogateescape")


@mypyc_attr(acyclic=True)
class StoredMessage(Message):
    """A message that was read from the store. `stored_ms` is when it was stored: milliseconds of
    the time of day since 1970."""

    __slots__ = ("stored_ms",)

    def __init__(
        self,
        frames: bytes,
        tail: bytes,
        channel: i64,
        header_size: i64,
        body_size: i64,
        largest_frame: i64,
        persistent: bool,
        stored_ms: i64,
    ) -> None:
        super().__init__(frames, tail, channel, header_size, body_size, largest_frame, persistent)
        self.stored_ms = stored_ms


@mypyc_attr(acyclic=True)
class CopiedMessage(StoredMessage):
    """A message with keys of BCC, `bcc`. They are no longer in its frames, and lead its dead letter
    on. `stored_ms` is 0 as long as it was not read from the store."""

    __slots__ = ("bcc",)

    def __init__(
        self,
        frames: bytes,
        tail: bytes,
        channel: i64,
        header_size: i64,
        body_size: i64,
        largest_frame: i64,
        persistent: bool,
        stored_ms: i64,
        bcc: list[str],
    ) -> None:
        super().__init__(
            frames, tail, channel, header_size, body_size, largest_frame, persistent, stored_ms
        )
        self.bcc = bcc

    def copy(self) -> Message:
        return CopiedMessage(
            self.frames,
            self.tail,
            self.channel,
            self.header_size,
            self.body_size,
            self.largest_frame,
            self.persistent,
            self.stored_ms,
            self.bcc,
        )


@mypyc_attr(acyclic=True)
class Entry:
    """A message in a queue, or delivered from it and not yet settled.

    `position` orders the entries of one queue; a requeued entry goes back to its own. While it is
    unacked, `consumer` is who has it (None after basic.get) and `delivered_at` when it left, in
    seconds of the clock. `ticket` is the store's, 0 for a message that was never stored.
    `expires_at` is when it has waited long enough, in the same seconds; `NEVER`, or `UNKNOWN` of a
    message from before the start whose content nobody has looked at.
    """

    __slots__ = (
        "consumer",
        "delivered_at",
        "expires_at",
        "message",
        "next",
        "position",
        "queue",
        "redelivered",
        "ticket",
    )

    def __init__(self, message: Message, queue: Queue, position: i64, ticket: i64) -> None:
        self.message = message
        self.queue = queue
        self.position = position
        self.ticket = ticket
        self.redelivered = False
        self.delivered_at: float = 0.0
        self.expires_at: float = NEVER
        self.consumer: Consumer | None = None
        self.next: Entry | None = None
