"""Transactions: publishes and acknowledgements that take effect together (wire behaviour 76)."""

import pytest
from pamqp.commands import Basic, Channel, Confirm, Connection, Exchange, Queue, Tx

from peer import method_frame


@pytest.fixture
def queue(peer, q):
    """A queue, and a channel in a transaction."""
    peer.call(Queue.Declare(queue=q))
    peer.call(Tx.Select())
    return q


@pytest.fixture
def got(peer, other, queue):
    """Three messages, delivered and not settled."""
    for body in (b"1", b"2", b"3"):
        other.publish(1, "", queue, body)
    other.call(Basic.Qos())
    return [peer.call(Basic.Get(queue=queue)).delivery_tag for _ in range(3)]


def left(reader, q):
    """All that a reader of the queue finds."""
    found = []
    while isinstance((answer := reader.call(Basic.Get(queue=q, no_ack=True))).method, Basic.GetOk):
        found.append((answer.body, answer.redelivered))
    return found


def ready(reader, q):
    return reader.call(Queue.Declare(queue=q, passive=True)).message_count


UNKNOWN = "PRECONDITION_FAILED - unknown delivery tag {}"
ENDINGS = ["channel", "connection", "socket", "refusal"]


def end(peer, ending):
    match ending:
        case "channel":
            peer.call(Channel.Close(200, "", 0, 0))
        case "connection":
            peer.call(Connection.Close(200, "", 0, 0), 0)
        case "socket":
            peer.close()
        case "refusal":
            peer.send_method(1, Basic.Ack(99))
            peer.expect_channel_closed(406, UNKNOWN.format(99), Basic.Ack)


# --- the mode of a channel ---


def test_selecting_twice_is_no_error_and_no_rollback(peer, queue):
    """No error: tx.select twice."""
    peer.publish(1, "", queue, b"kept")
    peer.call(Tx.Select())
    peer.call(Tx.Commit())
    assert left(peer, queue) == [(b"kept", False)]


@pytest.mark.parametrize("command", [Tx.Commit(), Tx.Rollback()], ids=lambda each: each.name)
def test_without_a_select_there_is_nothing_to_end(peer, command):
    """Error table: tx without select."""
    peer.send_method(1, command)
    text = "PRECONDITION_FAILED - channel is not transactional"
    peer.expect_channel_closed(406, text, type(command))


@pytest.mark.parametrize("nowait", [False, True])
def test_a_transactional_channel_does_not_confirm(peer, nowait):
    """Error table: confirm and tx mixed."""
    peer.call(Tx.Select())
    peer.send_method(1, Confirm.Select(nowait=nowait))
    text = "PRECONDITION_FAILED - cannot switch from tx to confirm mode"
    peer.expect_channel_closed(406, text, Confirm.Select)


def test_a_confirming_channel_has_no_transactions(peer):
    """Error table: confirm and tx mixed."""
    peer.call(Confirm.Select())
    peer.send_method(1, Tx.Select())
    text = "PRECONDITION_FAILED - cannot switch from confirm to tx mode"
    peer.expect_channel_closed(406, text, Tx.Select)


def test_the_mode_ends_with_the_channel(peer, queue):
    peer.call(Channel.Close(200, "", 0, 0))
    peer.open_channels()
    peer.publish(1, "", queue, b"at once")
    assert left(peer, queue) == [(b"at once", False)]


def test_each_channel_has_its_own(peer, queue):
    peer.open_channels([2])
    peer.publish(1, "", queue, b"later")
    peer.publish(2, "", queue, b"at once")
    peer.call(Basic.Qos(), 2)
    assert ready(peer, queue) == 1
    peer.call(Tx.Commit())
    assert left(peer, queue) == [(b"at once", False), (b"later", False)]


@pytest.mark.parametrize("command", [Tx.Commit(), Tx.Rollback()], ids=lambda each: each.name)
def test_an_empty_transaction_may_end(peer, queue, command):
    for _ in range(2):
        peer.call(command)


# --- publishing ---


@pytest.mark.parametrize("delivery_mode", [1, 2])
def test_messages_arrive_with_the_commit_in_their_order(peer, other, q, delivery_mode):
    peer.call(Queue.Declare(queue=q, durable=True))
    other.call(Basic.Consume(queue=q, no_ack=True))
    peer.call(Tx.Select())
    for n in range(10):
        peer.publish(1, "", q, b"%d" % n, Basic.Properties(delivery_mode=delivery_mode))
    other.expect_nothing()
    peer.call(Tx.Commit())
    assert [other.expect(Basic.Deliver).body for _ in range(10)] == [b"%d" % n for n in range(10)]


def test_a_rollback_drops_messages(peer, queue):
    peer.publish(1, "", queue, b"dropped")
    peer.call(Tx.Rollback())
    peer.publish(1, "", queue, b"kept")
    peer.call(Tx.Commit())
    assert left(peer, queue) == [(b"kept", False)]


def test_after_a_commit_the_next_transaction_has_begun(peer, queue):
    peer.publish(1, "", queue, b"first")
    peer.call(Tx.Commit())
    peer.publish(1, "", queue, b"second")
    assert ready(peer, queue) == 1
    peer.call(Tx.Commit())
    assert left(peer, queue) == [(b"first", False), (b"second", False)]


def test_a_copy_arrives_in_each_queue(peer, x, unique_name):
    queues = [unique_name("queue") for _ in range(2)]
    peer.call(Exchange.Declare(exchange=x, exchange_type="fanout"))
    for queue in queues:
        peer.call(Queue.Declare(queue=queue))
        peer.call(Queue.Bind(queue=queue, exchange=x))
    peer.call(Tx.Select())
    peer.publish(1, x, "", b"both")
    peer.call(Tx.Commit())
    assert [left(peer, queue) for queue in queues] == [[(b"both", False)]] * 2


def test_messages_are_routed_by_their_own_headers(peer, x, unique_name):
    queues = [unique_name("queue") for _ in range(2)]
    peer.call(Exchange.Declare(exchange=x, exchange_type="headers"))
    for n, queue in enumerate(queues):
        peer.call(Queue.Declare(queue=queue))
        peer.call(Queue.Bind(queue=queue, exchange=x, arguments={"n": n}))
    peer.call(Tx.Select())
    for n in (0, 1):
        peer.publish(1, x, "", b"%d" % n, Basic.Properties(headers={"n": n}))
    peer.call(Tx.Commit())
    assert [left(peer, queue) for queue in queues] == [[(b"0", False)], [(b"1", False)]]


def test_a_mandatory_message_to_nowhere_returns_with_the_commit(peer, queue):
    peer.publish(1, "", "nobody", b"back", mandatory=True)
    peer.expect_nothing()
    peer.send_method(1, Tx.Commit())
    returned = peer.expect(Basic.Return)
    assert (returned.reply_code, returned.reply_text, returned.body) == (312, "NO_ROUTE", b"back")
    peer.expect(Tx.CommitOk)


def test_a_rolled_back_message_does_not_return(peer, queue):
    peer.publish(1, "", "nobody", b"gone", mandatory=True)
    peer.call(Tx.Rollback())
    peer.call(Tx.Commit())


def test_a_missing_exchange_is_found_out_at_once_and_ends_it_all(peer, queue):
    """Wire behaviour 76."""
    peer.publish(1, "", queue, b"dropped")
    peer.publish(1, "nowhere", queue)
    text = "NOT_FOUND - no exchange 'nowhere' in vhost '/'"
    peer.expect_channel_closed(404, text, Basic.Publish)
    peer.open_channels()
    assert left(peer, queue) == []


def test_routes_are_those_of_the_publishing(peer, queue, x):
    peer.call(Exchange.Declare(exchange=x))
    peer.call(Queue.Bind(queue=queue, exchange=x, routing_key="bound"))
    peer.publish(1, x, "bound", b"routed")
    peer.publish(1, x, "unbound", b"to nowhere")
    peer.call(Queue.Bind(queue=queue, exchange=x, routing_key="unbound"))
    peer.call(Exchange.Delete(exchange=x))
    peer.call(Tx.Commit())
    assert left(peer, queue) == [(b"routed", False)]


def test_a_queue_deleted_before_the_commit_gets_nothing(peer, queue):
    peer.publish(1, "", queue, b"back", mandatory=True)
    peer.call(Queue.Delete(queue=queue))
    peer.send_method(1, Tx.Commit())
    assert peer.expect(Basic.Return).body == b"back"
    peer.expect(Tx.CommitOk)


def test_a_queue_declared_before_the_commit_is_reached_by_its_name(peer, q):
    peer.call(Tx.Select())
    peer.publish(1, "", q, b"early", mandatory=True)
    peer.call(Queue.Declare(queue=q))
    peer.call(Tx.Commit())
    assert left(peer, q) == [(b"early", False)]


def test_an_answer_to_direct_reply_to_does_not_wait(peer, other, queue):
    other.call(Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True))
    other.publish(1, "", queue, b"?", Basic.Properties(reply_to="amq.rabbitmq.reply-to"))
    other.call(Basic.Qos())
    request = peer.call(Basic.Get(queue=queue, no_ack=True))
    peer.publish(1, "", request.properties.reply_to, b"!")
    assert other.expect(Basic.Deliver).body == b"!"
    peer.call(Tx.Commit())
    other.expect_nothing()


# --- acknowledging ---


@pytest.mark.parametrize(
    "command",
    [Basic.Ack(2), Basic.Nack(2, requeue=True), Basic.Reject(2, requeue=False)],
    ids=lambda command: command.name,
)
def test_a_tag_is_used_up_before_the_commit(peer, queue, got, command):
    peer.send_method(1, command)
    peer.send_method(1, command)
    peer.expect_channel_closed(406, UNKNOWN.format(2), type(command))


def test_a_tag_that_is_used_up_bounds_no_multiple_ack(peer, queue, got):
    peer.send_method(1, Basic.Ack(2))
    peer.send_method(1, Basic.Ack(2, multiple=True))
    peer.expect_channel_closed(406, UNKNOWN.format(2), Basic.Ack)


@pytest.mark.parametrize(
    "commands",
    [
        [Basic.Ack(1), Basic.Ack(2), Basic.Ack(3)],
        [Basic.Ack(3, multiple=True)],
        [Basic.Ack(2), Basic.Ack(0, multiple=True)],
        [Basic.Nack(2, multiple=True, requeue=False), Basic.Reject(3, requeue=False)],
    ],
)
def test_what_was_settled_and_committed_is_gone(peer, queue, got, commands):
    for command in commands:
        peer.send_method(1, command)
    peer.call(Tx.Commit())
    peer.call(Channel.Close(200, "", 0, 0))
    peer.open_channels()
    assert left(peer, queue) == []


def test_what_was_rejected_returns_with_the_commit(peer, queue, got):
    peer.send_method(1, Basic.Reject(3, requeue=True))
    peer.send_method(1, Basic.Nack(1, requeue=True))
    peer.expect_nothing()
    assert ready(peer, queue) == 0
    peer.call(Tx.Commit())
    assert left(peer, queue) == [(b"1", True), (b"3", True)]


def test_a_multiple_ack_leaves_out_what_was_rejected(peer, queue, got):
    peer.send_method(1, Basic.Nack(2, requeue=True))
    peer.send_method(1, Basic.Ack(0, multiple=True))
    peer.call(Tx.Commit())
    peer.call(Channel.Close(200, "", 0, 0))
    peer.open_channels()
    assert left(peer, queue) == [(b"2", True)]


def test_after_a_rollback_deliveries_are_unacked_again(peer, queue, got):
    """Wire behaviour 76: they are not requeued."""
    peer.send_method(1, Basic.Nack(1, requeue=True))
    peer.send_method(1, Basic.Ack(3))
    peer.call(Tx.Rollback())
    assert ready(peer, queue) == 0
    for tag in got:
        peer.send_method(1, Basic.Ack(tag))
    peer.expect_nothing()
    peer.call(Tx.Commit())
    peer.call(Channel.Close(200, "", 0, 0))
    peer.open_channels()
    assert left(peer, queue) == []


def test_recovering_leaves_out_what_was_settled(peer, queue, got):
    peer.send_method(1, Basic.Ack(2))
    peer.call(Basic.Recover(requeue=True))
    assert left(peer, queue) == [(b"1", True), (b"3", True)]
    peer.call(Tx.Rollback())
    peer.send_method(1, Basic.Ack(2))
    peer.expect_nothing()


def test_automatic_acknowledgement_takes_no_part(peer, other, queue):
    other.publish(1, "", queue, b"gone")
    other.call(Basic.Qos())
    peer.call(Basic.Get(queue=queue, no_ack=True))
    peer.call(Tx.Rollback())
    assert left(peer, queue) == []


# --- consumers ---


@pytest.mark.parametrize("global_", [False, True])
def test_a_consumer_has_credit_again_after_the_commit(peer, other, queue, global_):
    for body in (b"1", b"2"):
        other.publish(1, "", queue, body)
    other.call(Basic.Qos())
    peer.call(Basic.Qos(prefetch_count=1, global_=global_))
    peer.call(Basic.Consume(queue=queue))
    peer.send_method(1, Basic.Ack(peer.expect(Basic.Deliver).delivery_tag))
    assert ready(peer, queue) == 1
    peer.send_method(1, Tx.Commit())
    peer.expect(Tx.CommitOk)
    assert peer.expect(Basic.Deliver).body == b"2"


def test_a_command_that_does_not_wait_for_the_commit(peer, queue):
    """Error table: command during pending tx.commit: RabbitMQ refuses it, here it waits."""
    peer.publish(1, "", queue, b"m")
    peer.send_raw(method_frame(1, Tx.Commit()) + method_frame(1, Basic.Qos()))
    arrived = peer.next()
    if isinstance(arrived.method, Tx.CommitOk):
        peer.expect(Basic.QosOk)
    else:
        text = "CHANNEL_ERROR - unexpected command while processing 'tx.commit'"
        assert (arrived.reply_code, arrived.reply_text) == (504, text)


def test_what_returns_comes_before_what_is_delivered_and_both_before_the_answer(peer, queue):
    peer.call(Basic.Consume(queue=queue, no_ack=True))
    peer.publish(1, "", queue, b"1")
    peer.publish(1, "", "nobody", b"back", mandatory=True)
    peer.publish(1, "", queue, b"2")
    peer.send_method(1, Tx.Commit())
    assert peer.expect(Basic.Return).body == b"back"
    assert [peer.expect(Basic.Deliver).body for _ in range(2)] == [b"1", b"2"]
    peer.expect(Tx.CommitOk)


def test_a_rollback_gives_no_credit(peer, other, queue):
    for body in (b"1", b"2"):
        other.publish(1, "", queue, body)
    other.call(Basic.Qos())
    peer.call(Basic.Qos(prefetch_count=1))
    peer.call(Basic.Consume(queue=queue))
    peer.send_method(1, Basic.Ack(peer.expect(Basic.Deliver).delivery_tag))
    peer.call(Tx.Rollback())
    assert ready(peer, queue) == 1


def test_an_acknowledgement_outlives_its_consumer(peer, other, queue):
    other.publish(1, "", queue, b"done")
    peer.call(Basic.Consume(queue=queue, consumer_tag="c"))
    peer.send_method(1, Basic.Ack(peer.expect(Basic.Deliver).delivery_tag))
    peer.call(Basic.Cancel("c"))
    peer.call(Tx.Commit())
    peer.call(Channel.Close(200, "", 0, 0))
    peer.open_channels()
    assert left(peer, queue) == []


def test_messages_of_a_queue_that_is_gone_may_be_acknowledged(peer, queue, got):
    peer.send_method(1, Basic.Ack(1))
    peer.call(Queue.Delete(queue=queue))
    peer.send_method(1, Basic.Reject(2, requeue=True))
    peer.call(Tx.Commit())


# --- both, and the end ---


def test_a_message_is_passed_on_in_one_transaction(peer, other, queue, unique_name):
    onward = unique_name("queue")
    peer.call(Queue.Declare(queue=onward))
    other.publish(1, "", queue, b"work")
    other.call(Basic.Qos())
    peer.call(Basic.Get(queue=queue))
    peer.publish(1, "", onward, b"done")
    peer.send_method(1, Basic.Ack(1))
    peer.call(Tx.Rollback())
    assert ready(peer, onward) == 0
    peer.publish(1, "", onward, b"done")
    peer.send_method(1, Basic.Ack(1))
    peer.call(Tx.Commit())
    assert left(peer, onward) == [(b"done", False)]
    peer.call(Channel.Close(200, "", 0, 0))
    peer.open_channels()
    assert left(peer, queue) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_not_committed_ends_with_the_channel(peer, other, queue, got, ending):
    """Wire behaviour 16."""
    peer.publish(1, "", queue, b"dropped", mandatory=True)
    peer.send_method(1, Basic.Ack(2))
    peer.send_method(1, Basic.Reject(1, requeue=False))
    peer.expect_nothing()
    other.call(Basic.Consume(queue=queue))
    end(peer, ending)
    returned = [other.expect(Basic.Deliver) for _ in range(3)]
    assert [(each.body, each.redelivered) for each in returned] == [
        (b"1", True),
        (b"2", True),
        (b"3", True),
    ]
    other.expect_nothing()
