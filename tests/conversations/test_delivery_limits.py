"""Messages that come back too often: x-delivery-limit and x-delivery-count (features 2.3, 2.4)."""

import pytest
from pamqp.commands import Basic, Queue


@pytest.fixture
def dead(peer, unique_name):
    name = unique_name("dead")
    peer.call(Queue.Declare(queue=name, exclusive=True))
    return name


def declare(peer, q, **arguments):
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    given["x-queue-type"] = "quorum"
    peer.call(Queue.Declare(queue=q, durable=True, arguments=given))


def test_a_quorum_queue_s_messages_tell_how_often_they_came_back(peer, q):
    declare(peer, q)
    peer.call(Basic.Consume(queue=q))
    peer.publish(1, "", q, b"body")
    got = peer.expect(Basic.Deliver)
    assert "x-delivery-count" not in (got.properties.headers or {})
    for count in (1, 2):
        peer.send_method(1, Basic.Nack(got.delivery_tag, requeue=True))
        got = peer.expect(Basic.Deliver)
        assert (got.properties.headers["x-delivery-count"], got.redelivered) == (count, True)


def test_past_the_limit_it_is_a_dead_letter(peer, q, dead):
    """Wire behaviour 59."""
    declare(peer, q, x_delivery_limit=2, x_dead_letter_exchange="", x_dead_letter_routing_key=dead)
    peer.call(Basic.Consume(queue=q))
    peer.publish(1, "", q, b"poison")
    for _ in range(3):
        peer.send_method(1, Basic.Nack(peer.expect(Basic.Deliver).delivery_tag, requeue=True))
    peer.call(Basic.Consume(queue=dead, no_ack=True))
    letter = peer.expect(Basic.Deliver)
    headers = letter.properties.headers
    assert (letter.body, headers["x-death"][0]["reason"]) == (b"poison", "delivery_limit")
    assert headers["x-first-death-queue"] == q
    assert "x-delivery-count" not in headers
