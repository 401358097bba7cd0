"""A wire that hands over one frame at a time, so that what a client read, and when, is certain."""

from conformance.notation import split_frames
from peer import PROTOCOL_HEADER, Wire


class FrameWire:
    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._rest = b""
        self._ended = False

    def send(self, data: bytes) -> None:
        self.wire.send(data)

    def receive(self, timeout: float) -> bytes:
        """The next frame, or protocol header; nothing at the end. Raises `Silence`."""
        while not self._ended:
            if self._rest.startswith(b"AMQP") and len(self._rest) >= len(PROTOCOL_HEADER):
                return self._take(len(PROTOCOL_HEADER))
            frames, _ = split_frames(self._rest)
            if frames:
                return self._take(len(frames[0]))
            data = self.wire.receive(timeout)
            self._rest += data
            self._ended = not data
        return self._take(len(self._rest))

    def close(self) -> None:
        self.wire.close()

    def _take(self, size: int) -> bytes:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken
