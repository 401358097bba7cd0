"""The firehose: what `amq.rabbitmq.trace` hears of the messages of a vhost."""

import pytest
from pamqp.commands import Basic, Queue

TRACE = "amq.rabbitmq.trace"


@pytest.fixture
def heard(peer, server, unique_name):
    """A queue that hears of everything; the headers of what has come are returned by key."""
    queue = unique_name("heard")
    peer.call(Queue.Declare(queue=queue))
    peer.call(Queue.Bind(queue=queue, exchange=TRACE, routing_key="#"))
    server.set_tracing(server.vhost, True)

    def take():
        peer.call(Basic.Qos())
        found = []
        while (got := peer.call(Basic.Get(queue=queue, no_ack=True))).header:
            found.append((got.routing_key, got.properties.headers, got.body))
        return found

    yield take
    server.set_tracing(server.vhost, False)


def expected(server, **headers):
    return {"vhost": server.vhost, "channel": 1, "user": server.user, **headers}


def without_places(headers):
    return {name: value for name, value in headers.items() if name not in ("node", "connection")}


def test_a_message_is_told_of_when_it_comes_and_when_it_goes(peer, server, heard, q):
    """Wire behaviour 77."""
    peer.call(Queue.Declare(queue=q))
    properties = Basic.Properties(
        content_type="t", headers={"a": 1}, delivery_mode=2, priority=3, message_id="m"
    )
    peer.publish(1, "", q, b"body", properties)
    assert peer.call(Basic.Get(queue=q, no_ack=True)).body == b"body"
    published, delivered = heard()
    about = {
        "exchange_name": "",
        "routing_keys": [q],
        "properties": {
            "content_type": "t",
            "headers": {"a": 1},
            "delivery_mode": 2,
            "priority": 3,
            "message_id": "m",
        },
    }
    assert published[0] == "publish."
    assert without_places(published[1]) == expected(server, **about, routed_queues=[q])
    assert delivered[0] == f"deliver.{q}"
    assert without_places(delivered[1]) == expected(server, **about, redelivered=0)
    assert published[2] == delivered[2] == b"body"
    assert " -> " in published[1]["connection"]
    assert "@" in published[1]["node"]


def test_what_leads_nowhere_is_told_of(peer, server, heard):
    peer.publish(1, "amq.fanout", "nobody", b"m")
    ((key, headers, _),) = heard()
    assert key == "publish.amq.fanout"
    assert headers["routed_queues"] == []


def test_the_default_exchange_does_not_look_whether_there_is_a_queue(peer, heard):
    peer.publish(1, "", "nobody", b"m", Basic.Properties(headers={"CC": ["b", "a"]}))
    ((_, headers, _),) = heard()
    assert headers["routing_keys"] == ["nobody", "b", "a"]
    assert headers["routed_queues"] == ["a", "b", "nobody"]


@pytest.mark.parametrize("no_ack", [True, False])
def test_deliveries_to_consumers_are_told_of(peer, heard, q, no_ack):
    peer.call(Queue.Declare(queue=q))
    peer.call(Basic.Consume(queue=q, consumer_tag="c", no_ack=no_ack))
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body)
        peer.expect(Basic.Deliver, 1)
    keys = [key for key, _, _ in heard()]
    assert sorted(keys) == [f"deliver.{q}"] * 2 + ["publish."] * 2


def test_copies_are_among_the_keys(peer, heard, q):
    peer.call(Queue.Declare(queue=q))
    peer.publish(1, "", q, b"m", Basic.Properties(headers={"CC": [q], "BCC": ["x"]}))
    ((_, headers, _),) = heard()
    assert headers["routing_keys"] == [q, q, "x"]
    assert headers["routed_queues"] == [q, "x"]
    assert headers["properties"] == {"headers": {"CC": [q]}}


def test_copies_are_among_the_keys_of_what_is_delivered(peer, heard, q):
    peer.call(Queue.Declare(queue=q))
    peer.publish(1, "", q, b"m", Basic.Properties(headers={"CC": ["y"], "BCC": ["x"]}))
    peer.call(Basic.Get(queue=q, no_ack=True))
    _, (key, headers, _) = heard()
    assert key == f"deliver.{q}"
    assert headers["routing_keys"] == [q, "y", "x"]
    assert headers["properties"] == {"headers": {"CC": ["y"]}}


def test_nothing_is_told_of_when_it_is_off(peer, server, heard, q):
    peer.call(Queue.Declare(queue=q))
    peer.publish(1, "", q, b"m")
    assert len(heard()) == 1
    server.set_tracing(server.vhost, False)
    peer.publish(1, "", q, b"m")
    peer.call(Basic.Get(queue=q, no_ack=True))
    assert heard() == []
