"""Clients that declare durable things: each answer waits for its commit, and so does what follows
on the channel. A restart is another server with the same definitions."""

import pytest
from pamqp.commands import Basic, Exchange, Queue

from conversations.memory import Server
from peer import Peer, Silence
from unit.late_definitions import LateDefinitions


@pytest.fixture
def definitions() -> LateDefinitions:
    return LateDefinitions()


@pytest.fixture
def server(definitions: LateDefinitions) -> Server:
    server = Server(definitions=definitions)
    definitions.late = True
    return server


@pytest.fixture
def peer(server: Server) -> Peer:
    return a_peer(server)


def a_peer(server: Server) -> Peer:
    return Peer(server.connect()).handshake().open_channels()


def is_silent(peer: Peer) -> bool:
    try:
        return not peer.wire.receive(0)
    except Silence:
        return True


DECLARE = Queue.Declare(queue="q", durable=True)


def test_a_durable_declare_is_answered_when_it_is_committed(peer: Peer, definitions) -> None:
    for declare, answer in (
        (DECLARE, Queue.DeclareOk),
        (Exchange.Declare(exchange="x", exchange_type="fanout", durable=True), Exchange.DeclareOk),
        (Queue.Bind(queue="q", exchange="x"), Queue.BindOk),
        (Exchange.Bind(source="x", destination="amq.fanout"), Exchange.BindOk),
        (Exchange.Unbind(source="x", destination="amq.fanout"), Exchange.UnbindOk),
        (Queue.Unbind(queue="q", exchange="x"), Queue.UnbindOk),
        (Queue.Delete(queue="q"), Queue.DeleteOk),
        (Exchange.Delete(exchange="x"), Exchange.DeleteOk),
    ):
        peer.send_method(1, declare)
        assert is_silent(peer)
        definitions.commit()
        peer.expect(answer)


def test_what_follows_on_the_channel_finds_what_was_declared(peer: Peer, definitions) -> None:
    """Also without waiting for the answers, as amqplib and many others do."""
    peer.send_method(1, Queue.Declare(queue="q", durable=True, nowait=True))
    exchange = Exchange.Declare(exchange="x", exchange_type="fanout", durable=True, nowait=True)
    peer.send_method(1, exchange)
    peer.send_method(1, Queue.Bind(queue="q", exchange="x", nowait=True))
    peer.publish(1, "x", "", b"through the binding")
    peer.send_method(1, Basic.Get(queue="q"))
    assert is_silent(peer)
    definitions.commit()
    assert peer.next(1).body == b"through the binding"


def test_deleting_without_an_answer_is_followed_by_what_comes_next(peer: Peer, definitions) -> None:
    peer.send_method(1, DECLARE)
    definitions.commit()
    peer.expect(Queue.DeclareOk)
    peer.send_method(1, Queue.Delete(queue="q", nowait=True))
    peer.send_method(1, Queue.Declare(queue="q", auto_delete=True))
    assert is_silent(peer)
    definitions.commit()
    peer.expect(Queue.DeclareOk)


def test_another_connection_waits_and_has_the_same_queue(
    peer: Peer, server: Server, definitions
) -> None:
    other, stranger = a_peer(server), a_peer(server)
    for each in (peer, other):
        each.send_method(1, DECLARE)
    stranger.send_method(1, Queue.Declare(queue="q"))
    for each in (peer, other, stranger):
        assert is_silent(each)
    definitions.commit()
    for each in (peer, other):
        each.expect(Queue.DeclareOk)
    stranger.expect_channel_closed(
        406,
        "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': "
        "received 'false' but current is 'true'",
        Queue.Declare,
    )


def test_other_channels_do_not_wait(peer: Peer, definitions) -> None:
    peer.open_channels([2])
    peer.send_method(1, DECLARE)
    peer.call(Queue.Declare(queue="transient"), channel=2)
    peer.publish(2, "", "transient", b"x")
    assert peer.call(Basic.Get(queue="transient"), channel=2).body == b"x"


def test_cancelling_the_last_consumer_of_a_durable_auto_delete_queue_waits(
    peer: Peer, definitions
) -> None:
    peer.send_method(1, Queue.Declare(queue="q", durable=True, auto_delete=True))
    definitions.commit()
    peer.expect(Queue.DeclareOk)
    peer.call(Basic.Consume(queue="q", consumer_tag="c"))
    peer.send_method(1, Basic.Cancel("c"))
    assert is_silent(peer)
    definitions.commit()
    assert peer.expect(Basic.CancelOk).consumer_tag == "c"
    assert definitions.of("queue") == []


def test_a_client_that_leaves_before_the_commit_leaves_the_queue(
    peer: Peer, server: Server, definitions
) -> None:
    peer.send_method(1, DECLARE)
    peer.close()
    definitions.commit()
    assert list(server.broker.vhosts["/"].queues) == ["q"]


def test_a_client_that_waited_and_left_has_no_exclusive_queue(
    peer: Peer, server: Server, definitions
) -> None:
    other = a_peer(server)
    peer.send_method(1, DECLARE)
    other.send_method(1, Queue.Declare(queue="q", exclusive=True))
    other.close()
    definitions.fail()
    assert server.broker.vhosts["/"].queues == {}


def test_what_cannot_be_stored_is_refused_in_a_sentence(
    peer: Peer, server: Server, definitions, caplog: pytest.LogCaptureFixture
) -> None:
    peer.send_method(1, DECLARE)
    definitions.fail()
    text = "INTERNAL_ERROR - the definitions could not be written: disk full"
    peer.expect_connection_close(541, text)
    assert server.broker.vhosts["/"].queues == {}
    assert text in caplog.text
    assert not any(record.exc_info for record in caplog.records), "that is no defect of ours"


def test_after_a_restart_clients_find_what_was_durable(
    peer: Peer, server: Server, definitions
) -> None:
    definitions.late = False
    arguments = {"x-max-length": 10}
    peer.call(Queue.Declare(queue="kept", durable=True, arguments=arguments))
    peer.call(Queue.Declare(queue="transient"))
    peer.call(Queue.Declare(queue="own", durable=True, exclusive=True))
    peer.call(Exchange.Declare(exchange="x", exchange_type="topic", durable=True))
    for queue in ("kept", "transient", "own"):
        peer.call(Queue.Bind(queue=queue, exchange="x", routing_key="a.*"))
    named = peer.call(Queue.Declare(queue="", durable=True)).queue

    again = a_peer(Server(definitions=definitions))
    again.call(Queue.Declare(queue="kept", durable=True, arguments=arguments))
    again.call(Queue.Declare(queue=named, passive=True))
    again.call(Exchange.Declare(exchange="x", exchange_type="topic", durable=True))
    again.publish(1, "x", "a.b", b"x")
    assert again.call(Basic.Get(queue="kept")).body == b"x"
    for gone in ("transient", "own"):
        again.send_method(1, Queue.Declare(queue=gone, passive=True))
        again.expect_channel_closed(
            404, f"NOT_FOUND - no queue '{gone}' in vhost '/'", Queue.Declare
        )
        again.open_channels()


def test_a_queue_that_was_not_stored_does_not_expire_in_the_place_of_another(
    server: Server, peer: Peer, definitions: LateDefinitions
) -> None:
    peer.send_method(1, Queue.Declare(queue="q", durable=True, arguments={"x-expires": 1000}))
    definitions.fail()
    definitions.late = False
    peer = a_peer(server)
    peer.call(DECLARE)
    server.advance(5)
    peer.call(Queue.Declare(queue="q", passive=True))
    assert definitions.of("queue")


def test_the_time_of_an_unused_queue_begins_once_it_is_stored(
    server: Server, peer: Peer, definitions: LateDefinitions
) -> None:
    peer.send_method(1, Queue.Declare(queue="q", durable=True, arguments={"x-expires": 1000}))
    server.advance(5)
    definitions.commit()
    peer.expect(Queue.DeclareOk)
    server.advance(0.9)
    assert "q" in server.broker.vhosts["/"].queues
    server.advance(0.2)
    assert "q" not in server.broker.vhosts["/"].queues
