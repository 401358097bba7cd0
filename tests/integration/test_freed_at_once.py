"""What a closed connection leaves behind is freed at once, without the garbage collector: with
thousands of them a day its work would be the loop's delay."""

import gc
import http.client
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pamqp.commands import Basic, Channel, Confirm, Connection, Queue, Tx

from leveret.testing import EmbeddedBroker
from peer import FRAME_END, Peer, TcpWire

CONNECTIONS = 3
PATIENCE_SECONDS = 5.0
OURS = ("leveret.amqp.", "leveret.broker.queues.", "leveret.broker.actor", "leveret.net.")
OF_HTTP = ("leveret.management.session",)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(http_enabled=True) as broker:
        yield broker


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def ours() -> Counter[str]:
    """How many there are of each kind."""
    kinds = (type(each) for each in gc.get_objects())
    return Counter(
        f"{kind.__module__}.{kind.__name__}"
        for kind in kinds
        if str(kind.__module__).startswith(OURS + OF_HTTP)
    )


def left_by(use: Callable[[EmbeddedBroker], None], broker: EmbeddedBroker) -> dict[str, int]:
    """What some uses of a broker leave behind, once all is over."""
    # What stays from the first time, stays once.
    use(broker)
    with no_collector():
        before = ours()
        for _ in range(CONNECTIONS):
            use(broker)
        until = time.monotonic() + PATIENCE_SECONDS
        while (left := ours() - before) and time.monotonic() < until:
            broker.look(lambda: None)
        return dict(left)


def opened(broker: EmbeddedBroker, **options: int) -> Peer:
    peer = Peer(TcpWire(broker.host, broker.port))
    return peer.handshake(**options).open_channels((1, 2))  # type: ignore[arg-type]


def close(peer: Peer) -> None:
    peer.call(Connection.Close(200, "Goodbye", 0, 0), 0)
    peer.close()


def publish_and_consume(broker: EmbeddedBroker) -> None:
    peer = opened(broker, heartbeat=60)
    peer.call(Queue.Declare(queue="q"))
    peer.call(Confirm.Select())
    for _ in range(2):
        peer.publish(1, "", "q", b"m")
        peer.expect(Basic.Ack)
    peer.call(Basic.Consume(queue="q"), 2)
    peer.send_method(2, Basic.Ack(peer.expect(Basic.Deliver).delivery_tag))
    peer.expect(Basic.Deliver)
    close(peer)


def publish_and_vanish(broker: EmbeddedBroker) -> None:
    peer = opened(broker)
    peer.call(Queue.Declare(queue="q"))
    peer.publish(1, "", "q", b"m")
    peer.call(Basic.Consume(queue="q"))
    peer.expect(Basic.Deliver)
    peer.close()


def have_queues_of_its_own(broker: EmbeddedBroker) -> None:
    peer = opened(broker)
    peer.call(Queue.Declare(queue="shared", auto_delete=True))
    names = ["shared"]
    for arguments in (
        {},
        {"x-max-priority": 3},
        {"x-message-ttl": 60_000, "x-max-length": 5, "x-expires": 60_000},
        {"x-single-active-consumer": True},
        {"x-message-deduplication": True},
    ):
        names.append(peer.call(Queue.Declare(exclusive=True, arguments=arguments)).queue)
    for name in names:
        peer.publish(1, "", name, b"m")
        peer.call(Basic.Consume(queue=name, arguments={"x-priority": 1}))
        peer.expect(Basic.Deliver)
    close(peer)


def have_a_quorum_queue(broker: EmbeddedBroker) -> None:
    peer = opened(broker)
    arguments = {"x-queue-type": "quorum"}
    peer.call(Queue.Declare(queue="quorum", durable=True, arguments=arguments))
    peer.publish(1, "", "quorum", b"m")
    peer.call(Basic.Consume(queue="quorum"))
    tag = peer.expect(Basic.Deliver).delivery_tag
    peer.send_method(1, Basic.Nack(delivery_tag=tag, multiple=True))
    peer.expect(Basic.Deliver)
    peer.call(Queue.Delete(queue="quorum"), 2)
    peer.expect(Basic.Cancel)
    close(peer)


def ask_and_answer(broker: EmbeddedBroker) -> None:
    peer = opened(broker)
    peer.call(Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True))
    peer.call(Queue.Declare(queue="asked", exclusive=True))
    peer.publish(1, "", "asked", b"?", Basic.Properties(reply_to="amq.rabbitmq.reply-to"))
    name = peer.call(Basic.Get(queue="asked")).properties.reply_to
    peer.publish(2, "", name, b"!")
    peer.expect(Basic.Deliver)
    close(peer)


def begin_a_transaction(broker: EmbeddedBroker) -> None:
    peer = opened(broker)
    peer.call(Queue.Declare(queue="q"))
    peer.call(Tx.Select())
    peer.publish(1, "", "q", b"m")
    peer.call(Tx.Commit())
    peer.send_method(1, Basic.Ack(peer.call(Basic.Get(queue="q")).delivery_tag))
    close(peer)


def make_mistakes(broker: EmbeddedBroker) -> None:
    peer = opened(broker)
    peer.send_method(1, Queue.Declare(queue="missing", passive=True))
    peer.expect(Channel.Close)
    peer.send_method(1, Channel.CloseOk())
    peer.send_raw(bytes([1, 0, 2, 0, 0, 0, 4, 0, 60, 0, 255, FRAME_END]))
    peer.expect(Connection.Close, 0)
    peer.close()


@pytest.mark.parametrize(
    "use",
    [
        publish_and_consume,
        publish_and_vanish,
        have_queues_of_its_own,
        have_a_quorum_queue,
        ask_and_answer,
        begin_a_transaction,
        make_mistakes,
    ],
    ids=lambda use: use.__name__,
)
def test_nothing_of_a_closed_connection_is_left_to_the_collector(
    broker: EmbeddedBroker, use: Callable[[EmbeddedBroker], None]
) -> None:
    assert left_by(use, broker) == {}


def publish_over_http(broker: EmbeddedBroker) -> None:
    client = http.client.HTTPConnection(broker.host, broker.server.http_port)
    login = b64encode(f"{broker.username}:{broker.password}".encode()).decode()
    headers = {"authorization": f"Basic {login}"}
    body = '{"properties": {}, "routing_key": "q", "payload": "m", "payload_encoding": "string"}'
    client.request("POST", "/api/exchanges/%2F/amq.default/publish", body, headers)
    answer = client.getresponse()
    answer.read()
    assert answer.status == 200
    client.close()


def test_nothing_of_a_session_over_http_is_either(broker: EmbeddedBroker) -> None:
    assert left_by(publish_over_http, broker) == {}
