"""Quorum queues: what they refuse. What they keep is told elsewhere."""

import pytest
from pamqp.commands import Basic, Confirm, Queue

QUORUM = {"x-queue-type": "quorum"}


def declare(q, **more):
    arguments = QUORUM | more.pop("arguments", {})
    return Queue.Declare(queue=q, arguments=arguments, **({"durable": True} | more))


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"durable": False}, "non-durable"),
        ({"exclusive": True}, "exclusive-owner"),
        ({"exclusive": True, "durable": False}, "exclusive-owner"),
        ({"auto_delete": True}, "auto-delete"),
        ({"auto_delete": True, "exclusive": True, "durable": False}, "auto-delete"),
    ],
)
def test_a_quorum_queue_is_durable_shared_and_stays(peer, q, properties, reason):
    """Error table: quorum with exclusive, auto-delete, transient."""
    peer.send_method(1, declare(q, **properties))
    text = f"PRECONDITION_FAILED - invalid property '{reason}' for queue '{q}' in vhost '/'"
    peer.expect_channel_closed(406, text, Queue.Declare)


@pytest.mark.parametrize("durable", [True, False])
def test_a_quorum_queue_has_a_name(peer, durable):
    """Error table: server-named quorum."""
    peer.send_method(1, declare("", durable=durable))
    text = "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue"
    peer.expect_channel_closed(406, text, Queue.Declare)


@pytest.mark.parametrize(
    "name",
    ["x-max-priority", "x-queue-mode", "x-queue-version", "x-queue-master-locator", "x-max-age"],
)
def test_a_quorum_queue_refuses_what_other_types_know(peer, q, name):
    """Error table: argument of another queue type."""
    peer.send_method(1, declare(q, arguments={name: 1}))
    text = (
        f"PRECONDITION_FAILED - invalid arg '{name}' for queue '{q}' in vhost '/' "
        "of queue type rabbit_quorum_queue"
    )
    peer.expect_channel_closed(406, text, Queue.Declare)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("x-message-ttl", -1, "{value_negative,-1}"),
        ("x-dead-letter-strategy", "sometimes", "invalid_dlx_strategy"),
        ("x-dead-letter-strategy", 1, "{unacceptable_type,signedint}"),
        ("x-quorum-initial-group-size", 0, "{value_zero,0}"),
        ("x-quorum-initial-group-size", "a", '"expected integer, got longstr"'),
        ("x-queue-leader-locator", "nowhere", "invalid_queue_locator_arg"),
    ],
)
def test_a_wrong_value_is_refused_before_the_properties(peer, q, name, value, reason):
    """Error table: bad argument value."""
    peer.send_method(1, declare(q, durable=False, arguments={name: value}))
    text = f"PRECONDITION_FAILED - invalid arg '{name}' for queue '{q}' in vhost '/': {reason}"
    peer.expect_channel_closed(406, text, Queue.Declare)


def test_a_quorum_queue_takes_many_arguments(peer, q):
    arguments = {
        "x-message-ttl": 60_000,
        "x-expires": 600_000,
        "x-max-length": 5,
        "x-max-length-bytes": 5000,
        "x-overflow": "reject-publish",
        "x-delivery-limit": 5,
        "x-dead-letter-exchange": "nowhere",
        "x-dead-letter-routing-key": "key",
        "x-dead-letter-strategy": "at-least-once",
        "x-single-active-consumer": True,
        "x-queue-leader-locator": "balanced",
        "x-quorum-initial-group-size": 1,
        "x-max-in-memory-length": 1,
        "x-max-in-memory-bytes": 1,
        "x-anything": 1,
    }
    for _ in range(2):
        peer.call(declare(q, arguments=arguments))


REDECLARED = [
    (
        {"arguments": {"x-message-ttl": 5}},
        "x-message-ttl",
        "received the value '5' of type 'signedint' but current is none",
    ),
    ({"durable": False}, "durable", "received 'false' but current is 'true'"),
    ({"auto_delete": True}, "auto_delete", "received 'true' but current is 'false'"),
    (
        {"arguments": {"x-queue-type": "classic"}},
        "x-queue-type",
        "received 'classic' but current is 'quorum'",
    ),
    (
        {"arguments": {"x-delivery-limit": 5}},
        "x-delivery-limit",
        "received '5' but current is '4'",
    ),
]


@pytest.mark.parametrize(("change", "argument", "difference"), REDECLARED)
def test_redeclaring_a_quorum_queue_differently(peer, q, change, argument, difference):
    """Error table: redeclare, property or argument differs."""
    peer.call(declare(q, arguments={"x-delivery-limit": 4}))
    changed = {"arguments": {"x-delivery-limit": 4} | change.get("arguments", {})}
    peer.send_method(1, declare(q, **(change | changed)))
    text = (
        f"PRECONDITION_FAILED - inequivalent arg '{argument}' for queue '{q}' in vhost '/': "
        f"{difference}"
    )
    peer.expect_channel_closed(406, text, Queue.Declare)


def test_redeclaring_a_quorum_queue_without_its_type(peer, q):
    peer.call(declare(q))
    peer.send_method(1, Queue.Declare(queue=q, durable=True))
    text = (
        f"PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '{q}' in vhost '/': "
        "received none but current is the value 'quorum' of type 'longstr'"
    )
    peer.expect_channel_closed(406, text, Queue.Declare)


@pytest.mark.parametrize(
    ("flags", "flag"),
    [
        ({"if_unused": True}, "if-unused"),
        ({"if_empty": True}, "if-empty"),
        ({"if_unused": True, "if_empty": True}, "if-unused"),
    ],
)
def test_a_quorum_queue_is_deleted_without_conditions(peer, q, flags, flag):
    """Error table: delete if-unused, if-empty on a quorum queue."""
    peer.call(declare(q))
    peer.send_method(1, Queue.Delete(queue=q, **flags))
    text = (
        f"NOT_IMPLEMENTED - cannot delete queue '{q}' in vhost '/'. queue.delete operations with "
        f"{flag} flag set are not supported by quorum queues"
    )
    peer.expect_connection_closed(540, text, Queue.Delete)


def test_a_quorum_queue_knows_no_global_prefetch(peer, q):
    """Error table: quorum and global qos."""
    peer.call(declare(q))
    peer.call(Basic.Qos(prefetch_count=1, global_=True))
    peer.send_method(1, Basic.Consume(queue=q))
    text = f"NOT_IMPLEMENTED - queue '{q}' in vhost '/' does not support global qos"
    peer.expect_connection_closed(540, text, Basic.Consume)


def test_a_quorum_queue_has_no_exclusive_consumers(peer, q):
    peer.call(declare(q))
    peer.call(Basic.Consume(queue=q, exclusive=True))
    peer.call(Basic.Consume(queue=q))


def test_deleting_a_quorum_queue_cancels_its_consumers(peer, other, q):
    """Wire behaviour 33."""
    peer.call(declare(q))
    peer.call(Basic.Consume(queue=q, consumer_tag="me"))
    assert other.call(Queue.Delete(queue=q)).message_count == 0
    assert peer.expect(Basic.Cancel).consumer_tag == "me"


def test_a_quorum_queue_holds_messages(peer, q):
    peer.call(declare(q))
    peer.call(Confirm.Select())
    for body in (b"1", b"2"):
        peer.publish(1, "", q, body)
        peer.expect(Basic.Ack)
    got = [peer.call(Basic.Get(queue=q)) for _ in range(2)]
    assert [(each.body, each.redelivered) for each in got] == [(b"1", False), (b"2", False)]
    peer.send_method(1, Basic.Reject(1, requeue=True))
    assert peer.call(Basic.Get(queue=q)).redelivered


def test_what_is_got_says_how_often_it_came_back(peer, q):
    """Wire behaviour 59."""
    peer.call(declare(q))
    peer.call(Confirm.Select())
    peer.publish(1, "", q, b"", Basic.Properties(headers={"z": 1, "a": 2}))
    peer.expect(Basic.Ack)
    got = peer.call(Basic.Get(queue=q))
    assert got.properties.headers == {"a": 2, "x-delivery-count": 0, "z": 1}
    peer.call(Basic.Recover(requeue=True))
    again = peer.call(Basic.Get(queue=q))
    assert again.properties.headers == {"a": 2, "x-delivery-count": 1, "z": 1}


def test_what_is_delivered_says_so_once_it_has_come_back(peer, q):
    """Wire behaviour 59."""
    peer.call(declare(q))
    peer.call(Basic.Consume(queue=q))
    peer.publish(1, "", q)
    first = peer.expect(Basic.Deliver)
    assert first.properties.headers is None
    peer.send_method(1, Basic.Reject(first.delivery_tag, requeue=True))
    assert peer.expect(Basic.Deliver).properties.headers == {"x-delivery-count": 1}


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_getting_from_a_queue_with_one_active_consumer(peer, q, queue_type):
    """Error table: basic.get on SAC: quorum queues refuse it, classic ones do not."""
    arguments = {"x-queue-type": queue_type, "x-single-active-consumer": True}
    peer.call(Queue.Declare(queue=q, durable=True, arguments=arguments))
    peer.send_method(1, Basic.Get(queue=q))
    if queue_type == "classic":
        peer.expect(Basic.GetEmpty)
        return
    text = (
        f"RESOURCE_LOCKED - cannot obtain access to locked queue '{q}' in vhost '/'. basic.get "
        "operations are not supported by quorum queues with single active consumer"
    )
    peer.expect_channel_closed(405, text, Basic.Get)
