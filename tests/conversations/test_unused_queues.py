"""A queue that nobody uses is deleted: x-expires (features 2.3)."""

from pamqp.commands import Basic, Queue

LIFE = 0.4


def declare(peer, q, **properties):
    peer.call(Queue.Declare(queue=q, arguments={"x-expires": int(LIFE * 1000)}, **properties))


def expect_gone(peer, q):
    peer.send_method(1, Queue.Declare(queue=q, passive=True))
    text = f"NOT_FOUND - no queue '{q}' in vhost '/'"
    peer.expect_channel_closed(404, text, Queue.Declare)


def test_a_queue_that_was_never_used_goes(peer, server, q):
    """Wire behaviour 34."""
    declare(peer, q)
    server.wait(LIFE)
    expect_gone(peer, q)


def test_a_durable_one_goes_too(peer, server, q):
    declare(peer, q, durable=True)
    server.wait(LIFE)
    expect_gone(peer, q)


def test_a_declare_is_a_use(peer, server, q):
    declare(peer, q)
    server.wait(LIFE * 0.7)
    declare(peer, q)
    server.wait(LIFE * 0.6)
    peer.call(Queue.Declare(queue=q, passive=True))
    server.wait(LIFE * 0.6)
    peer.call(Queue.Declare(queue=q, passive=True))
    server.wait(LIFE)
    expect_gone(peer, q)


def test_asking_for_a_message_is_a_use(peer, server, q):
    declare(peer, q)
    server.wait(LIFE * 0.7)
    peer.call(Basic.Get(queue=q))
    server.wait(LIFE * 0.6)
    peer.call(Queue.Declare(queue=q, passive=True))


def test_publishing_is_none(peer, server, q):
    declare(peer, q)
    server.wait(LIFE * 0.7)
    peer.publish(1, "", q)
    server.wait(LIFE * 0.3)
    expect_gone(peer, q)


def test_the_time_begins_when_the_last_consumer_leaves(peer, server, q):
    declare(peer, q)
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    server.wait(LIFE * 2)
    peer.call(Basic.Cancel("me"))
    server.wait(LIFE * 0.5)
    peer.call(Queue.Declare(queue=q, passive=True))
    server.wait(LIFE)
    expect_gone(peer, q)


def test_its_bindings_go_with_it(peer, server, q):
    declare(peer, q)
    peer.call(Queue.Bind(queue=q, exchange="amq.direct", routing_key=q))
    server.wait(LIFE)
    peer.publish(1, "amq.direct", q, mandatory=True)
    assert peer.expect(Basic.Return).reply_text == "NO_ROUTE"
