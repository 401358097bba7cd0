"""Messages by priority: x-max-priority (wire behaviour 64)."""

from pamqp.commands import Basic, Confirm, Queue


def declare(peer, q, **arguments):
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments={"x-max-priority": 5} | given))


def publish(peer, q, body, priority=None, expiration=None):
    peer.publish(1, "", q, body, Basic.Properties(priority=priority, expiration=expiration))


def bodies(peer, q):
    found = []
    while True:
        got = peer.call(Basic.Get(queue=q, no_ack=True))
        if isinstance(got.method, Basic.GetEmpty):
            return found
        found.append(got.body)


def test_the_highest_comes_first_and_of_those_the_oldest(peer, q):
    declare(peer, q)
    for body, priority in ((b"a1", 1), (b"b5", 5), (b"c1", 1), (b"d3", 3), (b"e5", 5)):
        publish(peer, q, body, priority)
    assert bodies(peer, q) == [b"b5", b"e5", b"d3", b"a1", b"c1"]


def test_none_is_the_lowest_and_too_high_is_the_highest(peer, q):
    declare(peer, q)
    for body, priority in ((b"none", None), (b"zero", 0), (b"five", 5), (b"nine", 9)):
        publish(peer, q, body, priority)
    assert bodies(peer, q) == [b"five", b"nine", b"none", b"zero"]


def test_what_comes_back_has_its_old_place(peer, q):
    declare(peer, q)
    for body, priority in ((b"1", 1), (b"2", 1), (b"3", 4)):
        publish(peer, q, body, priority)
    tags = [peer.call(Basic.Get(queue=q)).delivery_tag for _ in range(2)]
    publish(peer, q, b"4", 4)
    peer.send_method(1, Basic.Nack(tags[-1], multiple=True, requeue=True))
    assert bodies(peer, q) == [b"3", b"4", b"1", b"2"]


def test_the_head_is_what_a_limit_drops(peer, q):
    declare(peer, q, x_max_length=2)
    for body, priority in ((b"low", 1), (b"high", 4), (b"lower", 0)):
        publish(peer, q, body, priority)
    assert bodies(peer, q) == [b"low", b"lower"]


def test_a_message_keeps_the_priority_it_came_with(peer, q):
    declare(peer, q)
    publish(peer, q, b"9", 9)
    assert peer.call(Basic.Get(queue=q)).properties.priority == 9


def test_all_of_them_are_counted_and_purged(peer, q):
    declare(peer, q)
    peer.call(Confirm.Select())
    for priority in (0, 3, 5):
        publish(peer, q, b"", priority)
        peer.expect(Basic.Ack)
    assert peer.call(Queue.Declare(queue=q, passive=True)).message_count == 3
    assert peer.call(Queue.Purge(queue=q)).message_count == 3


def test_without_priorities_a_queue_does_not_look(peer, q):
    peer.call(Queue.Declare(queue=q, exclusive=True))
    publish(peer, q, b"low", 0)
    publish(peer, q, b"high", 9)
    assert bodies(peer, q) == [b"low", b"high"]
