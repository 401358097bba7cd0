"""The routing keys that arguments give to dead letters: as long as a routing key can be."""

from pamqp.commands import Queue

from peer import Peer


def arguments(key: str) -> dict[str, object]:
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": key}


def test_a_key_of_255_octets_is_accepted(peer: Peer) -> None:
    peer.call(Queue.Declare(queue="q", arguments=arguments("k" * 255)))


def test_a_longer_one_is_refused(peer: Peer) -> None:
    peer.send_method(1, Queue.Declare(queue="q", arguments=arguments("k" * 256)))
    text = (
        "PRECONDITION_FAILED - invalid arg 'x-dead-letter-routing-key' for queue 'q' in vhost '/': "
        "{max_length_exceeded,256}"
    )
    peer.expect_channel_closed(406, text, Queue.Declare)
