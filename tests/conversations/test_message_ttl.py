"""Messages that may wait only so long: x-message-ttl and expiration (features 2.3)."""

import pytest
from pamqp.commands import Basic, Confirm, Queue, Tx


def declare(peer, q, **arguments):
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    return peer.call(Queue.Declare(queue=q, exclusive=True, arguments=given))


def ready(peer, q):
    return peer.call(Queue.Declare(queue=q, passive=True)).message_count


def publish(peer, q, body=b"", expiration=None):
    peer.publish(1, "", q, body, Basic.Properties(expiration=expiration))


def test_a_message_is_gone_once_the_queue_s_time_is_up(peer, server, q):
    declare(peer, q, x_message_ttl=1000)
    peer.call(Confirm.Select())
    publish(peer, q)
    peer.expect(Basic.Ack)  # it is there
    assert ready(peer, q) == 1
    server.wait(1.0)
    assert ready(peer, q) == 0
    assert isinstance(peer.call(Basic.Get(queue=q)).method, Basic.GetEmpty)


def test_a_message_s_own_time_needs_no_argument(peer, server, q):
    declare(peer, q)
    publish(peer, q, expiration="100")
    server.wait(0.1)
    assert ready(peer, q) == 0


@pytest.mark.parametrize(("queue_ms", "message_ms"), [(100, "600000"), (600_000, "100")])
def test_the_lower_of_the_two_times_counts(peer, server, q, queue_ms, message_ms):
    """Wire behaviour 62."""
    declare(peer, q, x_message_ttl=queue_ms)
    publish(peer, q, expiration=message_ms)
    server.wait(0.1)
    assert ready(peer, q) == 0


def test_a_message_expires_at_the_head_only(peer, server, q):
    """Wire behaviour 62."""
    declare(peer, q)
    publish(peer, q, b"long", "600000")
    publish(peer, q, b"short", "50")
    server.wait(0.1)
    assert ready(peer, q) == 2
    assert peer.call(Basic.Get(queue=q, no_ack=True)).body == b"long"
    assert isinstance(peer.call(Basic.Get(queue=q)).method, Basic.GetEmpty)


@pytest.mark.parametrize("arguments", [{}, {"x_message_ttl": 0}])
def test_no_time_at_all_means_a_ready_consumer_or_nobody(peer, q, arguments):
    """Wire behaviour 44."""
    declare(peer, q, **arguments)
    publish(peer, q, b"for nobody", "0")
    assert ready(peer, q) == 0
    peer.call(Basic.Consume(queue=q, no_ack=True))
    publish(peer, q, b"for the consumer", "0")
    assert peer.expect(Basic.Deliver).body == b"for the consumer"


def test_a_consumer_gets_no_expired_message(peer, server, q):
    declare(peer, q, x_message_ttl=50)
    publish(peer, q, b"old")
    server.wait(0.1)
    publish(peer, q, b"new")
    peer.call(Basic.Consume(queue=q, no_ack=True))
    assert peer.expect(Basic.Deliver).body == b"new"
    peer.expect_nothing()


def test_a_message_that_comes_back_keeps_its_time(peer, server, q):
    declare(peer, q, x_message_ttl=100)
    publish(peer, q)
    tag = peer.call(Basic.Get(queue=q)).delivery_tag
    server.wait(0.2)
    peer.send_method(1, Basic.Nack(tag, requeue=True))
    assert ready(peer, q) == 0


def test_what_is_delivered_does_not_expire(peer, server, q):
    declare(peer, q, x_message_ttl=50)
    publish(peer, q)
    tag = peer.call(Basic.Get(queue=q)).delivery_tag
    server.wait(0.1)
    peer.send_method(1, Basic.Ack(tag))
    peer.expect_nothing()


def test_expiration_stays_with_the_message(peer, q):
    declare(peer, q, x_message_ttl=600_000)
    publish(peer, q, expiration="50000")
    assert peer.call(Basic.Get(queue=q)).properties.expiration == "50000"


def test_a_committed_message_may_expire(peer, server, q):
    declare(peer, q)
    peer.call(Tx.Select())
    publish(peer, q, expiration="1000")
    peer.call(Tx.Commit())
    assert ready(peer, q) == 1
    server.wait(1.0)
    assert ready(peer, q) == 0
