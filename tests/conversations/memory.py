"""The sans-IO core behind the wire that the conversations speak over."""

from leveret.testing import MemoryPeer, MemoryServer
from peer import Silence


class MemoryWire:
    """Octets to and from a session, at once: what is not there yet will not come by waiting."""

    def __init__(self, peer: MemoryPeer) -> None:
        self._peer = peer

    def send(self, data: bytes) -> None:
        self._peer.send(data)

    def receive(self, timeout: float) -> bytes:
        data = self._peer.receive()
        if not data and not self._peer.closed():
            raise Silence
        return data

    def close(self) -> None:
        self._peer.close()


class Server(MemoryServer):
    """The memory server as the conversations know servers."""

    def connect(self) -> MemoryWire:  # type: ignore[override]
        return MemoryWire(super().connect())

    def wait(self, seconds: float) -> None:
        """Time passes, to the moment."""
        self.advance(seconds)


def memory_server() -> Server:
    """A server of its own for each test."""
    return Server()
