"""A queue in a steady state: as much goes out as comes in, acknowledged late and in random order.

All messages have one size, so frames are read and written in bulk, at a fixed stride: the client
takes a few µs of CPU for a cycle, and the broker is what is slow.
"""

import random
import selectors
import struct
from dataclasses import dataclass
from pathlib import Path

from pamqp.commands import Basic, Confirm, Queue

from peer import Peer, TcpWire

from .broker_process import BrokerProcess

QUEUE, TAG = "steady", "c"
BODY = 200
AT_ONCE = 500
UNCONFIRMED, UNDELIVERED = 4000, 8000
MIB = 1 << 20


def _frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"


_PUBLISH = _frame(1, struct.pack(">IHBB", 60 << 16 | 40, 0, 0, len(QUEUE)) + QUEUE.encode() + b"\0")
_HEADER = _frame(2, struct.pack(">HHQHB", 60, 0, BODY, 1 << 12, 2))
_BODY = _frame(3, bytes(BODY))
_BEFORE_NUMBER, _AFTER_NUMBER = _PUBLISH + _HEADER + _BODY[:7], _BODY[15:]
_NUMBER = struct.Struct(">Q")
_ACK = _frame(1, struct.pack(">IQ?", 60 << 16 | 80, 0, False))
_BEFORE_TAG, _AFTER_TAG = _ACK[:11], _ACK[19:]
_CONFIRM = struct.Struct(">7xIQ?B")
# deliver: consumer tag, delivery tag, redelivered, exchange "", routing key; then the content.
_DELIVERY = struct.Struct(f">7xI{1 + len(TAG)}xQ{4 + len(QUEUE)}x{len(_HEADER) + 7}xQ{BODY - 8}xB")


@dataclass
class Sample:
    """So far, in bytes: bodies published; pages that the broker wrote to disks, with the zeros
    ahead; what it handed to write calls (under uvloop these are sockets too); what its folder
    takes."""

    published: int
    written: int
    handed: int
    disk: int

    def __str__(self) -> str:
        return (
            f"published {self.published / MIB:7.1f} MiB, written {self.written / MIB:7.1f}, "
            f"in calls for {self.handed / MIB:7.1f}, on disk {self.disk / MIB:6.1f}"
        )


class SteadyQueue:
    """`lag` messages are always unacknowledged; the first one for ever, if `keeps_first`. With
    `lag` None the consumer has automatic acknowledgement."""

    def __init__(self, broker: BrokerProcess, lag: int | None, keeps_first: bool = False) -> None:
        self.broker = broker
        self.samples: list[Sample] = []
        self.held: dict[int, int] = {}  # by slot, the number of a message without an ack
        self._lag = lag
        self._dice = random.Random(lag).random
        self._tags: list[int] = []
        self._numbers: list[int] = []
        self._keeps_first = keeps_first
        self._published = self._received = self._confirmed = 0
        self._before = written_bytes(broker.pid)
        self._publisher = broker.connect()
        self._publisher.call(Queue.Declare(queue=QUEUE, durable=True))
        self._publisher.call(Confirm.Select())
        self._consumer = broker.connect()
        self._consumer.send_method(
            1, Basic.Consume(queue=QUEUE, consumer_tag=TAG, no_ack=lag is None)
        )
        self._consumer.expect(Basic.ConsumeOk)

    def run(self, messages: int, samples: int) -> None:
        """Publish so many messages and receive them; the last `lag` stay unacknowledged."""
        publishing = Stream(self._publisher, _CONFIRM.size)
        consuming = Stream(self._consumer, _DELIVERY.size)
        every = messages // samples
        with selectors.DefaultSelector() as selector:
            for stream in (publishing, consuming):
                selector.register(stream.socket, selectors.EVENT_READ, stream)
            while self._received < messages or self._confirmed < messages:
                if (
                    len(publishing.out) < 1 << 18
                    and self._published < messages
                    and self._published - self._confirmed < UNCONFIRMED
                    and self._published - self._received < UNDELIVERED
                ):
                    publishing.out += self._publish(min(AT_ONCE, messages - self._published))
                publishing.flush()
                consuming.flush()
                # What waits to be sent needs another turn soon; otherwise an answer is awaited.
                waiting = publishing.out or consuming.out
                for key, _ in selector.select(0.0005 if waiting else 5):
                    data = key.data.read()
                    if key.data is publishing:
                        self._take_confirms(data)
                    else:
                        consuming.out += self._take_deliveries(data)
                if self._published >= every * (len(self.samples) + 1):
                    self._sample()
        for peer in (self._publisher, self._consumer):
            peer.close()

    def unacknowledged(self) -> set[int]:
        """The numbers of the messages without an acknowledgement, once the run is over."""
        kept = {0} if self._keeps_first else set[int]()
        return kept | set(self._numbers)

    def _publish(self, count: int) -> bytes:
        first = self._published
        self._published += count
        pack = _NUMBER.pack
        return b"".join(
            [_BEFORE_NUMBER + pack(n) + _AFTER_NUMBER for n in range(first, first + count)]
        )

    def _take_confirms(self, data: bytes) -> None:
        for method, tag, multiple, end in _CONFIRM.iter_unpack(data):
            assert (method, end) == (60 << 16 | 80, 0xCE), "something else than a confirm"
            assert multiple or tag == self._confirmed + 1, "confirms out of order"
            self._confirmed = tag

    def _take_deliveries(self, data: bytes) -> bytes:
        """Returns the acknowledgements of others in turn."""
        expected, acked = self._received, list[int]()
        tags, numbers, lag, dice = self._tags, self._numbers, self._lag, self._dice
        for method, tag, number, end in _DELIVERY.iter_unpack(data):
            assert (method, end) == (60 << 16 | 60, 0xCE), "something else than a delivery"
            assert number == expected, f"message {number} instead of {expected}"
            expected += 1
            if lag is None or (number == 0 and self._keeps_first):
                continue
            if len(tags) < lag:
                tags.append(tag)
                numbers.append(number)
            elif lag == 0:
                acked.append(tag)
            else:
                slot = int(dice() * lag)
                acked.append(tags[slot])
                tags[slot], numbers[slot] = tag, number
        self._received = expected
        pack = _NUMBER.pack
        return b"".join([_BEFORE_TAG + pack(tag) + _AFTER_TAG for tag in acked])

    def _sample(self) -> None:
        now, before = written_bytes(self.broker.pid), self._before
        written, handed = now[0] - before[0], now[1] - before[1]
        disk = disk_bytes(self.broker.data)
        self.samples.append(Sample(self._published * BODY, written, handed, disk))


class Stream:
    """A connection after its handshake, never blocking; what is read are whole frames."""

    def __init__(self, peer: Peer, stride: int) -> None:
        assert isinstance(peer.wire, TcpWire)
        self.socket = peer.wire.socket
        self.socket.setblocking(False)
        self.out = bytearray()
        self._stride = stride
        self._rest = peer.buffer

    def flush(self) -> None:
        try:
            while self.out:
                del self.out[: self.socket.send(self.out)]
        except BlockingIOError:
            pass

    def read(self) -> bytes:
        try:
            arrived = self.socket.recv(1 << 20)
        except BlockingIOError:
            return b""
        assert arrived, "the broker ended the connection"
        data = self._rest + arrived
        whole = len(data) // self._stride * self._stride
        self._rest = data[whole:]
        return data[:whole]


def written_bytes(pid: int) -> tuple[int, int]:
    """What a process has written so far: octets of pages that went to a disk, octets handed to
    write calls."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    counts = dict(line.split(": ") for line in lines)
    return int(counts["write_bytes"]), int(counts["wchar"])


def disk_bytes(folder: Path) -> int:
    """What a folder takes on the disk; files that go while one looks count as gone."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def everything_ready(broker: BrokerProcess) -> set[int]:
    """The numbers of all messages in the queue, which has no consumer."""
    peer = broker.connect()
    count = peer.call(Queue.Declare(queue=QUEUE, durable=True)).message_count
    peer.send_method(1, Basic.Consume(queue=QUEUE, consumer_tag=TAG, no_ack=True))
    peer.expect(Basic.ConsumeOk)
    numbers = {_NUMBER.unpack_from(peer.expect(Basic.Deliver).body)[0] for _ in range(count)}
    peer.close()
    return numbers
