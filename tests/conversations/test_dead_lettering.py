"""Where messages go that a queue does not keep (features 2.4, wire behaviours 68 to 75)."""

from itertools import pairwise

import pytest
from pamqp.commands import Basic, Queue


@pytest.fixture
def dead(peer, unique_name):
    """A queue for dead letters, reached by its name. They come when they come, so a consumer waits
    for them."""
    name = unique_name("dead")
    peer.call(Queue.Declare(queue=name, exclusive=True))
    peer.open_channels([2])
    peer.call(Basic.Consume(queue=name, no_ack=True), channel=2)
    return name


def declare(peer, q, exchange="", key=None, **arguments):
    given = {"x-dead-letter-exchange": exchange}
    if key is not None:
        given["x-dead-letter-routing-key"] = key
    given.update({name.replace("_", "-"): value for name, value in arguments.items()})
    peer.call(Queue.Declare(queue=q, exclusive=True, arguments=given))


def get(peer, q):
    return peer.call(Basic.Get(queue=q))


def reject(peer, q):
    peer.send_method(1, Basic.Reject(get(peer, q).delivery_tag, requeue=False))


def next_letter(peer):
    return peer.expect(Basic.Deliver, channel=2)


def is_empty(peer, q):
    return isinstance(get(peer, q).method, Basic.GetEmpty)


def death(headers, at=0):
    return {key: value for key, value in headers["x-death"][at].items() if key != "time"}


def test_a_rejected_message_tells_its_story(peer, q, dead):
    """Wire behaviours 68, 69, 70."""
    declare(peer, q, key=dead)
    peer.publish(1, "", q, b"body", Basic.Properties(headers={"a": 1}, delivery_mode=1))
    reject(peer, q)
    letter = next_letter(peer)
    assert (letter.body, letter.exchange, letter.routing_key) == (b"body", "", dead)
    assert (letter.redelivered, letter.properties.delivery_mode) == (False, 1)
    headers = letter.properties.headers
    assert list(headers) == [
        "a",
        "x-death",
        "x-first-death-exchange",
        "x-first-death-queue",
        "x-first-death-reason",
    ]
    assert list(headers["x-death"][0]) == [
        "count",
        "reason",
        "queue",
        "time",
        "exchange",
        "routing-keys",
    ]
    assert death(headers) == {
        "count": 1,
        "reason": "rejected",
        "queue": q,
        "exchange": "",
        "routing-keys": [q],
    }
    assert headers["x-first-death-exchange"] == ""
    assert headers["x-first-death-queue"] == q
    assert headers["x-first-death-reason"] == "rejected"


def test_the_nack_of_several_sends_each_in_order(peer, q, dead):
    declare(peer, q, key=dead)
    for body in (b"1", b"2", b"3"):
        peer.publish(1, "", q, body)
    tags = [get(peer, q).delivery_tag for _ in range(3)]
    peer.send_method(1, Basic.Nack(tags[-1], multiple=True, requeue=False))
    assert [next_letter(peer).body for _ in range(3)] == [b"1", b"2", b"3"]


def test_an_expired_message_keeps_its_expiration_in_its_story(peer, server, q, dead):
    """Wire behaviours 69, 71."""
    declare(peer, q, key=dead)
    peer.publish(1, "", q, b"body", Basic.Properties(expiration="20"))
    server.wait(0.05)
    letter = next_letter(peer)
    assert letter.properties.expiration is None
    assert death(letter.properties.headers)["original-expiration"] == "20"
    assert death(letter.properties.headers)["reason"] == "expired"


def test_a_queue_s_own_time_is_no_original_expiration(peer, q, dead):
    declare(peer, q, key=dead, x_message_ttl=0)
    peer.publish(1, "", q)
    assert death(next_letter(peer).properties.headers) == {
        "count": 1,
        "reason": "expired",
        "queue": q,
        "exchange": "",
        "routing-keys": [q],
    }


def test_what_a_full_queue_lets_go_of(peer, q, dead):
    declare(peer, q, key=dead, x_max_length=1)
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body)
    letter = next_letter(peer)
    assert letter.body == b"1"
    assert death(letter.properties.headers)["reason"] == "maxlen"


def test_what_a_full_queue_refuses_is_a_dead_letter_if_it_says_so(peer, q, dead):
    """Wire behaviour 63."""
    declare(peer, q, key=dead, x_max_length=1, x_overflow="reject-publish-dlx")
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body)
    letter = next_letter(peer)
    assert letter.body == b"2"
    assert death(letter.properties.headers)["reason"] == "maxlen"
    assert get(peer, q).body == b"1"


def test_what_a_full_queue_refuses_is_none_otherwise(peer, q, dead):
    declare(peer, q, key=dead, x_max_length=1, x_overflow="reject-publish")
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body)
    peer.expect_nothing(2)


def test_without_a_key_of_the_queue_s_the_old_one_counts(peer, q, dead):
    """Wire behaviour 72."""
    declare(peer, q, "amq.direct")
    peer.call(Queue.Bind(queue=dead, exchange="amq.direct", routing_key=q))
    peer.publish(1, "", q)
    reject(peer, q)
    letter = next_letter(peer)
    assert (letter.exchange, letter.routing_key) == ("amq.direct", q)


def test_copies_follow_the_old_keys(peer, q, dead):
    """Wire behaviour 72."""
    declare(peer, q, "amq.direct")
    peer.call(Queue.Bind(queue=dead, exchange="amq.direct", routing_key="copy"))
    peer.publish(1, "", q, b"", Basic.Properties(headers={"CC": ["copy"]}))
    reject(peer, q)
    letter = next_letter(peer)
    assert letter.routing_key == q
    assert letter.properties.headers["CC"] == ["copy"]
    assert death(letter.properties.headers)["routing-keys"] == [q, "copy"]


def test_blind_copies_follow_their_keys_and_are_not_told_of(peer, q, dead):
    """Wire behaviours 42, 72."""
    declare(peer, q, "amq.direct")
    peer.call(Queue.Bind(queue=dead, exchange="amq.direct", routing_key="blind"))
    peer.publish(1, "", q, b"", Basic.Properties(headers={"CC": ["copy"], "BCC": ["blind"]}))
    reject(peer, q)
    letter = next_letter(peer)
    assert letter.routing_key == q
    assert letter.properties.headers["CC"] == ["copy"]
    assert "BCC" not in letter.properties.headers
    assert death(letter.properties.headers)["routing-keys"] == [q, "copy"]


def test_blind_copies_follow_their_keys_at_the_next_death_too(peer, q, dead, unique_name):
    """Wire behaviours 42, 72."""
    waiting = unique_name("waiting")
    declare(peer, q, "amq.direct")
    declare(peer, waiting, "amq.topic")
    peer.call(Queue.Bind(queue=waiting, exchange="amq.direct", routing_key=q))
    peer.call(Queue.Bind(queue=dead, exchange="amq.topic", routing_key="blind"))
    peer.publish(1, "", q, b"", Basic.Properties(headers={"BCC": ["blind"]}))
    reject(peer, q)
    peer.call(Basic.Consume(queue=waiting))
    peer.send_method(1, Basic.Reject(peer.expect(Basic.Deliver).delivery_tag, requeue=False))
    letter = next_letter(peer)
    assert letter.routing_key == q
    assert [each["routing-keys"] for each in letter.properties.headers["x-death"]] == [[q], [q]]


def test_with_a_key_of_the_queue_s_blind_copies_are_forgotten(peer, q, dead):
    """Wire behaviours 42, 72."""
    declare(peer, q, "amq.direct", key="given")
    peer.call(Queue.Bind(queue=dead, exchange="amq.direct", routing_key="blind"))
    peer.call(Queue.Bind(queue=dead, exchange="amq.direct", routing_key="given"))
    peer.publish(1, "", q, b"1", Basic.Properties(headers={"BCC": ["blind"]}))
    reject(peer, q)
    assert next_letter(peer).routing_key == "given"
    peer.call(Queue.Unbind(queue=dead, exchange="amq.direct", routing_key="given"))
    peer.publish(1, "", q, b"2", Basic.Properties(headers={"BCC": ["blind"]}))
    reject(peer, q)
    peer.expect_nothing(2)


def test_with_a_key_of_the_queue_s_copies_are_forgotten(peer, q, dead):
    """Wire behaviour 72."""
    declare(peer, q, key=dead)
    peer.publish(1, "", q, b"", Basic.Properties(headers={"CC": ["copy"]}))
    reject(peer, q)
    headers = next_letter(peer).properties.headers
    assert "CC" not in headers
    assert death(headers)["routing-keys"] == [q, "copy"]


def test_without_an_exchange_of_that_name_it_is_gone(peer, q, dead):
    """Wire behaviour 73."""
    declare(peer, q, "no-such-exchange", key=dead)
    peer.publish(1, "", q)
    reject(peer, q)
    peer.expect_nothing(2)


def test_the_same_death_again_counts(peer, q, unique_name):
    """Wire behaviours 69, 74: a consumer's rejection keeps a circle alive."""
    retry = unique_name("retry")
    declare(peer, q, key=retry)
    declare(peer, retry, key=q, x_message_ttl=0)
    peer.publish(1, "", q, b"again")
    peer.call(Basic.Consume(queue=q))
    got = peer.expect(Basic.Deliver)
    for count in (1, 2):
        peer.send_method(1, Basic.Reject(got.delivery_tag, requeue=False))
        got = peer.expect(Basic.Deliver)
        assert [(each["queue"], each["count"]) for each in got.properties.headers["x-death"]] == [
            (retry, count),
            (q, count),
        ]
    headers = got.properties.headers
    assert headers["x-first-death-queue"] == q
    assert list(headers["x-death"][0]) == [
        "count",
        "exchange",
        "queue",
        "reason",
        "routing-keys",
        "time",
    ]


def test_the_latest_death_comes_first(peer, unique_name):
    """Wire behaviours 69, 70. Before 4.0, RabbitMQ turns the others round with each death."""
    names = [unique_name("queue") for _ in range(5)]
    for name, following in pairwise(names):
        declare(peer, name, key=following, x_message_ttl=0)
    peer.call(Queue.Declare(queue=names[-1], exclusive=True))
    peer.call(Basic.Consume(queue=names[-1], no_ack=True))
    peer.publish(1, "", names[0], b"", Basic.Properties(headers={"z": 1, "a": 2}))
    headers = peer.expect(Basic.Deliver).properties.headers
    assert [death(headers, at)["count"] for at in range(4)] == [1, 1, 1, 1]
    queues = [each["queue"] for each in headers["x-death"]]
    assert queues[0] == names[3]
    assert set(queues) == set(names[:4])
    assert headers["x-first-death-queue"] == names[0]


def test_each_reason_in_a_queue_is_counted_for_itself(peer, q, unique_name):
    """Wire behaviours 68, 69."""
    retry = unique_name("retry")
    declare(peer, q, key=retry)
    declare(peer, retry, key=q)
    peer.publish(1, "", q, b"", Basic.Properties(expiration="0"))
    peer.call(Basic.Consume(queue=retry))
    expired = peer.expect(Basic.Deliver)
    peer.call(Basic.Consume(queue=q))
    peer.send_method(1, Basic.Reject(expired.delivery_tag, requeue=False))
    rejected = peer.expect(Basic.Deliver)
    peer.send_method(1, Basic.Reject(rejected.delivery_tag, requeue=False))
    deaths = peer.expect(Basic.Deliver).properties.headers["x-death"]
    assert deaths[0]["queue"] == q
    assert {(each["queue"], each["reason"], each["count"]) for each in deaths} == {
        (q, "rejected", 1),
        (retry, "rejected", 1),
        (q, "expired", 1),
    }


def test_a_circle_by_itself_ends(peer, q, dead, unique_name):
    """Wire behaviour 74."""
    second = unique_name("second")
    declare(peer, q, "amq.direct", x_message_ttl=0)
    declare(peer, second, "amq.direct", x_message_ttl=0)
    peer.call(Queue.Bind(queue=second, exchange="amq.direct", routing_key=q))
    peer.call(Queue.Bind(queue=q, exchange="amq.direct", routing_key=q))
    peer.publish(1, "", q)
    assert peer.call(Queue.Declare(queue=q, passive=True)).message_count == 0
    assert peer.call(Queue.Declare(queue=second, passive=True)).message_count == 0


def test_a_queue_may_not_feed_itself(peer, q):
    declare(peer, q, key=q, x_message_ttl=0)
    peer.publish(1, "", q)
    assert is_empty(peer, q)


def test_a_rejected_message_may_come_back_to_its_queue(peer, q):
    declare(peer, q, key=q)
    peer.call(Basic.Consume(queue=q))
    peer.publish(1, "", q)
    peer.send_method(1, Basic.Reject(peer.expect(Basic.Deliver).delivery_tag, requeue=False))
    assert death(peer.expect(Basic.Deliver).properties.headers)["queue"] == q


def test_purged_messages_are_no_dead_letters(peer, q, dead):
    declare(peer, q, key=dead)
    peer.publish(1, "", q)
    peer.call(Queue.Purge(queue=q))
    peer.expect_nothing(2)


def test_requeued_messages_are_no_dead_letters(peer, q, dead):
    declare(peer, q, key=dead)
    peer.publish(1, "", q)
    peer.send_method(1, Basic.Nack(get(peer, q).delivery_tag, requeue=True))
    peer.expect_nothing(2)


def test_a_story_that_is_none_is_replaced(peer, q, dead):
    declare(peer, q, key=dead)
    peer.publish(1, "", q, b"", Basic.Properties(headers={"x-death": "text"}))
    reject(peer, q)
    headers = next_letter(peer).properties.headers
    assert death(headers)["count"] == 1
    assert "x-first-death-queue" not in headers
