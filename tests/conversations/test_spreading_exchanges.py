"""Exchange types that lead a message to one of their bindings.

RabbitMQ has them in its plugins rabbitmq_consistent_hash_exchange, rabbitmq_random_exchange and
rabbitmq_sharding, which must be enabled for these to hold there.
"""

import pytest
from pamqp.commands import Basic, Exchange, Queue

HASH = "x-consistent-hash"


def declare(peer, x, kind, **arguments):
    named = {name.replace("_", "-"): value for name, value in arguments.items()}
    peer.send_method(1, Exchange.Declare(exchange=x, exchange_type=kind, arguments=named))


def counts(peer, queues):
    peer.call(Basic.Qos())
    asked = [peer.call(Queue.Declare(queue=queue, passive=True)) for queue in queues]
    return [answer.message_count for answer in asked]


@pytest.fixture
def queues(peer, unique_name):
    names = [unique_name(f"queue{number}") for number in range(3)]
    for name in names:
        peer.call(Queue.Declare(queue=name))
    return names


@pytest.mark.parametrize("kind", [HASH, "x-modulus-hash", "x-random"])
def test_each_message_goes_to_one_queue(peer, x, queues, kind):
    declare(peer, x, kind)
    peer.expect(Exchange.DeclareOk)
    for queue in queues:
        peer.call(Queue.Bind(queue=queue, exchange=x, routing_key="1"))
    for number in range(60):
        peer.publish(1, x, f"key{number}", b"m", Basic.Properties(headers={"CC": ["a", "b", "c"]}))
    found = counts(peer, queues)
    assert sum(found) == 60
    assert all(found)


@pytest.mark.parametrize("kind", [HASH, "x-modulus-hash"])
def test_equal_keys_go_one_way(peer, x, queues, kind):
    declare(peer, x, kind)
    peer.expect(Exchange.DeclareOk)
    for queue in queues:
        peer.call(Queue.Bind(queue=queue, exchange=x, routing_key="1"))
    for _ in range(20):
        peer.publish(1, x, "key", b"m")
    assert sorted(counts(peer, queues)) == [0, 0, 20]


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("hash_header", "h"),
        ("hash_property", "message_id"),
        ("hash_property", "correlation_id"),
    ],
)
def test_a_hash_exchange_hashes_what_it_was_told(peer, x, queues, argument, name):
    declare(peer, x, HASH, **{argument: name})
    peer.expect(Exchange.DeclareOk)
    for queue in queues:
        peer.call(Queue.Bind(queue=queue, exchange=x, routing_key="1"))

    def properties(value):
        if argument == "hash_header":
            return Basic.Properties(headers={name: value})
        return Basic.Properties(**{name: value})

    for number in range(20):
        peer.publish(1, x, f"key{number}", b"m", properties("one"))
    assert sorted(counts(peer, queues)) == [0, 0, 20]
    for number in range(60):
        peer.publish(1, x, "key", b"m", properties(f"value{number}"))
    assert all(counts(peer, queues))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"hash_property": "nope"}, "Unsupported property: nope"),
        (
            {"hash_property": "message_id", "hash_header": "h"},
            "hash-header and hash-property are mutually exclusive",
        ),
    ],
)
def test_a_hash_exchange_that_cannot_hash_is_refused(peer, x, arguments, text):
    declare(peer, x, HASH, **arguments)
    peer.expect_channel_closed(406, f"PRECONDITION_FAILED - {text}", Exchange.Declare)


def test_what_a_hash_exchange_hashes_is_not_compared(peer, x):
    for arguments in ({}, {"hash_header": "h"}, {"hash_property": "message_id"}):
        declare(peer, x, HASH, **arguments)
        peer.expect(Exchange.DeclareOk)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("0", "The binding key must be greater than 0"),
        ("-1", "The binding key must be greater than 0"),
        ("x", 'The binding key must be an integer: <<"x">>'),
        ("1.5", 'The binding key must be an integer: <<"1.5">>'),
        ("", "The binding key must be an integer: <<>>"),
        (" 1", 'The binding key must be an integer: <<" 1">>'),
    ],
)
def test_a_binding_key_that_is_no_weight_is_refused(peer, x, queues, key, text):
    declare(peer, x, HASH)
    peer.expect(Exchange.DeclareOk)
    peer.send_method(1, Queue.Bind(queue=queues[0], exchange=x, routing_key=key))
    peer.expect_channel_closed(406, f"PRECONDITION_FAILED - {text}", Queue.Bind)


@pytest.mark.parametrize("key", ["+3", "01", "10000"])
def test_a_binding_key_that_is_a_weight(peer, x, queues, key):
    declare(peer, x, HASH)
    peer.expect(Exchange.DeclareOk)
    peer.call(Queue.Bind(queue=queues[0], exchange=x, routing_key=key))
    peer.publish(1, x, "any", b"m")
    assert counts(peer, queues) == [1, 0, 0]
