"""A consumer that has gone is not taken for another one with its tag, or for one that never was."""

import pytest
from pamqp.commands import Basic, Channel, Queue

from conversations.memory import Server
from peer import Peer, unchecked


@pytest.mark.parametrize("second", ["q", "other"])
def test_a_cancelled_consumer_gets_nothing_back_when_another_has_its_tag(
    peer: Peer, server: Server, second: str
) -> None:
    for queue in ("q", "other"):
        peer.call(Queue.Declare(queue=queue))
    peer.call(Basic.Qos(prefetch_count=1))
    peer.call(Basic.Consume(queue="q", consumer_tag="t"))
    peer.publish(1, "", "q", b"m")
    assert peer.expect(Basic.Deliver).delivery_tag == 1
    peer.call(Basic.Cancel(consumer_tag="t"))
    peer.call(Basic.Consume(queue=second, consumer_tag="t"))
    peer.publish(1, "", "q", b"n")
    if second == "q":
        assert peer.expect(Basic.Deliver).body == b"n"
    peer.send_method(1, unchecked(Basic.Nack, delivery_tag=1, multiple=False, requeue=True))
    peer.expect_nothing()
    peer.call(Channel.Close(200, "", 0, 0))
    assert (
        Peer(server.connect()).handshake().open_channels().call(Basic.Get(queue="q")).body == b"m"
    )


def test_a_refused_consumer_of_replies_leaves_no_queue_behind(peer: Peer, server: Server) -> None:
    arguments = {"x-priority": "high"}
    peer.send_method(
        1, Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True, arguments=arguments)
    )
    assert peer.expect(Channel.Close).reply_code == 406
    assert server.broker.vhosts["/"].reply_queues == {}
