"""Events: whom the broker tells, when, and when it tells nobody."""

import pytest
from pamqp.commands import Basic, Channel, Exchange, Queue

from conversations.memory import MemoryWire
from leveret.broker.events import EVENT
from leveret.store.memory import MemoryDefinitions
from leveret.testing import MemoryServer
from peer import Peer


def peer_of(server):
    return Peer(MemoryWire(server.connect())).handshake().open_channels()


def heard(server, peer, queue="heard"):
    """The routing keys of what has come to a queue."""
    server.advance(0)
    keys = []
    while (got := peer.call(Basic.Get(queue=queue, no_ack=True))).header:
        keys.append(got.routing_key)
    return keys


def listening(server, **declare):
    """A client with a queue that hears of everything from now on."""
    peer = peer_of(server)
    peer.call(Queue.Declare(queue="heard", **declare))
    peer.call(Queue.Bind(queue="heard", exchange=EVENT, routing_key="#"))
    heard(server, peer)
    return peer


@pytest.fixture
def server():
    return MemoryServer(events=True)


@pytest.fixture
def peer(server):
    return listening(server)


def test_without_the_setting_there_is_no_such_exchange():
    peer = peer_of(MemoryServer())
    peer.send_method(1, Exchange.Declare(exchange=EVENT, passive=True))
    text = f"NOT_FOUND - no exchange '{EVENT}' in vhost '/'"
    peer.expect_channel_closed(404, text, Exchange.Declare)


def test_the_exchange_is_the_server_s_and_internal(server, peer):
    declared = Exchange.Declare(exchange=EVENT, exchange_type="topic", durable=True, internal=True)
    peer.call(declared)
    peer.send_method(1, Exchange.Delete(exchange=EVENT))
    text = f"ACCESS_REFUSED - deletion of system exchange '{EVENT}' in vhost '/' not allowed"
    peer.expect_channel_closed(403, text, Exchange.Delete)
    peer.open_channels()
    peer.publish(1, EVENT, "queue.created")
    text = f"ACCESS_REFUSED - cannot publish to internal exchange '{EVENT}' in vhost '/'"
    peer.expect_channel_closed(403, text, Basic.Publish)


def test_an_event_is_published_when_the_loop_comes_round(server, peer):
    peer.call(Queue.Declare(queue="q"))
    assert not peer.call(Basic.Get(queue="heard", no_ack=True)).header
    assert heard(server, peer) == ["queue.created"]


def test_queues_hear_only_what_they_are_bound_for(server, peer):
    peer.call(Queue.Declare(queue="some"))
    peer.call(Queue.Bind(queue="some", exchange=EVENT, routing_key="exchange.*"))
    peer.call(Exchange.Declare(exchange="x"))
    peer.call(Exchange.Delete(exchange="x"))
    assert heard(server, peer, "some") == ["exchange.created", "exchange.deleted"]


def test_what_is_there_already_or_is_refused_is_no_event(server, peer):
    peer.call(Queue.Declare(queue="q"))
    heard(server, peer)
    peer.call(Queue.Declare(queue="q"))
    peer.call(Queue.Delete(queue="none"))
    peer.send_method(1, Queue.Declare(queue="amq.mine"))
    peer.expect(Channel.Close, 1)
    peer.send_method(1, Channel.CloseOk())
    peer.open_channels()
    assert heard(server, peer) == ["channel.closed", "channel.created"]


def test_a_queue_behind_direct_reply_to_is_none(server, peer):
    peer.call(Basic.Consume(queue="amq.rabbitmq.reply-to", consumer_tag="c", no_ack=True))
    peer.call(Basic.Cancel("c"))
    assert heard(server, peer) == []


def test_events_are_persistent(server):
    stored = []
    append = server.store.append
    server.store.append = lambda message, queues: (
        stored.append(message.routing_key),
        append(message, queues),
    )[1]
    peer = listening(server, durable=True)
    stored.clear()
    peer.call(Queue.Declare(queue="q"))
    server.advance(0)
    assert stored == ["queue.created"]


def test_a_durable_queue_is_bound_to_it_after_a_restart():
    definitions = MemoryDefinitions()
    listening(MemoryServer(events=True, definitions=definitions), durable=True)
    server = MemoryServer(events=True, definitions=definitions)
    peer = peer_of(server)
    peer.call(Queue.Declare(queue="q"))
    assert "queue.created" in heard(server, peer)


def test_when_its_vhost_goes_nobody_hears_any_more(server, peer):
    server.broker.delete_vhost("/")
    server.advance(0)
    assert not server.broker.events.on
    server.add_user("u", "p")
    server.add_vhost("/")
    peer = listening(server)
    peer.call(Queue.Declare(queue="q"))
    assert heard(server, peer) == ["queue.created"]


def test_a_user_whose_permissions_go_with_him_is_one_event(server, peer):
    server.add_user("u", "p")
    server.set_permissions("u", "/", "", "", "")
    server.set_topic_permissions("u", "/", "amq.topic", "", "")
    server.set_user_limits("u", {"max-channels": 1})
    assert heard(server, peer) == [
        "user.created",
        "user.tags.set",
        "permission.created",
        "topic.permission.created",
        "user.limits.set",
    ]
    server.delete_user("u")
    server.delete_user("nobody")
    assert heard(server, peer) == ["user.deleted"]


def test_while_it_is_off_nothing_is_put_together(monkeypatch):
    server = MemoryServer()
    monkeypatch.setattr(server.broker.events, "tell", lambda *_: pytest.fail("told"))
    peer = peer_of(server)
    peer.call(Queue.Declare(queue="q", auto_delete=True))
    peer.call(Exchange.Declare(exchange="x"))
    peer.call(Queue.Bind(queue="q", exchange="x"))
    peer.call(Basic.Consume(queue="q"))
    server.add_vhost("v")
    server.set_policy("/", "p", "", {"max-length": 1})
    server.clear_policy("/", "p")
    server.set_vhost_limits("v", {"max-queues": 1})
    server.raise_alarm("memory")
    server.delete_user("guest")
    server.broker.delete_vhost("v")
