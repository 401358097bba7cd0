"""Topic permissions hold for every routing key of a message."""

import pytest
from pamqp.commands import Basic, Channel, Queue

from conversations.memory import Server
from peer import Peer


@pytest.mark.parametrize("header", ["CC", "BCC"])
def test_a_key_that_is_not_permitted_is_none_in_a_header_either(
    peer: Peer, server: Server, header: str
) -> None:
    peer.call(Queue.Declare(queue="q"))
    peer.call(Queue.Bind(queue="q", exchange="amq.topic", routing_key="private.#"))
    server.set_topic_permissions("guest", "/", "amq.topic", r"^public\.", ".*")
    properties = Basic.Properties(headers={header: ["public.y", "private.x"]})
    peer.publish(1, "amq.topic", "public.x", b"m", properties)
    assert peer.expect(Channel.Close).reply_code == 403
    assert server.broker.vhosts["/"].queues["q"].ready_count == 0
