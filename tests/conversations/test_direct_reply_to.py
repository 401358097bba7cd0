"""Direct reply-to: requests and answers without a queue for the answers."""

import pytest
from pamqp.commands import Basic, Queue

from peer import unchecked

REPLY_TO = "amq.rabbitmq.reply-to"


def test_its_name_is_declared_for_everybody(peer):
    declared = peer.call(Queue.Declare(queue=REPLY_TO, passive=True))
    assert (declared.queue, declared.message_count, declared.consumer_count) == (REPLY_TO, 0, 1)
    assert peer.call(Queue.Declare(queue=REPLY_TO, durable=True)).consumer_count == 1


def test_a_name_that_nobody_has_is_not_found(peer):
    peer.send_method(1, Queue.Declare(queue=f"{REPLY_TO}.nobody"))
    text = f"NOT_FOUND - no queue '{REPLY_TO}.nobody' in vhost '/'"
    peer.expect_channel_closed(404, text, Queue.Declare)


def test_a_request_leaves_with_a_name_of_its_own_and_the_answer_comes_back(peer, other, q):
    """Wire behaviour 43."""
    peer.call(Basic.Consume(queue=REPLY_TO, consumer_tag="answers", no_ack=True))
    peer.call(Queue.Declare(queue=q))
    properties = Basic.Properties(reply_to=REPLY_TO, correlation_id="7", headers={"a": 1})
    peer.publish(1, "", q, b"question", properties)
    peer.call(Basic.Qos())  # the queue has it
    got = other.call(Basic.Get(queue=q, no_ack=True))
    assert (got.body, got.properties.correlation_id) == (b"question", "7")
    assert got.properties.headers == {"a": 1}
    name = got.properties.reply_to
    assert name.startswith(f"{REPLY_TO}.")
    declared = unchecked(Queue.Declare, queue=name, passive=True)
    assert other.call(declared).consumer_count == 1
    other.publish(1, "", name, b"answer")
    answer = peer.expect(Basic.Deliver)
    assert (answer.body, answer.consumer_tag, answer.routing_key) == (b"answer", "answers", name)
    peer.call(Basic.Cancel(consumer_tag="answers"))


def test_a_large_request_keeps_its_body(peer, other, q):
    peer.call(Basic.Consume(queue=REPLY_TO, no_ack=True))
    peer.call(Queue.Declare(queue=q))
    body = bytes(range(256)) * 1200
    peer.publish(1, "", q, body, Basic.Properties(reply_to=REPLY_TO))
    peer.call(Basic.Qos())
    got = other.call(Basic.Get(queue=q, no_ack=True))
    assert got.body == body


def test_a_name_goes_with_its_channel(peer, other, q):
    peer.call(Basic.Consume(queue=REPLY_TO, no_ack=True))
    peer.call(Queue.Declare(queue=q))
    peer.publish(1, "", q, b"", Basic.Properties(reply_to=REPLY_TO))
    peer.call(Basic.Qos())
    name = other.call(Basic.Get(queue=q, no_ack=True)).properties.reply_to
    peer.close()
    other.publish(1, "", name, b"late", mandatory=True)
    assert other.expect(Basic.Return).reply_code == 312


def test_the_name_elsewhere_among_the_properties_stays(peer, q):
    peer.call(Queue.Declare(queue=q))
    peer.publish(1, "", q, b"", Basic.Properties(reply_to="mine", message_id=REPLY_TO))
    properties = peer.call(Basic.Get(queue=q, no_ack=True)).properties
    assert (properties.reply_to, properties.message_id) == ("mine", REPLY_TO)


def test_a_reply_consumer_cannot_acknowledge(peer):
    """Error table: reply-to with ack."""
    peer.send_method(1, Basic.Consume(queue=REPLY_TO))
    text = "PRECONDITION_FAILED - reply consumer cannot acknowledge"
    peer.expect_channel_closed(406, text, Basic.Consume)


def test_a_channel_has_one_reply_consumer(peer):
    """Error table: reply-to twice."""
    peer.call(Basic.Consume(queue=REPLY_TO, no_ack=True))
    peer.send_method(1, Basic.Consume(queue=REPLY_TO, no_ack=True))
    text = "PRECONDITION_FAILED - reply consumer already set"
    peer.expect_channel_closed(406, text, Basic.Consume)


def test_a_request_needs_a_reply_consumer(peer):
    """Error table: reply-to without consumer."""
    peer.publish(1, "", "nowhere", b"", Basic.Properties(reply_to=REPLY_TO))
    text = "PRECONDITION_FAILED - fast reply consumer does not exist"
    peer.expect_channel_closed(406, text, Basic.Publish)


@pytest.mark.parametrize("command", [Basic.Get(queue=REPLY_TO), Queue.Purge(queue=REPLY_TO)])
def test_it_is_no_queue(peer, command):
    peer.send_method(1, command)
    text = f"NOT_FOUND - no queue '{REPLY_TO}' in vhost '/'"
    peer.expect_channel_closed(404, text, type(command))
