"""What the log says about messages that no queue receives."""

import logging
from collections.abc import Iterator

import pytest
from pamqp.commands import Basic, Exchange, Queue

from conversations.memory import Server, memory_server
from leveret.amqp.connection import Connection
from leveret.amqp.unroutable import TOLD_MAX
from peer import Peer


@pytest.fixture
def server() -> Server:
    return memory_server()


@pytest.fixture
def peer(server: Server) -> Peer:
    return connected(server)


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The sentences about dropped messages, as they come."""
    sentences: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "dropped" in record.getMessage():
                assert record.levelno == logging.WARNING
                sentences.append(record.getMessage())

    logger, listener = logging.getLogger("leveret.connection"), Listener()
    logger.addHandler(listener)
    yield sentences
    logger.removeHandler(listener)


def connected(server: Server) -> Peer:
    return Peer(server.connect()).handshake().open_channels()


def test_a_message_to_a_missing_queue_is_one_sentence_with_the_remedy(
    peer: Peer, said: list[str]
) -> None:
    peer.publish(1, "", "Hello", b"lost")
    assert said == [
        "connection 127.0.0.1:40001 -> 127.0.0.1:5672, user 'guest', vhost '/', channel 1: a "
        "message to the default exchange with routing key 'Hello' was dropped, because no queue "
        "receives it (there is no queue of this name: declare it first, in this vhost, and mind "
        "upper and lower case. With `mandatory` a publisher gets such messages back. This "
        "connection's further ones with the same names are not logged)"
    ]


def test_a_message_that_no_binding_matches_is_one_sentence_with_the_remedy(
    peer: Peer, said: list[str]
) -> None:
    peer.publish(1, "amq.topic", "kern.critical")
    (sentence,) = said
    assert "exchange 'amq.topic' with routing key 'kern.critical' was dropped" in sentence
    assert "no binding matches: bind a queue before publishing" in sentence


def test_a_reply_that_nobody_waits_for_any_more_has_its_own_remedy(
    peer: Peer, said: list[str]
) -> None:
    peer.publish(1, "", "amq.gen-JzTY20BRgKO-HjmUJj0wLg")
    assert "has gone with its owner, as reply queues do" in said[0]


def test_a_publisher_that_repeats_itself_is_logged_once(peer: Peer, said: list[str]) -> None:
    for _ in range(3):
        peer.publish(1, "", "nowhere")
    assert len(said) == 1


def test_neither_another_channel_nor_a_change_of_the_topology_says_it_again(
    peer: Peer, said: list[str]
) -> None:
    peer.publish(1, "", "nowhere")
    peer.call(Queue.Declare(queue="elsewhere"))
    peer.publish(1, "", "nowhere")
    peer.open_channels([2])
    peer.publish(2, "", "nowhere")
    assert len(said) == 1


def test_another_connection_and_another_key_are_logged_too(
    server: Server, peer: Peer, said: list[str]
) -> None:
    peer.publish(1, "", "nowhere")
    peer.publish(1, "", "nowhere else")
    connected(server).publish(1, "", "nowhere")
    assert len(said) == 3


def test_a_mandatory_message_is_returned_and_not_logged(peer: Peer, said: list[str]) -> None:
    peer.publish(1, "", "nowhere", mandatory=True)
    peer.expect(Basic.Return)
    assert said == []


def test_a_message_that_a_queue_receives_is_not_logged(peer: Peer, said: list[str]) -> None:
    peer.call(Queue.Declare(queue="somewhere"))
    peer.publish(1, "", "somewhere")
    assert said == []


def test_a_message_that_an_alternate_exchange_takes_is_not_logged(
    peer: Peer, said: list[str]
) -> None:
    peer.call(Queue.Declare(queue="rest"))
    peer.call(Queue.Bind(queue="rest", exchange="amq.fanout"))
    peer.call(Exchange.Declare(exchange="x", arguments={"alternate-exchange": "amq.fanout"}))
    peer.publish(1, "x", "unknown")
    assert said == []


def test_a_queue_that_is_deleted_later_is_noticed(peer: Peer, said: list[str]) -> None:
    peer.call(Queue.Declare(queue="brief"))
    peer.publish(1, "", "brief")
    peer.call(Queue.Delete(queue="brief"))
    peer.publish(1, "", "brief")
    assert len(said) == 1


def test_where_headers_decide_a_dropped_message_is_logged_once(peer: Peer, said: list[str]) -> None:
    peer.call(Queue.Declare(queue="red"))
    peer.call(Queue.Bind(queue="red", exchange="amq.headers", arguments={"colour": "red"}))
    for colour in ("red", "blue", "green"):
        peer.publish(1, "amq.headers", "", properties=Basic.Properties(headers={"colour": colour}))
    assert len(said) == 1


def test_a_message_that_is_refused_was_not_dropped(peer: Peer, said: list[str]) -> None:
    peer.publish(1, "", "nowhere", properties=b"\x10\x00\x07")  # no delivery mode is 7
    peer.expect_channel_closed(
        406, "PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,7}", Basic.Publish
    )
    assert said == []


def test_endlessly_many_keys_fill_neither_the_log_nor_the_memory(
    server: Server, peer: Peer, said: list[str]
) -> None:
    for number in range(2 * TOLD_MAX):
        peer.publish(1, "", f"nowhere {number}")
    assert len(said) == TOLD_MAX + 1
    assert said[-1].endswith("the log hears of no further ones of this connection")
    (session,) = server.broker.sessions
    assert isinstance(session, Connection)
    assert len(session.unroutable) == TOLD_MAX + 1
