"""x-recent-history beyond what a conversation shows: stores, delays, dead letters, expiry."""

from pamqp.commands import Basic, Exchange, Queue

from conversations.memory import Server
from peer import Peer

TYPE = "x-recent-history"


def got(peer: Peer, queue: str) -> object:
    return peer.call(Basic.Get(queue=queue, no_ack=True))


def is_empty(peer: Peer, queue: str) -> bool:
    return isinstance(peer.call(Basic.Get(queue=queue)).method, Basic.GetEmpty)


def bound(peer: Peer, queue: str = "q", durable: bool = False) -> None:
    peer.call(Queue.Declare(queue=queue, durable=durable))
    peer.call(Queue.Bind(queue=queue, exchange="x"))


def test_a_persistent_message_reaches_a_durable_queue_by_way_of_the_store(
    peer: Peer, server: Server
) -> None:
    peer.call(Exchange.Declare(exchange="x", exchange_type=TYPE))
    peer.publish(1, "x", "k", b"m", Basic.Properties(delivery_mode=2))
    bound(peer, "kept", durable=True)
    bound(peer, "passing")
    queues = server.broker.vhosts["/"].queues
    entries = {name: queues[name].get(False) for name in ("kept", "passing")}
    assert entries["kept"] is not None
    assert entries["kept"].ticket > 0
    assert entries["passing"] is not None
    assert entries["passing"].ticket == 0


def test_what_it_brings_may_expire(peer: Peer, server: Server) -> None:
    peer.call(Exchange.Declare(exchange="x", exchange_type=TYPE))
    peer.publish(1, "x", "k", b"m", Basic.Properties(expiration="100"))
    server.advance(60)
    bound(peer)
    assert peer.call(Queue.Declare(queue="q", passive=True)).message_count == 1
    server.advance(0.1)
    assert is_empty(peer, "q")


def test_a_dead_letter_is_remembered_with_its_story(peer: Peer) -> None:
    peer.call(Exchange.Declare(exchange="x", exchange_type=TYPE))
    arguments = {"x-dead-letter-exchange": "x", "x-message-ttl": 0}
    peer.call(Queue.Declare(queue="dying", arguments=arguments))
    peer.publish(1, "", "dying", b"m")
    bound(peer)
    letter = got(peer, "q")
    assert letter.body == b"m"  # type: ignore[attr-defined]
    assert letter.properties.headers["x-first-death-queue"] == "dying"  # type: ignore[attr-defined]


def test_a_delayed_message_is_remembered_once_it_is_due(peer: Peer, server: Server) -> None:
    arguments = {"x-delayed-type": TYPE}
    peer.call(
        Exchange.Declare(exchange="x", exchange_type="x-delayed-message", arguments=arguments)
    )
    peer.publish(1, "x", "k", b"m", Basic.Properties(headers={"x-delay": 1000}))
    bound(peer, "early")
    assert is_empty(peer, "early")
    server.advance(1)
    assert got(peer, "early").body == b"m"  # type: ignore[attr-defined]
    bound(peer, "late")
    assert got(peer, "late").body == b"m"  # type: ignore[attr-defined]


def test_a_delayed_message_may_expire_once_it_is_due(peer: Peer, server: Server) -> None:
    arguments = {"x-delayed-type": "fanout"}
    peer.call(
        Exchange.Declare(exchange="x", exchange_type="x-delayed-message", arguments=arguments)
    )
    bound(peer)
    properties = Basic.Properties(headers={"x-delay": 1000}, expiration="100")
    peer.publish(1, "x", "k", b"m", properties)
    server.advance(1)
    assert peer.call(Queue.Declare(queue="q", passive=True)).message_count == 1
    server.advance(0.1)
    assert is_empty(peer, "q")


def test_an_exchange_bound_to_it_need_not_lead_anywhere(peer: Peer) -> None:
    peer.call(Exchange.Declare(exchange="x", exchange_type=TYPE))
    peer.publish(1, "x", "k", b"m")
    peer.call(Exchange.Declare(exchange="to", exchange_type="direct"))
    peer.call(Exchange.Bind(destination="to", source="x"))
    peer.publish(1, "x", "k", b"m", mandatory=True)
    peer.expect(Basic.Return)
