"""Publishes into one queue over many connections as fast as they go, until it is killed."""

import selectors
import sys

from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic, Queue
from pamqp.header import ContentHeader

from peer import Peer, TcpWire

MESSAGES = 2000


def main(port: int, connections: int) -> None:
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        wire = TcpWire("127.0.0.1", port)
        peer = Peer(wire)
        peer.handshake("guest", "guest", "flood")
        peer.open_channels()
        peer.call(Queue.Declare(queue="flooded"))
        wire.socket.setblocking(False)
        selector.register(wire.socket, selectors.EVENT_WRITE)
    message = (
        frame.marshal(Basic.Publish(routing_key="flooded"), 1)
        + frame.marshal(ContentHeader(0, 16), 1)
        + frame.marshal(ContentBody(b"x" * 16), 1)
    )
    burst = message * MESSAGES
    # A socket takes part of a burst; the rest of it must follow before the next.
    rests: dict[int, bytes] = {}
    print("flooding", flush=True)
    while True:
        for key, _ in selector.select():
            rest = rests.get(key.fd) or burst
            rests[key.fd] = rest[key.fileobj.send(rest) :]  # type: ignore[union-attr]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
