"""Class basic, but for the publishing path, which is in `leveret.amqp.channel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.amqp.consumer import ChannelConsumer
from leveret.amqp.events import consumer_created, consumer_deleted
from leveret.amqp.reply_to import REPLY_TO, reply_queue
from leveret.amqp.routing import trace_delivery
from leveret.broker.arguments import check_consumer_arguments
from leveret.broker.names import queue_resource
from leveret.broker.seams import Pending
from leveret.errors import NotAllowed, NotImplementedByServer, ResourceLocked
from leveret.wire.constants import (
    BASIC_ACK,
    BASIC_CANCEL,
    BASIC_CONSUME,
    BASIC_GET,
    BASIC_GET_OK,
    BASIC_NACK,
    BASIC_QOS,
    BASIC_RECOVER,
    BASIC_RECOVER_ASYNC,
    BASIC_REJECT,
)
from leveret.wire.frames import method_frame
from leveret.wire.methods import (
    BasicAck,
    BasicCancel,
    BasicCancelOk,
    BasicConsume,
    BasicConsumeOk,
    BasicGet,
    BasicGetEmpty,
    BasicNack,
    BasicQos,
    BasicQosOk,
    BasicRecover,
    BasicRecoverAsync,
    BasicRecoverOk,
    BasicReject,
    Method,
)

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Handler


def qos(channel: Channel, method: Method) -> None:
    """basic.qos: global means the channel, else each consumer started from now on. What that lets
    through follows the answer."""
    assert isinstance(method, BasicQos)
    if method.prefetch_size != 0:
        raise NotImplementedByServer(f"prefetch_size!=0 ({method.prefetch_size})")
    if method.global_ and channel.vhost.compat.global_prefetch:
        channel.prefetch_count = method.prefetch_count
        channel.send(BasicQosOk())
        channel.replenish_all()
    else:
        channel.consumer_prefetch_count = method.prefetch_count
        channel.send(BasicQosOk())


def consume(channel: Channel, method: Method) -> None:
    """basic.consume; consume-ok leaves before the first delivery."""
    assert isinstance(method, BasicConsume)
    maximum = channel.connection.limits.consumer_max_per_channel
    if maximum and len(channel.consumers) >= maximum:
        raise NotAllowed(f"reached maximum ({maximum}) of consumers per channel")
    tag = method.consumer_tag or channel.broker.generate("amq.ctag-")
    if tag in channel.consumers:
        raise NotAllowed(f"attempt to reuse consumer tag '{tag}'")
    name = channel.named_queue(method.queue)
    resource = queue_resource(channel.vhost.name, name)
    if name == REPLY_TO:
        check_consumer_arguments(resource, "classic", method.arguments)
        queue = reply_queue(channel, method.no_ack)
    else:
        channel.vhost.require(channel.actor, "read", "queue", name)
        queue = channel.vhost.accessible_queue(channel.actor, name)
        check_consumer_arguments(resource, queue.type_name, method.arguments)
    if queue.type_name == "quorum" and channel.prefetch_count != 0:
        raise NotImplementedByServer(f"{resource} does not support global qos")
    consumer = ChannelConsumer(
        channel,
        queue,
        tag,
        method.no_ack,
        method.exclusive,
        channel.consumer_prefetch_count,
        method.arguments,
    )
    channel.vhost.add_consumer(queue, consumer)
    channel.consumers[tag] = consumer
    consumer_created(consumer)
    if not method.nowait:
        channel.send(BasicConsumeOk(consumer_tag=tag))
    queue.deliver()


def cancel(channel: Channel, method: Method) -> None:
    """basic.cancel: unacked messages stay with the channel; an unknown tag is no error."""
    assert isinstance(method, BasicCancel)
    consumer = channel.consumers.pop(method.consumer_tag, None)
    answer = Pending.of(0)
    if consumer is not None:
        consumer.queue.remove_consumer(consumer)
        consumer_deleted(consumer, channel.connection.user)
        answer = channel.vhost.consumer_left(consumer.queue)
    reply = BasicCancelOk(consumer_tag=method.consumer_tag)
    channel.answer_with(answer, reply, method.nowait)


def get(channel: Channel, method: Method) -> None:
    """basic.get: one message, whatever the prefetch says."""
    assert isinstance(method, BasicGet)
    name = channel.named_queue(method.queue)
    channel.vhost.require(channel.actor, "read", "queue", name)
    queue = channel.vhost.accessible_queue(channel.actor, name)

    if queue.type_name == "quorum" and queue.has_single_active_consumer():
        raise ResourceLocked(
            f"cannot obtain access to locked {queue_resource(channel.vhost.name, name)}. basic.get "
            "operations are not supported by quorum queues with single active consumer"
        )
    queue.used()

    def reply(_at_hand: object) -> None:
        entry = queue.get(method.no_ack)
        if entry is None:
            channel.get_empty_count += 1
            channel.send(BasicGetEmpty())
            return
        if method.no_ack:
            channel.get_no_ack_count += 1
        else:
            channel.get_count += 1
        if entry.redelivered:
            channel.redeliver_count += 1
        tag = int(channel.unacked.next_tag()) if method.no_ack else int(channel.track(entry))
        message = entry.message
        # By hand, because exchange and routing key are kept encoded.
        payload = b"".join(
            (
                BASIC_GET_OK.to_bytes(4, "big"),
                tag.to_bytes(8, "big"),
                b"\x01" if entry.redelivered else b"\x00",
                message.tail,
                int(queue.ready_count).to_bytes(4, "big"),
            )
        )
        output = channel.connection.output
        output.write(method_frame(channel.number, payload))
        output.content(message, channel.number)
        if channel.firehose.on:
            trace_delivery(channel, message, queue.name, entry.redelivered)

    def take(_room: object) -> None:
        channel.answer(queue.when_at_hand(), reply)

    # A message is much larger than what asks for it.
    channel.answer(channel.connection.output.when_room(), take)


def ack(channel: Channel, method: Method) -> None:
    """basic.ack."""
    assert isinstance(method, BasicAck)
    channel.acknowledge(method.delivery_tag, method.multiple)


def nack(channel: Channel, method: Method) -> None:
    """basic.nack: back to the queue, or gone."""
    assert isinstance(method, BasicNack)
    channel.reject(method.delivery_tag, method.multiple, method.requeue, False)


def reject(channel: Channel, method: Method) -> None:
    """basic.reject: basic.nack for one message, which has failed if it goes back."""
    assert isinstance(method, BasicReject)
    channel.reject(method.delivery_tag, False, method.requeue, True)


def recover(channel: Channel, method: Method) -> None:
    """basic.recover: requeue all that is unacked; the answer leaves before the first delivery."""
    assert isinstance(method, BasicRecover)
    _require_requeue(method.requeue)
    channel.send(BasicRecoverOk())
    channel.requeue(channel.settle(0, True), False)


def recover_async(channel: Channel, method: Method) -> None:
    """basic.recover-async: the same without an answer."""
    assert isinstance(method, BasicRecoverAsync)
    _require_requeue(method.requeue)
    channel.requeue(channel.settle(0, True), False)


def _require_requeue(requeue: bool) -> None:
    if not requeue:
        raise NotImplementedByServer("requeue=false")


HANDLERS: Final[dict[int, Handler]] = {
    BASIC_QOS: qos,
    BASIC_CONSUME: consume,
    BASIC_CANCEL: cancel,
    BASIC_GET: get,
    BASIC_ACK: ack,
    BASIC_NACK: nack,
    BASIC_REJECT: reject,
    BASIC_RECOVER: recover,
    BASIC_RECOVER_ASYNC: recover_async,
}
