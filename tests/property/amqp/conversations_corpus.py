"""Whole conversations of a client, octet for octet as it would send them without waiting."""

import struct
from collections.abc import Mapping

from pamqp import base
from pamqp.commands import Basic, Channel, Confirm, Connection, Exchange, Queue, Tx

from peer import (
    BODY,
    CAPABILITIES,
    HEARTBEAT,
    PROTOCOL_HEADER,
    frame,
    header_frame,
    method_frame,
    unchecked,
)

Frames = list[bytes]


def on(channel: int, *commands: base.Frame) -> Frames:
    return [method_frame(channel, command) for command in commands]


def opening(channel: int) -> bytes:
    return method_frame(channel, unchecked(Channel.Open, out_of_band=""))


def publish(
    channel: int,
    routing_key: str,
    *bodies: bytes,
    exchange: str = "",
    properties: Basic.Properties | None = None,
    mandatory: bool = False,
) -> Frames:
    """One message; its body in as many frames as there are bodies."""
    command = Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
    size = sum(map(len, bodies))
    head = header_frame(channel, size, properties or Basic.Properties())
    return [method_frame(channel, command), head, *(frame(BODY, channel, body) for body in bodies)]


START_OK = unchecked(
    Connection.StartOk,
    client_properties={"capabilities": CAPABILITIES, "connection_name": "grüße\n"},
    response="\0guest\0guest",
)
HANDSHAKE: Frames = [
    PROTOCOL_HEADER,
    *on(0, START_OK, Connection.TuneOk(2047, 131072, 60), Connection.Open("/")),
    opening(1),
]
HANG_UP = on(0, Connection.Close(200, "bye", 0, 0))

PERSISTENT = Basic.Properties(
    delivery_mode=2, headers={"h": 1, "s": "x"}, content_type="text/plain"
)

CORPUS: Mapping[str, Frames] = {
    "nothing": [],
    "hello": [
        *on(1, Queue.Declare(queue="q")),
        *publish(1, "q", b"Hello World!"),
        *on(1, Basic.Consume(queue="q", consumer_tag="c"), Basic.Ack(1)),
        *HANG_UP,
    ],
    "work queue": [
        *on(1, Queue.Declare(queue="work", durable=True), Basic.Qos(prefetch_count=1)),
        *[
            octets
            for n in range(5)
            for octets in publish(1, "work", b"%d" % n, properties=PERSISTENT)
        ],
        *on(1, Basic.Consume(queue="work", consumer_tag="c"), Basic.Ack(1), Basic.Nack(2)),
        *on(1, Basic.Reject(3, requeue=False), Basic.Ack(0, multiple=True)),
        *on(1, Basic.Cancel("c"), Basic.Recover(requeue=True), Channel.Close(200, "", 0, 0)),
    ],
    "confirms and returns": [
        *on(1, Confirm.Select(), Queue.Declare(queue="q", exclusive=True)),
        *publish(1, "q", b"a"),
        *publish(1, "nowhere", b"b", mandatory=True),
        *publish(1, "q", properties=PERSISTENT),
        *publish(1, "q", b"abc", b"", b"def"),
        *on(1, Queue.Purge(queue="q"), Queue.Delete(queue="q")),
        *publish(1, "q", b"c"),
    ],
    "confirms and closes": [
        opening(2),
        *on(1, Confirm.Select()),
        *on(2, Confirm.Select(nowait=True)),
        *publish(1, "nowhere", b"a"),
        *on(1, Channel.Close(200, "", 0, 0)),
        *publish(2, "nowhere", b"a"),
        *publish(2, "nowhere", b"b"),
        *HANG_UP,
    ],
    "topics": [
        *on(1, Exchange.Declare(exchange="t", exchange_type="topic", auto_delete=True)),
        *on(
            1,
            Queue.Declare(queue="", exclusive=True),
            Queue.Bind(queue="", exchange="t", routing_key="a.#"),
        ),
        *on(1, Exchange.Bind(destination="t", source="amq.topic", routing_key="#")),
        *publish(1, "a.b", b"x", exchange="amq.topic"),
        *on(1, Basic.Get(queue=""), Basic.Get(queue="", no_ack=True), Basic.Ack(1)),
        *on(1, Queue.Unbind(queue="", exchange="t", routing_key="a.#")),
        *publish(1, "a.b", b"x", exchange="t"),
    ],
    "headers": [
        *on(1, Queue.Declare(queue="h"), Exchange.Declare(exchange="hx", exchange_type="headers")),
        *on(1, Queue.Bind(queue="h", exchange="hx", arguments={"x-match": "any", "h": 1, "i": 2})),
        *publish(1, "", b"1", exchange="hx", properties=PERSISTENT),
        *on(1, Basic.Get(queue="h"), Exchange.Delete(exchange="hx"), Queue.Delete(queue="h")),
    ],
    "two channels in turn": [
        opening(2),
        *on(2, Queue.Declare(queue="q"), Basic.Consume(queue="q", consumer_tag="c", no_ack=True)),
        *[
            octets
            for pair in zip(
                publish(1, "q", b"abc", b"d"), publish(2, "q", b"efg", b"h"), strict=True
            )
            for octets in pair
        ],
        frame(HEARTBEAT, 0, b""),
        *on(2, Basic.Cancel("c"), Channel.Close(200, "", 0, 0)),
        opening(2),
        *on(2, Queue.Delete(queue="q")),
    ],
    "a channel that fails": [
        *on(1, Queue.Declare(queue="q"), Queue.Declare(queue="q", durable=True)),
        *publish(1, "q", b"unheard"),
        *on(1, Channel.CloseOk()),
        opening(1),
        *on(1, Basic.Get(queue="q"), Queue.Declare(queue="q")),
        *HANG_UP,
    ],
    "a connection that fails": [
        *on(1, Queue.Declare(queue="q", exclusive=True), Basic.Recover(requeue=False)),
        *on(1, Queue.Declare(queue="unheard")),
        *on(0, Connection.CloseOk()),
    ],
    "system": [
        *on(1, Exchange.Declare(exchange="amq.direct", exchange_type="direct", durable=True)),
        *on(1, Queue.Declare(queue="amq.none", passive=True)),
        *on(1, Channel.CloseOk()),
        opening(1),
        *on(1, Channel.Flow(active=True)),
    ],
    "a transaction": [
        *on(1, Queue.Declare(queue="q"), Tx.Select()),
        *publish(1, "q", b"m"),
        *on(1, Tx.Commit(), Basic.Get(queue="q"), Basic.Ack(1)),
        *publish(1, "nowhere", b"m", mandatory=True),
        *on(1, Tx.Rollback(), Basic.Nack(1), Tx.Commit(), Confirm.Select(), Channel.CloseOk()),
    ],
}

# Single frames to make stories of: on two channels, of few names, so that they meet.
_COMMANDS: list[base.Frame] = [
    Queue.Declare(queue="q"),
    Queue.Declare(queue="q", passive=True),
    Queue.Declare(queue="q", durable=True),
    Queue.Declare(queue="a", auto_delete=True),
    Queue.Declare(queue="e", exclusive=True),
    Queue.Declare(queue="", exclusive=True, nowait=True),
    Queue.Declare(queue="u", durable=True, arguments={"x-queue-type": "quorum"}),
    Queue.Bind(queue="q", exchange="amq.fanout"),
    Queue.Bind(queue="", exchange="x", routing_key=""),
    Queue.Unbind(queue="q", exchange="amq.fanout"),
    Queue.Purge(queue="q"),
    Queue.Delete(queue="q"),
    Queue.Delete(queue="e", if_unused=True),
    Exchange.Declare(exchange="x", exchange_type="fanout", auto_delete=True),
    Exchange.Bind(destination="x", source="amq.fanout"),
    Exchange.Unbind(destination="x", source="amq.fanout", nowait=True),
    Exchange.Delete(exchange="x"),
    Basic.Qos(prefetch_count=1),
    Basic.Qos(prefetch_count=2, global_=True),
    Basic.Consume(queue="q", consumer_tag="c"),
    Basic.Consume(queue="q", consumer_tag="", no_ack=True),
    Basic.Consume(queue="a", consumer_tag="d", nowait=True),
    Basic.Consume(queue="e", consumer_tag="f", exclusive=True),
    Basic.Cancel("c"),
    Basic.Cancel("d", nowait=True),
    Basic.Get(queue="q"),
    Basic.Get(queue="", no_ack=True),
    Basic.Ack(1),
    Basic.Ack(2, multiple=True),
    Basic.Ack(0, multiple=True),
    Basic.Nack(1),
    Basic.Nack(0, multiple=True, requeue=False),
    Basic.Reject(2, requeue=True),
    Basic.Recover(requeue=True),
    Confirm.Select(),
    Tx.Select(),
    Tx.Commit(),
    Tx.Rollback(),
    Channel.Flow(active=True),
    Channel.Close(200, "", 0, 0),
    Channel.CloseOk(),
]
STEPS: list[bytes] = [
    step
    for channel in (1, 2)
    for step in (
        opening(channel),
        *on(channel, *_COMMANDS),
        *(
            b"".join(frames)
            for frames in (
                publish(channel, "q", b"m"),
                publish(channel, "q", properties=PERSISTENT),
                publish(channel, "e", b"two", b" frames"),
                publish(channel, "", b"m", exchange="amq.fanout", mandatory=True),
                publish(channel, "", b"m", exchange="x"),
                publish(channel, "nowhere", b"m", mandatory=True),
            )
        ),
        # The beginnings of content, for others to break into.
        *publish(channel, "q", b"cut")[:1],
        b"".join(publish(channel, "q", b"cut")[:2]),
        frame(BODY, channel, b"cut"),
    )
]
STEPS += [frame(HEARTBEAT, 0, b""), *HANG_UP, struct.pack(">BHIB", 9, 1, 0, 0xCE)]
